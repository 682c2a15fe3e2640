/** Profiles and their pages. */
import { sql } from 'kysely'
import type { Database } from '../../../core/ports.ts'
import type { CrawledPage, SiteProfile } from '../types.ts'
import { type AuditDatabase, auditTables, dbNow, iso, json, storable, storableOrNull } from './tables.ts'

export interface ProfileRun {
  readonly domain: string
  readonly executionId: string | null
  readonly jobId: string
  readonly durationSeconds: number
}

/** A stored analysis. */
export interface StoredProfile extends SiteProfile {
  readonly profileId: string
  readonly domain: string
  readonly executionId: string | null
  readonly analyzedAt: string
  readonly durationSeconds: number
}

/** Most pages stored with one profile. */
const PAGES_MAX = 1000
const URL_MAX = 2048

/**
 * Stores an analysis and its pages in one transaction; the same job writes the same row again. Returns its id.
 */
export async function saveProfile(
  db: Database,
  run: ProfileRun,
  profile: SiteProfile,
  pages: readonly CrawledPage[],
): Promise<string> {
  return await auditTables(db)
    .transaction()
    .execute(async (trx) => {
      const profileId = await upsertProfile(trx, run, profile)
      await sql`delete from rowbeat.site_pages where profile_id = ${profileId}`.execute(trx)
      await insertPages(trx, profileId, pages.slice(0, PAGES_MAX))
      return profileId
    })
}

async function upsertProfile(trx: AuditDatabase, run: ProfileRun, profile: SiteProfile): Promise<string> {
  const columns = {
    execution_id: run.executionId,
    duration_seconds: run.durationSeconds,
    language: profile.language,
    languages: json(profile.languages),
    language_level: profile.languageLevel,
    tone: storable(profile.tone, 100),
    tone_evidence: json(profile.toneEvidence),
    readability: json(profile.readability),
    formality: profile.formality,
    audience: json(profile.audience),
    themes: json(profile.themes),
    secondary_themes: json(profile.secondaryThemes),
    keywords: json(profile.keywords),
    structure: json(profile.structure),
    pages_analyzed: profile.pagesAnalyzed,
    total_words: profile.totalWords,
  }
  const row = await trx
    .insertInto('rowbeat.site_profiles')
    .values({ domain: run.domain, job_id: run.jobId, ...columns })
    .onConflict((conflict) =>
      conflict.constraint('site_profiles_one_per_job').doUpdateSet({ ...columns, analyzed_at: dbNow }),
    )
    .returning('id')
    .executeTakeFirstOrThrow()
  return row.id
}

async function insertPages(
  trx: AuditDatabase,
  profileId: string,
  pages: readonly CrawledPage[],
): Promise<void> {
  await sql`
    insert into rowbeat.site_pages (
      profile_id, position, url, final_url, status, content_type, depth, bytes, elapsed_ms, title, description,
      canonical_url, language, author, published_at, word_count, heading_count, image_count, images_without_alt,
      internal_links, external_links, json_ld_types, extraction, problem_code, problem_message)
    select ${profileId}, page.*
    from jsonb_to_recordset(${json(pages.map(pageRow), URL_MAX)}) as page (
      position integer, url text, final_url text, status integer, content_type text, depth integer, bytes bigint,
      elapsed_ms double precision, title text, description text, canonical_url text, language text, author text,
      published_at timestamptz, word_count integer, heading_count integer, image_count integer,
      images_without_alt integer, internal_links integer, external_links integer, json_ld_types jsonb,
      extraction text, problem_code text, problem_message text)`.execute(trx)
}

function pageRow(page: CrawledPage, position: number): Record<string, unknown> {
  const { content } = page
  // A page without content that names no problem would be a riddle; the check of the table forbids it.
  const problem =
    content === null ? (page.problem ?? { code: 'NO_CONTENT', message: 'not a readable page' }) : null
  return {
    position,
    url: page.url,
    final_url: page.finalUrl,
    status: page.status,
    content_type: page.contentType,
    depth: page.depth,
    bytes: page.bytes,
    elapsed_ms: page.elapsedMs,
    title: storableOrNull(content?.title ?? null, 500),
    description: content?.description ?? null,
    canonical_url: content?.canonicalUrl ?? null,
    language: content?.declaredLanguage ?? null,
    author: storableOrNull(content?.author ?? null, 300),
    published_at: content?.publishedAt ?? null,
    word_count: content?.wordCount ?? null,
    heading_count: content?.headings.length ?? null,
    image_count: content?.imageCount ?? null,
    images_without_alt: content?.imagesWithoutAlt ?? null,
    internal_links: content?.internalLinks.length ?? null,
    external_links: content?.externalLinks.length ?? null,
    json_ld_types: content?.jsonLdTypes.slice(0, 50) ?? null,
    extraction: content?.method ?? null,
    problem_code: problem?.code ?? page.problem?.code ?? null,
    problem_message: problem?.message ?? page.problem?.message ?? null,
  }
}

