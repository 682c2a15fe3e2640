/** Who reads pages for the crawl and the search: this thread, or threads of their own. */
import type { Compute, ThreadTask } from '../../core/ports.ts'
import type { CmsPosts, RawPosts } from './crawl/cms-posts.ts'
import type { FeedReading, RawFeed } from './crawl/feed-reading.ts'
import type { RawRobots, RobotsText } from './crawl/robots-rules.ts'
import type { RawSitemap, SitemapReading } from './crawl/sitemap-reading.ts'
import type { HomeLinks, PlainText, RawPage, TextFacts } from './readings.ts'
import { READING } from './thread-pools.ts'
import type { PageContent } from './types.ts'

/**
 * The readings of one page, text or file. Each throws the reason of the signal, and `RowbeatError` for a page that
 * cannot be read: `NO_CONTENT` when it takes too much time or memory.
 */
export interface Reader {
  content(raw: RawPage, signal: AbortSignal): Promise<PageContent>
  homeLinks(raw: RawPage, signal: AbortSignal): Promise<HomeLinks>
  listingLinks(raw: RawPage, signal: AbortSignal): Promise<readonly string[]>
  textFacts(text: PlainText, signal: AbortSignal): Promise<TextFacts>
  sitemap(raw: RawSitemap, signal: AbortSignal): Promise<SitemapReading>
  /** Null for what is no feed. */
  feed(raw: RawFeed, signal: AbortSignal): Promise<FeedReading | null>
  robots(raw: RawRobots, signal: AbortSignal): Promise<RobotsText>
  /** Null for what the system does not send. */
  posts(raw: RawPosts, signal: AbortSignal): Promise<CmsPosts | null>
}

/** Most seconds of computing on one page; an ordinary one takes less than a tenth of a second. */
const PAGE_SECONDS = 20

/** Loaded on first use: a process that reads in threads never pays for the parsers itself. */
const loadReadings = () => import('./readings.ts')

/** Reads in this thread, which does nothing else meanwhile. */
export const readHere: Reader = {
  content: async (raw) => (await loadReadings()).readContent(raw),
  homeLinks: async (raw) => (await loadReadings()).readHomeLinks(raw),
  listingLinks: async (raw) => (await loadReadings()).readListingLinks(raw),
  textFacts: async (text) => (await loadReadings()).readTextFacts(text),
  sitemap: async (raw) => (await loadReadings()).readSitemap(raw),
  feed: async (raw) => (await loadReadings()).readFeed(raw),
  robots: async (raw) => (await loadReadings()).readRobotsText(raw),
  posts: async (raw) => (await loadReadings()).readPosts(raw),
}

/** Reads in threads; a page that computes for more than `pageSeconds` (default 20) is given up. */
export function readerIn(compute: Compute, pageSeconds = PAGE_SECONDS): Reader {
  const task = (name: keyof typeof import('./readings.ts')): ThreadTask => ({
    module: new URL('./readings.ts', import.meta.url),
    name,
    limitSeconds: pageSeconds,
    limitCode: 'NO_CONTENT',
    pool: READING,
  })
  const content = task('readContent')
  const homeLinks = task('readHomeLinks')
  const listingLinks = task('readListingLinks')
  const textFacts = task('readTextFacts')
  const sitemap = task('readSitemap')
  const feed = task('readFeed')
  const robots = task('readRobotsText')
  const posts = task('readPosts')
  return {
    content: (raw, signal) => compute.run(content, raw, { signal }),
    homeLinks: (raw, signal) => compute.run(homeLinks, raw, { signal }),
    listingLinks: (raw, signal) => compute.run(listingLinks, raw, { signal }),
    textFacts: (text, signal) => compute.run(textFacts, text, { signal }),
    sitemap: (raw, signal) => compute.run(sitemap, raw, { signal }),
    feed: (raw, signal) => compute.run(feed, raw, { signal }),
    robots: (raw, signal) => compute.run(robots, raw, { signal }),
    posts: (raw, signal) => compute.run(posts, raw, { signal }),
  }
}
