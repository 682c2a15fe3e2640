/** Firing a schedule: its history, its jobs and where to go on, in one transaction. */
import type pg from 'pg'
import { isDatabaseOutage, messageOf } from '../core/errors.ts'
import {
  decideRuns,
  type MissedPolicy,
  OVERLAP_NOTE,
  type OverlapPolicy,
  type PlannedRun,
  type RunOutcome,
  type ScheduleState,
} from '../core/schedule.ts'
import { transaction } from './database.ts'
import { withFreeIds } from './job-ids.ts'
import { enqueueJobs } from './jobs.ts'
import { jsonText } from './json.ts'

/** Rows of history kept per schedule. */
const RUNS_KEPT = 1_000

/** What one look at a schedule did. */
export interface Firing {
  readonly schedule: string
  readonly queue: string
  readonly priority: number
  readonly runs: readonly FiredRun[]
  /** Why it cannot fire, when that is news; null otherwise. */
  readonly problem: string | null
}

export interface FiredRun {
  readonly fireAt: Date
  readonly outcome: RunOutcome
  readonly fireTimes: number
  readonly jobId: string | null
  /** Seconds from the fire time to now. */
  readonly lateSeconds: number
}

/**
 * Deals with every fire time of a schedule that has come, in one transaction: history, jobs, and where to go on.
 * What keeps the schedule from firing is written to its row; it does not stop the others.
 * @returns null when another daemon is at it, or there is nothing to do any more.
 * Throws only when the database is out of reach.
 */
export async function fireSchedule(pool: pg.Pool, name: string): Promise<Firing | null> {
  try {
    return await withFreeIds(pool, () => transaction(pool, (client) => fireLocked(client, name)))
  } catch (error) {
    if (isDatabaseOutage(error)) throw error
    return noteProblem(pool, name, messageOf(error))
  }
}

async function fireLocked(client: pg.PoolClient, name: string): Promise<Firing | null> {
  const found = await lockDueSchedule(client, name)
  if (found === null) return null
  const plan = decideRuns(found, found.now)
  const runs = await recordRuns(client, found, plan.runs)
  const ended =
    plan.nextFireAt === null ? `cron "${found.cron}" never fires: it names a date that does not exist` : null
  await moveOn(client, found, runs, plan.nextFireAt, ended)
  return {
    schedule: name,
    queue: found.queue,
    priority: found.priority,
    runs,
    problem: ended === found.problem ? null : ended,
  }
}

interface LockedSchedule extends ScheduleState {
  readonly jobType: string
  readonly queue: string
  readonly priority: number
  /** As text: a number of more digits than JavaScript keeps must arrive as it was written. */
  readonly payloadText: string
  readonly maxRetries: number
  readonly problem: string | null
  readonly now: Date
}

interface ScheduleRow {
  readonly cron: string
  readonly timezone: string
  readonly jobType: string
  readonly queue: string
  readonly priority: number
  /** As text: a number of more digits than JavaScript keeps must arrive as it was written. */
  readonly payloadText: string
  readonly maxRetries: number
  readonly missedPolicy: MissedPolicy
  readonly missedCap: number
  readonly overlapPolicy: OverlapPolicy
  readonly jitterSeconds: number
  readonly accountedUntil: Date
  readonly pauseBeganAt: Date | null
  readonly pauseEndedAt: Date | null
  readonly problem: string | null
  readonly previousOpen: boolean
  readonly now: Date
}

/** The row lock makes daemons take turns; whoever comes second passes on, or finds it dealt with. */
async function lockDueSchedule(client: pg.PoolClient, name: string): Promise<LockedSchedule | null> {
  const { rows } = await client.query<ScheduleRow>({
    name: 'lock_due_schedule',
    text: `select s.cron, s.timezone, s.job_type as "jobType", s.queue, s.priority, s.payload::text as "payloadText",
       s.max_retries as "maxRetries", s.missed_policy as "missedPolicy", s.missed_cap as "missedCap",
       s.overlap_policy as "overlapPolicy", s.jitter_seconds as "jitterSeconds",
       s.accounted_until as "accountedUntil", s.pause_began_at as "pauseBeganAt",
       s.pause_ended_at as "pauseEndedAt", s.problem,
       coalesce(j.status in ('waiting', 'pending', 'running'), false) as "previousOpen",
       clock_timestamp() as now
from rowbeat.schedules s
left join rowbeat.scheduled_jobs j on j.id = s.last_job_id
where s.name = $1
  and s.paused_at is null
  and s.look_at <= clock_timestamp()
for no key update of s skip locked`,
    values: [name],
  })
  const row = rows[0]
  if (row === undefined) return null
  const { pauseBeganAt, pauseEndedAt, ...rest } = row
  const ended = pauseBeganAt !== null && pauseEndedAt !== null
  return { ...rest, name, pause: ended ? { beganAt: pauseBeganAt, endedAt: pauseEndedAt } : null }
}

/**
 * Writes the history and inserts the jobs of what fires. A fire time that already has a row is left out: that row
 * and its job were committed together.
 */
