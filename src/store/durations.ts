/** How long steps took: the history behind progress and ETA. */
import type { StepDuration } from '../core/progress.ts'
import type { Queryable } from './database.ts'

/** Runs kept per job type: enough for a 90th percentile, few enough to read whenever an execution is made. */
const KEPT = 50

/** Median and 90th percentile of the newest runs of each job type; types without runs are missing. */
export async function readDurations(
  db: Queryable,
  jobTypes: readonly string[],
): Promise<Map<string, StepDuration>> {
  const { rows } = await db.query<{ job_type: string; p50: number; p90: number; runs: number }>({
    name: 'read_durations',
    text: `select t.job_type, d.at[1] as p50, d.at[2] as p90, d.runs
from unnest($1::text[]) as t (job_type)
cross join lateral (
  select percentile_cont(array[0.5, 0.9]) within group (order by r.duration_seconds) as at,
         count(*)::integer as runs
  from (
    select s.duration_seconds
    from rowbeat.step_durations s
    where s.job_type = t.job_type
    order by s.finished_at desc
    limit ${KEPT}
  ) r
) d
where d.runs > 0`,
    values: [jobTypes],
  })
  return new Map(rows.map((row) => [row.job_type, { p50: row.p50, p90: row.p90, runs: row.runs }]))
}

/** Remembers how long completed steps took; called in the transaction that settles them. */
export async function recordDurations(db: Queryable, jobIds: readonly string[]): Promise<void> {
  await db.query({
    name: 'record_durations',
    text: `insert into rowbeat.step_durations (job_type, duration_seconds)
select j.job_type, extract(epoch from j.finished_at - j.started_at)
from rowbeat.scheduled_jobs j
where j.id = any ($1::bigint[])
  and j.parent_execution_id is not null
  and j.status = 'completed'`,
    values: [jobIds],
  })
}

/** Forgets all but the newest runs of every job type; runs of one settlement are kept or forgotten together. */
export async function trimDurations(db: Queryable): Promise<void> {
  await db.query({
    name: 'trim_durations',
    text: `with recursive types as (
  (select d.job_type from rowbeat.step_durations d order by d.job_type limit 1)
  union all
  select next.job_type
  from types t
  cross join lateral (
    select d.job_type from rowbeat.step_durations d where d.job_type > t.job_type order by d.job_type limit 1
  ) next
)
delete from rowbeat.step_durations d
using types t
cross join lateral (
  select k.finished_at
  from rowbeat.step_durations k
  where k.job_type = t.job_type
  order by k.finished_at desc
  offset ${KEPT - 1} limit 1
) oldest
where d.job_type = t.job_type
  and d.finished_at < oldest.finished_at`,
  })
}
