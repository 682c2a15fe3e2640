/** The command line: `start`, `demo`, `audit`, `migrate`, `healthcheck`, `help`, `version`. */
import { openOutput, run, tell } from './cli/run.ts'

/** Longest time in ms that something forgotten may hold the process open once the command is done. */
const LINGER_MS = 5_000

const output = openOutput()

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => process.exit(tell(error, output.err)))
}
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // The reader is gone (`| head`): there is nobody left to tell.
    if (error.code === 'EPIPE') process.exit()
    throw error
  })
}

process.exitCode = await run(process.argv.slice(2), output)
setTimeout(() => process.exit(), LINGER_MS).unref()
