/** robots.txt of one site, read as RFC 9309 says. */
import robotsParserModule from 'robots-parser'
import { codeOf, type ErrorCode, RowbeatError } from '../../../core/errors.ts'
import type { Outbound, OutboundResponse } from '../../../core/ports.ts'
import { bareHost, resolveUrl, siteKey } from './site-scope.ts'

// The package is CommonJS whose types describe an ES module: what is imported is the function itself.
const robotsParser = robotsParserModule as unknown as typeof robotsParserModule.default

/** The name site owners write behind `User-agent:` to speak to us. */
export const PRODUCT_TOKEN = 'RowbeatBot'

/** RFC 9309 §2.5: a crawler reads at least this much, and may ignore the rest. */
const MAX_ROBOTS_BYTES = 500 * 1024
const MAX_FETCH_BYTES = 5 * 1024 * 1024
const MAX_CRAWL_DELAY_SECONDS = 10
const MAX_SITEMAPS = 50
const MAX_LINE_LENGTH = 2_048

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

function looksLikeHtml(response: OutboundResponse, text: string): boolean {
  return response.contentType.includes('html') || /^\s*<(?:!doctype|html|head|body)/i.test(text)
}

/** The first 500 KiB, cut at the end of a line, without lines too long to be rules. */
function readRules(body: Uint8Array): string {
  const text = new TextDecoder().decode(body.subarray(0, MAX_ROBOTS_BYTES))
  const lines = text.split(/\r\n|\r|\n/)
  if (body.length > MAX_ROBOTS_BYTES) lines.pop()
  return lines.filter((line) => line.length <= MAX_LINE_LENGTH).join('\n')
}

/** Gives the URL the scheme and host that robots-parser was told, so that www and http do not read as foreign. */
function onOrigin(url: string, origin: URL): string | null {
  const resolved = resolveUrl(url)
  if (resolved === null) return null
  const parsed = new URL(resolved)
  if (bareHost(parsed.hostname) !== bareHost(origin.hostname)) return null
  return `${origin.origin}${parsed.pathname}${parsed.search}`
}

/**
 * Builds {@link Robots} from the text of a robots.txt found at `origin`. Pure.
 */
export function parseRobots(origin: string, text: string, httpStatus = 200): Robots {
  const base = new URL(origin)
  const rules = robotsParser(`${base.origin}/robots.txt`, text)
  const delay = rules.getCrawlDelay(PRODUCT_TOKEN)
  const sitemaps = rules
    .getSitemaps()
    .map((sitemap) => resolveUrl(sitemap, `${base.origin}/`))
    .filter((sitemap) => sitemap !== null)
  return {
    origin: base.origin,
    status: 'parsed',
    httpStatus,
    crawlDelaySeconds: delay !== undefined && delay > 0 ? Math.min(delay, MAX_CRAWL_DELAY_SECONDS) : null,
    sitemaps: [...new Set(sitemaps)].slice(0, MAX_SITEMAPS),
    allowed: (url) => {
      const own = onOrigin(url, base)
      return own !== null && rules.isAllowed(own, PRODUCT_TOKEN) === true
    },
  }
}

/** Robots of a site without rules of its own: all allowed, or, for a server error, all forbidden. */
function withoutRules(origin: string, status: RobotsStatus, httpStatus: number): Robots {
  const rules = status === 'unavailable' ? 'User-agent: *\nDisallow: /' : ''
  return { ...parseRobots(origin, rules, httpStatus), status }
}

function interpret(response: OutboundResponse, asked: string): Robots {
  const answered = new URL(response.url)
  const home = bareHost(answered.hostname) === bareHost(new URL(asked).hostname)
  const origin = home ? answered.origin : asked
  if (response.status >= 500) return withoutRules(origin, 'unavailable', response.status)
  if (response.status < 200 || response.status >= 300) return withoutRules(origin, 'absent', response.status)
  const text = readRules(response.body)
  if (looksLikeHtml(response, text)) return withoutRules(origin, 'not_text', response.status)
  return parseRobots(origin, text, response.status)
}

/**
 * Reads robots.txt of `domain` over https, then `www.`, then (where nobody answers on https) http.
 *
 * RFC 9309: a 4xx, an endless redirect or an HTML page allow everything, a 5xx forbids everything, only the
 * first 500 KiB count. Throws the error of the first try when no address of the site can be reached, and
 * RESPONSE_TOO_LARGE when the file exceeds 5 MiB.
 */
export async function readRobots(outbound: Outbound, domain: string, signal: AbortSignal): Promise<Robots> {
  const failures: unknown[] = []
  for (const origin of candidateOrigins(outbound, domain)) {
    if (!worthTrying(origin, failures.map(codeOf))) continue
    try {
      const response = await outbound.fetch({
        url: `${origin}/robots.txt`,
        signal,
        maxBytes: MAX_FETCH_BYTES,
      })
      return interpret(response, origin)
    } catch (error) {
      signal.throwIfAborted()
      const code = codeOf(error)
      if (code === 'TOO_MANY_REDIRECTS') return withoutRules(origin, 'absent', 0)
      if (code === 'RESPONSE_TOO_LARGE' || code === 'INTERNAL_ERROR') throw error
      failures.push(error)
    }
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
export function openRobotsBook(outbound: Outbound, main: Robots, signal: AbortSignal): RobotsBook {
  const mainHost = bareHost(new URL(main.origin).hostname)
  const others = new Map<string, Promise<Robots | null>>()

  async function readOther(host: string): Promise<Robots | null> {
    try {
      return await readRobots(outbound, host, signal)
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
