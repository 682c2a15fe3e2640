/** Puts the audit document together from stored rows. Pure: the clock and the latest run are handed in. */
import { assembleDomains, round } from './document/domains.ts'
import { findIssues } from './document/issues.ts'
import { formatOf, READER_LEVEL, VOCABULARY } from './document/labels.ts'
import {
  editorialOpportunities,
  gapAnalysis,
  type SectionInput,
  temporalInsights,
  trendAnalyses,
  trendingTopics,
} from './document/sections.ts'
import { indexThemes } from './document/themes.ts'
import type { DataStatus } from './plan.ts'
import { type ExecutionView, failedWorkflows } from './progress.ts'
import type { SiteAuditResponse } from './schema.ts'
import type { DocumentSources } from './store/document.ts'

/** What the caller asked to see. */
export interface DocumentOptions {
  readonly includeTopics: boolean
  readonly includeTrending: boolean
  readonly includeAnalyses: boolean
  readonly includeTemporal: boolean
  readonly includeOpportunities: boolean
  readonly topicsLimit: number
  readonly trendingLimit: number
  readonly minClientArticles: number
}

/** What surrounds the sources. */
export interface DocumentMoment {
  readonly domain: string
  readonly dataStatus: DataStatus
  /** The newest audit of the domain; null when its data came from single jobs. */
  readonly latest: ExecutionView | null
  /** Time of the database, ms since epoch. */
  readonly now: number
  readonly freshSeconds: number
}

const COMPETITORS_MAX = 5

/**
 * The document. Sections that were not asked for are null; those without data are empty and an issue says why.
 * `partial` is true when data is missing or the newest audit did not fully succeed.
 */
export function assembleDocument(
  sources: DocumentSources,
  options: DocumentOptions,
  moment: DocumentMoment,
): SiteAuditResponse {
  const index = indexThemes(sources)
  const domains = assembleDomains(sources, index, options)
  const input = { run: sources.run, themeOf: index.themeOf, summaries: options.includeTopics }
  const sections = assembleSections(input, options)
  const { latest } = moment
  return {
    url: `https://${moment.domain}`,
    took_ms: Math.round(sources.profile.durationSeconds * 1000),
    profile: profileOf(sources),
    domains,
    audience: audienceOf(sources),
    competitors: competitorsOf(sources),
    issues: findIssues({ sources, domains, sections, minClientArticles: options.minClientArticles }),
    ...sections,
    is_fresh_analysis: isFresh(latest, sources, moment),
    last_updated: sources.lastUpdated,
    data_age_hours: Math.max(0, round((moment.now - Date.parse(sources.lastUpdated)) / 3_600_000, 2)),
    cache_hit: false,
    execution_id: latest?.executionId ?? null,
    partial: isPartial(latest, moment.dataStatus),
    data_status: { ...moment.dataStatus },
    failed_workflow_details: latest === null ? [] : failedWorkflows(latest),
  }
}

function assembleSections(input: SectionInput, options: DocumentOptions) {
  return {
    trending_topics: options.includeTrending ? trendingTopics(input, options.trendingLimit) : null,
    trend_analyses: options.includeAnalyses ? trendAnalyses(input) : null,
    temporal_insights: options.includeTemporal ? temporalInsights(input) : null,
    editorial_opportunities: options.includeOpportunities ? editorialOpportunities(input) : null,
    gap_analysis: options.includeOpportunities ? gapAnalysis(input) : null,
  }
}

function profileOf({ profile }: DocumentSources): SiteAuditResponse['profile'] {
  return {
    style: {
      tone: profile.tone,
      vocabulary: VOCABULARY[profile.languageLevel],
      format: formatOf(profile.structure.averageWordCount),
    },
    themes: profile.themes.map((theme) => theme.label),
  }
}

function audienceOf({ profile }: DocumentSources): SiteAuditResponse['audience'] {
  return {
    type: profile.audience.primary,
    level: READER_LEVEL[profile.audience.level],
    sectors: [...profile.audience.sectors],
  }
}

/**
 * The five best competitors. `similarity` is the whole percentage of the stored combined score: relevance alone is
 * 1 for whoever leads three queries and tells nothing apart.
 */
function competitorsOf(sources: DocumentSources): SiteAuditResponse['competitors'] {
  return sources.competitors
    .map((one) => ({ name: one.domain, similarity: percentOf(one.combined) }))
    .sort((a, b) => b.similarity - a.similarity || (a.name < b.name ? -1 : 1))
    .slice(0, COMPETITORS_MAX)
}

/** Truncated, from the four decimals of the score: 0.29 is 29, though 0.29 * 100 is a little less. */
function percentOf(score: number): number {
  return Math.trunc(Math.round(score * 10_000) / 100)
}

/**
 * True when the newest run ended well within the last `freshSeconds`. One that has stored everything and is about
 * to end counts from its newest data.
 */
function isFresh(latest: ExecutionView | null, sources: DocumentSources, moment: DocumentMoment): boolean {
  if (latest === null || latest.status === 'failed' || latest.status === 'cancelled') return false
  const since = latest.endTime?.getTime() ?? Date.parse(sources.lastUpdated)
  return moment.now - since <= moment.freshSeconds * 1000
}

function isPartial(latest: ExecutionView | null, status: DataStatus): boolean {
  const fellShort = latest !== null && latest.endTime !== null && latest.status !== 'completed'
  return fellShort || Object.values(status).some((has) => !has)
}
