/** The part of the checker that holds the answers of the API against what was true meanwhile. Pure. */
import { isTerminal } from '../../src/core/states.ts'
import { expectedStatus } from './checker-executions.ts'
import type { JobRow } from './history.ts'
import type { Problem } from './scenario.ts'

/** An answer about readiness; times are monotonic ms. */
export interface Readiness {
  readonly server: string
  readonly askedMs: number
  readonly answeredMs: number
  /** HTTP status; null when no answer came. */
  readonly status: number | null
}

/** A time in which a server could not reach its database. */
export interface Loss {
  readonly server: string
  readonly fromMs: number
  readonly toMs: number
}

/** Not ready within this after the loss, and ready again within this after it is healed. */
const LOST_MS = 10_000
const HEALED_MS = 30_000
/** An answer on its way when the loss ends or begins says either. */
const CROSSING_MS = 500

/**
 * Answers that were not true: ready more than 10 s after the database was lost, no word about it within these 10 s,
 * not ready within 30 s after it came back, and no answer at all. `losses` do not follow each other within 30 s
 * unless the later one is meant to begin before the server is ready again.
 */
export function checkReadiness(answers: readonly Readiness[], losses: readonly Loss[]): Problem[] {
  const check = 'ready says what is true'
  const silent = answers
    .filter((one) => one.status === null)
    .map((one) => `${one.server} gave no answer within ${Math.round(one.answeredMs - one.askedMs)} ms`)
  const rows = losses.flatMap((loss) => {
    const own = answers.filter((one) => one.server === loss.server)
    return [...checkLoss(own, loss), ...checkHealing(own, loss, losses)]
  })
  return [...silent, ...rows].map((row) => ({ check, row }))
}

function checkLoss(own: readonly Readiness[], { server, fromMs, toMs }: Loss): string[] {
  const problems = own
    .filter((one) => one.status === 200 && one.askedMs > fromMs + LOST_MS && one.answeredMs < toMs)
    .map((one) => `${server} was ready ${seconds(one.answeredMs - fromMs)} s after its database was lost`)
  if (toMs - fromMs < LOST_MS + CROSSING_MS) return problems
  const told = own.some(
    (one) => one.status === 503 && one.askedMs >= fromMs && one.answeredMs <= fromMs + LOST_MS,
  )
  if (!told) problems.push(`${server} did not say within 10 s that its database was lost`)
  return problems
}

function checkHealing(own: readonly Readiness[], { server, toMs }: Loss, losses: readonly Loss[]): string[] {
  const next = losses.some(
    (other) => other.server === server && other.fromMs > toMs && other.fromMs < toMs + HEALED_MS,
  )
  const lastMs = Math.max(...own.map((one) => one.answeredMs))
  const isReady = own.some(
    (one) => one.status === 200 && one.askedMs > toMs && one.answeredMs < toMs + HEALED_MS,
  )
  // Asked no longer, it may have been ready in time.
  if (isReady || next || lastMs < toMs + HEALED_MS) return []
  return [`${server} was not ready within 30 s after its database came back`]
}

/** What a status said of an audit. */
export interface StatusAnswer {
  readonly executionId: string
  readonly status: string
  /** Percent, 0..100. */
  readonly progress: number
  readonly hasEnded: boolean
}

/** What went backwards between two answers about one audit, whichever server gave them. */
export function compareAnswers(before: StatusAnswer, now: StatusAnswer): Problem[] {
  const rows: string[] = []
  const { executionId } = now
  if (now.progress < before.progress)
    rows.push(`audit ${executionId}: progress fell from ${before.progress} to ${now.progress}`)
  if (before.status !== 'pending' && now.status === 'pending')
    rows.push(`audit ${executionId} was ${before.status} and is pending again`)
  if (before.hasEnded && (!now.hasEnded || now.status !== before.status))
    rows.push(`audit ${executionId} was ${before.status} and is ${now.status}`)
  return rows.map((row) => ({ check: 'the API is truthful', row }))
}

/** An execution as its tables have it. */
export interface StoredExecution {
  readonly id: string
  readonly status: string
  readonly steps: readonly Pick<JobRow, 'status' | 'critical'>[]
}

/** Holds the last answer about every acknowledged audit against its rows; `answers` has null where none was given. */
export function checkFinal(
  answers: ReadonlyMap<string, StatusAnswer | null>,
  stored: readonly StoredExecution[],
): Problem[] {
  const check = 'the status of every acknowledged audit ends right'
  const byId = new Map(stored.map((one) => [one.id, one]))
  return [...answers].flatMap(([id, answer]): Problem[] => {
    const row = byId.get(id)
    const wrong = (text: string): Problem[] => [{ check, row: `audit ${id} ${text}` }]
    if (row === undefined) return wrong('was acknowledged and is gone')
    if (answer === null) return wrong(`is ${row.status}, and no status was answered`)
    const open = row.steps.filter((step) => !isTerminal(step.status)).length
    if (open > 0) return wrong(`has ${open} open steps`)
    const expected = expectedStatus(row.steps)
    if (row.status !== expected) return wrong(`is ${row.status} and its steps say ${expected}`)
    if (answer.status !== row.status) return wrong(`is ${row.status}, and the answer was ${answer.status}`)
    if (!answer.hasEnded || answer.progress !== 100)
      return wrong(`has ended, and the answer was ${answer.progress} %`)
    return []
  })
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1)
}
