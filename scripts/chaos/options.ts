/** What a run of chaos does. */
import { parseArgs } from 'node:util'

export interface Options {
  readonly seed: number
  /** Names of scenarios; empty: all. */
  readonly only: readonly string[]
  /** Seconds of faults per scenario. */
  readonly seconds: number
  /** Where the verdicts go as JSON; null: nowhere. */
  readonly json: string | null
  /** libfaketime, when it is in no usual place. */
  readonly faketime: string | null
  readonly quiet: boolean
}

const SECONDS = 30
const SEED_MAX = 2_147_483_647

export const USAGE = `npm run chaos -- [options]
  --seed N          what the nemesis draws from (default: drawn, and printed)
  --scenario A,B    scenarios to run (default: all)
  --seconds N       seconds of faults in each (default ${SECONDS})
  --json FILE       write every verdict as JSON
  --faketime FILE   libfaketime.so.1, when it is in no usual place
  --quiet           print no faults while they happen`

/**
 * Reads the arguments after the program's name. `drawn` is the seed when none is given. Throws an error with one
 * sentence when they make no sense.
 */
export function parseOptions(argv: readonly string[], known: readonly string[], drawn: number): Options {
  const { values } = parseArgs({
    args: [...argv],
    strict: true,
    options: {
      seed: { type: 'string' },
      scenario: { type: 'string', multiple: true },
      seconds: { type: 'string' },
      json: { type: 'string' },
      faketime: { type: 'string' },
      quiet: { type: 'boolean' },
    },
  })
  const only = (values.scenario ?? []).flatMap((text) => text.split(',')).map((name) => name.trim())
  for (const name of only) {
    if (!known.includes(name))
      throw new Error(`there is no scenario "${name}": choose from ${known.join(', ')}`)
  }
  return {
    seed: wholeNumber('--seed', values.seed, drawn, 0, SEED_MAX),
    only,
    seconds: wholeNumber('--seconds', values.seconds, SECONDS, 1, 3_600),
    json: values.json ?? null,
    faketime: values.faketime ?? null,
    quiet: values.quiet ?? false,
  }
}

function wholeNumber(
  name: string,
  text: string | undefined,
  fallback: number,
  least: number,
  most: number,
): number {
  if (text === undefined) return fallback
  const value = Number(text)
  if (text.trim() === '' || !Number.isInteger(value) || value < least || value > most) {
    throw new Error(`${name} must be a whole number from ${least} to ${most}, got "${text}"`)
  }
  return value
}
