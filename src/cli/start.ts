/** `start`: serves until it is told to stop. */
import { readConfig } from '../config.ts'
import { describeStart } from './announcements.ts'
import { EXIT, type ExitCode } from './faults.ts'
import { withApp } from './running-app.ts'
import { aborted, type StopRequests } from './stop-requests.ts'
import { type Output, writeAfterInterrupt, writeLines } from './terminal.ts'

export interface StartOptions {
  readonly api: boolean
  readonly poller: boolean
}

/** Runs the parts asked for until the first stop request; ends with 0 after a clean stop. */
export async function start(options: StartOptions, output: Output, stops: StopRequests): Promise<ExitCode> {
  const config = readConfig()
  const note = (line: string): void => writeLines(output.err, [line])
  await withApp(config, { ...options, note, stops, command: 'npm start' }, async (app) => {
    // Where nobody watches, the output is for the log alone: one JSON object a line.
    if (output.out.isTerminal) writeLines(output.out, [describeStart(config.version, app.url, options)])
    await aborted(stops.gently)
    if (output.err.isTerminal) {
      writeAfterInterrupt(output.err, ['Stopping: running jobs may finish. Ctrl-C again stops at once.'])
    }
  })
  return EXIT.ok
}
