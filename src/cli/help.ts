/** The help texts. */
import { COMMANDS, type CommandName, factsOf, isCommandName } from './commands.ts'
import { hang, type Look, paint, wrap } from './layout.ts'

/** The list of commands. */
export function renderHelp(look: Look): string[] {
  const names = Object.keys(COMMANDS).filter(isCommandName)
  const lead = Math.max(...names.map((name) => factsOf(name).synopsis.length)) + 4
  return [
    ...wrap('Rowbeat runs multi-step background work as rows in your Postgres.', look.width),
    '',
    paint('Commands', look, 'bold'),
    ...names.flatMap((name) => {
      const { synopsis, about } = factsOf(name)
      return hang(`  ${synopsis}`.padEnd(lead), about, look.width)
    }),
    '',
    paint('With npm', look, 'bold'),
    '  npm start · npm run demo · npm run audit -- example.org · npm run migrate',
    '',
    ...wrap('Settings come from the environment; see the table in README.md.', look.width),
    ...exitCodes(look),
  ]
}

/** The help of one command. */
export function renderCommandHelp(name: CommandName, look: Look): string[] {
  const { synopsis, about, details, options } = factsOf(name)
  const lead = Math.max(0, ...options.map((option) => option.name.length)) + 7
  return [
    `${paint(synopsis, look, 'bold')}`,
    '',
    ...wrap(`${about}.`, look.width),
    ...details.flatMap((text) => ['', ...wrap(text, look.width)]),
    ...(options.length === 0 ? [] : ['', paint('Options', look, 'bold')]),
    ...options.flatMap((option) => hang(`  --${option.name}`.padEnd(lead), option.about, look.width)),
    '',
    ...exitCodes(look),
  ]
}

function exitCodes(look: Look): string[] {
  return wrap('Exit codes: 0 done, 1 failed, 2 the command line or the configuration is wrong.', look.width)
}
