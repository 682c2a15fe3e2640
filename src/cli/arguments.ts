/** Reads the command line. Pure: what was typed goes in, a command or a sentence about it comes out. */
import { parseArgs } from 'node:util'
import { COMMANDS, type CommandName, factsOf, isCommandName } from './commands.ts'
import { UsageError } from './faults.ts'

export interface ParsedCommand {
  readonly name: CommandName
  /** Options that were given, without their dashes. */
  readonly options: ReadonlySet<string>
  readonly values: readonly string[]
}

/** Options that hold for every command. */
const EVERYWHERE = {
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const

/**
 * Reads what follows the program's name. `--help` anywhere asks for the help of the command, no command for the
 * general help. Throws {@link UsageError} for what is not understood, with the nearest thing that would be.
 */
export function parseCommand(argv: readonly string[]): ParsedCommand {
  const [first, ...rest] = argv
  if (first === undefined || first === '--help' || first === '-h') return help([])
  if (first === '--version' || first === '-v') return { name: 'version', options: new Set(), values: [] }
  if (!isCommandName(first)) {
    const kind = first.startsWith('-') ? 'option' : 'command'
    throw new UsageError(unknown(kind, first, Object.keys(COMMANDS), 'help'))
  }
  const { options, values } = readRest(first, rest)
  if (options.has('version')) return { name: 'version', options: new Set(), values: [] }
  if (options.has('help')) return help([first])
  checkValues(first, values)
  if (options.has('api-only') && options.has('poller-only')) {
    throw new UsageError(
      '--api-only and --poller-only exclude each other: leave both out to run API and poller together.',
    )
  }
  return { name: first, options, values }
}

function help(values: readonly string[]): ParsedCommand {
  return { name: 'help', options: new Set(), values }
}

function readRest(
  command: CommandName,
  rest: readonly string[],
): { readonly options: ReadonlySet<string>; readonly values: readonly string[] } {
  const known = factsOf(command).options.map((option) => option.name)
  const { tokens } = parseArgs({
    args: [...rest],
    options: {
      ...EVERYWHERE,
      ...Object.fromEntries(known.map((name) => [name, { type: 'boolean' as const }])),
    },
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const options = new Set<string>()
  const values: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') values.push(token.value)
    if (token.kind !== 'option') continue
    if (!known.includes(token.name) && !Object.hasOwn(EVERYWHERE, token.name)) {
      throw new UsageError(
        unknown(
          'option',
          token.rawName,
          known.map((name) => `--${name}`),
          `help ${command}`,
        ),
      )
    }
    if (token.value !== undefined) throw new UsageError(`The option ${token.rawName} takes no value.`)
    options.add(token.name)
  }
  return { options, values }
}

function checkValues(command: CommandName, values: readonly string[]): void {
  if (command === 'help') {
    const [about] = values
    if (about !== undefined && !isCommandName(about)) {
      throw new UsageError(unknown('command', about, Object.keys(COMMANDS), 'help'))
    }
    return
  }
  const { takes, synopsis } = factsOf(command)
  const missing = takes[values.length]
  if (missing !== undefined) throw new UsageError(`${command} needs a ${missing}: ${synopsis}`)
  const extra = values[takes.length]
  if (extra !== undefined) throw new UsageError(`"${printable(extra)}" is one argument too many: ${synopsis}`)
}

function unknown(kind: 'command' | 'option', given: string, known: readonly string[], help: string): string {
  const near = nearest(given, known)
  const advice = near === null ? `"${help}" lists what there is.` : `Did you mean ${near}?`
  return `There is no ${kind} "${printable(given)}". ${advice}`
}

function printable(text: string): string {
  return text.replace(/\p{C}/gu, '?').slice(0, 60)
}

/** The known word that is at most two slips away, or that begins with what was given; null when there is none. */
export function nearest(given: string, known: readonly string[]): string | null {
  const asked = given.toLowerCase().slice(0, 40)
  const bare = asked.replace(/^-+/, '')
  if (bare === '') return null
  const scored = known
    .map((word) => {
      const plain = word.replace(/^-+/, '')
      return { word, slips: bare.length >= 2 && plain.startsWith(bare) ? 0 : distance(bare, plain) }
    })
    .filter(({ word, slips }) => slips <= Math.min(2, Math.floor(word.length / 2)))
    .sort((a, b) => a.slips - b.slips)
  return scored[0]?.word ?? null
}

/** Edits between two words, two swapped neighbours counted as one (optimal string alignment distance). */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, at) => at)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      const above = rows[i - 1] ?? []
      let best = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (rows[i - 2]?.[j - 2] ?? 0) + 1)
      }
      row.push(best)
    }
    rows.push(row)
  }
  return rows[a.length]?.[b.length] ?? 0
}
