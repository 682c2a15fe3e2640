/** Schedules: how one is defined in code, and what a pass decides about the fire times that have come. */
import { createHash } from 'node:crypto'
import { type CronSpec, fireTimesBetween, LISTED_MAX, nextFireTime, type OmittedTimes } from './cron.ts'
import { type JsonValue, NAME } from './workflow.ts'

/** What runs of the fire times that were missed: none, the newest, or the newest `missedCap`. */
export type MissedPolicy = 'skip' | 'latest' | 'all'
/** What happens at a fire time while the previous job of the schedule is still open. */
export type OverlapPolicy = 'allow' | 'skip'

export interface ScheduleOptions extends CronSpec {
  /** Identity, `[a-z][a-z0-9_]*`. */
  readonly name: string
  readonly jobType: string
  /** Default: as the job type declares. */
  readonly queue?: string
  /** −100..100; default: as the job type declares. */
  readonly priority?: number
  readonly payload?: JsonValue
  /** Default: as the job type declares. */
  readonly maxRetries?: number
  /** Default `latest`. */
  readonly missedPolicy?: MissedPolicy
  /** Most missed fire times that `all` runs, 1..500; default 10. */
  readonly missedCap?: number
  /** Default `allow`. */
  readonly overlapPolicy?: OverlapPolicy
  /** Each job is put off by 0 to this many seconds, always the same for the same fire time; 0..86,400, default 0. */
  readonly jitterSeconds?: number
}

export interface ScheduleDefinition extends ScheduleOptions {
  readonly payload: JsonValue
  readonly missedPolicy: MissedPolicy
  readonly missedCap: number
  readonly overlapPolicy: OverlapPolicy
  readonly jitterSeconds: number
}

/** A definition with everything that its job type declares filled in: what is written to the table. */
export type ScheduleSeed = ScheduleDefinition &
  Required<Pick<ScheduleOptions, 'queue' | 'priority' | 'maxRetries'>>

/** A fire time that is dealt with later than this is missed: its policy decides, not the clock alone. */
export const MISSED_AFTER_SECONDS = 60

/**
 * Defines a schedule. Code seeds the table at boot; a row edited there is kept.
 * Throws when the name, the expression, the zone or a number is malformed, or when it would never fire.
 */
export function defineSchedule(options: ScheduleOptions): ScheduleDefinition {
  const { name } = options
  if (!NAME.test(name)) throw new Error(`schedule name "${name}" must match ${NAME}`)
  if (!NAME.test(options.jobType))
    throw new Error(`job type "${options.jobType}" of schedule "${name}" must match ${NAME}`)
  // From the epoch on: a definition is checked without a clock.
  if (nextFireTime(options, new Date(0)) === null) {
    throw new Error(
      `schedule "${name}" would never fire: cron "${options.cron}" names a date that does not exist`,
    )
  }
  const complete = {
    ...options,
    payload: options.payload ?? {},
    missedPolicy: options.missedPolicy ?? 'latest',
    missedCap: options.missedCap ?? 10,
    overlapPolicy: options.overlapPolicy ?? 'allow',
    jitterSeconds: options.jitterSeconds ?? 0,
  }
  requireWhole(`missedCap of schedule "${name}"`, complete.missedCap, 1, 500)
  requireWhole(`jitterSeconds of schedule "${name}"`, complete.jitterSeconds, 0, 86_400)
  requireWhole(`priority of schedule "${name}"`, complete.priority ?? 0, -100, 100)
  requireWhole(`maxRetries of schedule "${name}"`, complete.maxRetries ?? 0, 0, 100)
  return complete
}

function requireWhole(what: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new Error(`${what} must be a whole number from ${least} to ${most}, got ${value}`)
  }
}

/** What a pass knows of a schedule. */
export interface ScheduleState extends CronSpec {
  readonly name: string
  readonly missedPolicy: MissedPolicy
  readonly missedCap: number
  readonly overlapPolicy: OverlapPolicy
  readonly jitterSeconds: number
  /** Fire times up to here have been dealt with. */
  readonly accountedUntil: Date
  /** A pause that has ended and whose fire times are not recorded yet. */
  readonly pause: { readonly beganAt: Date; readonly endedAt: Date } | null
  /** Whether the previous job of the schedule has not ended. */
  readonly previousOpen: boolean
}

export type RunOutcome = 'fired' | 'missed' | 'overlapped' | 'paused'

/** One row of the schedule's history to be. */
export interface PlannedRun {
  /** The fire time; of a row that stands for several, the newest of them. */
  readonly fireAt: Date
  readonly outcome: RunOutcome
  /** How many fire times the row stands for; at least so many when the note says so. */
  readonly fireTimes: number
  readonly note: string | null
  /** When the job is due; null unless fired. */
  readonly scheduledAt: Date | null
}

export interface Plan {
  /** Oldest first; bounded however long the schedule was not looked at. */
  readonly runs: readonly PlannedRun[]
  readonly nextFireAt: Date | null
}

