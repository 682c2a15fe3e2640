/** What a demo server sends: precomputed at start, so that serving is a look-up. */
import { createHash } from 'node:crypto'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** Milliseconds to wait before answering. */
  readonly delayMs: number
  /** First requests that are refused with 503 before this answer is given. */
  readonly failuresFirst: number
}

/** A 200 with validators: a strong ETag of the body, and Last-Modified to the second. */
export function page(contentType: string, body: string | Buffer, lastModified: Date): Answer {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'utf8') : body
  const etag = `"${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}"`
  return {
    status: 200,
    headers: {
      'content-type': contentType,
      etag,
      'last-modified': lastModified.toUTCString(),
      'cache-control': 'no-cache',
    },
    body: bytes,
    delayMs: 0,
    failuresFirst: 0,
  }
}

export const HTML = 'text/html; charset=utf-8'

/** A permanent redirect; `location` may be a path. */
export function redirect(location: string): Answer {
  return plain(301, `Moved to ${location}\n`, { location })
}

/** A short text answer that is never cached. */
export function plain(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store', ...headers },
    body: Buffer.from(text, 'utf8'),
    delayMs: 0,
    failuresFirst: 0,
  }
}

/** A JSON answer that is never cached. */
export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return {
    ...plain(status, JSON.stringify(value)),
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', ...headers },
  }
}

/** True when the client's validators still match, per RFC 9110: If-None-Match goes before If-Modified-Since. */
export function isNotModified(
  answer: Answer,
  ifNoneMatch: string | undefined,
  ifModifiedSince: string | undefined,
): boolean {
  const etag = answer.headers.etag
  if (answer.status !== 200 || etag === undefined) return false
  if (ifNoneMatch !== undefined) {
    const tags = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
    return tags.includes('*') || tags.includes(etag)
  }
  const since = Date.parse(ifModifiedSince ?? '')
  const changed = Date.parse(answer.headers['last-modified'] ?? '')
  return Number.isFinite(since) && Number.isFinite(changed) && changed <= since
}
