/**
 * Settling attempts: each statement is fenced by the lease, so that a late one changes nothing.
 *
 * The fence says `finished_at is null` where it means `status = 'running'`: with a lease the two are the same (the
 * CHECKs of the table). And it says `or done.id is null`, which is never so, to make it a condition on the pair: as a
 * condition on the table alone, a planner whose statistics know no open job expects to find one row by it, and reads
 * the whole table once for every settlement of the batch (512 × 10,000 comparisons, measured).
 */
import type pg from 'pg'
import { byId } from './claims.ts'
import { type Queryable, transaction } from './database.ts'
import { recordDurations } from './durations.ts'
import { type Advanced, advanceExecutions, lockExecutions } from './executions.ts'
import { jsonText } from './json.ts'

/** A plain completion: no result to store, no execution to advance. */
export interface Completion {
  readonly id: string
  readonly leaseId: string
}

/** Settles plain completions alone; returns the ids that took effect. */
export async function completeJobs(db: Queryable, completions: readonly Completion[]): Promise<Set<string>> {
  const sorted = byId(completions)
  const { rows } = await db.query<[string]>({
    name: 'complete',
    text: `update rowbeat.scheduled_jobs j
set status = 'completed',
    finished_at = now(),
    updated_at = now()
from unnest($1::bigint[], $2::uuid[]) as done (id, lease_id)
where j.id = done.id
  and j.lease_id = done.lease_id
  and (j.finished_at is null or done.id is null)
returning j.id`,
    values: [sorted.map((one) => one.id), sorted.map((one) => one.leaseId)],
    rowMode: 'array',
  })
  return new Set(rows.map((row) => row[0]))
}

/** How an attempt ended, other than by a plain completion. */
export interface Ending {
  readonly id: string
  readonly leaseId: string
  /** `pending` hands it back: after a failure, a snooze or a shutdown. */
  readonly status: 'completed' | 'failed' | 'skipped' | 'pending'
  /** True when this is a failed attempt, to be remembered in `errors`. */
  readonly failure: boolean
  /** True when a failure is retried, and so counted. */
  readonly retried: boolean
  /** Seconds until a `pending` one is due; null leaves `scheduled_at` as it is. */
  readonly delaySeconds: number | null
  readonly code: string | null
  readonly message: string | null
  readonly result: unknown
  /** The last report that was not written yet. */
  readonly report?: Report | null
}

/** What a handler reported of its progress. */
export interface Report {
  readonly percent: number
  readonly detail: Readonly<Record<string, unknown>>
}

/**
 * Settles attempts that ended with a result, a failure, a skip or a return; fenced like every settlement.
 * Sorted by id, as every statement that locks several jobs.
 * @returns the ids that took effect.
 */
export async function endAttempts(db: Queryable, endings: readonly Ending[]): Promise<Set<string>> {
  const sorted = byId(endings)
  const { rows } = await db.query<[string]>({
    name: 'end_attempts',
    text: `update rowbeat.scheduled_jobs j
set status = o.status,
    scheduled_at = case when o.status = 'pending' and o.delay is not null
                        then now() + make_interval(secs => o.delay) else j.scheduled_at end,
    retry_count = j.retry_count + case when o.retried then 1 else 0 end,
    last_error_code = coalesce(o.code, j.last_error_code),
    last_error = coalesce(o.message, j.last_error),
    errors = case when not o.failure then j.errors else
      case when jsonb_array_length(j.errors) >= 20 then j.errors - 0 else coalesce(j.errors, '[]') end
      || jsonb_build_array(jsonb_build_object('attempt', j.attempt, 'at', now(), 'started_at', j.started_at,
           'code', o.code, 'message', o.message, 'poller_id', j.poller_id)) end,
    result = coalesce(o.result, j.result),
    progress = greatest(j.progress, o.percent),
    progress_detail = case when o.detail is null then j.progress_detail else o.detail
      || jsonb_build_object('reported_since', coalesce(j.progress_detail -> 'reported_since',
           to_jsonb(clock_timestamp() + interval '1 second'))) end,
    lease_id = case when o.status = 'pending' then null else j.lease_id end,
    finished_at = case when o.status = 'pending' then null else now() end,
    updated_at = now()
from jsonb_to_recordset($1::jsonb) as o (
  id bigint, lease_id uuid, status text, failure boolean, retried boolean, delay double precision,
  code text, message text, result jsonb, percent real, detail jsonb)
where j.id = o.id
  and j.lease_id = o.lease_id
  and (j.finished_at is null or o.id is null)
returning j.id`,
    values: [
      jsonText(
        sorted.map((one) => ({
          id: one.id,
          lease_id: one.leaseId,
          status: one.status,
          failure: one.failure,
          retried: one.retried,
          delay: one.delaySeconds,
          code: one.code,
          message: one.message,
          result: one.result,
          percent: one.report?.percent,
          detail: one.report?.detail,
        })),
      ),
    ],
    rowMode: 'array',
  })
  return new Set(rows.map((row) => row[0]))
}

