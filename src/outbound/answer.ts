/** What the headers of an answer say, read without the network. */
type RawHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/** Headers with lower-case names; repeated ones joined by `, `, except `Location`, of which the first counts. */
export function flattenHeaders(raw: RawHeaders): Record<string, string> {
  const flat: [string, string][] = []
  for (const [name, value] of Object.entries(raw)) {
    if (value === undefined) continue
    const lower = name.toLowerCase()
    const single =
      typeof value === 'string' ? value : lower === 'location' ? (value[0] ?? '') : value.join(', ')
    flat.push([lower, single])
  }
  // Own properties whatever their name: a header may be called "__proto__".
  return Object.fromEntries(flat)
}

/** Media type in lower case without parameters; empty when there is none. */
export function mediaTypeOf(contentType: string | undefined): string {
  return (contentType ?? '').split(/[;,]/, 1)[0]?.trim().toLowerCase() ?? ''
}

/**
 * True when `mediaType` is in the list, exactly or by a wildcard such as `text/*`. No list accepts everything;
 * an answer without media type only passes where `*` + `/*` does.
 */
export function isAccepted(mediaType: string, accept: readonly string[] | undefined): boolean {
  if (accept === undefined) return true
  return accept.some((entry) => {
    const wanted = mediaTypeOf(entry)
    if (wanted === '*/*') return true
    return wanted.endsWith('/*')
      ? mediaType.startsWith(wanted.slice(0, -1))
      : wanted !== '' && mediaType === wanted
  })
}

/** Bytes announced by `Content-Length`; null when it is absent or not a number. */
export function announcedBytes(headers: Readonly<Record<string, string>>): number | null {
  const text = headers['content-length'] ?? ''
  return /^\d{1,15}$/.test(text) ? Number(text) : null
}

/**
 * Seconds that `Retry-After` asks to wait (RFC 9110 §10.2.3: seconds or an HTTP date); null when it is absent or
 * unreadable, 0 when the date has passed. `nowMs` is milliseconds since 1970.
 */
export function retryAfterSeconds(value: string | undefined, nowMs: number): number | null {
  const text = (value ?? '').trim()
  if (/^\d{1,9}$/.test(text)) return Number(text)
  // A date of HTTP starts with the name of a day; `Date.parse` alone would also read "-5" or "1.5".
  if (!/^[A-Za-z]{3,9},? /.test(text)) return null
  const date = Date.parse(text)
  return Number.isNaN(date) ? null : Math.max(0, (date - nowMs) / 1000)
}
