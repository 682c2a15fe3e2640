/** The part of the checker that holds cancellations against when handlers stopped. Pure. */
import type { JobRow } from './history.ts'
import type { Effect } from './ledger.ts'
import type { Problem } from './scenario.ts'

/** A running job that was cancelled. */
export interface Cancellation {
  readonly jobId: string
  /** The attempt that ran. */
  readonly attempt: number
  /** When the answer came, ms since epoch. */
  readonly atMs: number
}

/** A handler's signal fires within this, as the manual says. */
const WITHIN_MS = 2_000

/**
 * Handlers that worked on for too long after their job was cancelled, and cancelled jobs that are something else.
 * `goneMs` says when daemons were killed: of those nothing is expected any more.
 */
export function checkCancellations(
  cancellations: readonly Cancellation[],
  effects: readonly Effect[],
  jobs: readonly JobRow[],
  goneMs: ReadonlyMap<string, number>,
): Problem[] {
  const status = new Map(jobs.map((job) => [job.id, job.status]))
  return cancellations.flatMap(({ jobId, attempt, atMs }) => {
    const problems: Problem[] = []
    const is = status.get(jobId)
    if (is !== undefined && is !== 'cancelled')
      problems.push({ check: 'what was cancelled is cancelled', row: `job ${jobId} is ${is}` })
    for (const row of lateStops(effects, jobId, attempt, atMs, goneMs))
      problems.push({ check: 'a cancelled handler stops within 2 s', row })
    return problems
  })
}

function lateStops(
  effects: readonly Effect[],
  jobId: string,
  attempt: number,
  atMs: number,
  goneMs: ReadonlyMap<string, number>,
): string[] {
  const ours = effects.filter((one) => one.jobId === jobId && one.attempt === attempt)
  return ours
    .filter((one) => one.deed === 'begin')
    .flatMap(({ daemon }) => {
      if ((goneMs.get(daemon) ?? Number.POSITIVE_INFINITY) < atMs + WITHIN_MS) return []
      const end = ours.find((one) => one.deed !== 'begin' && one.daemon === daemon)
      if (end === undefined) return [`job ${jobId} on ${daemon} never stopped`]
      const late = end.handlerMs - atMs
      return late > WITHIN_MS ? [`job ${jobId} on ${daemon} worked on for ${Math.round(late)} ms`] : []
    })
}

/** How long handlers took to stop, ms, sorted; those that ended before their cancellation are left out. */
export function stopTimes(cancellations: readonly Cancellation[], effects: readonly Effect[]): number[] {
  return cancellations
    .flatMap(({ jobId, attempt, atMs }) =>
      effects
        .filter((one) => one.jobId === jobId && one.attempt === attempt && one.deed === 'stop')
        .map((one) => Math.max(0, one.handlerMs - atMs)),
    )
    .sort((a, b) => a - b)
}
