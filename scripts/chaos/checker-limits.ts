/** The part of the checker that holds limits of queues against what was claimed and what handlers did. Pure. */
import { groupBy } from './checker.ts'
import type { JobMove } from './history.ts'
import type { Effect } from './ledger.ts'
import type { Problem } from './scenario.ts'

export interface Limits {
  readonly queue: string
  readonly maxRunning: number
  readonly maxPerKey: number
}

export interface Rate {
  readonly queue: string
  /** Most starts in any window of `seconds`. */
  readonly max: number
  readonly seconds: number
}

/** From the decision of a claim to the first line of a handler, on a busy machine. */
const RATE_SLACK_MS = 500

const CHECK = 'limits are kept'
const problem = (row: string): Problem => ({ check: CHECK, row })

/**
 * Moments at which more jobs ran than allowed, by the committed history. An end is noted before its commit and a
 * claim after it saw who runs, so a claim that kept the limit is never counted as one too many.
 */
export function checkLimits(moves: readonly JobMove[], limits: Limits): Problem[] {
  const changes = moves
    .filter((move) => move.queue === limits.queue)
    .map(({ jobId, key, to, atMs }) => ({ jobId, key, atMs, runs: to === 'running' }))
  return sweep(changes, limits, 'claimed')
}

/**
 * Moments at which more handlers were at work than allowed, by the ledger: each from its first line to its last, or
 * until its job was taken from it. What a poller that slept past its lease still does after waking is not counted:
 * it has lost the job, and no database can stop it sooner.
 */
export function checkHandlers(
  effects: readonly Effect[],
  moves: readonly JobMove[],
  limits: Limits,
): Problem[] {
  const keys = new Map(
    moves.filter((move) => move.queue === limits.queue).map(({ jobId, key }) => [jobId, key]),
  )
  const ours = effects.filter((one) => keys.has(one.jobId))
  const movesOf = groupBy(moves, (move) => move.jobId)
  const deedsOf = groupBy(ours, (one) => one.jobId)
  const changes = ours
    .filter((one) => one.deed === 'begin')
    .flatMap((begin): Change[] => {
      const endMs = Math.min(
        endByLedger(begin, deedsOf.get(begin.jobId) ?? []),
        endByHistory(begin, movesOf.get(begin.jobId) ?? []),
      )
      if (endMs <= begin.handlerMs) return []
      const who = {
        jobId: begin.jobId,
        run: `${begin.daemon} ${begin.attempt}`,
        key: keys.get(begin.jobId) ?? null,
      }
      return [
        { ...who, atMs: begin.handlerMs, runs: true },
        { ...who, atMs: endMs, runs: false },
      ]
    })
  return sweep(changes, limits, 'begun')
}

function endByLedger(begin: Effect, deeds: readonly Effect[]): number {
  return Math.min(
    ...deeds
      .filter((one) => one.deed !== 'begin' && one.daemon === begin.daemon && one.attempt === begin.attempt)
      .map((one) => one.handlerMs),
  )
}

function endByHistory(begin: Effect, line: readonly JobMove[]): number {
  const left = line.find((move) => move.from === 'running' && move.attempt === begin.attempt)
  return left?.atMs ?? Number.POSITIVE_INFINITY
}

interface Change {
  readonly jobId: string
  /** Which of its runs; one job has one at a time in the history. */
  readonly run?: string
  readonly key: string | null
  readonly atMs: number
  readonly runs: boolean
}

function sweep(changes: readonly Change[], limits: Limits, what: string): Problem[] {
  const running = new Map<string, string | null>()
  const problems: Problem[] = []
  // Of two at the same moment the end comes first: the start saw it.
  const inOrder = [...changes].sort((a, b) => a.atMs - b.atMs || Number(a.runs) - Number(b.runs))
  for (const { jobId, run, key, runs } of inOrder) {
    const id = `${jobId} ${run ?? ''}`
    if (!runs) {
      running.delete(id)
      continue
    }
    running.set(id, key)
    const ofKey = [...running.values()].filter((other) => other === key).length
    if (running.size > limits.maxRunning)
      problems.push(problem(`job ${jobId} was ${what} as ${running.size} of ${limits.maxRunning}`))
    if (key !== null && ofKey > limits.maxPerKey)
      problems.push(problem(`job ${jobId} was ${what} as ${ofKey} of ${limits.maxPerKey} for ${key}`))
  }
  return problems
}

/** Windows in which more jobs were claimed than the rate allows: to the millisecond, by the clock that decides. */
export function checkRate(moves: readonly JobMove[], rate: Rate): Problem[] {
  const starts = moves
    .filter((move) => move.queue === rate.queue && move.from === 'pending' && move.to === 'running')
    .map((move) => move.startedMs ?? move.atMs)
  return tooFast(starts, rate, rate.seconds * 1_000, 'claims')
}

/** The same of handlers, by the ledger, with what a busy machine may add between a claim and its handler. */
export function checkHandlerRate(
  effects: readonly Effect[],
  moves: readonly JobMove[],
  rate: Rate,
): Problem[] {
  const ours = new Set(moves.filter((move) => move.queue === rate.queue).map((move) => move.jobId))
  const begun = effects.filter((one) => one.deed === 'begin' && ours.has(one.jobId))
  return tooFast(
    begun.map((one) => one.handlerMs),
    rate,
    rate.seconds * 1_000 - RATE_SLACK_MS,
    'handlers',
  )
}

function tooFast(startsMs: readonly number[], rate: Rate, windowMs: number, what: string): Problem[] {
  const starts = [...startsMs].sort((a, b) => a - b)
  return starts.flatMap((startMs, at) => {
    const first = starts[at - rate.max]
    if (first === undefined || startMs - first >= windowMs) return []
    return [problem(`${rate.max + 1} ${what} of ${rate.queue} within ${Math.round(startMs - first)} ms`)]
  })
}