async function recordRuns(
  client: pg.PoolClient,
  schedule: LockedSchedule,
  planned: readonly PlannedRun[],
): Promise<readonly FiredRun[]> {
  if (planned.length === 0) return []
  const { rows } = await client.query<{ fireAt: Date }>({
    name: 'record_schedule_runs',
    text: `insert into rowbeat.schedule_runs (schedule, fire_at, outcome, fire_times, note)
select $1, g.fire_at, g.outcome, g.fire_times, g.note
from jsonb_to_recordset($2::jsonb) as g (fire_at timestamptz, outcome text, fire_times integer, note text)
on conflict (schedule, fire_at) do nothing
returning fire_at as "fireAt"`,
    values: [
      schedule.name,
      jsonText(
        planned.map((run) => ({
          fire_at: run.fireAt,
          outcome: run.outcome,
          fire_times: run.fireTimes,
          note: run.note,
        })),
      ),
    ],
  })
  const fresh = new Set(rows.map((row) => row.fireAt.getTime()))
  const runs = planned.filter((run) => fresh.has(run.fireAt.getTime()))
  const firing = runs.filter((run) => run.scheduledAt !== null)
  const jobIds = new Map<PlannedRun, string | null>()
  for (const [at, jobId] of (await enqueueFor(client, schedule, firing)).entries()) {
    const run = firing[at]
    if (run !== undefined) jobIds.set(run, jobId)
  }
  if (firing.length > 0) await linkJobs(client, schedule.name, jobIds)
  await trimRuns(client, schedule.name)
  return runs.map((run) => {
    const jobId = jobIds.get(run)
    // The unique key of the job table has the last word on whether the previous job is open.
    const outcome = jobId === null ? 'overlapped' : run.outcome
    const lateSeconds = (schedule.now.getTime() - run.fireAt.getTime()) / 1000
    return { fireAt: run.fireAt, outcome, fireTimes: run.fireTimes, jobId: jobId ?? null, lateSeconds }
  })
}

function enqueueFor(
  client: pg.PoolClient,
  schedule: LockedSchedule,
  runs: readonly PlannedRun[],
): Promise<(string | null)[]> {
  return enqueueJobs(
    client,
    runs.map((run) => ({
      jobType: schedule.jobType,
      payloadText: schedule.payloadText,
      queue: schedule.queue,
      priority: schedule.priority,
      maxRetries: schedule.maxRetries,
      ...(run.scheduledAt === null ? {} : { scheduledAt: run.scheduledAt }),
      ...(schedule.overlapPolicy === 'skip' ? { dedupeKey: `schedule:${schedule.name}` } : {}),
    })),
  )
}

async function linkJobs(
  client: pg.PoolClient,
  name: string,
  jobIds: ReadonlyMap<PlannedRun, string | null>,
): Promise<void> {
  await client.query({
    name: 'link_schedule_runs',
    text: `update rowbeat.schedule_runs r
set job_id = g.job_id,
    outcome = case when g.job_id is null then 'overlapped' else r.outcome end,
    note = case when g.job_id is null then $3 else r.note end
from jsonb_to_recordset($2::jsonb) as g (fire_at timestamptz, job_id bigint)
where r.schedule = $1
  and r.fire_at = g.fire_at`,
    values: [
      name,
      jsonText([...jobIds].map(([run, jobId]) => ({ fire_at: run.fireAt, job_id: jobId }))),
      OVERLAP_NOTE,
    ],
  })
}

/** Under the lock of the schedule, so that two daemons never trim the same rows. */
async function trimRuns(client: pg.PoolClient, name: string): Promise<void> {
  await client.query({
    name: 'trim_schedule_runs',
    text: `delete from rowbeat.schedule_runs r
where r.schedule = $1
  and r.fire_at <= (
    select x.fire_at
    from rowbeat.schedule_runs x
    where x.schedule = $1
    order by x.fire_at desc
    offset ${RUNS_KEPT}
    limit 1
  )`,
    values: [name],
  })
}

async function moveOn(
  client: pg.PoolClient,
  schedule: LockedSchedule,
  runs: readonly FiredRun[],
  nextFireAt: Date | null,
  problem: string | null,
): Promise<void> {
  const last = runs.findLast((run) => run.jobId !== null)
  await client.query({
    name: 'move_schedule_on',
    text: `update rowbeat.schedules
set accounted_until = greatest(accounted_until, $2),
    pause_began_at = null,
    pause_ended_at = null,
    last_fire_at = greatest(last_fire_at, $3),
    last_job_id = coalesce($4, last_job_id),
    next_fire_at = $5,
    look_at = coalesce($5, clock_timestamp() + interval '1 minute'),
    problem = $6
where name = $1`,
    values: [schedule.name, schedule.now, last?.fireAt ?? null, last?.jobId ?? null, nextFireAt, problem],
  })
}

/** The next try is in a minute; fire times stay open until then, and its policy decides about them. */
async function noteProblem(pool: pg.Pool, name: string, problem: string): Promise<Firing | null> {
  const { rows } = await pool.query<{ queue: string; priority: number; isNews: boolean }>({
    name: 'note_schedule_problem',
    text: `with before as (
  select s.name, s.problem
  from rowbeat.schedules s
  where s.name = $1
  for no key update skip locked
)
update rowbeat.schedules s
set problem = $2,
    look_at = clock_timestamp() + interval '1 minute'
from before b
where s.name = b.name
returning s.queue, s.priority, b.problem is distinct from s.problem as "isNews"`,
    values: [name, problem],
  })
  const row = rows[0]
  if (row === undefined) return null
  return {
    schedule: name,
    queue: row.queue,
    priority: row.priority,
    runs: [],
    problem: row.isNews ? problem : null,
  }
}
