/** Finds the addresses of the articles of a site, from the best source to the last resort. */
import type { FoundUrl } from '../types.ts'
import { readCmsPosts } from './cms.ts'
import { followLinks, startRun } from './crawl-run.ts'
import type { Problem } from './documents.ts'
import { type Discovery, type DiscoveryOptions, readFeeds } from './feeds.ts'
import { readListings } from './listing.ts'
import { scoreUrl } from './score.ts'
import { homeLinksOf, type Site } from './site.ts'
import { isHomePage, looksLikeFile, pageKey } from './site-scope.ts'
import { readSitemaps } from './sitemap.ts'

const MAX_FOUND = 20_000
const CRAWL_PAGES = 20
const CRAWL_CONCURRENCY = 5
/** With fewer promising addresses than this from all other sources, links are followed as well. */
const ENOUGH_WITHOUT_CRAWL = 5

/** A source of addresses; asked only while more are wanted. */
type Source = (site: Site, options: DiscoveryOptions) => Promise<Discovery>

const fromCms: Source = (site, options) => readCmsPosts(site.outbound, site.robots, site.domain, options)
const fromFeeds: Source = (site, options) => readFeeds(site.outbound, site.robots, site.domain, options)
const fromSitemaps: Source = (site, options) => readSitemaps(site.outbound, site.robots, site.domain, options)
const fromListings: Source = (site, options) => readListings(site.outbound, site.robots, site.domain, options)

/** Follows the links of at most 20 pages; every page of the site that was seen is a candidate. */
const fromLinks: Source = async (site) => {
  const run = startRun(site, {
    maxPages: CRAWL_PAGES,
    concurrency: CRAWL_CONCURRENCY,
    onProgress: () => undefined,
  })
  await followLinks(run)
  const seen = run.good.flatMap((page) => [page.finalUrl, ...(page.content?.internalLinks ?? [])])
  const urls = seen.map((url): FoundUrl => ({ url, source: 'crawl', publishedAt: null, title: null }))
  return { urls, problems: [] }
}

/** Adds what is new; what is known keeps its better source and only gains a missing date or title. */
function merge(found: Map<string, FoundUrl>, urls: readonly FoundUrl[]): void {
  for (const entry of urls) {
    if (isHomePage(entry.url) || looksLikeFile(entry.url)) continue
    const key = pageKey(entry.url)
    const known = found.get(key)
    if (known) {
      const publishedAt = known.publishedAt ?? entry.publishedAt
      found.set(key, { ...known, publishedAt, title: known.title ?? entry.title })
    } else if (found.size < MAX_FOUND) found.set(key, entry)
  }
}

function promising(found: ReadonlyMap<string, FoundUrl>): number {
  return [...found.values()].filter((entry) => scoreUrl(entry.url, entry.source) >= 0).length
}

/**
 * Asks, in this order and until `wanted` promising addresses are known: the CMS, feeds, sitemaps, listing pages;
 * with fewer than 5 (or `wanted`) from all of them, links are followed from the home page. Each page once, at
 * most 20,000, with the source that named it first. The home page and files are left out. What went wrong on
 * the way is in `problems`.
 */
export async function discoverArticles(site: Site, wanted: number): Promise<Discovery> {
  const found = new Map<string, FoundUrl>()
  const problems: Problem[] = []
  const options = {
    signal: site.signal,
    home: await homeLinksOf(site),
    maxUrls: MAX_FOUND,
    reader: site.reader,
  }
  const ask = async (source: Source, enough: number) => {
    if (promising(found) >= enough) return
    const discovery = await source(site, options)
    merge(found, discovery.urls)
    problems.push(...discovery.problems)
  }
  for (const source of [fromCms, fromFeeds, fromSitemaps, fromListings]) await ask(source, wanted)
  await ask(fromLinks, Math.min(wanted, ENOUGH_WITHOUT_CRAWL))
  return { urls: [...found.values()], problems }
}
