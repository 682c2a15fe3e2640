/** One attempt of one job: its context, its signal, its limits, and how it ended. */
import { isA, messageOf, RowbeatError } from '../core/errors.ts'
import { readFailure, SkipSignal, SnoozeSignal } from '../core/outcome.ts'
import type { JobContext, Log, ProgressReport, Services } from '../core/ports.ts'
import { DEFAULT_RETRY, decideFailure } from '../core/retry.ts'
import type { JobDefinition, JsonValue } from '../core/workflow.ts'
import type { ClaimedJob } from '../store/claims.ts'
import { serialize } from '../store/json.ts'
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
  readonly code: string | null
  readonly message: string | null
}

/** Default limit of one attempt, for jobs whose row and handler name none. */
const TIMEOUT_SECONDS = 300

/** Most bytes of a result, as JSON: 1 MiB. A batch of them is one statement. */
export const RESULT_MAX_BYTES = 2 ** 20

/** Most findings about a payload that are told. */
const ISSUES_MAX = 5

/** Most characters of what a report says. */
const REPORT_TEXT_MAX = 2_000

/** What all attempts of a poller have in common. */
export interface AttemptHost {
  readonly services: Services
  readonly logFor: (job: ClaimedJob) => Log
  readonly onEnd: (attempt: Attempt, end: AttemptEnd) => void
}

/**
 * Starts a job's handler and calls `host.onEnd` once. Never throws: whatever the handler does becomes an end.
 * @param now monotonic ms
 */
export function startAttempt(
  host: AttemptHost,
  job: ClaimedJob,
  definition: JobDefinition,
  now: number,
): Attempt {
  const attempt = new RunningAttempt(host, job, definition, now)
  attempt.run()
  return attempt
}

/**
 * Classes, for once: there are tens of thousands a second of these two, and what is on their prototypes is not made
 * for each.
 */
class RunningAttempt implements Attempt {
  readonly job: ClaimedJob
  readonly startedMs: number
  readonly deadlineMs: number
  ended = false
  aborted: AbortReason | null = null
  abortedMs = 0
  progress: ProgressReport | null = null
  readonly host: AttemptHost
  readonly #definition: JobDefinition
  readonly #limitSeconds: number
  /** Made on first use: a handler that never asks for its signal costs none. */
  #controller: AbortController | null = null

  constructor(host: AttemptHost, job: ClaimedJob, definition: JobDefinition, now: number) {
    const limitSeconds = job.timeoutSeconds ?? definition.timeout ?? TIMEOUT_SECONDS
    this.host = host
    this.job = job
    this.#definition = definition
    this.#limitSeconds = limitSeconds
    this.startedMs = now
    this.deadlineMs = now + 1000 * Math.min(limitSeconds, Math.max(0, job.secondsToDeadline ?? limitSeconds))
  }

  run(): void {
    const definition = this.#definition
    try {
      const context = new AttemptContext(this, parseInput(definition, this.job.payload))
      Promise.resolve(definition.run(context)).then(
        (result) => this.#end(() => this.#endOfResult(result)),
        (error: unknown) => this.#end(() => endOfError(this, definition, error)),
      )
    } catch (error) {
      this.#end(() => endOfError(this, definition, error))
    }
  }

  #endOfResult(result: JsonValue | undefined): AttemptEnd {
    if (result === undefined) return COMPLETED
    try {
      return endOfResult(this.job, result)
    } catch (error) {
      return endOfError(this, this.#definition, unfitResult(error))
    }
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController()
      if (this.aborted !== null) this.#controller.abort(abortError(this.aborted, this.#limitSeconds))
    }
    return this.#controller.signal
  }

  abort(reason: AbortReason): void {
    if (this.ended || this.aborted !== null) return
    this.aborted = reason
    this.abortedMs = performance.now()
    this.#controller?.abort(abortError(reason, this.#limitSeconds))
  }

  /** Whatever a handler returned or threw, an attempt ends: reading it may throw, too. */
  #end(read: () => AttemptEnd): void {
    if (this.ended) return
    let result: AttemptEnd
    try {
      result = read()
    } catch (error) {
      result = endOfError(this, this.#definition, new RowbeatError('INTERNAL_ERROR', messageOf(error)))
    }
    // Reading runs code of the handler's, which may have ended it.
    if (this.ended) return
    this.ended = true
    this.host.onEnd(this, result)
  }
}

/** What a handler is handed; may be taken apart, for nothing here is a method. */
class AttemptContext implements JobContext {
  readonly input: unknown
  readonly jobId: string
  readonly executionId: string | null
  readonly attempt: number
  readonly #attempt: RunningAttempt
  #log: Log | null = null

  constructor(attempt: RunningAttempt, input: unknown) {
    const { job } = attempt
    this.input = input
    this.jobId = job.id
    this.executionId = job.executionId
    this.attempt = job.attempt
    this.#attempt = attempt
  }

