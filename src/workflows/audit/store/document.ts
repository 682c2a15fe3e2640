/** Everything the audit document is made of, read in one snapshot and a constant number of statements. */
import { sql } from 'kysely'
import type { Database } from '../../../core/ports.ts'
import { contentTerms } from '../text/tokens.ts'
import type {
  Effort,
  Gap,
  Language,
  Recommendation,
  Strength,
  Theme,
  Topic,
  TopicSynthesis,
  Trend,
  TrendResult,
  ValidationStatus,
} from '../types.ts'
import { readLatestProfile, type StoredProfile } from './profiles.ts'

/** How one theme of the profile shows in the client's articles. */
export interface ThemeMatches {
  readonly slug: string
  readonly articles: number
  /** The most frequent keywords of these articles, at most 10. */
  readonly topKeywords: readonly string[]
}

/** A topic of the newest trend run with its figures; the figures are null when the temporal stage failed. */
export interface TopicRow extends Omit<Topic, 'articleIds'> {
  readonly velocity: number | null
  readonly freshness: number | null
  readonly sourceDiversity: number | null
  readonly cohesion: number | null
  readonly potential: number | null
  readonly trend: Trend | null
  readonly undatedArticles: number | null
  /** Stems of titles and keywords of at most 10 of its client articles, one list per article. */
  readonly clientTerms: readonly (readonly string[])[]
}

export interface WindowRow {
  readonly topicId: number
  readonly days: number
  readonly volume: number
  readonly velocity: number | null
  readonly freshness: number | null
  readonly driftDetected: boolean
  readonly trend: Trend
}

export interface SynthesisRow extends Omit<TopicSynthesis, 'method'> {
  readonly method: 'extractive' | 'llm'
  readonly model: string | null
  readonly createdAt: string
}

export interface RecommendationRow extends Recommendation {
  readonly id: number
  readonly position: number
  readonly status: 'suggested' | 'approved' | 'in_progress' | 'published'
  readonly createdAt: string
}

export interface RoadmapRow {
  readonly position: number
  readonly topicId: number
  readonly recommendation: number
  readonly priority: number
  readonly tier: 'high' | 'medium' | 'low'
  readonly effort: Effort
}

/** The newest trend run with clusters, whole. */
export interface StoredTrendRun {
  readonly runId: string
  readonly asOf: string
  readonly createdAt: string
  readonly timeWindowDays: number
  readonly stages: TrendResult['stages']
  readonly topics: readonly TopicRow[]
  readonly windows: readonly WindowRow[]
  readonly syntheses: readonly SynthesisRow[]
  readonly recommendations: readonly RecommendationRow[]
  readonly gaps: readonly Gap[]
  readonly strengths: readonly Strength[]
  readonly roadmap: readonly RoadmapRow[]
}

/** What the document is assembled from. */
export interface DocumentSources {
  readonly profile: StoredProfile
  /** Validated and manual ones, by combined score. */
  readonly competitors: readonly {
    readonly domain: string
    readonly status: ValidationStatus
    /** 0..1, as `scoreCandidate` of the search gives it. */
    readonly combined: number
  }[]
  /** Articles of the client, near duplicates left out, at most 1,000. */
  readonly clientArticles: number
  readonly themes: readonly ThemeMatches[]
  readonly run: StoredTrendRun | null
  /** Sites whose newest scrape gave nothing. */
  readonly unscraped: readonly { readonly domain: string; readonly code: string; readonly message: string }[]
  /** Pages of the profile that were read, and those whose text could not be told from navigation. */
  readonly pages: { readonly read: number; readonly withoutMainText: number }
  /** Newest change of any source, ISO. */
  readonly lastUpdated: string
}

/** Theme stems that an article must hold to count as being about the theme. */
export const THEME_MATCH_MIN = 2

/** The stems that stand for a theme: those of its label and keywords, each once. */
export function themeTerms(theme: Pick<Theme, 'label' | 'keywords'>, language: Language | null): string[] {
  return [...new Set(contentTerms(`${theme.label}. ${theme.keywords.join('. ')}`, language))]
}

