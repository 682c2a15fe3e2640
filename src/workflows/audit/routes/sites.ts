/** Profiles of sites: the newest of each, one, and the history of one. */
import type { z } from '@hono/zod-openapi'
import type {
  MetricComparison,
  SiteHistoryResponse,
  SiteListResponse,
  SiteProfileResponse,
} from '../schema.ts'
import {
  listProfiles,
  type ProfilePlace,
  readHistorySpan,
  readLatestProfile,
  type StoredProfile,
} from '../store.ts'
import type { AuditRouteDeps } from './deps.ts'

const DEFAULT_LIMIT = 50
/** Change in percent up to which a metric counts as stable. */
const STABLE_PERCENT = 1

export interface ListRequest {
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

/** The newest profile of each site, newest first. */
export async function listSites(
  deps: AuditRouteDeps,
  request: ListRequest,
): Promise<z.infer<typeof SiteListResponse>> {
  const { entries, next } = await readList(deps, undefined, request)
  return { sites: entries.map(toResponse), next_cursor: next }
}

/** The newest profile of a site; throws the 404. */
export async function answerSite(deps: AuditRouteDeps, domain: string): Promise<SiteProfileResponse> {
  const profile = await readLatestProfile(deps.db, domain)
  if (profile === null) throw deps.problem('NOT_FOUND', `${domain} was never analysed.`)
  return toResponse(profile)
}

/** All analyses of a site, newest first, and how the newest differs from the one before; throws the 404. */
export async function answerHistory(
  deps: AuditRouteDeps,
  domain: string,
  request: ListRequest,
): Promise<z.infer<typeof SiteHistoryResponse>> {
  const span = await readHistorySpan(deps.db, domain)
  if (span === null) throw deps.problem('NOT_FOUND', `${domain} was never analysed.`)
  const { entries, next } = await readList(deps, domain, request)
  const [current, previous] = await listProfiles(deps.db, { domain, limit: 2 })
  return {
    domain,
    total_analyses: span.total,
    history: entries.map(toResponse),
    metric_comparisons:
      current === undefined || previous === undefined ? null : compareProfiles(current, previous),
    first_analysis_date: span.first,
    last_analysis_date: span.last,
    next_cursor: next,
  }
}

async function readList(deps: AuditRouteDeps, domain: string | undefined, request: ListRequest) {
  const limit = request.limit ?? DEFAULT_LIMIT
  const after = request.cursor === undefined ? undefined : readCursor(deps, request.cursor)
  const found = await listProfiles(deps.db, {
    limit: limit + 1,
    ...(domain === undefined ? {} : { domain }),
    ...(after === undefined ? {} : { after }),
  })
  const entries = found.slice(0, limit)
  const last = entries.at(-1)
  return { entries, next: found.length > limit && last !== undefined ? writeCursor(last) : null }
}

/** Opaque to callers: the place of the last entry they have. */
function writeCursor(last: ProfilePlace): string {
  return Buffer.from(`${last.analyzedAt} ${last.profileId}`).toString('base64url')
}

function readCursor(deps: AuditRouteDeps, cursor: string): ProfilePlace {
  const text = Buffer.from(cursor, 'base64url').toString('utf8')
  const [, analyzedAt, profileId] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (\d{1,18})$/.exec(text) ?? []
  if (analyzedAt !== undefined && profileId !== undefined && isCalendarTime(analyzedAt)) {
    return { analyzedAt, profileId }
  }
  throw deps.problem('VALIDATION_FAILED', 'The cursor is not one that this route gave out.', {
    errors: [{ pointer: '/query/cursor', detail: 'not a cursor of this route' }],
  })
}

/** True for a time that the database can read, too: JavaScript takes the year 0 and 30 February, which it cannot. */
function isCalendarTime(text: string): boolean {
  const at = new Date(text)
  return Number.isFinite(at.getTime()) && at.toISOString() === text && at.getUTCFullYear() >= 1
}

/** How the figures of an analysis moved against the one before, in percent. */
export function compareProfiles(current: StoredProfile, previous: StoredProfile): MetricComparison[] {
  const metrics: [string, (profile: StoredProfile) => number | null][] = [
    ['pages_analyzed', (profile) => profile.pagesAnalyzed],
    ['total_words', (profile) => profile.totalWords],
    ['average_word_count', (profile) => profile.structure.averageWordCount],
    ['formality_score', (profile) => profile.formality],
    ['flesch', (profile) => profile.readability.flesch],
    ['words_per_sentence', (profile) => profile.readability.wordsPerSentence],
  ]
  return metrics.flatMap(([name, read]) => {
    const now = read(current)
    const then = read(previous)
    return now === null || then === null ? [] : [compareMetric(name, now, then)]
  })
}

function compareMetric(name: string, current: number, previous: number): MetricComparison {
  const change =
    previous === 0 ? null : Math.round((10_000 * (current - previous)) / Math.abs(previous)) / 100
  const moved = change ?? Math.sign(current - previous) * 100
  return {
    metric_name: name,
    current_value: current,
    previous_value: previous,
    change,
    trend: moved > STABLE_PERCENT ? 'up' : moved < -STABLE_PERCENT ? 'down' : 'stable',
  }
}

function toResponse(profile: StoredProfile): SiteProfileResponse {
  const { structure, readability, audience } = profile
  return {
    domain: profile.domain,
    analysis_date: profile.analyzedAt,
    execution_id: profile.executionId,
    language: profile.language,
    language_level: profile.languageLevel,
    editorial_tone: profile.tone,
    target_audience: { primary: audience.primary, level: audience.level, sectors: [...audience.sectors] },
    activity_domains: {
      primary_domains: profile.themes.map((theme) => theme.label),
      secondary_domains: [...profile.secondaryThemes],
      domain_details: Object.fromEntries(
        profile.themes.map(({ slug, label, summary, share, keywords }) => [
          slug,
          { label, summary, share, keywords: [...keywords] },
        ]),
      ),
    },
    content_structure: {
      average_word_count: structure.averageWordCount,
      average_paragraph_count: structure.averageParagraphCount,
      average_paragraph_words: structure.averageParagraphWords,
      heading_patterns: { ...structure.headings },
      images_per_page: structure.imagesPerPage,
      videos_per_page: structure.videosPerPage,
      internal_links_per_page: structure.internalLinksPerPage,
    },
    keywords: profile.keywords.map((keyword) => ({ ...keyword })),
    style_features: {
      formality_score: profile.formality,
      flesch: readability.flesch,
      lix: readability.lix,
      words_per_sentence: readability.wordsPerSentence,
      tone_evidence: { ...profile.toneEvidence },
    },
    pages_analyzed: profile.pagesAnalyzed,
    total_words: profile.totalWords,
    duration_seconds: profile.durationSeconds,
  }
}
