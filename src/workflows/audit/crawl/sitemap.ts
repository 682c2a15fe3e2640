/** Collects the URLs a site lists in its sitemaps. */
import { createHash } from 'node:crypto'
import { codeOf, messageOf, RowbeatError } from '../../../core/errors.ts'
import type { Outbound, OutboundResponse } from '../../../core/ports.ts'
import type { FoundUrl } from '../types.ts'
import { fetchDocument, isHostFailure, type Problem } from './documents.ts'
import type { Robots } from './robots.ts'
import { isSameSite, pageKey, resolveUrl } from './site-scope.ts'
import { parseSitemap, type SitemapEntry, type SitemapFile } from './sitemap-parse.ts'
import { readXmlText } from './xml-text.ts'

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
/** Limits of sitemaps.org for one file; the sum over all files keeps a bomb of many files out. */
const MAX_FILE_BYTES = 50 * 1024 * 1024
const MAX_TOTAL_BYTES = 100 * 1024 * 1024
const MAX_PROBLEMS = 50
const MAX_HOST_FAILURES = 3

const ARTICLE_FILE =
  /(?:^|[^a-z])(?:posts?|blog|news|actus?|actualites?|articles?|magazine|stories|story)(?:[^a-z]|$)/i

export interface SitemapOptions {
  readonly signal: AbortSignal
  /** Most URLs returned, at most 50,000. */
  readonly maxUrls: number
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
  readonly queue: Pending[]
  readonly queued: Set<string>
  readonly contents: Set<string>
  readonly found: Map<string, FoundUrl>
  readonly problems: Problem[]
  files: number
  bytes: number
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

function addUrls(walk: Walk, fileUrl: string, entries: readonly SitemapEntry[]): void {
  const ofArticles = ARTICLE_FILE.test(new URL(fileUrl).pathname)
  for (const entry of entries) {
    if (walk.found.size >= walk.maxUrls) return
    const key = pageKey(entry.url)
    if (walk.found.has(key) || !isSameSite(entry.url, walk.domain)) continue
    walk.found.set(key, {
      url: entry.url,
      source: ofArticles || entry.news ? 'sitemap_blog' : 'sitemap',
      publishedAt: entry.publishedAt,
      title: entry.title,
    })
  }
}

/** Files of posts first, so that a site with hundreds of product files does not use up the limit before them. */
function addChildren(walk: Walk, parent: Pending, entries: readonly SitemapEntry[]): void {
  if (parent.nesting >= MAX_NESTING) {
    note(walk, {
      url: parent.url,
      code: 'RESPONSE_TOO_LARGE',
      message: `sitemaps nested deeper than ${MAX_NESTING}`,
    })
    return
  }
  const isOfArticles = (url: string) => ARTICLE_FILE.test(new URL(url).pathname)
  const children = entries.map((entry) => entry.url)
  const ordered = [...children.filter(isOfArticles), ...children.filter((url) => !isOfArticles(url))]
  for (const url of ordered.slice(0, MAX_FILES * 4)) {
    enqueue(walk, { url, nesting: parent.nesting + 1, declared: true })
  }
}

async function* counted(walk: Walk, pieces: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const piece of pieces) {
    walk.bytes += piece.length
    if (walk.bytes > MAX_TOTAL_BYTES) {
      throw new RowbeatError('RESPONSE_TOO_LARGE', `the sitemaps together exceed ${MAX_TOTAL_BYTES} bytes`)
    }
    yield piece
  }
}

function accept(walk: Walk, pending: Pending, file: SitemapFile): void {
  if (file.kind === 'index') addChildren(walk, pending, file.entries)
  else if (file.kind === 'urls') addUrls(walk, pending.url, file.entries)
  else if (pending.declared) {
    const what = file.kind === 'html' ? 'an HTML page' : 'something else'
    note(walk, { url: pending.url, code: 'NO_CONTENT', message: `not a sitemap but ${what}` })
  }
}

async function readBody(walk: Walk, pending: Pending, response: OutboundResponse): Promise<void> {
  // Two names of one file are common (/sitemap.xml, /wp-sitemap.xml); the second is not read again.
  const digest = createHash('sha256').update(response.body).digest('hex')
  walk.queued.add(pageKey(response.url))
  if (walk.contents.has(digest)) return
  walk.contents.add(digest)
  try {
    const header = response.headers['content-type'] ?? ''
    const text = readXmlText(response.body, header, MAX_FILE_BYTES)
    accept(walk, pending, await parseSitemap(counted(walk, text), response.url, walk.maxUrls))
  } catch (error) {
    if (!(error instanceof RowbeatError)) throw error
    note(walk, { url: pending.url, code: codeOf(error), message: messageOf(error) })
  }
}

async function readOne(walk: Walk, pending: Pending): Promise<void> {
  walk.files += 1
  const { response, problem } = await fetchDocument(walk.outbound, walk.robots, {
    url: pending.url,
    signal: walk.signal,
    maxBytes: MAX_FILE_BYTES,
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
 * `.xml.gz`, the text form, the dates and titles of news sitemaps. At most 50 files and 100 MiB together; only
 * URLs of the same site; each page once, in the order of the files. Never throws for what a site sends: that
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
    queue: [],
    queued: new Set(),
    contents: new Set(),
    found: new Map(),
    problems: [],
    files: 0,
    bytes: 0,
    hostFailures: 0,
  }
  for (const url of robots.sitemaps) enqueue(walk, { url, nesting: 0, declared: true })
  for (const path of USUAL_PATHS) {
    const url = resolveUrl(path, robots.origin)
    if (url !== null) enqueue(walk, { url, nesting: 0, declared: false })
  }
  for (let next = walk.queue.shift(); next; next = walk.queue.shift()) {
    if (walk.files >= MAX_FILES || walk.found.size >= walk.maxUrls || walk.hostFailures >= MAX_HOST_FAILURES)
      break
    await readOne(walk, next)
  }
  return { urls: [...walk.found.values()], problems: walk.problems }
}
