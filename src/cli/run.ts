/** From what was typed to an exit code. Commands are loaded when they are called: a health check needs no engine. */
import { readConfig, readTerminalTraits } from '../config.ts'
import { parseCommand } from './arguments.ts'
import { isCommandName } from './commands.ts'
import { EXIT, type ExitCode, explainFault } from './faults.ts'
import { renderCommandHelp, renderHelp } from './help.ts'
import { listenForStops } from './stop-requests.ts'
import { type Output, openScreen, type Screen, writeLines } from './terminal.ts'

/** The outputs of this process. */
export function openOutput(): Output {
  const traits = readTerminalTraits()
  return { out: openScreen(process.stdout, traits), err: openScreen(process.stderr, traits) }
}

/** Runs a command line; everything that goes wrong is told on standard error. */
export async function run(argv: readonly string[], output: Output): Promise<ExitCode> {
  try {
    return await dispatch(argv, output)
  } catch (error) {
    return tell(error, output.err)
  }
}

/** Writes what there is to say about an error and returns the exit code for it. */
export function tell(error: unknown, screen: Screen): ExitCode {
  const { text, exitCode } = explainFault(error)
  writeLines(screen, [text])
  return exitCode
}

/** Signals are listened to before anything is loaded: from then on a stop is a clean one. */
async function dispatch(argv: readonly string[], output: Output): Promise<ExitCode> {
  const { name, options, values } = parseCommand(argv)
  switch (name) {
    case 'start': {
      const stops = listenForStops()
      const { start } = await import('./start.ts')
      const parts = { api: !options.has('poller-only'), poller: !options.has('api-only') }
      return start(parts, output, stops)
    }
    case 'demo': {
      const stops = listenForStops()
      const { demo } = await import('./demo.ts')
      return demo({ once: options.has('once') }, output, stops)
    }
    case 'audit': {
      const stops = listenForStops()
      const { audit } = await import('./audit.ts')
      const wishes = { refresh: options.has('refresh'), json: options.has('json') }
      return audit(values[0] ?? '', wishes, output, stops)
    }
    case 'migrate': {
      // A stop in the middle would leave the embedded server behind; the third request still ends the process.
      listenForStops()
      const { migrate } = await import('./migrate.ts')
      return migrate(output)
    }
    case 'healthcheck': {
      const { healthcheck } = await import('./healthcheck.ts')
      return healthcheck()
    }
    case 'version':
      writeLines(output.out, [readConfig({}).version])
      return EXIT.ok
    case 'help': {
      const [about] = values
      const isOne = about !== undefined && isCommandName(about)
      writeLines(output.out, isOne ? renderCommandHelp(about, output.out) : renderHelp(output.out))
      return EXIT.ok
    }
  }
}
