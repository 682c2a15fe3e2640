/** The trend pipeline: clustering, temporal analysis, synthesis, gap analysis. Pure: no network, no database, no clock. */
import { RowbeatError } from '../../../core/errors.ts'
import type {
  Gap,
  Recommendation,
  RoadmapItem,
  Strength,
  TopicMetrics,
  TopicSynthesis,
  TrendArticle,
  TrendResult,
} from '../types.ts'
import { type Clusters, clusterTopics, type TopicProfile } from './clusters.ts'
import { type Corpus, readCorpus } from './corpus.ts'
import { assessCoverage } from './gaps.ts'
import { planRoadmap } from './roadmap.ts'
import type { ClientTheme } from './scope.ts'
import { articlesAt, countTopic, type Market, marketOf } from './standing.ts'
import { MAX_SYNTHESES, recommendTopic, synthesiseTopic } from './synthesis.ts'
import { measureTopic, observationStarts } from './temporal.ts'
import type { TopicCounts } from './wording.ts'

export type TrendStage = 'clustering' | 'temporal' | 'synthesis' | 'gap'

export interface TrendInput {
  readonly articles: readonly TrendArticle[]
  readonly competitorDomains: readonly string[]
  readonly clientDomain: string
  readonly themes: readonly ClientTheme[]
  /** The moment everything is measured against. */
  readonly asOf: Date
  /** Whole days, 7..3650; default 90. */
  readonly timeWindowDays?: number
  readonly skipSynthesis?: boolean
  readonly skipGapAnalysis?: boolean
  /** Called as a stage advances, with `done` of `total` topics (of 1 for clustering). */
  readonly onStage?: (stage: TrendStage, done: number, total: number) => void
  /** Looked at between chunks of work; its reason is thrown. */
  readonly signal?: AbortSignal
}

const DEFAULT_WINDOW_DAYS = 90
const MIN_WINDOW_DAYS = 7
const MAX_WINDOW_DAYS = 3_650

/** Everything the stages after clustering work on. */
interface Study {
  readonly input: TrendInput
  readonly asOfMs: number
  readonly timeWindowDays: number
  readonly corpus: Corpus
  readonly market: Market
  readonly profiles: readonly TopicProfile[]
  readonly counts: readonly TopicCounts[]
}

/**
 * Runs all stages. The same articles give the same result, in whatever order they come. Throws INVALID_INPUT for
 * an unusable date or window, INSUFFICIENT_ARTICLES below 20 articles, and the reason of `signal`.
 */
export function runTrends(input: TrendInput): TrendResult {
  const { asOfMs, timeWindowDays } = checkTime(input)
  input.signal?.throwIfAborted()
  input.onStage?.('clustering', 0, 1)
  const corpus = readCorpus(input.articles, asOfMs, input.signal)
  const clusters = clusterTopics(corpus, input.themes, input.signal)
  input.onStage?.('clustering', 1, 1)
  const market = marketOf(corpus, input.clientDomain, input.competitorDomains)
  const { profiles } = clusters
  const counts = profiles.map((profile) => countTopic(corpus, market, profile))
  const study: Study = { input, asOfMs, timeWindowDays, corpus, market, profiles, counts }
  const metrics = measureTopics(study)
  const synthesised = input.skipSynthesis === true ? NOTHING_SYNTHESISED : synthesiseTopics(study, metrics)
  const planned =
    input.skipGapAnalysis === true
      ? { ...NOTHING_PLANNED, recommendations: synthesised.recommendations }
      : analyseGaps(study, metrics, synthesised)
  return assemble(study, clusters, { metrics, syntheses: synthesised.syntheses, ...planned })
}

interface Synthesised {
  readonly syntheses: readonly TopicSynthesis[]
  readonly recommendations: readonly Recommendation[]
}

interface Planned {
  readonly gaps: readonly Gap[]
  readonly strengths: readonly Strength[]
  readonly roadmap: readonly RoadmapItem[]
  readonly recommendations: readonly Recommendation[]
}

const NOTHING_SYNTHESISED: Synthesised = { syntheses: [], recommendations: [] }
const NOTHING_PLANNED: Planned = { gaps: [], strengths: [], roadmap: [], recommendations: [] }

