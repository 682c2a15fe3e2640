/**
 * The checker: what was acknowledged, what handlers did, and what the database says, held against each other. Pure;
 * every check names the rows that break it.
 */
import { isLive, isTerminal, JOB_MOVES } from '../../src/core/states.ts'
import { checkExecutions, editedExecutions } from './checker-executions.ts'
import { isHand } from './hand.ts'
import type { History, JobMove, JobRow } from './history.ts'
import type { Effect } from './ledger.ts'
import type { Plan, WalkInput } from './workload.ts'

export interface Evidence {
  readonly history: History
  readonly effects: readonly Effect[]
  readonly acknowledgedJobs: ReadonlyMap<string, Plan>
  readonly acknowledgedExecutions: ReadonlyMap<string, WalkInput>
  /** True when the database crashed: a claim that was not yet on disk may then be made a second time. */
  readonly serverCrashed: boolean
  /** Daemons whose clock is wrong: of them only the ledger's clock counts. */
  readonly skewed: ReadonlySet<string>
}

export interface Finding {
  readonly check: string
  readonly count: number
  /** The first rows, for people. */
  readonly rows: readonly string[]
}

const ROWS_SHOWN = 8
/** A handler may begin while the answer that ends its job is under way to the database. */
const CROSSING_MS = 2_000
/** Two readings of one clock by two processes. */
const CLOCK_MS = 20

type Check = (evidence: Evidence, index: Index) => readonly string[]

interface Index {
  readonly moves: ReadonlyMap<string, readonly JobMove[]>
  readonly effects: ReadonlyMap<string, readonly Effect[]>
  /** Jobs that were edited by hand, or whose execution's steps were. */
  readonly touched: ReadonlySet<string>
}

/** Every check by its name, in the order of the report. */
const CHECKS: Readonly<Record<string, Check>> = {
  'acknowledged jobs are there': ({ acknowledgedJobs, history }, { moves }) => {
    const present = new Set(history.jobs.map((job) => job.id))
    return [...acknowledgedJobs.keys()]
      .filter((id) => !present.has(id) && !isDeletedByHand(moves.get(id) ?? []))
      .map((id) => `job ${id} was acknowledged and is gone`)
  },
  'every job has ended': ({ history }) =>
    history.jobs
      .filter((job) => !isTerminal(job.status))
      .map((job) => `${describeJob(job)} is still ${job.status}`),
  'moves are legal and in one line': ({ history }, { moves }) =>
    history.jobs.flatMap((job) => checkMoves(moves.get(job.id) ?? [])),
  'an end is final': (_evidence, { moves }) =>
    [...moves.values()].flatMap((line) =>
      line
        .filter((move) => move.from !== null && isTerminal(move.from) && !isHand(move))
        .map((move) => `job ${move.jobId} was ${move.from} and was changed to ${move.to}`),
    ),
  'no attempt beyond the retries': ({ history }, { moves, touched }) =>
    history.jobs
      .filter((job) => !touched.has(job.id))
      .filter(
        (job) =>
          job.retryCount > job.maxRetries || countFailures(moves.get(job.id) ?? []) > job.maxRetries + 1,
      )
      .map((job) => `${describeJob(job)}: ${job.retryCount} retries of ${job.maxRetries}`),
  'no run before its time': ({ effects, history }, { moves }) => [
    ...history.jobMoves
      .filter((move) => isClaim(move) && (move.startedMs ?? 0) < (move.scheduledMs ?? 0))
      .map((move) => `job ${move.jobId} was claimed before its scheduled_at`),
    ...effects
      .filter((one) => one.deed === 'begin')
      .flatMap((one) => checkTime(one, moves.get(one.jobId) ?? [])),
  ],
  'what has completed was done': ({ history }, { effects, touched }) =>
    history.jobs
      .filter((job) => job.status === 'completed' && !touched.has(job.id))
      .filter(
        (job) =>
          effects.get(job.id)?.some((one) => one.deed === 'end' && one.attempt === job.attempt) !== true,
      )
      .map((job) => `${describeJob(job)} is completed, and no handler ended attempt ${job.attempt}`),
  'nothing runs after its end': ({ history, skewed }, { effects, moves }) =>
    history.jobs.flatMap((job) =>
      checkAfterEnd(job, moves.get(job.id) ?? [], effects.get(job.id) ?? [], skewed),
    ),
  'one run per attempt': ({ serverCrashed }, { effects }) =>
    serverCrashed ? [] : [...effects.values()].flatMap((deeds) => checkAttempts(deeds)),
  'jobs end as planned': ({ history, acknowledgedJobs }, { touched }) =>
    history.jobs
      .filter((job) => !touched.has(job.id))
      .flatMap((job) => checkOutcome(job, acknowledgedJobs.get(job.id))),
  'results are those of the handler': ({ history }) =>
    history.jobs
      .filter((job) => job.result !== null && !isResultOf(job))
      .map((job) => `${describeJob(job)} holds ${JSON.stringify(job.result)}`),
  'leases are given back': ({ history }) =>
    history.leases === 0 ? [] : [`${history.leases} leases are left, and no job runs`],
  'executions are there and closed once': ({ history, acknowledgedExecutions }) =>
    checkExecutions(history, acknowledgedExecutions),
  'one live execution per subject': ({ history }) => {
    const live = history.executions.filter((one) => isLive(one.status)).map((one) => one.subject)
    return [...new Set(live.filter((subject, at) => live.indexOf(subject) !== at))]
  },
  'assert_invariants() finds nothing': ({ history }) => history.broken ?? [],
}

