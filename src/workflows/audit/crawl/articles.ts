/** Collects the articles of a site, fit to be stored. */
import { isErrorCode, RowbeatError } from '../../../core/errors.ts'
import type { Outbound } from '../../../core/ports.ts'
import type { Reader } from '../reader.ts'
import type { Article } from '../types.ts'
import { discoverArticles } from './article-discovery.ts'
import { type ArticleOutcome, type KnownArticle, readArticle } from './article-reading.ts'
import { isHostFailure } from './documents.ts'
import { inOrder } from './in-order.ts'
import { openNearDuplicates } from './near-duplicates.ts'
import type { Robots } from './robots.ts'
import { type ScoredUrl, selectUrls } from './score.ts'
import { emptySiteError, openSite, type Site } from './site.ts'

const DEFAULT_MAX_ARTICLES = 100
const DEFAULT_MIN_WORDS = 150
const CONCURRENCY = 5
/** Candidates tried for each article wanted, since many turn out to be none. */
const CANDIDATES_PER_ARTICLE = 3
const MAX_REJECTED = 200
const MAX_CONSECUTIVE_FAILURES = 10

export interface ScrapeOptions {
  readonly outbound: Outbound
  readonly domain: string
  readonly signal: AbortSignal
  /** The moment the run counts as now: later articles (by more than a day) are refused. */
  readonly asOf: Date
  /** Most articles stored or found unchanged; default 100. At most three times as many are fetched. */
  readonly maxArticles?: number
  /** Least words of an article; default 150. */
  readonly minWordCount?: number
  /** What is stored of an article already, by its `urlHash`; null when it is new. */
  known(urlHash: string): KnownArticle | null
  /** Called for one article at a time, always in the same order; what it throws ends the run. */
  onArticle(article: Article): Promise<void>
  readonly onProgress?: (done: number, total: number) => void
  readonly robots?: Robots
  /** Reads the pages; default `readHere`. */
  readonly reader?: Reader
}

export interface ScrapeResult {
  /** Distinct addresses that were discovered. */
  readonly found: number
  /** Candidates that were asked for. */
  readonly fetched: number
  /** Articles handed to `onArticle`. */
  readonly stored: number
  /** Articles that the site says did not change (304). */
  readonly unchanged: number
  /** The first 200 candidates that gave no article; `reason` starts with a code. */
  readonly rejected: readonly { readonly url: string; readonly reason: string }[]
  /** Articles left out because their text nearly equals that of an article of this site. */
  readonly nearDuplicates: readonly { readonly urlHash: string; readonly of: string }[]
}

interface Scrape {
  readonly options: ScrapeOptions
  readonly maxArticles: number
  readonly duplicates: ReturnType<typeof openNearDuplicates>
  readonly seen: Set<string>
  readonly rejected: { url: string; reason: string }[]
  readonly nearDuplicates: { urlHash: string; of: string }[]
  /** How often each code ended a candidate. */
  readonly endings: Map<string, number>
  fetched: number
  stored: number
  unchanged: number
  consecutiveFailures: number
}

function reject(scrape: Scrape, url: string, reason: string): void {
  const code = reason.split(':')[0] ?? reason
  scrape.endings.set(code, (scrape.endings.get(code) ?? 0) + 1)
  scrape.consecutiveFailures = isHostFailure(code) ? scrape.consecutiveFailures + 1 : 0
  if (scrape.rejected.length < MAX_REJECTED) scrape.rejected.push({ url, reason })
}

async function store(scrape: Scrape, article: Article): Promise<void> {
  const original = scrape.duplicates.find(article.simhash)
  if (original !== null) {
    scrape.nearDuplicates.push({ urlHash: article.urlHash, of: original })
    return
  }
  scrape.duplicates.add(article.urlHash, article.simhash)
  await scrape.options.onArticle(article)
  scrape.stored += 1
}

