/** Scrapes the articles of one site for one client, and reports what came of it. */
import { RowbeatError } from '../../../core/errors.ts'
import {
  linkArticles,
  markNearDuplicates,
  type Role,
  readKnownArticles,
  readNow,
  type ScrapeReport,
  saveArticle,
  saveScrapeReport,
} from '../store.ts'
import type { AuditContext } from './input.ts'
import type { Rooms } from './rooms.ts'

export interface SiteToScrape {
  readonly clientDomain: string
  readonly domain: string
  readonly role: Role
  readonly onProgress?: (done: number, total: number) => void
}

/**
 * Stores the articles of a site and a report. A site that gives nothing is recorded with its code and the error
 * thrown on; a run that is stopped leaves no report.
 */
export async function scrapeSite(
  context: AuditContext,
  rooms: Pick<Rooms, 'scrapeArticles'>,
  site: SiteToScrape,
): Promise<ScrapeReport> {
  const { db, signal } = context
  const base = {
    clientDomain: site.clientDomain,
    domain: site.domain,
    role: site.role,
    executionId: context.executionId,
    jobId: context.jobId,
  }
  try {
    const report: ScrapeReport = { ...base, ...(await scrape(context, rooms, site)), problem: null }
    await saveScrapeReport(db, report)
    return report
  } catch (error) {
    if (!(error instanceof RowbeatError) || signal.aborted) throw error
    await saveScrapeReport(db, { ...base, ...NOTHING, problem: { code: error.code, message: error.message } })
    throw error
  }
}

const NOTHING = { found: 0, fetched: 0, stored: 0, unchanged: 0, nearDuplicates: 0, rejected: [] }

async function scrape(context: AuditContext, rooms: Pick<Rooms, 'scrapeArticles'>, site: SiteToScrape) {
  const { db, input, outbound, signal } = context
  const { clientDomain, domain, role } = site
  const known = await readKnownArticles(db, domain)
  const result = await rooms.scrapeArticles({
    outbound,
    domain,
    signal,
    asOf: await readNow(db),
    maxArticles: input.max_articles,
    minWordCount: input.min_word_count,
    known: (urlHash) => known.get(urlHash) ?? null,
    onArticle: (article) => saveArticle(db, clientDomain, role, article),
    ...(site.onProgress === undefined ? {} : { onProgress: site.onProgress }),
  })
  signal.throwIfAborted()
  await linkArticles(db, clientDomain, domain, role)
  await markNearDuplicates(db, result.nearDuplicates)
  return {
    found: result.found,
    fetched: result.fetched,
    stored: result.stored,
    unchanged: result.unchanged,
    nearDuplicates: result.nearDuplicates.length,
    rejected: result.rejected,
  }
}
