/** Limits of queues and job types; the claim that keeps them is in fair-claims.ts. */
import type { Queryable } from './database.ts'

export interface Rate {
  /** Most starts in any window. */
  readonly max: number
  /** Length of the window, 1 to 86,400 s. */
  readonly seconds: number
}

/** What is left out is no limit. */
export interface QueueLimits {
  /** Most jobs that run at once over all pollers. */
  readonly maxRunning?: number
  /** Most jobs of one concurrency key that run at once over all pollers. */
  readonly maxPerKey?: number
  readonly rate?: Rate
}

/**
 * Sets all limits of a queue and tells the pollers. Throws with SQLSTATE RB006 without a reason, and RB010 when a
 * limit is out of range.
 */
export async function setQueueLimits(
  db: Queryable,
  queue: string,
  reason: string,
  limits: QueueLimits,
): Promise<void> {
  const { maxRunning, maxPerKey, rate } = limits
  await db.query('select rowbeat.set_queue_limits($1, $2, $3, $4, $5, $6)', [
    queue,
    reason,
    maxRunning,
    maxPerKey,
    rate?.max,
    rate?.seconds,
  ])
}

/** Sets or, with null, lifts the rate of a job type and tells the pollers. Throws as {@link setQueueLimits}. */
export async function setJobTypeRate(
  db: Queryable,
  jobType: string,
  reason: string,
  rate: Rate | null,
): Promise<void> {
  await db.query('select rowbeat.set_job_type_rate($1, $2, $3, $4)', [
    jobType,
    reason,
    rate?.max,
    rate?.seconds,
  ])
}

/**
 * Forgets starts that no window reaches any more. Those of a rate that was lifted are kept for a day, the longest
 * window: it may be set again.
 */
export async function trimRateStarts(db: Queryable): Promise<void> {
  await db.query({
    name: 'trim_rate_starts',
    text: `delete from rowbeat.rate_starts s
where s.started_at < now() - interval '1 minute' - make_interval(secs => coalesce(
  case s.scope
    when 'queue' then (select q.rate_seconds from rowbeat.queues q where q.name = s.name)
    else (select r.rate_seconds from rowbeat.job_type_rates r where r.job_type = s.name)
  end, 86400))`,
  })
}
