/**
 * The part of the checker that holds the jobs of schedules against the fire times there were. The fire times of the
 * schedules of chaos are whole multiples of a few seconds since the epoch, so they need no cron to be known. Pure.
 */
import type { MissedPolicy, OverlapPolicy, RunOutcome } from '../../src/core/schedule.ts'
import type { History, JobMove, JobRow } from './history.ts'
import type { Problem } from './scenario.ts'

/** A schedule as it was set up, and how far it got. Times are ms since epoch, by the clock of the database. */
export interface ScheduleFacts {
  readonly name: string
  /** Its fire times are the whole multiples of this. */
  readonly everySeconds: number
  readonly missedPolicy: MissedPolicy
  readonly missedCap: number
  readonly overlapPolicy: OverlapPolicy
  /** Fire times after this count. */
  readonly fromMs: number
  /** Up to here it says that it has dealt with all. */
  readonly untilMs: number
}

/** A row of `schedule_runs`. */
export interface ScheduleRun {
  readonly schedule: string
  readonly fireMs: number
  readonly outcome: RunOutcome
  readonly jobId: string | null
  readonly fireTimes: number
  /** Begin of the transaction that wrote it. */
  readonly recordedMs: number
}

/** Later than this a fire time is missed, as the manual says. */
const MISSED_AFTER_MS = 60_000
/** Between the begin of a transaction and its look at the clock; around the limit either outcome is right. */
const BORDER_MS = 2_000

interface Decided {
  readonly run: ScheduleRun
  /** When it was decided: at the earliest, and at the latest where that is known. */
  readonly fromMs: number
  readonly toMs: number
}

/** Everything that is wrong with what became of the fire times of one schedule. */
export function checkSchedule(
  facts: ScheduleFacts,
  allRuns: readonly ScheduleRun[],
  history: Pick<History, 'jobs' | 'jobMoves'>,
): Problem[] {
  const runs = allRuns.filter((run) => run.schedule === facts.name).sort((a, b) => a.fireMs - b.fireMs)
  const jobs = history.jobs.filter((job) => job.key === facts.name)
  const insertions = new Map(
    history.jobMoves.filter((move) => move.from === null).map((move) => [move.jobId, move]),
  )
  const under = (check: string, rows: readonly string[]): Problem[] =>
    rows.map((row) => ({ check, row: `${facts.name}: ${row}` }))
  return [
    ...under('one job per fire time', [...checkJobs(runs, jobs), ...checkTimes(facts, runs)]),
    ...under('no fire time is lost', checkCoverage(facts, runs)),
    ...under('nothing fires before its time', checkEarly(runs, insertions)),
    ...under('the missed-run policy is kept', checkPolicy(facts, runs, insertions)),
    ...under(
      'the overlap policy is kept',
      facts.overlapPolicy === 'skip' ? checkOverlap(jobs, insertions) : [],
    ),
  ]
}

function checkJobs(runs: readonly ScheduleRun[], jobs: readonly JobRow[]): string[] {
  const present = new Set(jobs.map((job) => job.id))
  const named = runs.flatMap((run) => run.jobId ?? [])
  const known = new Set(named)
  return [
    ...[...known]
      .filter((id) => named.indexOf(id) !== named.lastIndexOf(id))
      .map((id) => `job ${id} stands for two fire times`),
    ...jobs.filter((job) => !known.has(job.id)).map((job) => `job ${job.id} was made for no fire time`),
    ...named.filter((id) => !present.has(id)).map((id) => `job ${id} of a fire time is gone`),
    ...runs
      .filter((run) => run.outcome === 'fired' && run.jobId === null)
      .map((run) => `${at(run.fireMs)} has fired and made no job`),
  ]
}

function checkTimes({ everySeconds, fromMs }: ScheduleFacts, runs: readonly ScheduleRun[]): string[] {
  const twice = runs.filter((run, index) => runs[index - 1]?.fireMs === run.fireMs)
  const none = runs.filter((run) => run.fireMs % (everySeconds * 1_000) !== 0 || run.fireMs <= fromMs)
  return [
    ...twice.map((run) => `${at(run.fireMs)} was dealt with twice`),
    ...none.map((run) => `${at(run.fireMs)} is no fire time of it`),
  ]
}

