/** Collects the URLs a site lists in its sitemaps. */
import { codeOf, messageOf, RowbeatError } from '../../../core/errors.ts'
import type { Outbound, OutboundResponse } from '../../../core/ports.ts'
import { type Reader, readHere } from '../reader.ts'
import type { FoundUrl } from '../types.ts'
import { fetchDocument, isHostFailure, type Problem } from './documents.ts'
import { rawPageOf } from './pages.ts'
import type { Robots } from './robots.ts'
import { isSameSite, pageKey, resolveUrl } from './site-scope.ts'
import { isOfArticles, type SitemapReading } from './sitemap-reading.ts'

const USUAL_PATHS = [
  '/sitemap.xml',
  '/sitemap_index.xml',
  '/sitemaps/sitemap.xml',
  '/wp-sitemap.xml',
  '/sitemap.txt',
]
const MAX_FILES = 50
const MAX_NESTING = 3
const MAX_URLS = 50_000
/** Bytes of a file as it is fetched, which the main process holds; a longer one is read up to there. */
const MAX_FETCHED_BYTES = 16 * 1024 * 1024
/** Limit of sitemaps.org for one file, unpacked; the sum over all files keeps a bomb of many files out. */
const MAX_FILE_BYTES = 50 * 1024 * 1024
const MAX_TOTAL_LENGTH = 100 * 1024 * 1024
const MAX_PROBLEMS = 50
const MAX_HOST_FAILURES = 3

export interface SitemapOptions {
  readonly signal: AbortSignal
  /** Most URLs returned, at most 50,000. */
  readonly maxUrls: number
  /** Reads the files; default {@link readHere}. */
  readonly reader?: Reader | undefined
}

export interface SitemapResult {
  /** In the order of the files, each page once. */
  readonly urls: readonly FoundUrl[]
  readonly problems: readonly Problem[]
}

interface Pending {
  readonly url: string
  readonly nesting: number
  /** False for a guess of ours, whose absence is not worth a word. */
  readonly declared: boolean
}

interface Walk {
  readonly outbound: Outbound
  readonly robots: Robots
  readonly domain: string
  readonly signal: AbortSignal
  readonly maxUrls: number
  readonly reader: Reader
  readonly queue: Pending[]
  readonly queued: Set<string>
  readonly contents: Set<string>
  readonly found: Map<string, FoundUrl>
  readonly problems: Problem[]
  files: number
  length: number
  hostFailures: number
}

function note(walk: Walk, problem: Problem): void {
  if (walk.problems.length < MAX_PROBLEMS) walk.problems.push(problem)
}

function enqueue(walk: Walk, pending: Pending): void {
  const key = pageKey(pending.url)
  if (walk.queued.has(key)) return
  if (!isSameSite(pending.url, walk.domain)) {
    note(walk, { url: pending.url, code: 'NO_CONTENT', message: 'the sitemap lies on another site' })
    return
  }
  if (walk.queued.size >= MAX_FILES * 4) return
  walk.queued.add(key)
  walk.queue.push(pending)
}

function addUrls(walk: Walk, fileUrl: string, entries: SitemapReading['entries']): void {
  const ofArticles = isOfArticles(fileUrl)
  for (const { key, url, publishedAt, title, news } of entries) {
    if (walk.found.size >= walk.maxUrls) return
    if (walk.found.has(key)) continue
    walk.found.set(key, { url, source: ofArticles || news ? 'sitemap_blog' : 'sitemap', publishedAt, title })
  }
}

function addChildren(walk: Walk, parent: Pending, entries: SitemapReading['entries']): void {
  if (parent.nesting >= MAX_NESTING) {
    note(walk, {
      url: parent.url,
      code: 'RESPONSE_TOO_LARGE',
      message: `sitemaps nested deeper than ${MAX_NESTING}`,
    })
    return
  }
  for (const { url } of entries) enqueue(walk, { url, nesting: parent.nesting + 1, declared: true })
}

