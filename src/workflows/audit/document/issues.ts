/** What is wrong or missing in an audit, and what to do about it. */
import { actionFor } from '../../../core/errors.ts'
import type { AuditIssue, SiteAuditResponse } from '../schema.ts'
import type { DocumentSources } from '../store/document.ts'
import type { StageStatus } from '../types.ts'
import { LOW_CONFIDENCE } from './labels.ts'

/** What issues are found in. */
export interface IssueInput {
  readonly sources: DocumentSources
  readonly domains: SiteAuditResponse['domains']
  /** Sections as they are answered; null for those that were not asked for. */
  readonly sections: Pick<
    SiteAuditResponse,
    'trending_topics' | 'trend_analyses' | 'temporal_insights' | 'editorial_opportunities'
  >
  readonly minClientArticles: number
}

/** Share of common top keywords from which on two domains count as one. */
const COMMON_KEYWORDS_MAX = 0.6
const TOP_KEYWORDS = 5
/** Share of pages without a recognisable main text from which on the profile may rest on navigation. */
const BOILERPLATE_MAX = 0.5

/** All issues, critical ones first, in a fixed order. */
export function findIssues(input: IssueInput): AuditIssue[] {
  const found = [
    lowConfidence(input),
    duplicateKeywords(input),
    noCompetitors(input),
    fewArticles(input),
    unscraped(input),
    boilerplate(input),
    noTopics(input),
    ...emptySections(input),
    noSaturatedAngles(input),
    noFreshness(input),
  ].filter((one) => one !== null)
  const weight = { critical: 0, warning: 1, info: 2 }
  return found.sort((a, b) => weight[a.severity] - weight[b.severity])
}

function lowConfidence({ domains }: IssueInput): AuditIssue | null {
  const low = domains.filter((domain) => domain.confidence < LOW_CONFIDENCE * 100)
  if (low.length === 0) return null
  return {
    code: 'LOW_CONFIDENCE',
    severity: 'critical',
    message: `${low.length} of ${domains.length} activity domains are borne out by fewer than 15 % of the client's articles.`,
    suggestion: 'Publish articles on these domains, or let more of the existing ones be scraped.',
    context: { domains: low.map(({ id, confidence }) => ({ id, confidence })) },
  }
}

function duplicateKeywords({ domains }: IssueInput): AuditIssue | null {
  const pairs: { domains: [string, string]; keywords: string[] }[] = []
  for (const [at, one] of domains.entries()) {
    for (const other of domains.slice(at + 1)) {
      const common = commonKeywords(one, other)
      if (common !== null) pairs.push({ domains: [one.id, other.id], keywords: common })
    }
  }
  if (pairs.length === 0) return null
  return {
    code: 'DUPLICATE_KEYWORDS',
    severity: 'critical',
    message: `${pairs.length} pairs of activity domains share most of their top keywords.`,
    suggestion: 'Treat them as one domain, or sharpen what sets them apart on the site.',
    context: { pairs },
  }
}

type Domain = SiteAuditResponse['domains'][number]

/** The shared ones of the top five keywords when they are more than 60 % of the shorter list, else null. */
function commonKeywords(one: Domain, other: Domain): string[] | null {
  const first = one.metrics?.top_keywords.slice(0, TOP_KEYWORDS) ?? []
  const second = new Set(other.metrics?.top_keywords.slice(0, TOP_KEYWORDS))
  const common = first.filter((keyword) => second.has(keyword))
  const shorter = Math.min(first.length, second.size)
  return shorter > 0 && common.length / shorter > COMMON_KEYWORDS_MAX ? common : null
}

function noCompetitors({ sources }: IssueInput): AuditIssue | null {
  if (sources.competitors.length > 0) return null
  return {
    code: 'NO_COMPETITORS',
    severity: 'warning',
    message: 'No competitor is known, so there is no market to compare with.',
    suggestion: 'Add competitors by hand, or set SEARCH_PROVIDER and run the audit again.',
    context: null,
  }
}

function fewArticles({ sources, minClientArticles }: IssueInput): AuditIssue | null {
  if (sources.clientArticles >= minClientArticles) return null
  return {
    code: 'INSUFFICIENT_ARTICLES',
    severity: 'warning',
    message: `${sources.clientArticles} articles of the client are stored; ${minClientArticles} are needed.`,
    suggestion: 'Publish more articles, or make them findable through a sitemap or a feed.',
    context: { found: sources.clientArticles, needed: minClientArticles },
  }
}

