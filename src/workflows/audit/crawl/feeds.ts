/** Collects the articles a site announces in its feeds. */
import { codeOf, messageOf, RowbeatError } from '../../../core/errors.ts'
import type { Outbound } from '../../../core/ports.ts'
import { type Reader, readHere } from '../reader.ts'
import type { HomeLinks } from '../readings.ts'
import type { FoundUrl } from '../types.ts'
import { fetchDocument, isHostFailure, type Problem } from './documents.ts'
import type { FeedReading } from './feed-reading.ts'
import { rawPageOf } from './pages.ts'
import type { Robots } from './robots.ts'
import { isSameSite, resolveUrl } from './site-scope.ts'

const USUAL_PATHS = [
  '/feed',
  '/rss',
  '/rss.xml',
  '/feed.xml',
  '/atom.xml',
  '/index.xml',
  '/feed.json',
  '/blog/feed',
  '/blog/rss.xml',
  '/blog/index.xml',
  '/news/feed',
  '/actualites/feed',
  '/feeds/posts/default',
]
const MAX_PAGES_PER_FEED = 5
const MAX_FEED_BYTES = 10 * 1024 * 1024
const MAX_HOST_FAILURES = 3

export interface DiscoveryOptions {
  readonly signal: AbortSignal
  /** Of the home page: feeds and listings are found through it. Null when it could not be read. */
  readonly home: HomeLinks | null
  /** Most URLs returned. */
  readonly maxUrls: number
  /** Reads what the site sends; default {@link readHere}. */
  readonly reader?: Reader | undefined
}

export interface Discovery {
  /** In the order they were announced, each page once. */
  readonly urls: readonly FoundUrl[]
  readonly problems: readonly Problem[]
}

interface Reading {
  readonly outbound: Outbound
  readonly robots: Robots
  readonly domain: string
  readonly options: DiscoveryOptions
  readonly reader: Reader
  readonly found: Map<string, FoundUrl>
  readonly seen: Set<string>
  readonly problems: Problem[]
  hostFailures: number
}

async function fetchFeed(reading: Reading, url: string, declared: boolean): Promise<FeedReading | null> {
  const { domain, options } = reading
  const request = { url, signal: options.signal, maxBytes: MAX_FEED_BYTES, cut: true }
  const { response, problem } = await fetchDocument(reading.outbound, reading.robots, request)
  if (problem) {
    const hostIsDown = isHostFailure(problem.code)
    reading.hostFailures = hostIsDown ? reading.hostFailures + 1 : 0
    if (declared || hostIsDown) reading.problems.push(problem)
    return null
  }
  reading.hostFailures = 0
  try {
    const feed = await reading.reader.feed({ ...rawPageOf(response), domain }, options.signal)
    if (feed === null && declared) reading.problems.push({ url, code: 'NO_CONTENT', message: 'not a feed' })
    const why = feed?.stoppedBy ?? (response.cut ? `it is longer than ${MAX_FEED_BYTES} bytes` : null)
    if (feed !== null && why !== null) {
      reading.problems.push({ url, code: 'RESPONSE_TOO_LARGE', message: `read only in part: ${why}` })
    }
    return feed
  } catch (error) {
    options.signal.throwIfAborted()
    if (!(error instanceof RowbeatError)) throw error
    reading.problems.push({ url, code: codeOf(error), message: messageOf(error) })
    return null
  }
}

/** Returns how many pages were new. */
function addItems(reading: Reading, feed: FeedReading): number {
  let added = 0
  for (const item of feed.items) {
    if (reading.found.size >= reading.options.maxUrls) break
    const { key, ...found } = item
    if (reading.found.has(key)) continue
    reading.found.set(key, { ...found, source: 'feed' })
    added += 1
  }
  return added
}

/** Follows a feed into its past as long as it brings something new; a feed that points at itself ends at once. */
async function readFeedPages(reading: Reading, first: string, declared: boolean): Promise<boolean> {
  let url: string | null = first
  let useful = false
  for (let page = 0; page < MAX_PAGES_PER_FEED && url !== null; page += 1) {
    if (reading.seen.has(url) || !isSameSite(url, reading.domain)) break
    reading.seen.add(url)
    const feed: FeedReading | null = await fetchFeed(reading, url, declared)
    if (feed === null || addItems(reading, feed) === 0) break
    useful = true
    url = reading.found.size < reading.options.maxUrls ? feed.nextUrl : null
  }
  return useful
}

/**
 * Reads the feeds that the home page declares (at most 5); when these give nothing, the usual paths until one
 * does. At most 5 pages of each feed; only items of the same site, each page once. Never throws for what a
 * site sends: that is in `problems`. Gives up after three requests in a row that say the host is down.
 */
export async function readFeeds(
  outbound: Outbound,
  robots: Robots,
  domain: string,
  options: DiscoveryOptions,
): Promise<Discovery> {
  const reading: Reading = {
    outbound,
    robots,
    domain,
    options,
    reader: options.reader ?? readHere,
    found: new Map(),
    seen: new Set(),
    problems: [],
    hostFailures: 0,
  }
  const declared = options.home?.feeds ?? []
  for (const url of declared) {
    if (reading.hostFailures >= MAX_HOST_FAILURES || reading.found.size >= options.maxUrls) break
    await readFeedPages(reading, url, true)
  }
  for (const path of USUAL_PATHS) {
    if (reading.found.size > 0 || reading.hostFailures >= MAX_HOST_FAILURES) break
    const url = resolveUrl(path, robots.origin)
    if (url !== null) await readFeedPages(reading, url, false)
  }
  return { urls: [...reading.found.values()], problems: reading.problems }
}
