/** One attempt of one job: its context, its signal, its limits, and how it ended. */
import { codeOf, type ErrorCode, messageOf, RowbeatError } from '../core/errors.ts'
import { SkipSignal, SnoozeSignal } from '../core/outcome.ts'
import type { JobContext, Log, ProgressReport, Services } from '../core/ports.ts'
import { DEFAULT_RETRY, decideFailure } from '../core/retry.ts'
import type { JobDefinition, JsonValue } from '../core/workflow.ts'
import type { ClaimedJob } from '../store/claims.ts'
import { type Ending, type ProgressWrite, plainEnding } from '../store/settlements.ts'
import type { Outcome } from './events.ts'

/** Why an attempt's signal fired. */
export type AbortReason = 'timeout' | 'lost' | 'shutdown'

export interface Attempt {
  readonly job: ClaimedJob
  /** Monotonic ms. */
  readonly startedMs: number
  /** Monotonic ms after which the signal fires. */
  readonly deadlineMs: number
  ended: boolean
  aborted: AbortReason | null
  /** When the signal fired, monotonic ms. */
  abortedMs: number
  progress: ProgressReport | null
  abort(reason: AbortReason): void
}

/** How an attempt ended; `ending` is null for a plain completion. */
export interface AttemptEnd {
  readonly outcome: Outcome
  readonly ending: Ending | null
  readonly code: ErrorCode | null
  readonly message: string | null
}

/** Default limit of one attempt, for jobs whose row and handler name none. */
const TIMEOUT_SECONDS = 300

/**
 * Starts a job's handler and calls `onEnd` once. Never throws: whatever the handler does becomes an end.
 * @param now monotonic ms
 */
export function startAttempt(options: {
  readonly job: ClaimedJob
  readonly definition: JobDefinition
  readonly services: Services
  readonly logFor: (job: ClaimedJob) => Log
  readonly now: number
  readonly onEnd: (attempt: Attempt, end: AttemptEnd) => void
}): Attempt {
  const { job, definition } = options
  const limitSeconds = job.timeoutSeconds ?? definition.timeout ?? TIMEOUT_SECONDS
  // Made on first use: a handler that never asks for its signal costs none.
  let controller: AbortController | null = null
  const attempt: Attempt = {
    job,
    startedMs: options.now,
    deadlineMs:
      options.now + 1000 * Math.min(limitSeconds, Math.max(0, job.secondsToDeadline ?? limitSeconds)),
    ended: false,
    aborted: null,
    abortedMs: 0,
    progress: null,
    abort: (reason) => {
      if (attempt.ended || attempt.aborted !== null) return
      attempt.aborted = reason
      attempt.abortedMs = performance.now()
      controller?.abort(abortError(reason, limitSeconds))
    },
  }
  const end = (result: AttemptEnd): void => {
    if (attempt.ended) return
    attempt.ended = true
    options.onEnd(attempt, result)
  }
  const signal = (): AbortSignal => {
    if (controller === null) {
      controller = new AbortController()
      if (attempt.aborted !== null) controller.abort(abortError(attempt.aborted, limitSeconds))
    }
    return controller.signal
  }
  const fail = (error: unknown): void => end(endOfError(attempt, definition, error))
  try {
    const context = createContext(options, attempt, definition, signal)
    Promise.resolve(definition.run(context)).then((result) => end(endOfResult(job, result)), fail)
  } catch (error) {
    fail(error)
  }
  return attempt
}

/** The end of an attempt whose handler did not stop when told: it is given up, and whatever it does is ignored. */
export function abandon(attempt: Attempt, definition: JobDefinition | undefined): AttemptEnd {
  return endOfError(
    attempt,
    definition,
    new RowbeatError('STEP_TIMEOUT', 'the handler did not stop when its signal fired'),
  )
}

/** The end of an attempt whose real end the database refuses to store. */
export function unstorable(job: ClaimedJob, error: unknown): Ending {
  return endingOf(job, {
    status: 'failed',
    failure: true,
    code: 'INTERNAL_ERROR',
    message: `what the attempt ended with could not be stored: ${messageOf(error)}`,
  })
}

function createContext(
  options: { readonly services: Services; readonly logFor: (job: ClaimedJob) => Log },
  attempt: Attempt,
  definition: JobDefinition,
  signal: () => AbortSignal,
): JobContext {
  const { job } = attempt
  let log: Log | null = null
  return {
    ...options.services,
    input: parseInput(definition, job.payload),
    jobId: job.id,
    executionId: job.executionId,
    attempt: job.attempt,
    get signal() {
      return signal()
    },
    get log() {
      log ??= options.logFor(job)
      return log
    },
    progress: (report) => {
      attempt.progress = report
    },
  }
}

