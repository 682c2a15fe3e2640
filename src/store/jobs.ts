/** Adding jobs. */
import { type JobValues, requireJobValues } from '../core/job-values.ts'
import type { Queryable } from './database.ts'
import { jsonText } from './json.ts'

/** `scheduledAt`: not before this time; default now. */
export interface NewJob extends JobValues {
  readonly payload?: unknown
  /** The payload as JSON text of Postgres' own, instead of `payload`: no number in it passes through JavaScript. */
  readonly payloadText?: string
}

/** Most jobs in one call of {@link enqueueJobs}. */
export const ENQUEUE_MAX = 10_000

/**
 * Inserts jobs in the caller's transaction, or in one of their own. With `wake` the transaction carries a hint for
 * the pollers, and makes the commits of others that do wait for it; without, wake them after the commit.
 * Throws a RangeError, and adds nothing, when a value is out of range.
 * @returns the ids in the order given; null where an open job of the queue has the same `dedupeKey`.
 */
export async function enqueueJobs(
  db: Queryable,
  jobs: readonly NewJob[],
  options: { readonly wake: boolean } = { wake: false },
): Promise<(string | null)[]> {
  if (jobs.length > ENQUEUE_MAX)
    throw new RangeError(`enqueue takes at most ${ENQUEUE_MAX} jobs, got ${jobs.length}`)
  if (jobs.length === 0) return []
  for (const job of jobs) requireJobValues(job)
  const { rows } = await db.query<[number, string]>({
    name: 'enqueue',
    text: `with given as materialized (
  select g.*, g.ordinality as position
  from rows from (jsonb_to_recordset($1::jsonb) as (
    job_type text, payload jsonb, queue text, priority smallint, scheduled_at timestamptz, max_retries integer,
    timeout_seconds integer, deadline_at timestamptz, dedupe_key text, concurrency_key text
  )) with ordinality g
), numbered as materialized (
  select nextval('rowbeat.scheduled_jobs_id_seq') as id, g.*
  from given g
  order by g.position
), inserted as (
  insert into rowbeat.scheduled_jobs (id, job_type, payload, queue, priority, scheduled_at, max_retries,
    timeout_seconds, deadline_at, dedupe_key, concurrency_key)
  overriding system value
  select n.id, n.job_type, coalesce(n.payload, '{}'), coalesce(n.queue, 'default'), coalesce(n.priority, 0),
         coalesce(n.scheduled_at, now()), coalesce(n.max_retries, 3), n.timeout_seconds, n.deadline_at,
         n.dedupe_key, n.concurrency_key
  from numbered n
  on conflict (queue, live_dedupe_key) where live_dedupe_key is not null do nothing
  returning id, queue, priority, scheduled_at
), told as (
  -- As formatWake writes it; a due time for those that are due later only.
  select count(pg_notify('rowbeat_wake', l.priority || '|' || coalesce(l.due_ms::text, '') || '|' || l.queue)) as lanes
  from (
    select i.queue, i.priority,
           case when min(i.scheduled_at) > now() then trunc(extract(epoch from min(i.scheduled_at)) * 1000) end as due_ms
    from inserted i
    where $2
    group by i.queue, i.priority
  ) l
)
select n.position::integer, i.id
from inserted i
join numbered n on n.id = i.id
-- What nobody asks for is not carried out.
where (select lanes from told) >= 0`,
    values: [`[${jobs.map(rowText).join(',')}]`, options.wake],
    rowMode: 'array',
  })
  const ids: (string | null)[] = jobs.map(() => null)
  for (const [position, id] of rows) ids[position - 1] = id
  return ids
}

/** A job as JSON text, with the keys of the columns. */
function rowText(job: NewJob): string {
  const row = jsonText({
    job_type: job.jobType,
    payload: job.payloadText === undefined ? job.payload : undefined,
    queue: job.queue,
    priority: job.priority,
    scheduled_at: job.scheduledAt,
    max_retries: job.maxRetries,
    timeout_seconds: job.timeoutSeconds,
    deadline_at: job.deadlineAt,
    dedupe_key: job.dedupeKey,
    concurrency_key: job.concurrencyKey,
  })
  return job.payloadText === undefined ? row : `{"payload":${job.payloadText},${row.slice(1)}`
}