function checkTime(input: TrendInput): { asOfMs: number; timeWindowDays: number } {
  const asOfMs = input.asOf.getTime()
  if (Number.isNaN(asOfMs)) throw new RowbeatError('INVALID_INPUT', 'asOf is not a valid date.')
  const timeWindowDays = input.timeWindowDays ?? DEFAULT_WINDOW_DAYS
  const usable =
    Number.isInteger(timeWindowDays) && timeWindowDays >= MIN_WINDOW_DAYS && timeWindowDays <= MAX_WINDOW_DAYS
  if (!usable) {
    throw new RowbeatError(
      'INVALID_INPUT',
      `timeWindowDays must be a whole number from ${MIN_WINDOW_DAYS} to ${MAX_WINDOW_DAYS}, got ${timeWindowDays}.`,
    )
  }
  return { asOfMs, timeWindowDays }
}

function measureTopics({ input, asOfMs, timeWindowDays, corpus, profiles }: Study): TopicMetrics[] {
  const clock = { asOfMs, timeWindowDays, observedSince: observationStarts(corpus.articles) }
  return profiles.map(({ topic, members }, at) => {
    input.signal?.throwIfAborted()
    const articles = articlesAt(corpus, members)
    const metrics = measureTopic({ topicId: topic.topicId, articles, cohesion: topic.coherence }, clock)
    input.onStage?.('temporal', at + 1, profiles.length)
    return metrics
  })
}

/** The topics of most potential, each with its synthesis; results in the order of the topics. */
function synthesiseTopics(study: Study, metrics: readonly TopicMetrics[]): Synthesised {
  const { input, corpus, market, profiles, counts } = study
  const chosen = metrics
    .toSorted((a, b) => b.potential - a.potential || a.topicId - b.topicId)
    .slice(0, MAX_SYNTHESES)
    .sort((a, b) => a.topicId - b.topicId)
  const clock = { asOfMs: study.asOfMs, windowDays: study.timeWindowDays }
  const done = chosen.flatMap(({ topicId, potential }, at) => {
    input.signal?.throwIfAborted()
    const [profile, ofTopic] = [profiles[topicId], counts[topicId]]
    if (profile === undefined || ofTopic === undefined) return []
    const result = synthesiseTopic(corpus, market, { profile, counts: ofTopic, potential }, clock)
    input.onStage?.('synthesis', at + 1, chosen.length)
    return [result]
  })
  return {
    syntheses: done.map(({ synthesis }) => synthesis),
    recommendations: done.flatMap(({ recommendations }) => recommendations),
  }
}

function analyseGaps(
  { input, corpus, profiles, counts }: Study,
  metrics: readonly TopicMetrics[],
  synthesised: Synthesised,
): Planned {
  input.signal?.throwIfAborted()
  const angles = new Map(
    synthesised.syntheses.map(({ topicId, opportunities }) => [topicId, opportunities[0]?.angle ?? null]),
  )
  const standings = profiles.flatMap(({ topic }, at) => {
    const [measured, ofTopic] = [metrics[at], counts[at]]
    if (measured === undefined || ofTopic === undefined) return []
    return [{ topic, metrics: measured, counts: ofTopic, angle: angles.get(topic.topicId) ?? null }]
  })
  const { gaps, strengths } = assessCoverage(standings, corpus.language)
  const plan = planRoadmap(gaps, synthesised.recommendations, ({ topicId }) => {
    const [profile, ofTopic] = [profiles[topicId], counts[topicId]]
    if (profile === undefined || ofTopic === undefined) throw new RangeError(`no topic ${topicId}`)
    return recommendTopic(corpus, { profile, counts: ofTopic })
  })
  input.onStage?.('gap', profiles.length, profiles.length)
  return { gaps, strengths, ...plan }
}

function assemble(
  { input, asOfMs, timeWindowDays, corpus }: Study,
  clusters: Clusters,
  parts: Planned & Pick<TrendResult, 'metrics' | 'syntheses'>,
): TrendResult {
  return {
    asOf: new Date(asOfMs).toISOString(),
    timeWindowDays,
    topics: clusters.profiles.map(({ topic }) => topic),
    outliers: clusters.outliers,
    ...parts,
    stages: {
      clustering: 'completed',
      temporal: 'completed',
      synthesis: input.skipSynthesis === true ? 'skipped' : 'completed',
      gap: input.skipGapAnalysis === true ? 'skipped' : 'completed',
    },
    counts: {
      articles: corpus.articles.length,
      undated: corpus.articles.filter(({ publishedMs }) => publishedMs === null).length,
      clusters: clusters.profiles.length,
      outliers: clusters.outlierCount,
      recommendations: parts.recommendations.length,
      gaps: parts.gaps.length,
    },
  }
}
