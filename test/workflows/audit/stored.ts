/** What an audit leaves in the database, put there without running one. */
import type pg from 'pg'
import {
  type ScrapeReport,
  saveArticle,
  saveCompetitors,
  saveProfile,
  saveScrapeReport,
  saveTrendRun,
} from '../../../src/workflows/audit/store.ts'
import type { AuditTestDatabase } from './database.ts'
import { article, competitor, EXECUTION_ID, page, profile, trendResult } from './fixtures.ts'

export const profileRun = (domain: string, jobId: string) => ({
  domain,
  jobId,
  executionId: EXECUTION_ID,
  durationSeconds: 12.345,
})

export const trendRun = (clientDomain: string, jobId: string) => ({
  clientDomain,
  jobId,
  executionId: EXECUTION_ID,
  durationSeconds: 3,
})

/** Of a site that was scraped well, with two pages that were no articles. */
export const report = (
  clientDomain: string,
  domain: string,
  over: Partial<ScrapeReport> = {},
): ScrapeReport => ({
  clientDomain,
  domain,
  role: clientDomain === domain ? 'client' : 'competitor',
  executionId: EXECUTION_ID,
  jobId: '7',
  found: 12,
  fetched: 10,
  stored: 8,
  unchanged: 1,
  nearDuplicates: 1,
  rejected: [
    { url: 'https://a.fr/tag', reason: 'not-an-article: tag page' },
    { url: 'https://a.fr/tag2', reason: 'not-an-article: tag page 2' },
  ],
  problem: null,
  ...over,
})

export async function countRows(pool: pg.Pool, table: string, where: string): Promise<number> {
  const { rows } = await pool.query(`select count(*)::int as n from rowbeat.${table} where ${where}`)
  return rows[0].n
}

export async function articleIds(pool: pg.Pool, domain: string): Promise<string[]> {
  const { rows } = await pool.query('select id from rowbeat.articles where domain = $1 order by id', [domain])
  return rows.map((row) => String(row.id))
}

/** Everything an audit needs to be complete: a profile, one rival, 5 and 10 articles, two reports and a trend run. */
export async function storeAudit({ db, pool }: AuditTestDatabase, client: string): Promise<void> {
  const rival = `rival-of-${client}`
  await saveProfile(db, profileRun(client, '1'), profile(), [page()])
  await saveCompetitors(db, client, [competitor(rival)])
  for (let n = 1; n <= 5; n++) await saveArticle(db, client, 'client', article(client, n))
  for (let n = 1; n <= 10; n++) await saveArticle(db, client, 'competitor', article(rival, n))
  await saveScrapeReport(db, report(client, client))
  await saveScrapeReport(db, report(client, rival))
  await saveTrendRun(db, trendRun(client, '5'), trendResult(await articleIds(pool, client)))
}
