/** Collects the articles a site announces in its feeds. */
import { codeOf, messageOf, RowbeatError } from '../../../core/errors.ts'
import type { Outbound, OutboundResponse } from '../../../core/ports.ts'
import type { HomeLinks } from '../readings.ts'
import type { FoundUrl } from '../types.ts'
import { fetchDocument, isHostFailure, type Problem } from './documents.ts'
import { type Feed, parseFeed } from './feed-parse.ts'
import type { Robots } from './robots.ts'
import { isSameSite, pageKey, resolveUrl } from './site-scope.ts'
import { wholeXmlText } from './xml-text.ts'

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
const MAX_ITEMS_PER_PAGE = 1_000
const MAX_HOST_FAILURES = 3

export interface DiscoveryOptions {
  readonly signal: AbortSignal
  /** Of the home page: feeds and listings are found through it. Null when it could not be read. */
  readonly home: HomeLinks | null
  /** Most URLs returned. */
  readonly maxUrls: number
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
  readonly found: Map<string, FoundUrl>
  readonly seen: Set<string>
  readonly problems: Problem[]
  hostFailures: number
}

async function toFeed(response: OutboundResponse): Promise<Feed | null> {
  const header = response.headers['content-type'] ?? ''
  const text = await wholeXmlText(response.body, header, MAX_FEED_BYTES)
  return parseFeed(text, response.url, MAX_ITEMS_PER_PAGE)
}

async function fetchFeed(reading: Reading, url: string, declared: boolean): Promise<Feed | null> {
  const request = { url, signal: reading.options.signal, maxBytes: MAX_FEED_BYTES }
  const { response, problem } = await fetchDocument(reading.outbound, reading.robots, request)
  if (problem) {
    const hostIsDown = isHostFailure(problem.code)
    reading.hostFailures = hostIsDown ? reading.hostFailures + 1 : 0
    if (declared || hostIsDown) reading.problems.push(problem)
    return null
  }
  reading.hostFailures = 0
  try {
    const feed = await toFeed(response)
    if (feed === null && declared) reading.problems.push({ url, code: 'NO_CONTENT', message: 'not a feed' })
    return feed
  } catch (error) {
    if (!(error instanceof RowbeatError)) throw error
    reading.problems.push({ url, code: codeOf(error), message: messageOf(error) })
    return null
  }
}

/** Returns how many pages were new. */
function addItems(reading: Reading, feed: Feed): number {
  let added = 0
  for (const item of feed.items) {
    if (reading.found.size >= reading.options.maxUrls) break
    const key = pageKey(item.url)
    if (reading.found.has(key) || !isSameSite(item.url, reading.domain)) continue
    reading.found.set(key, { ...item, source: 'feed' })
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
    const feed: Feed | null = await fetchFeed(reading, url, declared)
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
