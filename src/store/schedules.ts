/** Schedules: what code seeds, which are due, and which are overdue. Firing them is in `schedule-firing.ts`. */
import type { ScheduleSeed } from '../core/schedule.ts'
import { QUESTION_TIMEOUT_MS, type Queryable, within } from './database.ts'
import { jsonText } from './json.ts'

/** Most schedules dealt with in one pass; the rest is left to the next one, or to other daemons. */
export const DUE_MAX = 100

/** What became of a definition: `kept` means that the row was edited, or made by hand, and stays as it is. */
export type Seeding = 'inserted' | 'followed' | 'unchanged' | 'kept'

/**
 * Writes a definition to the table, unless the row there says something else than code last wrote.
 * Throws when the database refuses it, for instance a time zone that it does not know.
 */
export async function seedSchedule(db: Queryable, seed: ScheduleSeed): Promise<Seeding> {
  const { rows } = await db.query<{ seeding: Seeding }>({
    name: 'seed_schedule',
    text: `with written as (
  insert into rowbeat.schedules as s (name, cron, timezone, job_type, queue, priority, payload, max_retries,
    missed_policy, missed_cap, overlap_policy, jitter_seconds, seeded)
  select $1, g.cron, g.timezone, g.job_type, g.queue, g.priority, coalesce(g.payload, 'null'), g.max_retries,
         g.missed_policy, g.missed_cap, g.overlap_policy, g.jitter_seconds, $2::jsonb
  from jsonb_to_record($2::jsonb) as g (
    cron text, timezone text, job_type text, queue text, priority smallint, payload jsonb, max_retries integer,
    missed_policy text, missed_cap integer, overlap_policy text, jitter_seconds integer
  )
  -- Looked at before: the conflict clause locks the row whatever its WHERE says, and would wait for whoever holds it.
  where not exists (
    select
    from rowbeat.schedules k
    where k.name = $1
      and (k.edited or k.seeded is null or k.seeded = $2::jsonb)
  )
  on conflict (name) do update
    set cron = excluded.cron,
        timezone = excluded.timezone,
        job_type = excluded.job_type,
        queue = excluded.queue,
        priority = excluded.priority,
        payload = excluded.payload,
        max_retries = excluded.max_retries,
        missed_policy = excluded.missed_policy,
        missed_cap = excluded.missed_cap,
        overlap_policy = excluded.overlap_policy,
        jitter_seconds = excluded.jitter_seconds,
        seeded = excluded.seeded
    where not s.edited
      and s.seeded <> excluded.seeded
  returning case when s.xmax = 0 then 'inserted' else 'followed' end as seeding
)
select coalesce(
  (select w.seeding from written w),
  (select 'unchanged' from rowbeat.schedules s where s.name = $1 and s.seeded is not null and not s.edited),
  'kept'
) as seeding`,
    values: [seed.name, settingsOf(seed)],
  })
  return rows[0]?.seeding ?? 'kept'
}

/** Names of schedules that code once seeded and that `known` does not contain; at most {@link DUE_MAX}. */
export async function readUndefinedSchedules(db: Queryable, known: readonly string[]): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>({
    name: 'read_undefined_schedules',
    text: `select name
from rowbeat.schedules
where seeded is not null
  and name <> all ($1::text[])
order by name
limit ${DUE_MAX}`,
    values: [known],
  })
  return rows.map((row) => row.name)
}

export interface DueSchedules {
  /** Names of those to look at now, longest due first. */
  readonly due: readonly string[]
  /** Milliseconds until the next one is due; null when none is known. */
  readonly nextInMs: number | null
}

/** Asks which schedules have something to do: one index range, a few rows. */
export async function readDueSchedules(db: Queryable): Promise<DueSchedules> {
  const question = within(QUESTION_TIMEOUT_MS, {
    name: 'read_due_schedules',
    text: `select name,
       (extract(epoch from look_at)::double precision
         - extract(epoch from clock_timestamp())::double precision) * 1000 as "inMs"
from rowbeat.schedules
where paused_at is null
order by look_at
limit ${DUE_MAX + 1}`,
  })
  const { rows } = await db.query<{ name: string; inMs: number }>(question)
  const due = rows.filter((row) => row.inMs <= 0)
  const next = rows[due.length]?.inMs ?? null
  return {
    due: due.slice(0, DUE_MAX).map((row) => row.name),
    nextInMs: due.length > DUE_MAX ? 0 : next,
  }
}

export interface OverdueSchedule {
  readonly name: string
  /** Null when it has not been computed, or there is a problem. */
  readonly nextFireAt: Date | null
  readonly problem: string | null
}

/**
 * Schedules that should have been dealt with a minute ago, and those that cannot fire, for health; not the paused
 * ones. At most {@link DUE_MAX}.
 */
export async function readOverdueSchedules(db: Queryable): Promise<OverdueSchedule[]> {
  const { rows } = await db.query<OverdueSchedule>({
    name: 'read_overdue_schedules',
    text: `select name, next_fire_at as "nextFireAt", problem
from rowbeat.schedules
where paused_at is null
  and (problem is not null
    or next_fire_at < clock_timestamp() - interval '60 seconds'
    or (next_fire_at is null and updated_at < clock_timestamp() - interval '60 seconds'))
order by look_at
limit ${DUE_MAX}`,
  })
  return rows
}

/** The same keys as the SQL function schedule_settings. */
function settingsOf(seed: ScheduleSeed): string {
  return jsonText({
    cron: seed.cron,
    timezone: seed.timezone,
    job_type: seed.jobType,
    queue: seed.queue,
    priority: seed.priority,
    payload: seed.payload,
    max_retries: seed.maxRetries,
    missed_policy: seed.missedPolicy,
    missed_cap: seed.missedCap,
    overlap_policy: seed.overlapPolicy,
    jitter_seconds: seed.jitterSeconds,
  })
}
