/** Fetches and reads one HTML page of a site. */
import { codeOf, type ErrorCode, messageOf } from '../../../core/errors.ts'
import type { Outbound, OutboundResponse } from '../../../core/ports.ts'
import type { Reader } from '../reader.ts'
import type { RawPage } from '../readings.ts'
import type { CrawledPage, PageContent } from '../types.ts'
import { fetchDocument } from './documents.ts'
import type { RobotsBook } from './robots.ts'
import { isSameSite } from './site-scope.ts'

/** An HTML page beyond this is a dump, not a page. */
const MAX_PAGE_BYTES = 5 * 1024 * 1024
const HTML_TYPES = ['text/html', 'application/xhtml+xml']

/** What it takes to fetch pages of one site. */
export interface SiteAccess {
  readonly outbound: Outbound
  readonly book: RobotsBook
  readonly domain: string
  readonly signal: AbortSignal
  readonly reader: Reader
}

export interface FetchedPage {
  readonly page: CrawledPage
  /** As it came; null unless the page could be read. */
  readonly raw: RawPage | null
  readonly etag: string | null
  readonly lastModified: string | null
}

interface Failure {
  readonly code: ErrorCode
  readonly message: string
}

function toPage(url: string, depth: number, response: OutboundResponse | null): CrawledPage {
  return {
    url,
    finalUrl: response?.url ?? url,
    status: response?.status ?? 0,
    contentType: response?.contentType ?? '',
    depth,
    bytes: response?.body.length ?? 0,
    elapsedMs: response?.elapsedMs ?? 0,
    content: null,
    problem: null,
  }
}

function failedPage(
  url: string,
  depth: number,
  response: OutboundResponse | null,
  problem: Failure,
): FetchedPage {
  return { page: { ...toPage(url, depth, response), problem }, raw: null, etag: null, lastModified: null }
}

/** An answer in the form that readers take. */
export function rawPageOf({ url, body, headers }: OutboundResponse): RawPage {
  return { url, body, contentType: headers['content-type'] ?? '' }
}

/** A redirect may lead off the site, or to an address its robots.txt forbids: neither is read. */
async function landingProblem(
  access: SiteAccess,
  url: string,
  response: OutboundResponse,
): Promise<Failure | null> {
  if (response.url === url) return null
  if (!isSameSite(response.url, access.domain)) {
    const host = new URL(response.url).hostname
    return { code: 'NO_CONTENT', message: `redirects to another site: ${host}` }
  }
  const robots = await access.book.forUrl(response.url)
  if (robots?.allowed(response.url) === true) return null
  return { code: 'ROBOTS_DISALLOWED', message: `redirects to ${response.url}, which robots.txt forbids` }
}

async function read({ reader, signal }: SiteAccess, raw: RawPage): Promise<PageContent | Failure> {
  try {
    return await reader.content(raw, signal)
  } catch (error) {
    signal.throwIfAborted()
    // One page that defeats the parser must not end the crawl; its problem says whose fault it is.
    return { code: codeOf(error), message: messageOf(error) }
  }
}

/**
 * Fetches `url` as a page of the site, robots and crawl delay kept, redirects off the site refused, at most
 * 5 MiB. `headers` may hold a condition: an answer 304 comes back with status 304 and neither content nor
 * problem. Only an abort is thrown; every other failure is the page's `problem`.
 */
export async function fetchPage(
  access: SiteAccess,
  url: string,
  depth: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<FetchedPage> {
  const robots = await access.book.forUrl(url)
  if (!robots) {
    return failedPage(url, depth, null, {
      code: 'ROBOTS_DISALLOWED',
      message: 'robots.txt of this host is unknown',
    })
  }
  const { outbound, signal } = access
  const request = { url, signal, headers, accept: HTML_TYPES, maxBytes: MAX_PAGE_BYTES }
  const { response, problem } = await fetchDocument(outbound, robots, request)
  if (problem) return failedPage(url, depth, response, { code: problem.code, message: problem.message })
  const landing = await landingProblem(access, url, response)
  if (landing) return failedPage(url, depth, response, landing)
  const page = toPage(url, depth, response)
  const etag = response.headers.etag ?? null
  const lastModified = response.headers['last-modified'] ?? null
  if (response.status === 304 && Object.keys(headers).length > 0)
    return { page, raw: null, etag, lastModified }
  if (!HTML_TYPES.includes(response.contentType) || response.body.length === 0) {
    const what = HTML_TYPES.includes(response.contentType) ? 'empty' : response.contentType || 'of no type'
    return failedPage(url, depth, response, {
      code: 'NO_CONTENT',
      message: `no HTML page: the answer is ${what}`,
    })
  }
  const raw = rawPageOf(response)
  const content = await read(access, raw)
  if ('code' in content) return failedPage(url, depth, response, content)
  return { page: { ...page, content }, raw, etag, lastModified }
}