function checkCoverage(facts: ScheduleFacts, runs: readonly ScheduleRun[]): string[] {
  const stepMs = facts.everySeconds * 1_000
  const covered = new Set(
    runs.flatMap((run) => Array.from({ length: run.fireTimes }, (_, back) => run.fireMs - back * stepMs)),
  )
  const lost: string[] = []
  for (let time = (Math.floor(facts.fromMs / stepMs) + 1) * stepMs; time <= facts.untilMs; time += stepMs) {
    if (!covered.has(time)) lost.push(`nothing is known of ${at(time)}`)
  }
  return lost
}

function checkEarly(runs: readonly ScheduleRun[], insertions: ReadonlyMap<string, JobMove>): string[] {
  return runs.flatMap((run) => {
    const made = insertions.get(run.jobId ?? '')
    if (made === undefined) return []
    const problems: string[] = []
    if (made.atMs < run.fireMs) problems.push(`the job of ${at(run.fireMs)} was made at ${at(made.atMs)}`)
    if ((made.scheduledMs ?? 0) < run.fireMs) problems.push(`the job of ${at(run.fireMs)} was due before it`)
    return problems
  })
}

/** Each transaction looked at the clock once, and decided about everything that had come by then. */
function checkPolicy(
  facts: ScheduleFacts,
  runs: readonly ScheduleRun[],
  insertions: ReadonlyMap<string, JobMove>,
): string[] {
  const passes = new Map<number, ScheduleRun[]>()
  for (const run of runs) {
    const pass = passes.get(run.recordedMs)
    if (pass === undefined) passes.set(run.recordedMs, [run])
    else pass.push(run)
  }
  return [...passes].flatMap(([recordedMs, pass]) => {
    const made = pass.flatMap((run) => insertions.get(run.jobId ?? '')?.atMs ?? [])
    const toMs = made.length === 0 ? Number.POSITIVE_INFINITY : Math.min(...made)
    return checkPass(
      facts,
      pass.filter((run) => run.outcome !== 'paused').map((run) => ({ run, fromMs: recordedMs, toMs })),
    )
  })
}

function checkPass(facts: ScheduleFacts, pass: readonly Decided[]): string[] {
  const isLate = ({ run, fromMs }: Decided): boolean => fromMs - run.fireMs > MISSED_AFTER_MS + BORDER_MS
  const isOnTime = ({ run, toMs }: Decided): boolean => toMs - run.fireMs < MISSED_AFTER_MS - BORDER_MS
  const late = pass.filter(isLate)
  const border = pass.filter((one) => !isLate(one) && !isOnTime(one)).length
  const wanted = Math.min(toCatchUp(facts), late.length)
  const chosen = late.filter(({ run }) => run.outcome !== 'missed').length
  const problems: string[] = []
  // Those around the limit may have been missed too, and then the newest that are caught up are among them.
  if (chosen > wanted || chosen < wanted - border)
    problems.push(
      `${chosen} of ${late.length} missed ones were run at ${at(late[0]?.fromMs ?? 0)}, not ${wanted}`,
    )
  const newest = late.slice(late.length - chosen)
  if (newest.some(({ run }) => run.outcome === 'missed'))
    problems.push(
      `not the newest of the missed ones were run: ${late.map(({ run }) => run.outcome).join(', ')}`,
    )
  for (const { run } of pass.filter(isOnTime)) {
    const wrong =
      run.outcome === 'missed' || (run.outcome === 'overlapped' && facts.overlapPolicy === 'allow')
    if (wrong) problems.push(`${at(run.fireMs)} was on time and is ${run.outcome}`)
  }
  return problems
}

function toCatchUp({ missedPolicy, missedCap }: ScheduleFacts): number {
  return missedPolicy === 'skip' ? 0 : missedPolicy === 'latest' ? 1 : missedCap
}

function checkOverlap(jobs: readonly JobRow[], insertions: ReadonlyMap<string, JobMove>): string[] {
  const inOrder = [...jobs].sort((a, b) => Number(a.id) - Number(b.id))
  return inOrder.flatMap((job, index) => {
    const before = inOrder[index - 1]
    const madeMs = insertions.get(job.id)?.atMs
    if (before === undefined || madeMs === undefined) return []
    return before.finishedMs === null || madeMs < before.finishedMs
      ? [`job ${job.id} was made while job ${before.id} was open`]
      : []
  })
}

function at(ms: number): string {
  return new Date(ms).toISOString()
}
