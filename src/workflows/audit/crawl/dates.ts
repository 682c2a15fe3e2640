/** Dates of sitemaps and feeds, read strictly: what is not surely a date is null, never a guess. Pure. */

const ISO =
  /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?\s?([Zz]|[+-]\d{2}(?::?\d{2})?)?)?)?)?$/

const RFC_822 =
  /^(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?(\d{1,2})\s+([a-z]{3})[a-z]*\.?\s+(\d{4}|\d{2})\s+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s*([a-z]{1,4}|[+-]\d{2}:?\d{2}))?$/i

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** Zones of RFC 822 §5.1 in minutes east of Greenwich. */
const ZONES: Readonly<Record<string, number>> = {
  ut: 0,
  utc: 0,
  gmt: 0,
  z: 0,
  est: -300,
  edt: -240,
  cst: -360,
  cdt: -300,
  mst: -420,
  mdt: -360,
  pst: -480,
  pdt: -420,
}

interface Parts {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly offsetMinutes: number
}

/** Minutes east of Greenwich of `+hh`, `+hhmm`, `+hh:mm` or `Z`; null when out of range. */
function numericOffset(text: string): number | null {
  if (text.toUpperCase() === 'Z') return 0
  const hours = Number(text.slice(1, 3))
  const minutes = Number(text.slice(3).replace(':', '') || '0')
  if (hours > 14 || minutes > 59) return null
  return (text.startsWith('-') ? -1 : 1) * (hours * 60 + minutes)
}

/** Refuses what a calendar does not hold (30 February, 25 o'clock) instead of letting it roll over. */
function toIso(parts: Parts): string | null {
  const { year, month, day, hour, minute, second, offsetMinutes } = parts
  if (year < 1970 || year > 2199 || hour > 23 || minute > 59 || second > 60) return null
  const midnight = new Date(Date.UTC(year, month - 1, day))
  if (midnight.getUTCMonth() !== month - 1 || midnight.getUTCDate() !== day) return null
  const seconds = Math.min(second, 59)
  return new Date(
    midnight.getTime() + ((hour * 60 + minute - offsetMinutes) * 60 + seconds) * 1000,
  ).toISOString()
}

/**
 * Reads an ISO 8601 date as the W3C profile allows it, from `2024` to `2024-05-06T07:08:09.123+02:00`; no zone
 * means UTC. Returns ISO 8601 UTC with `Z`, or null. Source: W3C NOTE-datetime.
 */
export function parseIsoDate(text: string): string | null {
  const match = ISO.exec(text.trim())
  if (!match) return null
  const [, year, month = '01', day = '01', hour = '0', minute = '0', second = '0', zone = 'Z'] = match
  const offsetMinutes = numericOffset(zone)
  if (offsetMinutes === null) return null
  return toIso({
    year: Number(year),
    month: Number(month),
    day: Number(day),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
    offsetMinutes,
  })
}

/**
 * Reads an RFC 822 / 2822 date such as `Wed, 02 Oct 2024 13:00:00 GMT`; the name of the day is not checked,
 * years of two digits follow RFC 2822 §4.3, no zone means UTC. Returns ISO 8601 UTC with `Z`, or null.
 */
export function parseRfc822Date(text: string): string | null {
  const match = RFC_822.exec(text.trim())
  if (!match) return null
  const [, day = '', monthName = '', yearText = '', hour = '', minute = '', second = '0', zone = 'GMT'] =
    match
  const offsetMinutes = /^[+-]/.test(zone) ? numericOffset(zone) : (ZONES[zone.toLowerCase()] ?? null)
  const month = MONTHS.indexOf(monthName.toLowerCase()) + 1
  if (offsetMinutes === null || month === 0) return null
  const short = Number(yearText)
  const year = yearText.length === 4 ? short : short < 50 ? 2000 + short : 1900 + short
  return toIso({
    year,
    month,
    day: Number(day),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
    offsetMinutes,
  })
}

/** A date in either form, as ISO 8601 UTC with `Z`; null when absent, too long or in neither form. */
export function parseAnyDate(text: string | null | undefined): string | null {
  if (text === null || text === undefined || text.length > 64) return null
  return parseIsoDate(text) ?? parseRfc822Date(text)
}