export interface Settlement {
  readonly completions: readonly Completion[]
  readonly endings: readonly Ending[]
  /** Executions that the settled jobs are steps of. */
  readonly executionIds: readonly string[]
}

/**
 * Settles a mixed batch in one transaction, with everything that follows for its executions: their steps are
 * freed, skipped or cancelled, and those that are done are closed.
 */
export async function settle(
  pool: pg.Pool,
  batch: Settlement,
): Promise<{ settled: Set<string>; advanced: readonly Advanced[] }> {
  const executionIds = [...new Set(batch.executionIds)].sort()
  return transaction(pool, async (client) => {
    if (executionIds.length > 0) await lockExecutions(client, executionIds)
    // One statement for both kinds: two would lock the jobs in two runs, each sorted, and not in one order.
    const settled = await endAttempts(client, [...batch.endings, ...batch.completions.map(plainEnding)])
    if (executionIds.length === 0) return { settled, advanced: [] }
    await recordDurations(client, [...settled])
    return { settled, advanced: await advanceExecutions(client, executionIds) }
  })
}

/** The ending of a plain completion. */
export function plainEnding(completion: Completion): Ending {
  return {
    ...completion,
    status: 'completed',
    failure: false,
    retried: false,
    delaySeconds: null,
    code: null,
    message: null,
    result: null,
  }
}

/** Of the attempts given, those that are no longer ours: cancelled, ended by the reaper, or changed by hand. */
export async function lostAttempts(db: Queryable, attempts: readonly Completion[]): Promise<string[]> {
  const { rows } = await db.query<[string]>({
    name: 'lost_attempts',
    text: `select mine.id
from unnest($1::bigint[], $2::uuid[]) as mine (id, lease_id)
where not exists (
  select from rowbeat.scheduled_jobs j
  where j.id = mine.id
    and j.lease_id = mine.lease_id
    and (j.finished_at is null or mine.id is null)
)`,
    values: [attempts.map((one) => one.id), attempts.map((one) => one.leaseId)],
    rowMode: 'array',
  })
  return rows.map((row) => row[0])
}

export interface ProgressWrite extends Completion, Report {}

/**
 * Stores what running jobs report. Progress never falls; when the first report came is kept.
 * @returns the executions whose steps reported, for {@link bumpVersions}.
 */
export async function writeProgress(db: Queryable, reports: readonly ProgressWrite[]): Promise<string[]> {
  const { rows } = await db.query<[string | null]>({
    name: 'write_progress',
    text: `update rowbeat.scheduled_jobs j
set progress = greatest(j.progress, r.percent),
    progress_detail = r.detail || jsonb_build_object('reported_since',
      -- A second ahead: whoever reads before this commits still goes by the clock, and must not be ahead of it.
      coalesce(j.progress_detail -> 'reported_since', to_jsonb(clock_timestamp() + interval '1 second'))),
    updated_at = now()
from jsonb_to_recordset($1::jsonb) as r (id bigint, lease_id uuid, percent real, detail jsonb)
where j.id = r.id
  and j.lease_id = r.lease_id
  and (j.finished_at is null or r.id is null)
returning j.parent_execution_id`,
    values: [
      jsonText(
        byId(reports).map((one) => ({
          id: one.id,
          lease_id: one.leaseId,
          percent: one.percent,
          detail: one.detail,
        })),
      ),
    ],
    rowMode: 'array',
  })
  return [...new Set(rows.flatMap((row) => row[0] ?? []))]
}
