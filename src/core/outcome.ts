/** How a handler says that its job ended otherwise than by completing or failing. */
import type { ErrorCode } from './errors.ts'

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
