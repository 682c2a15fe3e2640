/** Schedules of chaos: set up, paused at the end, and read for the checker. */
import type { MissedPolicy, OverlapPolicy } from '../../src/core/schedule.ts'
import type { ScheduleFacts, ScheduleRun } from './checker-schedules.ts'
import { checkSchedule } from './checker-schedules.ts'
import { waitFor } from './clock.ts'
import type { History } from './history.ts'
import { withClient } from './ledger.ts'
import { HEAL_MS } from './recovery.ts'
import type { Problem, Stage } from './scenario.ts'
import { JOB_TYPE, type Plan, RETRY } from './workload.ts'

export interface ChaosSchedule {
  readonly name: string
  readonly cron: string
  /** The fire times of `cron` are the whole multiples of this. */
  readonly everySeconds: number
  readonly missedPolicy?: MissedPolicy
  readonly missedCap?: number
  readonly overlapPolicy?: OverlapPolicy
  readonly jitterSeconds?: number
  /** Milliseconds that each job works; default 0. */
  readonly ms?: number
  /** As if nothing had looked at it for so many minutes; default 0. */
  readonly overdueMinutes?: number
}

/** What the checker must know of each, by database. */
const setUp = new Map<string, { readonly schedule: ChaosSchedule; readonly fromMs: number }[]>()

const INSERT = `insert into rowbeat.schedules (name, cron, job_type, payload, max_retries, missed_policy, missed_cap,
  overlap_policy, jitter_seconds, accounted_until)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp() - make_interval(mins => $10))
returning extract(epoch from accounted_until)::double precision * 1000 as "fromMs"`

/** Adds a schedule; whichever daemon looks first fires it. */
export async function addSchedule(url: string, schedule: ChaosSchedule): Promise<void> {
  const { name, ms = 0 } = schedule
  const payload: Plan = { key: name, ms, snoozes: 0, failures: 0, end: 'plain' }
  const { fromMs } = await withClient(url, async (client) => {
    const { rows } = await client.query<{ fromMs: number }>(INSERT, [
      name,
      schedule.cron,
      JOB_TYPE,
      payload,
      RETRY.delays.length,
      schedule.missedPolicy ?? 'latest',
      schedule.missedCap ?? 10,
      schedule.overlapPolicy ?? 'allow',
      schedule.jitterSeconds ?? 0,
      schedule.overdueMinutes ?? 0,
    ])
    return rows[0] ?? { fromMs: 0 }
  })
  const known = setUp.get(url) ?? []
  known.push({ schedule, fromMs })
  setUp.set(url, known)
}

/**
 * Waits until every schedule was looked at after the healing, or notes that it was not; then pauses them, so that
 * what they made can come to its end.
 */
export async function endSchedules(stage: Stage): Promise<void> {
  const names = (setUp.get(stage.url) ?? []).map(({ schedule }) => schedule.name)
  // Those of every minute may have nothing to do for so long.
  const often = (setUp.get(stage.url) ?? []).filter(({ schedule }) => schedule.everySeconds < 10)
  const healedMs = Date.now()
  let behind: readonly string[] = []
  await waitFor(async () => {
    behind = await namesBehind(
      stage.url,
      often.map(({ schedule }) => schedule.name),
      healedMs,
    )
    return behind.length === 0
  }, HEAL_MS)
  for (const name of behind) stage.problem('work goes on within 30 s of healing', `${name} does not fire`)
  stage.fact(
    `${names.length} schedules; ${((Date.now() - healedMs) / 1_000).toFixed(1)} s until all fired again`,
  )
  await withClient(stage.url, async (client) => {
    for (const name of names)
      await client.query('select rowbeat.pause_schedule($1, $2)', [name, 'the faults are over'])
  })
}

async function namesBehind(url: string, names: readonly string[], ms: number): Promise<readonly string[]> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      'select name from rowbeat.schedules where name = any ($1) and accounted_until <= to_timestamp($2)',
      [names, ms / 1_000],
    )
    return rows.map((row) => row.name)
  })
}

/** Holds every schedule of the database against its fire times. */
export async function checkSchedules(url: string, history: History): Promise<readonly Problem[]> {
  const { facts, runs } = await readSchedules(url)
  return facts.flatMap((one) => checkSchedule(one, runs, history))
}

async function readSchedules(
  url: string,
): Promise<{ readonly facts: readonly ScheduleFacts[]; readonly runs: readonly ScheduleRun[] }> {
  return withClient(url, async (client) => {
    const runs = await client.query<ScheduleRun>(
      `select schedule, extract(epoch from fire_at)::double precision * 1000 as "fireMs", outcome,
              job_id as "jobId", fire_times as "fireTimes",
              extract(epoch from created_at)::double precision * 1000 as "recordedMs"
       from rowbeat.schedule_runs`,
    )
    const reached = await client.query<{ name: string; untilMs: number }>(
      `select name, extract(epoch from accounted_until)::double precision * 1000 as "untilMs"
       from rowbeat.schedules`,
    )
    const untilMs = new Map(reached.rows.map((row) => [row.name, row.untilMs]))
    const facts = (setUp.get(url) ?? []).map(
      ({ schedule, fromMs }): ScheduleFacts => ({
        name: schedule.name,
        everySeconds: schedule.everySeconds,
        missedPolicy: schedule.missedPolicy ?? 'latest',
        missedCap: schedule.missedCap ?? 10,
        overlapPolicy: schedule.overlapPolicy ?? 'allow',
        fromMs,
        untilMs: untilMs.get(schedule.name) ?? 0,
      }),
    )
    return { facts, runs: runs.rows }
  })
}
