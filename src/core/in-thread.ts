/** Steps and jobs whose whole work is a function that computes in a thread. */
import { RowbeatError } from './errors.ts'
import type { ProgressReport, ThreadPool, ThreadTask } from './ports.ts'
import type { Handler, JsonValue } from './workflow.ts'

/** The longest time limit that a row can name; the attempt's own limit comes by its signal, earlier. */
const LIMIT_MAX_SECONDS = 604_800

/**
 * A handler that calls an exported function in a thread: `(input, report) => result`. The job's input goes there,
 * `report(…)` becomes its progress, what is returned (or awaited) becomes its result, and `skip`, `snooze` and
 * `RowbeatError` mean what they mean elsewhere. It has neither database nor network.
 *
 * Whatever ends the attempt (its time limit, a cancellation, loss of the lease, shutdown) ends the thread at once,
 * and the job's retry policy goes on from there. Time spent waiting for a thread counts as time of the attempt.
 * Fails with `OUT_OF_MEMORY` beyond the memory of the pool.
 */
export function inThread(options: {
  /** For instance `new URL('./crunch.ts', import.meta.url)`. */
  readonly module: URL
  /** Name of the exported function. */
  readonly name: string
  readonly pool?: ThreadPool
}): Handler<unknown> {
  const task: ThreadTask = {
    ...options,
    limitSeconds: LIMIT_MAX_SECONDS,
    limitCode: 'STEP_TIMEOUT',
    memoryCode: 'OUT_OF_MEMORY',
  }
  return ({ compute, input, signal, progress }) =>
    compute.run<JsonValue | undefined>(task, input, {
      signal,
      onReport: (report) => {
        if (!isProgressReport(report)) {
          throw new RowbeatError('INTERNAL_ERROR', `${task.name} must report done, total and unit`)
        }
        progress(report)
      },
    })
}

/** What comes from a thread is whatever was sent. */
function isProgressReport(report: unknown): report is ProgressReport {
  if (typeof report !== 'object' || report === null) return false
  const { done, total, unit, message } = report as Readonly<Record<string, unknown>>
  return (
    typeof done === 'number' &&
    typeof total === 'number' &&
    typeof unit === 'string' &&
    (message === undefined || typeof message === 'string')
  )
}