/** The newest analysis of a domain, or null. */
export async function readLatestProfile(db: Database, domain: string): Promise<StoredProfile | null> {
  const row = await auditTables(db)
    .selectFrom('rowbeat.site_profiles')
    .selectAll()
    .where('domain', '=', domain)
    .orderBy('analyzed_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : toProfile(row)
}

/** A place in a list that is ordered newest first. */
export interface ProfilePlace {
  readonly analyzedAt: string
  readonly profileId: string
}

/**
 * Analyses, newest first, after `after` (a keyset, so that rows added meanwhile shift nothing). With `domain`, its
 * whole history; without, the newest analysis of each site.
 */
export async function listProfiles(
  db: Database,
  given: { readonly domain?: string; readonly after?: ProfilePlace; readonly limit: number },
): Promise<StoredProfile[]> {
  const { domain, after } = given
  let query = auditTables(db)
    .selectFrom('rowbeat.site_profiles as p')
    .selectAll()
    .orderBy('p.analyzed_at', 'desc')
    .orderBy('p.id', 'desc')
    .limit(given.limit)
  if (after !== undefined) {
    // Places carry milliseconds; the column has microseconds.
    query = query.where(
      sql<boolean>`(date_trunc('milliseconds', p.analyzed_at), p.id) < (${after.analyzedAt}::timestamptz, ${after.profileId}::bigint)
        and p.analyzed_at < ${after.analyzedAt}::timestamptz + interval '1 millisecond'`,
    )
  }
  if (domain !== undefined) query = query.where('p.domain', '=', domain)
  else {
    query = query.where(
      sql<boolean>`not exists (
        select 1 from rowbeat.site_profiles newer
        where newer.domain = p.domain and (newer.analyzed_at, newer.id) > (p.analyzed_at, p.id))`,
    )
  }
  return (await query.execute()).map(toProfile)
}

/** How many analyses a domain has (counted up to 10,000), and when the first and the last were; null for none. */
export async function readHistorySpan(
  db: Database,
  domain: string,
): Promise<{ readonly total: number; readonly first: string; readonly last: string } | null> {
  const { rows } = await sql<{ total: number; first: Date | null; last: Date | null }>`
    select count(*)::int as total, min(analyzed_at) as first, max(analyzed_at) as last
    from (
      select analyzed_at
      from rowbeat.site_profiles
      where domain = ${domain}
      order by analyzed_at desc
      limit 10000
    ) newest`.execute(db)
  const [row] = rows
  if (row === undefined || row.first === null || row.last === null) return null
  return { total: row.total, first: iso(row.first), last: iso(row.last) }
}

interface ProfileRow {
  readonly id: string
  readonly domain: string
  readonly execution_id: string | null
  readonly analyzed_at: Date
  readonly duration_seconds: number
  readonly language: SiteProfile['language']
  readonly languages: SiteProfile['languages']
  readonly language_level: SiteProfile['languageLevel']
  readonly tone: string
  readonly tone_evidence: SiteProfile['toneEvidence']
  readonly readability: SiteProfile['readability']
  readonly formality: number
  readonly audience: SiteProfile['audience']
  readonly themes: SiteProfile['themes']
  readonly secondary_themes: SiteProfile['secondaryThemes']
  readonly keywords: SiteProfile['keywords']
  readonly structure: SiteProfile['structure']
  readonly pages_analyzed: number
  readonly total_words: number
}

function toProfile(row: ProfileRow): StoredProfile {
  return {
    profileId: String(row.id),
    domain: row.domain,
    executionId: row.execution_id,
    analyzedAt: iso(row.analyzed_at),
    durationSeconds: row.duration_seconds,
    language: row.language,
    languages: row.languages,
    languageLevel: row.language_level,
    tone: row.tone,
    toneEvidence: row.tone_evidence,
    readability: row.readability,
    formality: row.formality,
    audience: row.audience,
    themes: row.themes,
    secondaryThemes: row.secondary_themes,
    keywords: row.keywords,
    structure: row.structure,
    pagesAnalyzed: row.pages_analyzed,
    totalWords: row.total_words,
  }
}