function accept(walk: Walk, pending: Pending, file: SitemapReading): void {
  if (file.kind === 'index') addChildren(walk, pending, file.entries)
  else if (file.kind === 'urls') addUrls(walk, pending.url, file.entries)
  else if (pending.declared && file.kind !== 'known' && file.note === null) {
    const what = file.kind === 'html' ? 'an HTML page' : 'something else'
    note(walk, { url: pending.url, code: 'NO_CONTENT', message: `not a sitemap but ${what}` })
  }
}

async function readBody(walk: Walk, pending: Pending, response: OutboundResponse): Promise<void> {
  walk.queued.add(pageKey(response.url))
  const request = {
    ...rawPageOf(response),
    domain: walk.domain,
    maxEntries: walk.maxUrls,
    maxBytes: Math.min(MAX_FILE_BYTES, MAX_TOTAL_LENGTH - walk.length),
    // Two names of one file are common (/sitemap.xml, /wp-sitemap.xml); the second is not read again.
    known: [...walk.contents],
  }
  try {
    const file = await walk.reader.sitemap(request, walk.signal)
    walk.contents.add(file.digest)
    walk.length += file.length
    accept(walk, pending, file)
    if (file.note !== null) note(walk, { url: pending.url, ...file.note })
    else if (response.cut && file.kind !== 'known') {
      const message = `read only in part: it is longer than ${MAX_FETCHED_BYTES} bytes`
      note(walk, { url: pending.url, code: 'RESPONSE_TOO_LARGE', message })
    }
  } catch (error) {
    walk.signal.throwIfAborted()
    if (!(error instanceof RowbeatError)) throw error
    note(walk, { url: pending.url, code: codeOf(error), message: messageOf(error) })
  }
}

function isOver(walk: Walk): boolean {
  return (
    walk.files >= MAX_FILES ||
    walk.found.size >= walk.maxUrls ||
    walk.hostFailures >= MAX_HOST_FAILURES ||
    walk.length >= MAX_TOTAL_LENGTH
  )
}

async function readOne(walk: Walk, pending: Pending): Promise<void> {
  walk.files += 1
  const { response, problem } = await fetchDocument(walk.outbound, walk.robots, {
    url: pending.url,
    signal: walk.signal,
    maxBytes: MAX_FETCHED_BYTES,
    cut: true,
    invited: pending.declared,
  })
  if (!problem) {
    walk.hostFailures = 0
    if (isSameSite(response.url, walk.domain)) await readBody(walk, pending, response)
    return
  }
  walk.hostFailures = isHostFailure(problem.code) ? walk.hostFailures + 1 : 0
  if (pending.declared || isHostFailure(problem.code)) note(walk, problem)
}

/**
 * Reads the sitemaps named by robots.txt and those at the usual paths: index files (nested at most 3 deep),
 * `.xml.gz`, the text form, the dates and titles of news sitemaps. At most 50 files and 100 Mi characters together;
 * only URLs of the same site; each page once, in the order of the files. A file beyond its limits is read up to
 * there, and a problem says so. Never throws for what a site sends: that
 * is in `problems` (at most 50). Gives up after three files in a row that say the host is down.
 */
export async function readSitemaps(
  outbound: Outbound,
  robots: Robots,
  domain: string,
  options: SitemapOptions,
): Promise<SitemapResult> {
  const walk: Walk = {
    outbound,
    robots,
    domain,
    signal: options.signal,
    maxUrls: Math.min(options.maxUrls, MAX_URLS),
    reader: options.reader ?? readHere,
    queue: [],
    queued: new Set(),
    contents: new Set(),
    found: new Map(),
    problems: [],
    files: 0,
    length: 0,
    hostFailures: 0,
  }
  for (const url of robots.sitemaps) enqueue(walk, { url, nesting: 0, declared: true })
  for (const path of USUAL_PATHS) {
    const url = resolveUrl(path, robots.origin)
    if (url !== null) enqueue(walk, { url, nesting: 0, declared: false })
  }
  for (let next = walk.queue.shift(); next; next = walk.queue.shift()) {
    if (isOver(walk)) break
    await readOne(walk, next)
  }
  return { urls: [...walk.found.values()], problems: walk.problems }
}