function unscraped({ sources }: IssueInput): AuditIssue | null {
  const [first] = sources.unscraped
  if (first === undefined) return null
  return {
    code: 'SITES_NOT_SCRAPED',
    severity: 'warning',
    message: `${sources.unscraped.length} sites gave no article at the last attempt.`,
    suggestion: actionFor(first.code),
    context: { sites: sources.unscraped.slice(0, 50) },
  }
}

function boilerplate({ sources }: IssueInput): AuditIssue | null {
  const { read, withoutMainText } = sources.pages
  if (read === 0 || withoutMainText / read <= BOILERPLATE_MAX) return null
  return {
    code: 'BOILERPLATE_DETECTED',
    severity: 'warning',
    message: `On ${withoutMainText} of ${read} pages the main text could not be told from navigation.`,
    suggestion: 'Mark the main text of the pages with <main> or <article>.',
    context: { pages: withoutMainText, of: read },
  }
}

function noTopics({ sources }: IssueInput): AuditIssue | null {
  if (sources.run === null || sources.run.topics.length > 0) return null
  return {
    code: 'TOPICS_COUNT_MISMATCH',
    severity: 'warning',
    message: 'The trend pipeline completed but found no topic.',
    suggestion: 'Add competitors or widen the time window, so that there are more articles to compare.',
    context: { articles: sources.clientArticles },
  }
}

/** One entry for each section that was asked for and is empty, with the reason. */
function emptySections({ sources, sections }: IssueInput): (AuditIssue | null)[] {
  const { run } = sources
  const rows = [
    ['MISSING_TRENDING', 'trending topics', sections.trending_topics?.topics, run?.stages.temporal],
    ['MISSING_ANALYSES', 'trend analyses', sections.trend_analyses?.analyses, run?.stages.synthesis],
    ['MISSING_TEMPORAL', 'temporal insights', sections.temporal_insights?.insights, run?.stages.temporal],
    [
      'MISSING_OPPORTUNITIES',
      'editorial opportunities',
      sections.editorial_opportunities?.recommendations,
      run?.stages.synthesis,
    ],
  ] as const
  return rows.map(([code, what, entries, stage]) =>
    entries === undefined || entries.length > 0 ? null : emptySection(code, what, stage),
  )
}

function emptySection(code: string, what: string, stage: StageStatus | undefined): AuditIssue {
  const why = {
    none: ['the trend pipeline has not completed', 'Run the trend pipeline; it needs enough articles.'],
    failed: ['its stage of the trend pipeline failed', 'Run the trend pipeline again.'],
    skipped: ['its stage of the trend pipeline was skipped', 'Run the trend pipeline without skipping it.'],
    completed: ['no topic qualifies', 'Nothing is wrong; look again after the next scrape.'],
  } as const
  const [reason, suggestion] = why[stage ?? 'none']
  return { code, severity: 'info', message: `There are no ${what}: ${reason}.`, suggestion, context: null }
}

function noSaturatedAngles({ sources, sections }: IssueInput): AuditIssue | null {
  const analyses = sections.trend_analyses?.analyses ?? []
  if (analyses.length === 0 || analyses.some((one) => (one.saturated_angles ?? []).length > 0)) return null
  return {
    code: 'MISSING_SATURATED_ANGLES',
    severity: 'info',
    message: 'No angle is used by enough sites to count as saturated.',
    suggestion: 'Add competitors: saturation shows only across several sites.',
    context: { competitors: sources.competitors.length },
  }
}

function noFreshness({ sources }: IssueInput): AuditIssue | null {
  const { run } = sources
  if (run === null || run.stages.temporal !== 'completed') return null
  const undated = run.topics.filter((topic) => topic.freshness === null)
  if (undated.length === 0) return null
  return {
    code: 'MISSING_FRESHNESS',
    severity: 'info',
    message: `${undated.length} of ${run.topics.length} topics have no dated article in the window, so their freshness is unknown.`,
    suggestion: 'State publication dates on the pages, for instance with <time> or JSON-LD.',
    context: { topics: undated.slice(0, 50).map((topic) => topic.topicId) },
  }
}
