/** Visits home pages, a few at a time. */
import { type ErrorCode, RowbeatError } from '../../../core/errors.ts'
import type { Outbound, OutboundResponse } from '../../../core/ports.ts'
import { rawPageOf } from '../crawl/pages.ts'
import { readRobots } from '../crawl/robots.ts'
import { type Reader, readHere } from '../reader.ts'
import { hostOf, registrableDomain } from './domains.ts'
import { type HomePage, readHomePage } from './home-page.ts'

/** What came of one visit. A failed one costs the candidate its bonus, not the search. */
export type Visit =
  | {
      readonly ok: true
      readonly page: HomePage
      /** Registrable domain that answered: another one when the home page redirects. */
      readonly answeredBy: string
    }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string }

export interface VisitOptions {
  readonly outbound: Outbound
  readonly signal: AbortSignal
  /** Called after each visit, in order of arrival. */
  readonly onVisited?: (domain: string, visit: Visit) => void
  /** Most seconds for the answers of one site, robots.txt included; default 20. */
  readonly secondsPerSite?: number
  /** Reads the pages; default `readHere`. */
  readonly reader?: Reader
}

const CONCURRENCY = 8
const MAX_BYTES = 3 * 1024 * 1024
const HTML = ['text/html', 'application/xhtml+xml']

/**
 * Visits the home page of every domain, robots.txt first, eight at a time. Failures are answers: see
 * {@link Visit}. Throws only the reason of `signal`, and faults of ours.
 */
export async function visitHomePages(
  domains: readonly string[],
  options: VisitOptions,
): Promise<ReadonlyMap<string, Visit>> {
  const waiting = [...new Set(domains)]
  const visits = new Map<string, Visit>()
  const next = waiting.values()
  async function work(): Promise<void> {
    // The iterator is shared: each worker takes the next domain when it is free.
    for (const domain of next) {
      const visit = await visitHomePage(domain, options)
      visits.set(domain, visit)
      options.onVisited?.(domain, visit)
    }
  }
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, waiting.length) }, work))
  return visits
}

async function visitHomePage(domain: string, options: VisitOptions): Promise<Visit> {
  const { signal, secondsPerSite = 20 } = options
  signal.throwIfAborted()
  const limit = AbortSignal.timeout(secondsPerSite * 1_000)
  try {
    const answer = await fetchHome(options, domain, AbortSignal.any([signal, limit]))
    return 'ok' in answer ? answer : await readAnswer(answer, domain, options)
  } catch (error) {
    signal.throwIfAborted()
    if (limit.aborted) {
      return failed('UPSTREAM_TIMEOUT', `no answer from ${domain} within ${secondsPerSite} s`)
    }
    if (error instanceof RowbeatError) return failed(error.code, error.message)
    throw error
  }
}

async function fetchHome(
  { outbound, reader = readHere }: VisitOptions,
  domain: string,
  signal: AbortSignal,
): Promise<Visit | OutboundResponse> {
  const robots = await readRobots(outbound, domain, signal, reader)
  const home = `${robots.origin}/`
  if (!robots.allowed(home))
    return failed('ROBOTS_DISALLOWED', `robots.txt of ${domain} forbids its home page`)
  return outbound.fetch({
    url: home,
    accept: HTML,
    maxBytes: MAX_BYTES,
    signal,
    ...(robots.crawlDelaySeconds === null ? {} : { hostDelaySeconds: robots.crawlDelaySeconds }),
  })
}

async function readAnswer(
  response: OutboundResponse,
  domain: string,
  { reader = readHere, signal }: VisitOptions,
): Promise<Visit> {
  const { status } = response
  const answer = `the home page of ${domain} answered ${status}`
  if (status === 429) return failed('RATE_LIMIT_EXCEEDED', answer)
  if (status >= 500) return failed('UPSTREAM_ERROR', answer)
  if (status < 200 || status >= 300) return failed('UPSTREAM_REJECTED', answer)
  if (!HTML.includes(response.contentType))
    return failed('NO_CONTENT', `the home page of ${domain} is no HTML`)
  const answeredBy = registrableDomain(hostOf(response.url) ?? '')
  if (answeredBy === null) {
    return failed('ADDRESS_NOT_ALLOWED', `${domain} redirects to an address without a domain`)
  }
  const content = await reader.content(rawPageOf(response), signal)
  return { ok: true, answeredBy, page: readHomePage(content) }
}

function failed(code: ErrorCode, message: string): Visit {
  return { ok: false, code, message }
}