/** Reads what the document of a domain is made of; null when the domain has no profile. */
export async function readDocumentSources(db: Database, domain: string): Promise<DocumentSources | null> {
  return await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      const profile = await readLatestProfile(trx, domain)
      if (profile === null) return null
      const rest = await readAround(trx, domain, profile.profileId)
      const themes = await readThemeMatches(trx, domain, profile)
      const run = await readTrendRun(trx, domain)
      const times = [profile.analyzedAt, rest.newest, run?.createdAt].filter((time) => time != null)
      return {
        profile,
        competitors: rest.competitors,
        clientArticles: rest.clientArticles,
        themes,
        run,
        unscraped: rest.unscraped,
        pages: rest.pages,
        lastUpdated: new Date(Math.max(...times.map((time) => Date.parse(time)))).toISOString(),
      }
    })
}

interface Around {
  readonly competitors: DocumentSources['competitors']
  readonly clientArticles: number
  readonly unscraped: DocumentSources['unscraped']
  readonly pages: DocumentSources['pages']
  readonly newest: string | null
}

async function readAround(trx: Database, domain: string, profileId: string): Promise<Around> {
  const { rows } = await sql<Around>`
    with usable as (
      select domain, status, combined, updated_at
      from rowbeat.competitors
      where client_domain = ${domain} and usable
      order by combined desc, domain
      limit 1000
    ), newest_scrape as (
      select distinct on (r.role, r.domain) r.role, r.domain, r.problem_code, r.problem_message, r.finished_at
      from rowbeat.scrape_reports r
      where r.client_domain = ${domain} and (r.role = 'client' or r.domain in (select domain from usable))
      order by r.role, r.domain, r.finished_at desc
    )
    select
      (select coalesce(jsonb_agg(jsonb_build_object(
          'domain', domain, 'status', status, 'combined', combined) order by combined desc, domain), '[]')
        from usable) as competitors,
      (select count(*)::int
        from (
          select 1
          from rowbeat.article_links l
          join rowbeat.articles a on a.id = l.article_id
          where l.client_domain = ${domain} and l.role = 'client' and a.duplicate_of is null
          limit 1000
        ) own) as "clientArticles",
      (select coalesce(jsonb_agg(jsonb_build_object(
          'domain', domain, 'code', problem_code, 'message', coalesce(problem_message, '')) order by domain), '[]')
        from newest_scrape where problem_code is not null) as unscraped,
      (select jsonb_build_object(
          'read', count(*), 'withoutMainText', count(*) filter (where extraction = 'body'))
        from rowbeat.site_pages where profile_id = ${profileId} and extraction is not null) as pages,
      (select to_json(greatest(
          (select max(updated_at) from usable), (select max(finished_at) from newest_scrape))) #>> '{}') as newest`.execute(
    trx,
  )
  const [row] = rows
  if (row === undefined) throw new Error('a select without from returned no row')
  return row
}

async function readThemeMatches(
  trx: Database,
  domain: string,
  profile: StoredProfile,
): Promise<ThemeMatches[]> {
  const themes = profile.themes.map((theme) => ({
    slug: theme.slug,
    terms: themeTerms(theme, profile.language),
  }))
  // The stored stems are compared whole: a substring would find "art" in "party".
  const { rows } = await sql<ThemeMatches>`
    with theme as (
      select slug, terms
      from jsonb_to_recordset(${JSON.stringify(themes)}::jsonb) as given (slug text, terms text[])
    ), own as materialized (
      select a.id, a.terms, a.keywords
      from rowbeat.article_links l
      join rowbeat.articles a on a.id = l.article_id
      where l.client_domain = ${domain} and l.role = 'client' and a.duplicate_of is null
      order by a.published_at desc nulls last, a.id
      limit 1000
    ), matched as (
      select theme.slug, own.id, own.keywords
      from theme
      join own on own.terms && theme.terms
      where (select count(*) from unnest(own.terms) as term where term = any (theme.terms))
        >= least(${THEME_MATCH_MIN}::int, cardinality(theme.terms))
    ), counted as (
      select slug, lower(keyword) as keyword, count(*) as times, avg(place) as place
      from matched, unnest(keywords) with ordinality as held (keyword, place)
      group by slug, lower(keyword)
    ), ranked as (
      select slug, keyword, row_number() over (partition by slug order by times desc, place, keyword collate "C") as place
      from counted
    )
    select theme.slug,
      (select count(*)::int from matched where matched.slug = theme.slug) as articles,
      (select coalesce(array_agg(keyword order by place), '{}')
        from ranked where ranked.slug = theme.slug and place <= 10) as "topKeywords"
    from theme`.execute(trx)
  return rows
}

