/**
 * Starts an embedded server in a process of its own, to be killed by a test: takes the options as JSON in its
 * first argument, prints the server as one JSON line and stays.
 */
import { type EmbeddedOptions, startEmbedded } from '../../src/store/embedded.ts'

const options = JSON.parse(process.argv[2] ?? '{}') as EmbeddedOptions
const server = await startEmbedded(options)
process.stdout.write(`${JSON.stringify(server)}\n`)
setInterval(() => undefined, 60_000)
