/** What came of each scrape. */
import type { Database } from '../../../core/ports.ts'
import type { Role } from './articles.ts'
import { auditTables, dbNow, json, storable, storableOrNull } from './tables.ts'

/** The outcome of scraping one site for one client. */
export interface ScrapeReport {
  readonly clientDomain: string
  readonly domain: string
  readonly role: Role
  readonly executionId: string | null
  readonly jobId: string
  readonly found: number
  readonly fetched: number
  readonly stored: number
  readonly unchanged: number
  readonly nearDuplicates: number
  readonly rejected: readonly { readonly url: string; readonly reason: string }[]
  /** Why the site gave nothing; null when it was scraped. */
  readonly problem: { readonly code: string; readonly message: string } | null
}

const SAMPLES_MAX = 50
const REASONS_MAX = 50

/** Stores a report; the same job writes the same row again. */
export async function saveScrapeReport(db: Database, report: ScrapeReport): Promise<void> {
  const columns = {
    role: report.role,
    execution_id: report.executionId,
    found: report.found,
    fetched: report.fetched,
    stored: report.stored,
    unchanged: report.unchanged,
    near_duplicates: report.nearDuplicates,
    rejected: report.rejected.length,
    reject_reasons: json(countReasons(report.rejected)),
    rejected_samples: json(report.rejected.slice(0, SAMPLES_MAX), 2048),
    problem_code: report.problem?.code ?? null,
    problem_message: storableOrNull(report.problem?.message ?? null, 2000),
  }
  await auditTables(db)
    .insertInto('rowbeat.scrape_reports')
    .values({
      client_domain: report.clientDomain,
      domain: report.domain,
      job_id: report.jobId,
      ...columns,
    })
    .onConflict((conflict) =>
      conflict.constraint('scrape_reports_one_per_job').doUpdateSet({ ...columns, finished_at: dbNow }),
    )
    .execute()
}

/** Sites that this job scraped before, in an earlier attempt, and that gave no problem. */
export async function readScrapedBy(
  db: Database,
  clientDomain: string,
  jobId: string,
): Promise<ReadonlySet<string>> {
  const rows = await auditTables(db)
    .selectFrom('rowbeat.scrape_reports')
    .select('domain')
    .where('client_domain', '=', clientDomain)
    .where('job_id', '=', jobId)
    .where('problem_code', 'is', null)
    .limit(1000)
    .execute()
  return new Set(rows.map((row) => row.domain))
}

/**
 * Rejections per kind of reason, at most 50 kinds, in order of first appearance. The kind is what stands before
 * the first colon.
 */
export function countReasons(rejected: readonly { readonly reason: string }[]): Record<string, number> {
  const counts = new Map<string, number>()
  for (const { reason } of rejected) {
    const key = storable(reason.split(':')[0] ?? '', 200)
    if (counts.has(key) || counts.size < REASONS_MAX) counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return Object.fromEntries(counts)
}
