/** One crawl under way: what it took in, what it left out, and how it goes on from page to page. */
import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { CrawledPage } from '../types.ts'
import { isHostFailure } from './documents.ts'
import { type Frontier, openFrontier, type Refusal } from './frontier.ts'
import { inOrder } from './in-order.ts'
import { type FetchedPage, fetchPage } from './pages.ts'
import { spreadOverSections } from './sections.ts'
import type { Site } from './site.ts'
import { isHomePage, isSameSite, pageKey } from './site-scope.ts'

const MAX_SKIPPED = 200
/** After so many pages in a row that say the host is down, the rest is not asked for. */
const MAX_CONSECUTIVE_FAILURES = 10
/** Addresses held against robots.txt in one turn of the event loop. */
const CHECKED_AT_ONCE = 8

export type SkipReason = Refusal | 'robots' | 'duplicate'

export interface CrawlLimits {
  /** Most pages read; at most twice as many are fetched. */
  readonly maxPages: number
  /** Pages fetched at the same time. */
  readonly concurrency: number
  readonly onProgress: (done: number, total: number) => void
}

export interface CrawlRun {
  readonly site: Site
  readonly limits: CrawlLimits
  readonly frontier: Frontier
  /** Pages that could be read, and pages with a problem, in the order they were taken in. */
  readonly good: CrawledPage[]
  readonly bad: CrawledPage[]
  readonly skipped: { url: string; reason: SkipReason }[]
  readonly identities: Set<string>
  fetched: number
  consecutiveFailures: number
}

/** A page to be fetched, if there is room. */
export interface Candidate {
  readonly url: string
  readonly depth: number
  readonly publishedAt: string | null
}

/** Starts a crawl with the home page, which was fetched when the site was opened. */
export function startRun(site: Site, limits: CrawlLimits): CrawlRun {
  const run: CrawlRun = {
    site,
    limits,
    frontier: openFrontier(site.domain),
    good: [],
    bad: [],
    skipped: [],
    identities: new Set(),
    fetched: 0,
    consecutiveFailures: 0,
  }
  run.frontier.mark(site.home.page.url)
  admit(run, site.home)
  return run
}

/** Notes an address that was left out; the first 200 are kept. */
export function noteSkipped(run: CrawlRun, url: string, reason: SkipReason): void {
  if (run.skipped.length < MAX_SKIPPED) run.skipped.push({ url, reason })
}

/** How many pages may still be fetched: as many as are wanted, within twice the limit in all. */
function roomLeft(run: CrawlRun): number {
  if (run.consecutiveFailures >= MAX_CONSECUTIVE_FAILURES) return 0
  const { maxPages } = run.limits
  return Math.max(0, Math.min(maxPages - run.good.length, maxPages * 2 - run.fetched))
}

/**
 * The names under which a page may be met again: where it was found, its canonical address, its content. Many
 * templates name the home page as canonical of every page; that is not believed.
 */
function identitiesOf(page: CrawledPage, domain: string): string[] {
  const names = [`url ${pageKey(page.finalUrl)}`]
  const canonical = page.content?.canonicalUrl ?? null
  if (canonical !== null && isSameSite(canonical, domain) && !isHomePage(canonical)) {
    names.push(`url ${pageKey(canonical)}`)
  }
  const text = page.content?.text ?? ''
  if (text !== '') names.push(`text ${createHash('sha256').update(text).digest('hex')}`)
  return names
}

function admitProblem(run: CrawlRun, page: CrawledPage, code: string): void {
  run.consecutiveFailures = isHostFailure(code) ? run.consecutiveFailures + 1 : 0
  if (code === 'ROBOTS_DISALLOWED') noteSkipped(run, page.url, 'robots')
  else run.bad.push(page)
}

/** Takes in one fetched page; true when it is a page of its own. */
function admit(run: CrawlRun, { page }: FetchedPage): boolean {
  run.fetched += 1
  if (page.problem) {
    admitProblem(run, page, page.problem.code)
    return false
  }
  run.consecutiveFailures = 0
  run.frontier.mark(page.finalUrl)
  const names = identitiesOf(page, run.site.domain)
  if (names.some((name) => run.identities.has(name))) {
    noteSkipped(run, page.url, 'duplicate')
    return false
  }
  for (const name of names) run.identities.add(name)
  run.good.push(page)
  return true
}

/**
 * The next candidates that robots allow, at most `count`; robots are asked before anything is fetched, so that a
 * forbidden section does not use up the room. `queue` loses what was looked at.
 */
async function takePermitted(run: CrawlRun, queue: Candidate[], count: number): Promise<Candidate[]> {
  const taken: Candidate[] = []
  let looked = 0
  for (const candidate of queue) {
    if (taken.length >= count) break
    looked += 1
    // Hostile rules cost some milliseconds for each address: whoever else is due comes in between.
    if (looked % CHECKED_AT_ONCE === 0) await setImmediate()
    const robots = await run.site.book.forUrl(candidate.url)
    if (robots?.allowed(candidate.url) === true) taken.push(candidate)
    else noteSkipped(run, candidate.url, 'robots')
  }
  queue.splice(0, looked)
  return taken
}

/**
 * Fetches candidates, the fairest sample first, until the crawl is full; returns the pages that were new. Goes
 * in rounds of as many as are still wanted: a duplicate is made up for in the next round, and no page is
 * fetched in vain.
 */
export async function fetchCandidates(
  run: CrawlRun,
  candidates: readonly Candidate[],
): Promise<CrawledPage[]> {
  const queue = spreadOverSections(candidates)
  const added: CrawledPage[] = []
  while (queue.length > 0 && roomLeft(run) > 0) {
    const round = await takePermitted(run, queue, roomLeft(run))
    const planned = Math.min(run.limits.maxPages, run.good.length + round.length + queue.length)
    const fetches = inOrder(round, run.limits.concurrency, (each) =>
      fetchPage(run.site, each.url, each.depth),
    )
    for await (const fetched of fetches) {
      if (admit(run, fetched)) added.push(fetched.page)
      run.limits.onProgress(run.good.length, Math.max(run.good.length, planned))
      if (roomLeft(run) === 0) break
    }
  }
  return added
}

/** Links of pages that were not met before, as candidates one click deeper. */
function linkCandidates(run: CrawlRun, pages: readonly CrawledPage[]): Candidate[] {
  const candidates: Candidate[] = []
  for (const page of pages) {
    for (const url of page.content?.internalLinks ?? []) {
      const outcome = run.frontier.add(url, page.depth + 1)
      if (outcome === 'added') candidates.push({ url, depth: page.depth + 1, publishedAt: null })
      else if (outcome !== 'known' && outcome !== 'off_site') noteSkipped(run, url, outcome)
    }
  }
  return candidates
}

/** Breadth first, a whole level at a time: the levels, not the speed of the answers, make the order. */
export async function followLinks(run: CrawlRun): Promise<void> {
  let level: readonly CrawledPage[] = [...run.good]
  while (level.length > 0 && roomLeft(run) > 0) {
    level = await fetchCandidates(run, linkCandidates(run, level))
  }
}