  get db() {
    return this.#attempt.host.services.db
  }

  get outbound() {
    return this.#attempt.host.services.outbound
  }

  get compute() {
    return this.#attempt.host.services.compute
  }

  get signal() {
    return this.#attempt.signal
  }

  get log() {
    this.#log ??= this.#attempt.host.logFor(this.#attempt.job)
    return this.#log
  }

  get progress() {
    return (report: ProgressReport): void => {
      try {
        this.#attempt.progress = plainReport(report)
      } catch (error) {
        // Of the report alone: the work goes on, and so do the reports of others that are written with it.
        this.log.warn('a progress report was dropped', { problem: messageOf(error) })
      }
    }
  }
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

function parseInput(definition: JobDefinition, payload: unknown): unknown {
  try {
    return definition.input.parse(payload)
  } catch (error) {
    throw new RowbeatError('INVALID_INPUT', issuesOf(error) ?? messageOf(error), { cause: error })
  }
}

/** What a schema of zod's, or one like it, finds wrong, in a line: `customer: expected string; lines.0: …`. */
function issuesOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('issues' in error)) return null
  const { issues } = error
  if (!Array.isArray(issues) || issues.length === 0) return null
  return issues.slice(0, ISSUES_MAX).map(issueText).join('; ')
}

function issueText({ path, message }: { readonly path?: unknown; readonly message?: unknown }): string {
  const where = Array.isArray(path) && path.length > 0 ? `${path.map(String).join('.')}: ` : ''
  return (
    where +
    String(message)
      .replace(/^Invalid input: /, '')
      .replace(/, received \w+$/, '')
  )
}

const COMPLETED: AttemptEnd = { outcome: 'completed', ending: null, code: null, message: null }

/**
 * Serialized once, here: `toJSON`, getters and Proxies are code of the handler's, and in the batch they would run
 * beside the results of others.
 */
function endOfResult(job: ClaimedJob, value: JsonValue): AttemptEnd {
  const result = serialize(value)
  if (result === undefined) return COMPLETED
  // Never more than three bytes a UTF-16 unit: most results need not be counted.
  if (3 * result.text.length > RESULT_MAX_BYTES) {
    const bytes = Buffer.byteLength(result.text)
    if (bytes > RESULT_MAX_BYTES)
      throw new RowbeatError(
        'RESULT_TOO_LARGE',
        `the result has ${bytes} bytes as JSON; at most ${RESULT_MAX_BYTES} are stored`,
      )
  }
  return { ...COMPLETED, ending: endingOf(job, { status: 'completed', result }) }
}

function unfitResult(error: unknown): RowbeatError {
  if (isA(error, RowbeatError) && error.code === 'RESULT_TOO_LARGE') return error
  // That of a circle goes on to draw it, over several lines.
  const [why] = messageOf(error).split('\n', 1)
  return new RowbeatError('INVALID_RESULT', `the result cannot be written as JSON: ${why}`, { cause: error })
}

/** A copy that is plain data, for a report may be anything. Throws what reading it throws. */
function plainReport({ done, total, unit, message }: ProgressReport): ProgressReport {
  const report = { done: Number(done), total: Number(total), unit: shortText(unit ?? '') }
  return message === undefined ? report : { ...report, message: shortText(message) }
}

function shortText(value: unknown): string {
  const text = String(value)
  return text.length > REPORT_TEXT_MAX ? `${text.slice(0, REPORT_TEXT_MAX - 1)}…` : text
}

function endOfError(attempt: Attempt, definition: JobDefinition | undefined, error: unknown): AttemptEnd {
  const { job } = attempt
  if (isA(error, SkipSignal)) {
    const ending = endingOf(job, { status: 'skipped', code: error.code, message: error.message })
    return { outcome: 'skipped', ending, code: error.code, message: error.message }
  }
  if (isA(error, SnoozeSignal)) {
    const ending = endingOf(job, { status: 'pending', delaySeconds: error.seconds })
    return { outcome: 'snoozed', ending, code: null, message: null }
  }
  if (attempt.aborted === 'shutdown') {
    // Not the job's fault: handed back as it was, no retry counted.
    return { outcome: 'released', ending: endingOf(job, { status: 'pending' }), code: null, message: null }
  }
  const failure = readFailure(error)
  const code =
    attempt.aborted === 'timeout' ? 'STEP_TIMEOUT' : attempt.aborted === 'lost' ? 'POLLER_LOST' : failure.code
  const message =
    attempt.aborted === null ? messageOf(error) : `${abortText(attempt.aborted)}: ${messageOf(error)}`
  const decision = decideFailure(
    definition?.retry ?? DEFAULT_RETRY,
    job,
    { ...failure, code, final: attempt.aborted === null && failure.final },
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
  return { ...(ending ?? plainEnding(attempt.job)), report: { percent, detail } }
}
