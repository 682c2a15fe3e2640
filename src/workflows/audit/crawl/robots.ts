/** robots.txt of one site, read as RFC 9309 says. */
import { codeOf, type ErrorCode, RowbeatError } from '../../../core/errors.ts'
import type { Outbound, OutboundResponse } from '../../../core/ports.ts'
import { type Reader, readHere } from '../reader.ts'
import { MAX_ROBOTS_BYTES, permits, type RobotsText, readRules } from './robots-rules.ts'
import { bareHost, resolveUrl, siteKey } from './site-scope.ts'

/** `absent` and `not_text` allow everything, `unavailable` (a server error) forbids everything. */
export type RobotsStatus = 'parsed' | 'absent' | 'not_text' | 'unavailable'

export interface Robots {
  /** Scheme and host that answered, without a trailing slash: `https://www.client.fr`. */
  readonly origin: string
  readonly status: RobotsStatus
  /** HTTP status of robots.txt itself; 0 when its redirects never ended. */
  readonly httpStatus: number
  /** Seconds between two requests, at most 10; null when none was asked for. */
  readonly crawlDelaySeconds: number | null
  /** Absolute URLs in the order of the file, at most 50. */
  readonly sitemaps: readonly string[]
  /** False for every URL of another host; http, https, www and apex are one host. */
  allowed(url: string): boolean
}

/** Where to look for the site, best first. */
function candidateOrigins(outbound: Outbound, domain: string): string[] {
  if (outbound.isMapped(domain)) return [`http://${domain}`]
  const origins = [`https://${domain}`]
  if (siteKey(domain) === domain) origins.push(`https://www.${domain}`)
  origins.push(`http://${domain}`)
  return origins
}

/** Plain HTTP is tried only where nobody listens for TLS: a bad certificate is never side-stepped. */
function worthTrying(origin: string, failures: readonly ErrorCode[]): boolean {
  if (origin.startsWith('https:')) return true
  return failures.every((code) => code === 'NETWORK_UNREACHABLE' || code === 'UPSTREAM_TIMEOUT')
}

/** The URL when it is one of this origin, http, https, www and apex being one. */
function onOrigin(url: string, origin: URL): URL | null {
  const resolved = resolveUrl(url)
  if (resolved === null) return null
  const parsed = new URL(resolved)
  return bareHost(parsed.hostname) === bareHost(origin.hostname) ? parsed : null
}

function toRobots(origin: string, text: RobotsText, httpStatus: number): Robots {
  const base = new URL(origin)
  const { status, rules, crawlDelaySeconds, sitemaps } = text
  return {
    origin: base.origin,
    status,
    httpStatus,
    crawlDelaySeconds,
    sitemaps,
    allowed: (url) => {
      const own = onOrigin(url, base)
      return own !== null && permits(rules, own)
    },
  }
}

/**
 * Builds {@link Robots} from the text of a robots.txt found at `origin`. Pure.
 */
export function parseRobots(origin: string, text: string, httpStatus = 200): Robots {
  return toRobots(origin, { status: 'parsed', ...readRules(text, new URL(origin).origin) }, httpStatus)
}

/** Robots of a site without rules of its own: all allowed, or, for a server error, all forbidden. */
function withoutRules(origin: string, status: RobotsStatus, httpStatus: number): Robots {
  const rules = status === 'unavailable' ? 'User-agent: *\nDisallow: /' : ''
  return { ...parseRobots(origin, rules, httpStatus), status }
}

async function interpret(
  response: OutboundResponse,
  asked: string,
  read: (raw: { origin: string; body: Uint8Array; contentType: string }) => Promise<RobotsText>,
): Promise<Robots> {
  const answered = new URL(response.url)
  const home = bareHost(answered.hostname) === bareHost(new URL(asked).hostname)
  const origin = home ? answered.origin : asked
  if (response.status >= 500) return withoutRules(origin, 'unavailable', response.status)
  if (response.status < 200 || response.status >= 300) return withoutRules(origin, 'absent', response.status)
  const { body, contentType } = response
  return toRobots(origin, await read({ origin, body, contentType }), response.status)
}

/**
 * Reads robots.txt of `domain` over https, then `www.`, then (where nobody answers on https) http.
 *
 * RFC 9309: a 4xx, an endless redirect or an HTML page allow everything, a 5xx forbids everything, only the
 * first 500 KiB count. Throws the error of the first try when no address of the site can be reached.
 */
export async function readRobots(
  outbound: Outbound,
  domain: string,
  signal: AbortSignal,
  reader: Reader = readHere,
): Promise<Robots> {
  const failures: unknown[] = []
  for (const origin of candidateOrigins(outbound, domain)) {
    if (!worthTrying(origin, failures.map(codeOf))) continue
    let response: OutboundResponse
    try {
      // One byte more than is read tells that the last line is not whole.
      const request = { url: `${origin}/robots.txt`, signal, maxBytes: MAX_ROBOTS_BYTES + 1, cut: true }
      response = await outbound.fetch(request)
    } catch (error) {
      signal.throwIfAborted()
      const code = codeOf(error)
      if (code === 'TOO_MANY_REDIRECTS') return withoutRules(origin, 'absent', 0)
      if (code === 'RESPONSE_TOO_LARGE' || code === 'INTERNAL_ERROR') throw error
      failures.push(error)
      continue
    }
    return await interpret(response, origin, (raw) => reader.robots(raw, signal))
  }
  throw failures[0] ?? new RowbeatError('NETWORK_UNREACHABLE', `${domain} could not be reached`)
}

/** Robots rules of every host of a site, each read once when first needed. */
export interface RobotsBook {
  readonly main: Robots
  /** The rules that bind `url`; null when its host is one too many or cannot be reached. */
  forUrl(url: string): Promise<Robots | null>
}

const MAX_HOSTS = 10

/** Opens the book of a site whose main robots.txt was read; sub-domains (at most 10) are read as they turn up. */
export function openRobotsBook(
  outbound: Outbound,
  main: Robots,
  signal: AbortSignal,
  reader: Reader = readHere,
): RobotsBook {
  const mainHost = bareHost(new URL(main.origin).hostname)
  const others = new Map<string, Promise<Robots | null>>()

  async function readOther(host: string): Promise<Robots | null> {
    try {
      return await readRobots(outbound, host, signal, reader)
    } catch (error) {
      signal.throwIfAborted()
      // RFC 9309 §2.3.1.4: rules that cannot be reached forbid; the page is then skipped with that reason.
      if (error instanceof RowbeatError) return null
      throw error
    }
  }

  async function forUrl(url: string): Promise<Robots | null> {
    const host = bareHost(URL.parse(url)?.hostname ?? '')
    if (host === mainHost) return main
    const known = others.get(host)
    if (known) return known
    if (host === '' || others.size >= MAX_HOSTS) return null
    const reading = readOther(host)
    others.set(host, reading)
    return reading
  }

  return { main, forUrl }
}
