/** Ends an app as patiently as the person is. */
import type { App } from '../app.ts'
import type { StopRequests } from './stop-requests.ts'

/** Stops the app gently, and at once as soon as that is asked for. */
export async function stopApp(
  app: Pick<App, 'stop'>,
  stops: Pick<StopRequests, 'atOnce'>,
  deadlineMs: number,
): Promise<void> {
  const ended = [app.stop(stops.atOnce.aborted ? 0 : deadlineMs)]
  const hurry = (): void => {
    ended.push(app.stop(0))
  }
  stops.atOnce.addEventListener('abort', hurry, { once: true })
  try {
    await ended[0]
    await Promise.all(ended)
  } finally {
    stops.atOnce.removeEventListener('abort', hurry)
  }
}
