/** How a handler says that its job ended otherwise than by completing or failing. */
import { type ErrorCode, isA, isOwnOutage, RowbeatError } from './errors.ts'

/** Thrown by {@link skip}. */
export class SkipSignal extends Error {
  readonly code: ErrorCode
  constructor(code: ErrorCode, reason: string) {
    super(reason)
    this.name = 'SkipSignal'
    this.code = code
  }
}

/** Thrown by {@link snooze}. */
export class SnoozeSignal extends Error {
  readonly seconds: number
  constructor(seconds: number) {
    super(`snoozed for ${seconds} s`)
    this.name = 'SnoozeSignal'
    this.seconds = seconds
  }
}

/** Ends the job as `skipped`: there was, with good reason, nothing to do. */
export function skip(code: ErrorCode, reason: string): never {
  throw new SkipSignal(code, reason)
}

/** Hands the job back to run again in `seconds` (0..31,536,000); not counted as a retry. */
export function snooze(seconds: number): never {
  if (!Number.isFinite(seconds) || seconds < 0 || seconds > 31_536_000) {
    throw new RangeError(`snooze takes 0 to 31,536,000 seconds, got ${seconds}`)
  }
  throw new SnoozeSignal(seconds)
}

const CODE = /^[A-Z][A-Z0-9_]{0,62}$/

/** Thrown by {@link fail} and {@link fatal}. */
export class JobError extends Error {
  readonly code: string
  /** True when no other try can help. */
  readonly final: boolean
  /** Seconds to wait at least before the next try. */
  readonly retryAfterSeconds: number | undefined
  constructor(
    code: string,
    message: string,
    options: { final: boolean; retryAfterSeconds?: number | undefined },
  ) {
    super(message)
    this.name = 'JobError'
    this.code = code
    this.final = options.final
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

/**
 * Ends the attempt as failed with a code of the handler's own (`[A-Z][A-Z0-9_]*`, at most 63 characters); it is
 * retried by the policy, after `retryAfterSeconds` at least. Throws a RangeError for what is no such code.
 */
export function fail(
  code: string,
  message: string,
  options: { readonly retryAfterSeconds?: number } = {},
): never {
  requireCode(code)
  throw new JobError(code, message, { ...options, final: false })
}

/** Ends the job as failed, however many retries it has left. Throws a RangeError for what is no code, see {@link fail}. */
export function fatal(code: string, message: string): never {
  requireCode(code)
  throw new JobError(code, message, { final: true })
}

function requireCode(code: string): void {
  if (!CODE.test(code)) throw new RangeError(`a code must match ${CODE}, got "${code}"`)
}

export interface ReadFailure {
  readonly code: string
  readonly final: boolean
  readonly retryAfterSeconds: number | undefined
}

/**
 * What anything that a handler threw means. An outage counts as the database's only when a connection of ours met it.
 * Never throws for an error of the handler's.
 */
export function readFailure(thrown: unknown): ReadFailure {
  if (isA(thrown, JobError)) return thrown
  if (isA(thrown, RowbeatError)) {
    return { code: thrown.code, final: false, retryAfterSeconds: thrown.retryAfterSeconds }
  }
  const code = isOwnOutage(thrown) ? 'DATABASE_UNAVAILABLE' : 'UNHANDLED_ERROR'
  return { code, final: false, retryAfterSeconds: undefined }
}
