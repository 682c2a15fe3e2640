/**
 * Fire times of a cron expression in a time zone, by croner: the one engine for the next tick and for looking
 * back over an outage.
 *
 * Daylight saving. Hours that are spelled out (no `*`, `?` or `/` in the hour field) mean the clock on the wall:
 * a time that does not exist fires once, at the first moment after the gap, and a time that happens twice fires
 * once, the first time. Any other hour field is an interval: it runs on through both passes of a repeated hour,
 * and a time that does not exist has no turn.
 */
import { Cron, CronPattern } from 'croner'

export interface CronSpec {
  /** Five fields (minute hour day month weekday), six with seconds first, or a nickname such as `@daily`. */
  readonly cron: string
  /** IANA name, for instance `Europe/Paris`. */
  readonly timezone: string
}

/** Fire times of a window. */
export interface FireTimes {
  /** The newest of them, at most {@link LISTED_MAX}, oldest first. */
  readonly listed: readonly Date[]
  /** Those older than `listed`; null when all are listed. */
  readonly omitted: OmittedTimes | null
}

export interface OmittedTimes {
  readonly first: Date
  /** Exact unless `isFloor`. */
  readonly count: number
  /** True when there are more: looking stops at {@link COUNTED_MAX}. */
  readonly isFloor: boolean
}

/** Most fire times of one window that are listed one by one. */
export const LISTED_MAX = 1_000
/** Most fire times of one window that are looked at, so that no outage is too long: some 0.2 s of work. */
export const COUNTED_MAX = 2_000

const CRON_LENGTH_MAX = 200

/**
 * The first fire time after `after`, or null when there is none any more.
 * Throws RangeError with a sentence for people when the expression or the zone is malformed.
 */
export function nextFireTime(spec: CronSpec, after: Date): Date | null {
  return parse(spec).nextRun(after)
}

/**
 * The fire times t with `after` < t ≤ `until`; the work is bounded however long the window.
 * Throws RangeError like {@link nextFireTime}.
 */
export function fireTimesBetween(spec: CronSpec, after: Date, until: Date): FireTimes {
  const cron = parse(spec)
  const found = forward(cron, after, until, COUNTED_MAX + 1)
  const isFloor = found.length > COUNTED_MAX
  // A run within the second of the reference counts as before it: one more millisecond makes `until` inclusive.
  const listed = isFloor
    ? cron.previousRuns(LISTED_MAX, new Date(until.getTime() + 1)).reverse()
    : found.slice(-LISTED_MAX)
  const border = listed[0]
  const older = border === undefined ? [] : found.filter((time) => time < border)
  const first = older[0]
  return { listed, omitted: first === undefined ? null : { first, count: older.length, isFloor } }
}

function forward(cron: Cron, after: Date, until: Date, most: number): Date[] {
  const times: Date[] = []
  let last = after
  while (times.length < most) {
    const next = cron.nextRun(last)
    if (next === null || next > until) break
    times.push(next)
    last = next
  }
  return times
}

function parse(spec: CronSpec): Cron {
  requireTimezone(spec.timezone)
  if (spec.cron.length > CRON_LENGTH_MAX)
    throw new RangeError(`cron is longer than ${CRON_LENGTH_MAX} characters`)
  try {
    const cron = new Cron(spellOutHours(spec.cron), {
      timezone: spec.timezone,
      mode: '5-or-6-parts',
      fixedTimeRule: 'no-wildcard',
    })
    if (cron.getOnce() !== null) throw new TypeError('a date is no cron expression')
    return cron
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^\w+: /, '') : String(error)
    throw new RangeError(`cron "${spec.cron}" is malformed: ${why}`, { cause: error })
  }
}

function requireTimezone(timezone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch (error) {
    throw new RangeError(`time zone "${timezone}" is not known: use an IANA name such as Europe/Paris`, {
      cause: error,
    })
  }
}

/**
 * Croner takes a schedule for an interval when any of seconds, minutes and hours has a wildcard, so every half hour
 * of hour 2 would have no turn at all on the night of the gap. Where hours are spelled out, the fields below them
 * are spelled out too, and croner takes them for clock times.
 */
function spellOutHours(cron: string): string {
  const fields = cron.trim().split(/\s+/)
  if (fields.length !== 5 && fields.length !== 6) return cron
  const hourAt = fields.length - 4
  if (/[*?/]/.test(fields[hourAt] ?? '')) return cron
  const pattern = new CronPattern(cron, undefined, { mode: '5-or-6-parts' })
  const spelled = [pattern.second, pattern.minute].slice(2 - hourAt).map(listOf)
  return [...spelled, ...fields.slice(hourAt)].join(' ')
}

/** `0,15,30,45` of a field's sixty flags. */
function listOf(flags: readonly number[]): string {
  return flags.flatMap((flag, value) => (flag === 1 ? [value] : [])).join(',')
}
