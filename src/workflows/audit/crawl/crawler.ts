/** Reads a fair sample of the pages of a site. */
import type { Outbound } from '../../../core/ports.ts'
import type { Reader } from '../reader.ts'
import type { CrawledPage, FoundUrl } from '../types.ts'
import {
  type Candidate,
  type CrawlRun,
  fetchCandidates,
  followLinks,
  noteSkipped,
  type SkipReason,
  startRun,
} from './crawl-run.ts'
import type { Robots } from './robots.ts'
import { emptySiteError, openSite } from './site.ts'
import { readSitemaps } from './sitemap.ts'

const DEFAULT_MAX_PAGES = 50
const DEFAULT_CONCURRENCY = 5
const MAX_SITEMAP_URLS = 20_000

export interface CrawlOptions {
  readonly outbound: Outbound
  readonly domain: string
  readonly signal: AbortSignal
  /** Most pages returned; default 50. At most twice as many are fetched. */
  readonly maxPages?: number
  /** Pages fetched at the same time; default 5. */
  readonly concurrency?: number
  readonly onProgress?: (done: number, total: number) => void
  readonly robots?: Robots
  /** Reads the pages; default `readHere`. */
  readonly reader?: Reader
}

export interface CrawlResult {
  /** By depth, then address; at most `maxPages`, pages with a problem only where the good ones leave room. */
  readonly pages: readonly CrawledPage[]
  /** Distinct pages of the site that were seen in sitemaps and links. */
  readonly discovered: number
  /** The first 200 addresses that were left out, each with why. */
  readonly skipped: readonly { readonly url: string; readonly reason: SkipReason }[]
  /** `sitemap` when at least one page came from there. */
  readonly source: 'sitemap' | 'crawl'
}

function sitemapCandidates(run: CrawlRun, urls: readonly FoundUrl[]): Candidate[] {
  const candidates: Candidate[] = []
  for (const { url, publishedAt } of urls) {
    const outcome = run.frontier.add(url, 1)
    if (outcome === 'added') candidates.push({ url, depth: 1, publishedAt })
    else if (outcome !== 'known') noteSkipped(run, url, outcome)
  }
  return candidates
}

function comparePages(a: CrawledPage, b: CrawledPage): number {
  if (a.depth !== b.depth) return a.depth - b.depth
  return a.url < b.url ? -1 : a.url > b.url ? 1 : 0
}

function pagesOf(run: CrawlRun): CrawledPage[] {
  const room = Math.max(0, run.limits.maxPages - run.good.length)
  return [...run.good, ...run.bad.toSorted(comparePages).slice(0, room)].sort(comparePages)
}

/**
 * Crawls a site: home page, then a fair sample of its sitemaps over all sections, then (when that is not enough)
 * breadth first along its links. Depth at most 5, at most 20 query variants of a path, each page once whether it
 * is met by http, https, www, canonical address or content. The same site gives the same result whatever the
 * order of its answers.
 *
 * A page that fails is a page with a `problem`. Throws only when not one page with text could be read: the
 * network error or status of the home page, ROBOTS_DISALLOWED, UPSTREAM_ERROR when robots.txt is out of order,
 * or NO_CONTENT; and the reason of `signal` when aborted.
 */
export async function crawlSite(options: CrawlOptions): Promise<CrawlResult> {
  const { outbound, domain, signal, robots, reader } = options
  const site = await openSite({ outbound, domain, signal, robots, reader })
  const run = startRun(site, {
    maxPages: Math.max(1, options.maxPages ?? DEFAULT_MAX_PAGES),
    concurrency: options.concurrency ?? DEFAULT_CONCURRENCY,
    onProgress: options.onProgress ?? (() => undefined),
  })
  const listing = { signal, maxUrls: MAX_SITEMAP_URLS, reader: site.reader }
  const sitemaps = await readSitemaps(outbound, site.robots, domain, listing)
  const listed = await fetchCandidates(run, sitemapCandidates(run, sitemaps.urls))
  await followLinks(run)
  if (!run.good.some((page) => (page.content?.wordCount ?? 0) > 0)) {
    throw emptySiteError(site, 'no page with text could be read')
  }
  return {
    pages: pagesOf(run),
    discovered: run.frontier.size(),
    skipped: run.skipped,
    source: listed.length > 0 ? 'sitemap' : 'crawl',
  }
}