/** The newest run of a client whose clustering completed, with all it found; null when there is none. */
export async function readTrendRun(db: Database, clientDomain: string): Promise<StoredTrendRun | null> {
  const { rows } = await sql<StoredTrendRun>`
    with run as (
      select *
      from rowbeat.trend_runs
      where client_domain = ${clientDomain} and stage_clustering = 'completed'
      order by created_at desc, id desc
      limit 1
    )
    select
      run.id::text as "runId",
      to_json(run.as_of) #>> '{}' as "asOf",
      to_json(run.created_at) #>> '{}' as "createdAt",
      run.time_window_days as "timeWindowDays",
      jsonb_build_object('clustering', run.stage_clustering, 'temporal', run.stage_temporal,
        'synthesis', run.stage_synthesis, 'gap', run.stage_gap) as stages,
      (select coalesce(jsonb_agg(jsonb_build_object(
          'topicId', t.topic_id, 'label', t.label, 'terms', t.terms, 'size', t.size, 'coherence', t.coherence,
          'scope', t.scope, 'velocity', t.velocity, 'freshness', t.freshness,
          'sourceDiversity', t.source_diversity, 'cohesion', t.cohesion, 'potential', t.potential,
          'trend', t.trend, 'undatedArticles', t.undated_articles,
          'clientTerms', (
            select coalesce(jsonb_agg(own.terms order by own.id), '[]')
            from (
              select a.id, a.terms
              from rowbeat.topic_articles m
              join rowbeat.article_links l
                on l.article_id = m.article_id and l.client_domain = ${clientDomain} and l.role = 'client'
              join rowbeat.articles a on a.id = m.article_id
              where m.trend_run_id = run.id and m.topic_id = t.topic_id
              order by a.id
              limit 10
            ) own)
          ) order by t.topic_id), '[]')
        from rowbeat.topics t where t.trend_run_id = run.id) as topics,
      (select coalesce(jsonb_agg(jsonb_build_object(
          'topicId', topic_id, 'days', days, 'volume', volume, 'velocity', velocity, 'freshness', freshness,
          'driftDetected', drift_detected, 'trend', trend) order by topic_id, days), '[]')
        from rowbeat.topic_windows where trend_run_id = run.id) as windows,
      (select coalesce(jsonb_agg(jsonb_build_object(
          'topicId', topic_id, 'method', method, 'model', model, 'synthesis', synthesis,
          'saturatedAngles', saturated_angles, 'opportunities', opportunities, 'createdAt', created_at)
          order by topic_id), '[]')
        from rowbeat.topic_syntheses where trend_run_id = run.id) as syntheses,
      (select coalesce(jsonb_agg(jsonb_build_object(
          'id', id, 'position', position, 'topicId', topic_id, 'title', title, 'hook', hook, 'outline', outline,
          'effort', effort, 'differentiation', differentiation, 'status', status, 'createdAt', created_at)
          order by position), '[]')
        from rowbeat.recommendations where trend_run_id = run.id) as recommendations,
      (select coalesce(jsonb_agg(jsonb_build_object(
          'topicId', topic_id, 'coverage', coverage, 'level', level, 'priority', priority,
          'diagnostic', diagnostic, 'opportunity', opportunity, 'risk', risk, 'riskAssessment', risk_assessment)
          order by priority desc, topic_id), '[]')
        from rowbeat.gaps where trend_run_id = run.id) as gaps,
      (select coalesce(jsonb_agg(jsonb_build_object(
          'topicId', topic_id, 'coverage', coverage, 'advantage', advantage, 'description', description)
          order by advantage desc, topic_id), '[]')
        from rowbeat.strengths where trend_run_id = run.id) as strengths,
      (select coalesce(jsonb_agg(jsonb_build_object(
          'position', position, 'topicId', topic_id, 'recommendation', recommendation, 'priority', priority,
          'tier', tier, 'effort', effort) order by position), '[]')
        from rowbeat.roadmap_items where trend_run_id = run.id) as roadmap
    from run`.execute(db)
  return rows[0] ?? null
}
