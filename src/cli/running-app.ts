/** An app for as long as a command needs it. */
import { type App, type AppOptions, startApp } from '../app.ts'
import type { Config } from '../config.ts'
import { Failure, startFailure } from './faults.ts'
import { stopApp } from './stop-app.ts'
import type { StopRequests } from './stop-requests.ts'

export interface RunningOptions extends AppOptions {
  readonly stops: StopRequests
  /** What to type to try again with another port. */
  readonly command: string
}

/**
 * Starts the app, runs `work`, and stops the app however that ends: running jobs get the time of the configuration,
 * or `deadlineMs`, and none once a second stop is requested. A stop requested while it starts skips `work` and
 * gives undefined. Throws a {@link Failure} as soon as the app cannot go on, and stops it all the same.
 */
export async function withApp<T>(
  config: Config,
  { stops, command, ...options }: RunningOptions,
  work: (app: App) => Promise<T>,
  deadlineMs = config.shutdownSeconds * 1000,
): Promise<T | undefined> {
  const app = await startApp(config, options).catch((error: unknown) => {
    throw startFailure(error, { port: config.port, command })
  })
  try {
    return stops.gently.aborted ? undefined : await Promise.race([work(app), failure(app)])
  } finally {
    await stopApp(app, stops, deadlineMs)
  }
}

/** Never resolves; rejects when the app cannot go on. */
async function failure(app: App): Promise<never> {
  const error = await app.failed
  throw new Failure(error.message, error)
}