export const CHECK_NAMES: readonly string[] = Object.keys(CHECKS)

/** Runs every check; returns those that found something. */
export function checkAll(evidence: Evidence): Finding[] {
  const moves = groupBy(evidence.history.jobMoves, (move) => move.jobId)
  const index: Index = {
    moves,
    effects: groupBy(evidence.effects, (effect) => effect.jobId),
    touched: findTouched(evidence.history, moves),
  }
  return Object.entries(CHECKS).flatMap(([check, run]) => {
    const rows = run(evidence, index)
    return rows.length === 0 ? [] : [{ check, count: rows.length, rows: rows.slice(0, ROWS_SHOWN) }]
  })
}

export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group === undefined) groups.set(keyOf(item), [item])
    else group.push(item)
  }
  return groups
}

function findTouched(history: History, moves: ReadonlyMap<string, readonly JobMove[]>): Set<string> {
  const touched = new Set([...moves].filter(([, line]) => line.some(isHand)).map(([id]) => id))
  const executions = editedExecutions(history)
  for (const job of history.jobs) {
    if (job.executionId !== null && executions.has(job.executionId)) touched.add(job.id)
  }
  return touched
}

function checkMoves(line: readonly JobMove[]): string[] {
  const problems: string[] = []
  let before: JobMove | null = null
  for (const move of line) {
    const at = `job ${move.jobId}: ${move.from ?? 'nothing'} → ${move.to ?? 'nothing'}`
    if (before === null && move.from !== null) problems.push(`${at} is its first move`)
    if (before !== null && before.to !== move.from) problems.push(`${at} follows a move to ${before.to}`)
    const { from, to } = move
    if (from !== null && to !== null && from !== to && !JOB_MOVES[from].includes(to) && !isHand(move))
      problems.push(`${at} is not legal`)
    if (isClaim(move) && before !== null && move.attempt !== (before.attempt ?? 0) + 1)
      problems.push(`${at} makes attempt ${move.attempt} out of ${before.attempt}`)
    before = move
  }
  return problems
}

/** Failed attempts: those that were counted as retries, and the last one. */
function countFailures(line: readonly JobMove[]): number {
  let failures = 0
  let retries = 0
  for (const move of line) {
    if (move.from === 'running' && move.to === 'failed') failures += 1
    else if (move.from === 'running' && (move.retryCount ?? 0) > retries) failures += 1
    retries = Math.max(retries, move.retryCount ?? 0)
  }
  return failures
}

function checkTime(effect: Effect, line: readonly JobMove[]): string[] {
  const claims = line.filter((move) => isClaim(move) && move.attempt === effect.attempt)
  // Without a claim it was lost in a crash of the database, and the time of the row before it counts.
  const due = Math.min(...claims.map((move) => move.scheduledMs ?? 0))
  return claims.length > 0 && effect.atMs < due
    ? [`job ${effect.jobId} ran ${Math.round(due - effect.atMs)} ms before its scheduled_at`]
    : []
}

function checkAfterEnd(
  job: JobRow,
  line: readonly JobMove[],
  deeds: readonly Effect[],
  skewed: ReadonlySet<string>,
): string[] {
  if (!isTerminal(job.status)) return []
  const end = line.findLast((move) => move.to === job.status && move.from !== move.to)
  if (end === undefined) return []
  const margin = job.status === 'completed' && !isHand(end) ? CLOCK_MS : CROSSING_MS
  return deeds
    .filter((one) => one.deed === 'begin')
    .map((one) => ({ one, late: (skewed.has(one.daemon) ? one.atMs : one.handlerMs) - end.atMs }))
    .filter(({ late }) => late > margin)
    .map(
      ({ one, late }) =>
        `${describeJob(job)} was ${job.status}, and ${one.daemon} began attempt ${one.attempt} ${Math.round(late)} ms later`,
    )
}

function checkAttempts(deeds: readonly Effect[]): string[] {
  const begun = deeds.filter((one) => one.deed === 'begin').map((one) => one.attempt)
  return [...new Set(begun.filter((attempt, at) => begun.indexOf(attempt) !== at))].map(
    (attempt) => `attempt ${attempt} of job ${deeds[0]?.jobId} was run twice`,
  )
}

function checkOutcome(job: JobRow, plan: Plan | undefined): string[] {
  if (plan === undefined || !isTerminal(job.status)) return []
  const usedUp = job.status === 'failed' && job.retryCount === job.maxRetries
  const expected = {
    plain: 'completed',
    result: 'completed',
    skip: 'skipped',
    fatal: 'failed',
    hopeless: 'failed',
  }
  if (usedUp || job.status === expected[plan.end]) return []
  return [
    `${describeJob(job)} was planned to be ${expected[plan.end]} and is ${job.status} (${job.lastErrorCode})`,
  ]
}

function isResultOf(job: JobRow): boolean {
  if (typeof job.result !== 'object' || job.result === null || !('key' in job.result)) return false
  return job.executionId === null
    ? job.result.key === job.key
    : JSON.stringify(job.payload).includes(JSON.stringify(job.result.key))
}

function isClaim(move: JobMove): boolean {
  return move.from === 'pending' && move.to === 'running'
}

function isDeletedByHand(line: readonly JobMove[]): boolean {
  return line.some((move) => move.to === null && isHand(move))
}

function describeJob(job: JobRow): string {
  return job.step === null ? `job ${job.id}` : `job ${job.id} (${job.step})`
}
