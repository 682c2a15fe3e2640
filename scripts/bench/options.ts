/** What a run of the benchmark does: which scenarios, how often, how large. */
import { parseArgs } from 'node:util'

export const SCENARIO_NAMES = [
  'drain',
  'snapshot',
  'full-table',
  'enqueue',
  'latency',
  'workflows',
  'blocked-head',
  'pollers',
  'idle',
] as const

export type ScenarioName = (typeof SCENARIO_NAMES)[number]

/** How much of everything; counts of rows unless the name says otherwise. */
export interface Sizes {
  readonly drainJobs: number
  readonly finishedRows: number
  readonly futureRows: number
  readonly singleRows: number
  readonly batchRows: number
  readonly latencySeconds: number
  readonly workflows: number
  readonly flowWorkflows: number
  readonly dbosWorkflows: number
  readonly workflowSeconds: number
  readonly headJobs: number
  readonly otherJobs: number
  readonly pollerCounts: readonly number[]
  readonly idleSeconds: number
}

const FULL: Sizes = {
  drainJobs: 200_000,
  finishedRows: 10_000_000,
  futureRows: 1_000_000,
  singleRows: 16_000,
  batchRows: 200_000,
  latencySeconds: 20,
  workflows: 10_000,
  flowWorkflows: 5_000,
  dbosWorkflows: 1_500,
  workflowSeconds: 90,
  headJobs: 100_000,
  otherJobs: 100_000,
  pollerCounts: [1, 2, 4, 8],
  idleSeconds: 20,
}

const QUICK: Sizes = {
  drainJobs: 10_000,
  finishedRows: 50_000,
  futureRows: 10_000,
  singleRows: 800,
  batchRows: 10_000,
  latencySeconds: 3,
  workflows: 200,
  flowWorkflows: 100,
  dbosWorkflows: 100,
  workflowSeconds: 30,
  headJobs: 10_000,
  otherJobs: 5_000,
  pollerCounts: [1, 2],
  idleSeconds: 5,
}

export interface Options {
  readonly rounds: number
  readonly only: readonly ScenarioName[]
  readonly quick: boolean
  /** Where the results go as JSON; null: nowhere. */
  readonly json: string | null
  /** A JSON file of an earlier run to write into docs/benchmarks.md; then nothing is measured. */
  readonly render: string | null
  readonly sizes: Sizes
}

export const USAGE = `npm run bench -- [options]
  --rounds N       rounds of every scenario, systems interleaved (default 5, with --quick 1)
  --only a,b       scenarios: ${SCENARIO_NAMES.join(', ')} (default: all)
  --jobs N         jobs of a drain (default ${FULL.drainJobs})
  --finished N     finished rows of the full-table scenario (default ${FULL.finishedRows})
  --quick          small counts: shows that everything runs, its numbers mean nothing
  --json FILE      write every reading as JSON
  --render FILE    write the tables of an earlier --json FILE into docs/benchmarks.md`

/** Reads the arguments after the program's name. Throws an error with one sentence when they make no sense. */
export function parseOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    strict: true,
    options: {
      rounds: { type: 'string' },
      only: { type: 'string' },
      jobs: { type: 'string' },
      finished: { type: 'string' },
      quick: { type: 'boolean' },
      json: { type: 'string' },
      render: { type: 'string' },
    },
  })
  const quick = values.quick ?? false
  const sizes = quick ? QUICK : FULL
  return {
    rounds: wholeNumber('--rounds', values.rounds, quick ? 1 : 5, 1, 100),
    only: parseOnly(values.only),
    quick,
    json: values.json ?? null,
    render: values.render ?? null,
    sizes: {
      ...sizes,
      drainJobs: wholeNumber('--jobs', values.jobs, sizes.drainJobs, 1, 10_000_000),
      finishedRows: wholeNumber('--finished', values.finished, sizes.finishedRows, 1, 100_000_000),
    },
  }
}

function parseOnly(text: string | undefined): readonly ScenarioName[] {
  if (text === undefined) return SCENARIO_NAMES
  const wanted = text.split(',').map((name) => name.trim())
  for (const name of wanted) {
    if (!SCENARIO_NAMES.some((known) => known === name)) {
      throw new Error(`there is no scenario "${name}": choose from ${SCENARIO_NAMES.join(', ')}`)
    }
  }
  return SCENARIO_NAMES.filter((name) => wanted.includes(name))
}

function wholeNumber(
  name: string,
  text: string | undefined,
  fallback: number,
  least: number,
  most: number,
): number {
  if (text === undefined) return fallback
  const value = Number(text.replaceAll('_', ''))
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new Error(`${name} must be a whole number from ${least} to ${most}, got "${text}"`)
  }
  return value
}