/**
 * Decides about every fire time in (`accountedUntil`, `now`]. On time ones fire. Missed ones fire as the policy
 * says and are recorded otherwise; more than 1,000 of them are recorded in one row. Those within the pause are
 * recorded in one row. Two passes over adjoining windows decide as one over both, but for what counts as late.
 * Throws RangeError when the expression or the zone is malformed.
 */
export function decideRuns(state: ScheduleState, now: Date): Plan {
  const { pause, accountedUntil } = state
  const from = pause === null ? accountedUntil : latest(accountedUntil, pause.endedAt)
  const before = pause === null ? NOTHING : fireTimesBetween(state, accountedUntil, pause.beganAt)
  const during =
    pause === null ? NOTHING : fireTimesBetween(state, latest(accountedUntil, pause.beganAt), pause.endedAt)
  const after = fireTimesBetween(state, from, now)
  const lateBefore = now.getTime() - MISSED_AFTER_SECONDS * 1000
  const listed = [...before.listed, ...after.listed]
  const missed = listed.filter((time) => time.getTime() < lateBefore)
  const onTime = listed.slice(missed.length)
  const caughtUp = missed.slice(missed.length - toCatchUp(state, missed.length))
  const lost = missed.slice(0, missed.length - caughtUp.length)
  const omitted = [before.omitted, after.omitted].filter((one) => one !== null)
  return {
    runs: [
      ...recordMissed(lost, omitted),
      ...recordPaused(during.listed, during.omitted),
      ...fire(state, [...caughtUp, ...onTime], now),
    ].sort((a, b) => a.fireAt.getTime() - b.fireAt.getTime()),
    nextFireAt: nextFireTime(state, latest(now, accountedUntil)),
  }
}

/**
 * Milliseconds by which the job of a fire time is put off: spread evenly over `jitterSeconds`, in whole seconds,
 * the same in every process.
 */
export function jitterMs(name: string, fireAt: Date, jitterSeconds: number): number {
  if (jitterSeconds <= 0) return 0
  const digest = createHash('sha256').update(`${name}|${fireAt.toISOString()}`).digest()
  return (digest.readUInt32BE(0) % (jitterSeconds + 1)) * 1000
}

const NOTHING: ReturnType<typeof fireTimesBetween> = { listed: [], omitted: null }

function latest(a: Date, b: Date): Date {
  return a > b ? a : b
}

function toCatchUp(state: Pick<ScheduleState, 'missedPolicy' | 'missedCap'>, missed: number): number {
  if (state.missedPolicy === 'skip') return 0
  return Math.min(missed, state.missedPolicy === 'latest' ? 1 : state.missedCap)
}

function fire(state: ScheduleState, times: readonly Date[], now: Date): PlannedRun[] {
  return times.map((fireAt, at) => {
    // The first job of this pass is open when the second fire time is looked at.
    if (state.overlapPolicy === 'skip' && (state.previousOpen || at > 0)) {
      return { fireAt, outcome: 'overlapped', fireTimes: 1, note: OVERLAP_NOTE, scheduledAt: null }
    }
    const jitter = jitterMs(state.name, fireAt, state.jitterSeconds)
    const late = now.getTime() - fireAt.getTime() > MISSED_AFTER_SECONDS * 1000
    // What is caught up is spread too: after an outage everything is due at once.
    const due = late ? now.getTime() + jitter : Math.max(fireAt.getTime() + jitter, now.getTime())
    const note = late ? 'run late: nothing looked at the schedule in time' : null
    return { fireAt, outcome: 'fired', fireTimes: 1, note, scheduledAt: new Date(due) }
  })
}

export const OVERLAP_NOTE = 'the previous job was still open'
const MISSED_NOTE = 'nothing looked at the schedule in time'

function recordMissed(lost: readonly Date[], omitted: readonly OmittedTimes[]): PlannedRun[] {
  if (omitted.length > 0 || lost.length > LISTED_MAX)
    return [inOneRow('missed', lost, omitted, MISSED_NOTE)].filter((row) => row !== null)
  return lost.map((fireAt) => ({
    fireAt,
    outcome: 'missed',
    fireTimes: 1,
    note: MISSED_NOTE,
    scheduledAt: null,
  }))
}

function recordPaused(listed: readonly Date[], omitted: OmittedTimes | null): PlannedRun[] {
  const row = inOneRow('paused', listed, omitted === null ? [] : [omitted], 'the schedule was paused')
  return row === null ? [] : [row]
}

function inOneRow(
  outcome: RunOutcome,
  listed: readonly Date[],
  omitted: readonly OmittedTimes[],
  why: string,
): PlannedRun | null {
  const first = omitted[0]?.first ?? listed[0]
  if (first === undefined) return null
  const fireAt = listed.at(-1) ?? first
  const fireTimes = listed.length + omitted.reduce((sum, one) => sum + one.count, 0)
  const count = `${omitted.some((one) => one.isFloor) ? 'at least ' : ''}${fireTimes}`
  const span = `from ${first.toISOString()} to ${fireAt.toISOString()}`
  return { fireAt, outcome, fireTimes, note: `${why}: ${count} fire times ${span}`, scheduledAt: null }
}
