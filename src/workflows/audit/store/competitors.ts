/** Candidates, and what a search or a person decided about them. */
import { sql } from 'kysely'
import type { Database } from '../../../core/ports.ts'
import type { Competitor, ValidationStatus } from '../types.ts'
import { auditTables, iso, json } from './tables.ts'

/** A stored candidate. */
export interface StoredCompetitor extends Competitor {
  readonly decidedBy: 'search' | 'person'
  readonly updatedAt: string
}

/** Most candidates stored or read for one client. */
const CANDIDATES_MAX = 1000

/**
 * Stores the outcome of a search: afterwards the client's candidates are those of `found` and those a person
 * decided about. A person's status and reason stay; scores and texts are renewed.
 */
export async function saveCompetitors(
  db: Database,
  clientDomain: string,
  found: readonly Competitor[],
): Promise<void> {
  // Sorted, so that two writers lock rows in the same order; the first of a repeated domain wins.
  const rows = [...new Map([...found].reverse().map((one) => [one.domain, one])).values()]
    .filter((one) => one.domain !== clientDomain)
    .sort((a, b) => (a.domain < b.domain ? -1 : 1))
    .slice(0, CANDIDATES_MAX)
  await db.transaction().execute(async (trx) => {
    await sql`
      insert into rowbeat.competitors as held (
        client_domain, domain, title, description, status, reason, decided_by, similarity, relevance, combined,
        confidence, sources)
      select ${clientDomain}, one.domain, one.title, one.description, one.status, one.reason,
        case one.status when 'manual' then 'person' else 'search' end,
        one.similarity, one.relevance, one.combined, one.confidence, one.sources
      from jsonb_to_recordset(${json(rows, 2000)}) as one (
        domain text, title text, description text, status text, reason text, similarity double precision,
        relevance double precision, combined double precision, confidence double precision, sources jsonb)
      on conflict on constraint competitors_one_per_client do update set
        title = excluded.title,
        description = excluded.description,
        status = case held.decided_by when 'person' then held.status else excluded.status end,
        reason = case held.decided_by when 'person' then held.reason else excluded.reason end,
        decided_by = case held.decided_by when 'person' then 'person' else excluded.decided_by end,
        similarity = excluded.similarity,
        relevance = excluded.relevance,
        combined = excluded.combined,
        confidence = excluded.confidence,
        sources = excluded.sources,
        updated_at = now()`.execute(trx)
    await sql`
      delete from rowbeat.competitors
      where client_domain = ${clientDomain}
        and decided_by = 'search'
        and domain <> all (${rows.map((one) => one.domain)}::text[])`.execute(trx)
  })
}

/** What a person says about a candidate. */
export interface CompetitorVerdict {
  readonly domain: string
  readonly status: ValidationStatus
  readonly reason: string | null
}

/**
 * Stores what a person decided; domains that no search found become entries of their own with scores of 0.5
 * (nothing is known of them yet).
 */
export async function saveVerdicts(
  db: Database,
  clientDomain: string,
  verdicts: readonly CompetitorVerdict[],
): Promise<void> {
  const rows = [...verdicts].sort((a, b) => (a.domain < b.domain ? -1 : 1)).slice(0, CANDIDATES_MAX)
  await sql`
    with verdict as (
      select * from jsonb_to_recordset(${json(rows, 2000)}) as one (domain text, status text, reason text)
    ), known as (
      update rowbeat.competitors held
      set status = verdict.status,
        reason = coalesce(verdict.reason, 'Decided by hand.'),
        decided_by = 'person',
        updated_at = now()
      from verdict
      where held.client_domain = ${clientDomain} and held.domain = verdict.domain
      returning held.domain
    )
    insert into rowbeat.competitors (
      client_domain, domain, title, description, status, reason, decided_by, similarity, relevance, combined,
      confidence, sources)
    select ${clientDomain}, verdict.domain, '', '',
      case verdict.status when 'excluded' then 'excluded' else 'manual' end,
      coalesce(verdict.reason, 'Added by hand.'), 'person', 0.5, 0.5, 0.5, 0.5, '[]'
    from verdict
    where verdict.domain not in (select domain from known)
    on conflict on constraint competitors_one_per_client do nothing`.execute(db)
}

/** All candidates of a client, best first. */
export async function readCompetitors(db: Database, clientDomain: string): Promise<StoredCompetitor[]> {
  const rows = await auditTables(db)
    .selectFrom('rowbeat.competitors')
    .selectAll()
    .where('client_domain', '=', clientDomain)
    .orderBy('combined', 'desc')
    .orderBy('domain')
    .limit(CANDIDATES_MAX)
    .execute()
  return rows.map((row) => ({
    domain: row.domain,
    title: row.title,
    description: row.description,
    status: row.status,
    reason: row.reason,
    decidedBy: row.decided_by,
    similarity: row.similarity,
    relevance: row.relevance,
    combined: row.combined,
    confidence: row.confidence,
    sources: row.sources,
    updatedAt: iso(row.updated_at),
  }))
}

/** Domains of the competitors that are worked with (validated and manual), sorted; `byHand` only a person's. */
export async function readUsableDomains(
  db: Database,
  clientDomain: string,
  options: { readonly byHand: boolean },
): Promise<string[]> {
  let query = auditTables(db)
    .selectFrom('rowbeat.competitors')
    .select('domain')
    .where('client_domain', '=', clientDomain)
    .where('usable', '=', true)
    .orderBy('domain')
    .limit(CANDIDATES_MAX)
  if (options.byHand) query = query.where('decided_by', '=', 'person')
  return (await query.execute()).map((row) => row.domain)
}
