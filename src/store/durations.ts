/** How long steps took: the history behind progress and ETA. */
import type { StepDuration } from '../core/progress.ts'
import type { Queryable } from './database.ts'

/** Runs kept per job type: enough for a 90th percentile, and no more. */
const KEPT = 50

/** Runs that are looked at when none are summed up yet. */
const FIRST_KEPT = 5

/**
 * The newest runs of a step whose type is that of `outer`, before they were summed up for the first time, which is a
 * minute later at most: an audit of seconds is over by then. One row, empty when it never ran.
 */
export const FIRST_RUNS = (outer: string): string => `(
  select percentile_cont(0.5) within group (order by f.duration_seconds)::real as p50_seconds,
         percentile_cont(0.9) within group (order by f.duration_seconds)::real as p90_seconds,
         count(*)::integer as runs
  from (
    select d.duration_seconds
    from rowbeat.step_durations d
    where d.job_type = ${outer}.job_type
    order by d.finished_at desc
    limit ${FIRST_KEPT}
  ) f
)`

/** Median and 90th percentile of the newest runs of each job type, as last summed up; types without are missing. */
export async function readDurations(
  db: Queryable,
  jobTypes: readonly string[],
): Promise<Map<string, StepDuration>> {
  const { rows } = await db.query<{ job_type: string; p50: number; p90: number; runs: number }>({
    name: 'read_durations',
    text: `select t.job_type, coalesce(e.p50_seconds, f.p50_seconds) as p50, coalesce(e.p90_seconds, f.p90_seconds) as p90,
       coalesce(e.runs, f.runs) as runs
from unnest($1::text[]) as t (job_type)
left join rowbeat.step_estimates e on e.job_type = t.job_type
left join lateral ${FIRST_RUNS('t')} f on e.job_type is null
where e.runs > 0
   or f.runs > 0`,
    values: [jobTypes],
  })
  return new Map(rows.map((row) => [row.job_type, { p50: row.p50, p90: row.p90, runs: row.runs }]))
}

/** Every job type that has durations, by as many looks into the index. */
const TYPES = `recursive types as (
  (select d.job_type from rowbeat.step_durations d order by d.job_type limit 1)
  union all
  select next.job_type
  from types t
  cross join lateral (
    select d.job_type from rowbeat.step_durations d where d.job_type > t.job_type order by d.job_type limit 1
  ) next
)`

/** Sums up the newest runs of every job type. */
export async function sumUpDurations(db: Queryable): Promise<void> {
  await db.query({
    name: 'sum_up_durations',
    text: `with ${TYPES}
insert into rowbeat.step_estimates (job_type, p50_seconds, p90_seconds, runs)
select t.job_type, d.at[1], d.at[2], d.runs
from types t
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
where d.runs > 0
order by t.job_type
on conflict (job_type) do update
set p50_seconds = excluded.p50_seconds,
    p90_seconds = excluded.p90_seconds,
    runs = excluded.runs,
    updated_at = excluded.updated_at`,
  })
}

/** Forgets all but the newest runs of every job type; runs of one settlement are kept or forgotten together. */
export async function trimDurations(db: Queryable): Promise<void> {
  await db.query({
    name: 'trim_durations',
    text: `with ${TYPES}
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
