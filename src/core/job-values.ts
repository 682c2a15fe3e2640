/** What the values of a new job may be. The database asks the same of what is written by hand (check_values.sql). */

/** Values of a new job, as far as they are given. */
export interface JobValues {
  readonly jobType: string
  readonly queue?: string | undefined
  readonly priority?: number | undefined
  readonly scheduledAt?: Date | undefined
  readonly maxRetries?: number | undefined
  readonly timeoutSeconds?: number | undefined
  readonly deadlineAt?: Date | undefined
  readonly dedupeKey?: string | undefined
  readonly concurrencyKey?: string | undefined
}

const NAME_MAX = 63
const KEY_MAX = 500

/** Throws a RangeError with the first value that is out of range, and its range. */
export function requireJobValues(job: JobValues): void {
  requireText('jobType', job.jobType, 1, NAME_MAX)
  requireText('queue', job.queue, 1, NAME_MAX)
  requireWhole('priority', job.priority, -100, 100)
  requireWhole('maxRetries', job.maxRetries, 0, 100)
  requireWhole('timeoutSeconds', job.timeoutSeconds, 1, 604_800)
  requireText('dedupeKey', job.dedupeKey, 0, KEY_MAX)
  requireText('concurrencyKey', job.concurrencyKey, 0, KEY_MAX)
  requireTime('scheduledAt', job.scheduledAt)
  requireTime('deadlineAt', job.deadlineAt)
}

function requireText(name: string, value: string | undefined, least: number, most: number): void {
  if (value === undefined) return
  // Counted in UTF-16 units, which are at least as many as the characters that Postgres counts.
  if (value.length >= least && value.length <= most) return
  const characters = [...value].length
  if (characters < least || characters > most) {
    throw new RangeError(`${name} must have ${least} to ${most} characters, got ${characters}`)
  }
}

function requireWhole(name: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return
  throw new RangeError(`${name} must be a whole number from ${least} to ${most}, got ${value}`)
}

function requireTime(name: string, value: Date | undefined): void {
  if (value !== undefined && !Number.isFinite(value.getTime())) throw new RangeError(`${name} must be a time`)
}
