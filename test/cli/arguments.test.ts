import { describe, expect, it } from 'vitest'
import { nearest, parseCommand } from '../../src/cli/arguments.ts'
import { COMMANDS, isCommandName } from '../../src/cli/commands.ts'
import { UsageError } from '../../src/cli/faults.ts'
import { renderCommandHelp, renderHelp } from '../../src/cli/help.ts'
import { displayWidth } from '../../src/cli/layout.ts'
import { plain } from './fixtures.ts'

function read(line: string): unknown {
  const { name, options, values } = parseCommand(line.split(' ').filter((word) => word !== ''))
  return [name, [...options], [...values]]
}

describe('the command line', () => {
  it.each([
    ['start', ['start', [], []]],
    ['start --api-only', ['start', ['api-only'], []]],
    ['demo --once', ['demo', ['once'], []]],
    ['audit example.org --json --refresh', ['audit', ['json', 'refresh'], ['example.org']]],
    ['audit --json example.org', ['audit', ['json'], ['example.org']]],
    ['', ['help', [], []]],
    ['--help', ['help', [], []]],
    ['help audit', ['help', [], ['audit']]],
    ['audit -h', ['help', [], ['audit']]],
    ['start --help --api-only', ['help', [], ['start']]],
    ['--version', ['version', [], []]],
    ['-v', ['version', [], []]],
  ])('%j is understood', (line, expected) => {
    expect(read(line)).toEqual(expected)
  })

  it.each([
    ['strat', 'There is no command "strat". Did you mean start?'],
    ['serve', 'There is no command "serve". "help" lists what there is.'],
    ['--once', 'There is no option "--once". "help" lists what there is.'],
    ['start --api', 'There is no option "--api". Did you mean --api-only?'],
    ['demo --onec', 'There is no option "--onec". Did you mean --once?'],
    ['start -x', 'There is no option "-x". "help start" lists what there is.'],
    ['demo --once=yes', 'The option --once takes no value.'],
    ['audit', 'audit needs a domain: audit <domain> [--refresh] [--json]'],
    ['audit a.org b.org', '"b.org" is one argument too many: audit <domain> [--refresh] [--json]'],
    ['migrate now', '"now" is one argument too many: migrate'],
    ['help audti', 'There is no command "audti". Did you mean audit?'],
    [
      'start --api-only --poller-only',
      '--api-only and --poller-only exclude each other: leave both out to run API and poller together.',
    ],
  ])('%j is refused with what to do', (line, message) => {
    expect(() => read(line)).toThrow(new UsageError(message))
  })

  it('takes no name of the language itself for a command', () => {
    expect(() => read('constructor')).toThrow(UsageError)
    expect(() => read('audit x.org --constructor')).toThrow(UsageError)
    expect(() => read('audit x.org --__proto__')).toThrow(UsageError)
  })

  it('quotes nothing that a terminal would obey', () => {
    expect(() => parseCommand(['\u001b[2J'])).toThrow('"?[2J"')
  })
})

describe('the nearest word', () => {
  it.each([
    ['atart', 'start'],
    ['MIGRATE', 'migrate'],
    ['mig', 'migrate'],
    ['strta', 'start'],
  ])('to %s is %s', (given, expected) => {
    expect(nearest(given, ['start', 'migrate'])).toBe(expected)
  })

  it.each(['', '-', '--', 'xyz', 'x'.repeat(10_000)])('to %.10s is none', (given) => {
    expect(nearest(given, ['start', 'demo'])).toBeNull()
  })
})

describe('the help', () => {
  const names = Object.keys(COMMANDS).filter(isCommandName)

  it('lists every command and the exit codes', () => {
    const text = renderHelp(plain(80)).join('\n')
    for (const name of names) expect(text).toContain(`  ${COMMANDS[name].synopsis}`)
    expect(text).toContain('Exit codes: 0 done, 1 failed, 2')
  })

  it.each(names)('of %s tells each of its options and fits the line', (name) => {
    const lines = renderCommandHelp(name, plain(60))
    for (const option of COMMANDS[name].options) expect(lines.join('\n')).toContain(`  --${option.name} `)
    for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(60)
  })
})