function parseInput(definition: JobDefinition, payload: unknown): unknown {
  try {
    return definition.input.parse(payload)
  } catch (error) {
    throw new RowbeatError(
      'INVALID_INPUT',
      `the payload does not fit ${definition.jobType}: ${messageOf(error)}`,
      {
        cause: error,
      },
    )
  }
}

function endOfResult(job: ClaimedJob, result: JsonValue | undefined): AttemptEnd {
  const ending = result === undefined ? null : endingOf(job, { status: 'completed', result })
  return { outcome: 'completed', ending, code: null, message: null }
}

function endOfError(attempt: Attempt, definition: JobDefinition | undefined, error: unknown): AttemptEnd {
  const { job } = attempt
  if (error instanceof SkipSignal) {
    const ending = endingOf(job, { status: 'skipped', code: error.code, message: error.message })
    return { outcome: 'skipped', ending, code: error.code, message: error.message }
  }
  if (error instanceof SnoozeSignal) {
    const ending = endingOf(job, { status: 'pending', delaySeconds: error.seconds })
    return { outcome: 'snoozed', ending, code: null, message: null }
  }
  if (attempt.aborted === 'shutdown') {
    // Not the job's fault: handed back as it was, no retry counted.
    return { outcome: 'released', ending: endingOf(job, { status: 'pending' }), code: null, message: null }
  }
  const code: ErrorCode =
    attempt.aborted === 'timeout'
      ? 'STEP_TIMEOUT'
      : attempt.aborted === 'lost'
        ? 'POLLER_LOST'
        : codeOf(error)
  const message =
    attempt.aborted === null ? messageOf(error) : `${abortText(attempt.aborted)}: ${messageOf(error)}`
  const decision = decideFailure(
    definition?.retry ?? DEFAULT_RETRY,
    job,
    { code, retryAfterSeconds: error instanceof RowbeatError ? error.retryAfterSeconds : undefined },
    Math.random(),
  )
  const ending = endingOf(job, {
    status: decision.retry ? 'pending' : 'failed',
    failure: true,
    retried: decision.retry,
    delaySeconds: decision.retry ? decision.delaySeconds : null,
    code,
    message,
  })
  return { outcome: decision.retry ? 'retried' : 'failed', ending, code, message }
}

function endingOf(job: ClaimedJob, given: Partial<Ending> & Pick<Ending, 'status'>): Ending {
  return {
    id: job.id,
    leaseId: job.leaseId,
    failure: false,
    retried: false,
    delaySeconds: null,
    code: null,
    message: null,
    result: undefined,
    ...given,
  }
}

function abortText(reason: AbortReason): string {
  if (reason === 'timeout') return 'stopped at its time limit'
  if (reason === 'lost') return 'stopped because the lease was lost'
  return 'stopped because the poller shuts down'
}

function abortError(reason: AbortReason, limitSeconds: number): RowbeatError {
  if (reason === 'timeout') return new RowbeatError('STEP_TIMEOUT', `the attempt exceeded ${limitSeconds} s`)
  if (reason === 'lost') return new RowbeatError('CANCELLED', 'the job was cancelled, or its lease was lost')
  return new RowbeatError('POLLER_LOST', 'the poller shuts down')
}

/** The store's view of a report; what is no number counts as 0. */
export function toWrite(job: Pick<ClaimedJob, 'id' | 'leaseId'>, report: ProgressReport): ProgressWrite {
  const done = Math.max(0, Number.isFinite(report.done) ? report.done : 0)
  const total = Math.max(0, Number.isFinite(report.total) ? report.total : 0)
  const percent = total > 0 ? Math.min(100, (100 * done) / total) : 0
  const { unit, message } = report
  return {
    id: job.id,
    leaseId: job.leaseId,
    percent,
    detail: { done, total, unit, ...(message === undefined ? {} : { message }) },
  }
}

/** An ending that carries the last report of its attempt, which the watch has not written. */
export function withLastReport(attempt: Attempt, ending: Ending | null): Ending | null {
  if (attempt.progress === null) return ending
  const { percent, detail } = toWrite(attempt.job, attempt.progress)
  const { id, leaseId } = attempt.job
  return { ...(ending ?? plainEnding({ id, leaseId })), report: { percent, detail } }
}
