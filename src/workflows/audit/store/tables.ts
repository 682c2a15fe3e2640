/** The tables of the audit as Kysely sees them, and how values get in and out of them. */
import type { ColumnType, Generated, Kysely, RawBuilder } from 'kysely'
import { sql } from 'kysely'
import type { Database } from '../../../core/ports.ts'
import type { Competitor, Keyword, SiteProfile, Theme } from '../types.ts'

type Time = ColumnType<Date, Date | string | RawBuilder<Date>, Date | string | RawBuilder<Date>>
type Json<Value> = ColumnType<Value, RawBuilder<Value>, RawBuilder<Value>>

type SiteProfilesTable = {
  id: Generated<string>
  domain: string
  execution_id: string | null
  job_id: string
  analyzed_at: ColumnType<Date, never, RawBuilder<Date>>
  duration_seconds: number
  language: SiteProfile['language']
  languages: Json<SiteProfile['languages']>
  language_level: SiteProfile['languageLevel']
  tone: string
  tone_evidence: Json<SiteProfile['toneEvidence']>
  readability: Json<SiteProfile['readability']>
  formality: number
  audience: Json<SiteProfile['audience']>
  themes: Json<readonly Theme[]>
  secondary_themes: Json<readonly string[]>
  keywords: Json<readonly Keyword[]>
  structure: Json<SiteProfile['structure']>
  pages_analyzed: number
  total_words: number
}

type CompetitorsTable = {
  id: Generated<string>
  client_domain: string
  domain: string
  title: string
  description: string
  status: Competitor['status']
  reason: string
  decided_by: 'search' | 'person'
  similarity: number
  relevance: number
  combined: number
  confidence: number
  sources: Json<Competitor['sources']>
  usable: ColumnType<boolean, never, never>
  created_at: ColumnType<Date, never, never>
  updated_at: ColumnType<Date, never, RawBuilder<Date>>
}

type ArticlesTable = {
  id: Generated<string>
  url_hash: string
  domain: string
  etag: string | null
  last_modified: string | null
  simhash: string
  published_at: Time | null
}

type ScrapeReportsTable = {
  id: Generated<string>
  client_domain: string
  domain: string
  role: 'client' | 'competitor'
  execution_id: string | null
  job_id: string
  found: number
  fetched: number
  stored: number
  unchanged: number
  near_duplicates: number
  rejected: number
  reject_reasons: Json<Readonly<Record<string, number>>>
  rejected_samples: Json<readonly { readonly url: string; readonly reason: string }[]>
  problem_code: string | null
  problem_message: string | null
  finished_at: ColumnType<Date, never, RawBuilder<Date>>
}

/** Tables that are read or written through the builder; the others are written by whole statements. */
export type AuditTables = {
  'rowbeat.site_profiles': SiteProfilesTable
  'rowbeat.competitors': CompetitorsTable
  'rowbeat.articles': ArticlesTable
  'rowbeat.scrape_reports': ScrapeReportsTable
}

export type AuditDatabase = Kysely<AuditTables>

/** The same database, with the tables of the audit known to the builder. */
export function auditTables(db: Database): AuditDatabase {
  return db.$extendTables<AuditTables>()
}

/** Text from the web as Postgres can store it: no NUL, no half surrogate, at most `most` UTF-16 units. */
export function storable(text: string, most: number): string {
  // toWellFormed comes last: the cut may have split a pair.
  return text.replaceAll('\u0000', '').slice(0, most).toWellFormed()
}

/** {@link storable} for a value that may be missing. */
export function storableOrNull(text: string | null, most: number): string | null {
  return text === null ? null : storable(text, most)
}

/** A JSON parameter whose strings Postgres can store, each at most `most` UTF-16 units. */
export function json<Value>(value: Value, most = 20_000): RawBuilder<Value> {
  const text = JSON.stringify(value, (_key, held: unknown) =>
    typeof held === 'string' ? storable(held, most) : held,
  )
  return sql<Value>`${text}::jsonb`
}

/** ISO 8601 UTC with `Z` for a time that the driver gave as a date or as text. */
export function iso(time: Date | string): string {
  return new Date(time).toISOString()
}

/** {@link iso} for a time that may be missing. */
export function isoOrNull(time: Date | string | null): string | null {
  return time === null ? null : iso(time)
}

/** The present moment of the database, for `set … = now()` in the builder. */
export const dbNow = sql<Date>`now()`

/** The present of the database: the one clock that stored times are compared with. */
export async function readNow(db: Database): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`select now() as now`.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('a select without from returned no row')
  return new Date(row.now)
}