/** Takes in one outcome. Two addresses that turn out to be one article count once. */
async function settle(scrape: Scrape, url: string, outcome: ArticleOutcome): Promise<void> {
  scrape.fetched += 1
  if (outcome.kind === 'rejected') return reject(scrape, url, outcome.reason)
  scrape.consecutiveFailures = 0
  const urlHash = outcome.kind === 'article' ? outcome.article.urlHash : outcome.urlHash
  if (scrape.seen.has(urlHash)) return reject(scrape, url, 'duplicate: same canonical address')
  scrape.seen.add(urlHash)
  if (outcome.kind === 'article') return store(scrape, outcome.article)
  scrape.unchanged += 1
  if (outcome.simhash !== null) scrape.duplicates.add(urlHash, outcome.simhash)
}

function accepted(scrape: Scrape): number {
  return scrape.stored + scrape.unchanged
}

function isOver(scrape: Scrape): boolean {
  return accepted(scrape) >= scrape.maxArticles || scrape.consecutiveFailures >= MAX_CONSECUTIVE_FAILURES
}

/** Rounds of as many candidates as articles are still wanted, so that none is fetched in vain. */
async function readAll(scrape: Scrape, site: Site, candidates: readonly ScoredUrl[]): Promise<void> {
  const { asOf, known, minWordCount = DEFAULT_MIN_WORDS } = scrape.options
  const rules = { asOf, minWordCount }
  let next = 0
  while (next < candidates.length && !isOver(scrape)) {
    const round = candidates.slice(next, next + scrape.maxArticles - accepted(scrape))
    next += round.length
    const outcomes = inOrder(round, CONCURRENCY, async (candidate) => ({
      url: candidate.url,
      outcome: await readArticle(site, candidate, rules, known),
    }))
    for await (const { url, outcome } of outcomes) {
      await settle(scrape, url, outcome)
      const left = candidates.length - scrape.fetched
      const total = Math.min(scrape.maxArticles, accepted(scrape) + left)
      scrape.options.onProgress?.(accepted(scrape), Math.max(total, 1))
      if (isOver(scrape)) break
    }
  }
}

/** The error of a site without a single article: the one code all candidates ended with, when it says something. */
function emptyError(scrape: Scrape, site: Site, candidates: number): RowbeatError {
  if (candidates === 0) return emptySiteError(site, 'no article was found')
  const endings = [...scrape.endings].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  const [code] = endings[0] ?? ['NO_CONTENT']
  const told = endings.slice(0, 5).map(([name, count]) => `${count} × ${name}`)
  const only = endings.length === 1 && isErrorCode(code) ? code : 'NO_CONTENT'
  const message = `${site.domain}: none of ${scrape.fetched} candidates is an article (${told.join(', ')})`
  return new RowbeatError(only, message)
}

/**
 * Discovers, fetches and checks the articles of a site: best score first, five at a time, handed to `onArticle`
 * one at a time in score order. Known articles are asked for with their ETag and date; what did not change is
 * not read again. Near-duplicates (SimHash, at most 3 bits apart) are reported and not stored. The same site
 * gives the same calls in the same order.
 *
 * Throws when there is not one article: the network error of the site, ROBOTS_DISALLOWED, or NO_CONTENT with
 * what the candidates ended with. Ten failures of the host in a row end the run with what there is.
 */
export async function scrapeArticles(options: ScrapeOptions): Promise<ScrapeResult> {
  const { outbound, domain, signal, robots, reader } = options
  const site = await openSite({ outbound, domain, signal, robots, reader })
  const maxArticles = Math.max(1, options.maxArticles ?? DEFAULT_MAX_ARTICLES)
  const discovery = await discoverArticles(site, maxArticles * 2)
  const candidates = selectUrls(discovery.urls, maxArticles * CANDIDATES_PER_ARTICLE)
  const scrape: Scrape = {
    options,
    maxArticles,
    duplicates: openNearDuplicates(),
    seen: new Set(),
    rejected: [],
    nearDuplicates: [],
    endings: new Map(),
    fetched: 0,
    stored: 0,
    unchanged: 0,
    consecutiveFailures: 0,
  }
  await readAll(scrape, site, candidates)
  if (accepted(scrape) === 0) throw emptyError(scrape, site, candidates.length)
  const { fetched, stored, unchanged, rejected, nearDuplicates } = scrape
  return { found: discovery.urls.length, fetched, stored, unchanged, rejected, nearDuplicates }
}
