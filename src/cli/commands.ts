/** The commands as data: what the help says and what the parser accepts are the same rows. */

export interface CommandOption {
  readonly name: string
  readonly about: string
}

export interface CommandFacts {
  readonly synopsis: string
  /** One line for the list. */
  readonly about: string
  /** More for the command's own help. */
  readonly details: readonly string[]
  readonly options: readonly CommandOption[]
  /** Names of the arguments, all of them required. */
  readonly takes: readonly string[]
}

export const COMMANDS = {
  start: {
    synopsis: 'start [--api-only | --poller-only]',
    about: 'Serve the API and run jobs',
    details: [
      'Migrates first, then runs until it is told to stop. SIGTERM or Ctrl-C lets running jobs finish for ROWBEAT_SHUTDOWN_SECONDS, a second one hands them back at once, a third ends the process.',
      'Without DATABASE_URL an embedded Postgres is started; its data is in ROWBEAT_DATA_DIR.',
    ],
    options: [
      { name: 'api-only', about: 'Serve the API and leave the jobs to other processes' },
      { name: 'poller-only', about: 'Run jobs and serve no API' },
    ],
    takes: [],
  },
  demo: {
    synopsis: 'demo [--once]',
    about: 'Audit the bundled demo sites',
    details: [
      'Starts four small sites and a search endpoint on this machine, audits the first of them, prints the result and where to look, and serves until Ctrl-C.',
    ],
    options: [
      {
        name: 'once',
        about: 'Audit again, stop everything afterwards, exit 0 only if the audit completed',
      },
    ],
    takes: [],
  },
  audit: {
    synopsis: 'audit <domain> [--refresh] [--json]',
    about: 'Audit one site and print the result',
    details: [
      'Shows the progress, then a summary. Data that is already stored is used; only what is missing is fetched.',
      'Exits with 0 when the audit completed or could be finished in part (a warning says so), else with 1.',
    ],
    options: [
      { name: 'refresh', about: 'Run every step again, whatever is stored' },
      { name: 'json', about: 'Print the audit document as JSON; the progress goes to standard error' },
    ],
    takes: ['domain'],
  },
  migrate: {
    synopsis: 'migrate',
    about: 'Bring the database up to date',
    details: [
      'Works on DATABASE_URL, or on the embedded Postgres. Safe to run at any time and from many places.',
    ],
    options: [],
    takes: [],
  },
  healthcheck: {
    synopsis: 'healthcheck',
    about: 'Ask a server whether it is ready',
    details: [
      'Asks http://HOST:PORT/health/ready and waits at most three seconds. Says nothing unless something is wrong.',
    ],
    options: [],
    takes: [],
  },
  help: {
    synopsis: 'help [command]',
    about: 'Show this, or the help of one command',
    details: [],
    options: [],
    takes: [],
  },
  version: { synopsis: 'version', about: 'Print the version', details: [], options: [], takes: [] },
} as const satisfies Readonly<Record<string, CommandFacts>>

export type CommandName = keyof typeof COMMANDS

/** True for the name of a command. */
export function isCommandName(text: string): text is CommandName {
  return Object.hasOwn(COMMANDS, text)
}

/** The facts of a command. */
export function factsOf(name: CommandName): CommandFacts {
  return COMMANDS[name]
}
