/** The sections that rest on the newest trend run. Each is empty, never invented, when its data is missing. */
import type { z } from '@hono/zod-openapi'
import type {
  EditorialOpportunitiesSection,
  EditorialOpportunity,
  GapAnalysisSection,
  TemporalInsight,
  TemporalInsightsSection,
  TrendAnalysesSection,
  TrendAnalysisDetail,
  TrendingTopic,
  TrendingTopicsSection,
} from '../schema.ts'
import type { StoredTrendRun, TopicRow } from '../store/document.ts'
import { round, topicKey } from './domains.ts'
import {
  EFFORT,
  HIGH_DIFFERENTIATION,
  HIGH_FRESHNESS,
  HIGH_POTENTIAL,
  labelOf,
  labelOrNull,
  RECOMMENDATION_STATUS,
  TRENDING_VELOCITY,
} from './labels.ts'

/** Most analyses, insights and recommendations in one document: those of the largest potential. */
const ENTRIES_MAX = 50
/** The three windows that the document shows, in days. */
const SHOWN_WINDOWS = [7, 30, 90]

/** What a section is made of. */
export interface SectionInput {
  readonly run: StoredTrendRun | null
  readonly themeOf: ReadonlyMap<number, string>
  /** Adds a summary to each section. */
  readonly summaries: boolean
}

/** Topics that grow by half or more, or whose potential is high: fastest first, then by potential. */
export function trendingTopics(input: SectionInput, limit: number): z.infer<typeof TrendingTopicsSection> {
  const days = input.run?.timeWindowDays ?? 90
  const topics = (input.run?.topics ?? [])
    .filter((topic) => (topic.velocity ?? 0) > TRENDING_VELOCITY || (topic.potential ?? 0) >= HIGH_POTENTIAL)
    .sort(
      (a, b) =>
        descending(a.velocity, b.velocity) || descending(a.potential, b.potential) || a.topicId - b.topicId,
    )
    .slice(0, limit)
  return {
    title: 'Trending topics',
    description: `Topics of the market that grow or hold high potential, over the last ${days} days.`,
    topics: topics.map((topic) => trendingTopic(topic, input.themeOf)),
    summary: input.summaries
      ? {
          total_trending: topics.length,
          avg_growth: mean(
            topics.flatMap((topic) => (topic.velocity === null ? [] : [topic.velocity * 100])),
          ),
          high_potential_count: topics.filter((topic) => (topic.potential ?? 0) >= HIGH_POTENTIAL).length,
        }
      : null,
  }
}

function trendingTopic(topic: TopicRow, themeOf: SectionInput['themeOf']): TrendingTopic {
  return {
    id: topicKey(topic),
    title: topic.label,
    category: topic.scope,
    growth_rate: topic.velocity === null ? null : round(topic.velocity * 100, 1),
    volume: topic.size,
    velocity: topic.velocity,
    freshness: topic.freshness,
    source_diversity: topic.sourceDiversity ?? 0,
    potential_score: topic.potential,
    potential_label: labelOrNull('potential', topic.potential),
    keywords: topic.terms.slice(0, 10).map((term) => term.word),
    related_domain: themeOf.get(topic.topicId) ?? null,
  }
}

/** What is written about each topic, in the order of potential. */
export function trendAnalyses(input: SectionInput): z.infer<typeof TrendAnalysesSection> {
  const syntheses = new Map((input.run?.syntheses ?? []).map((one) => [one.topicId, one]))
  const analyses = byPotential(input.run).flatMap((topic): TrendAnalysisDetail[] => {
    const synthesis = syntheses.get(topic.topicId)
    if (synthesis === undefined) return []
    return [
      {
        topic_id: topic.topicId,
        topic_title: topic.label,
        synthesis: synthesis.synthesis,
        saturated_angles: synthesis.saturatedAngles.map(({ angle, frequency, reason }) => ({
          angle,
          frequency,
          reason,
        })),
        opportunities: synthesis.opportunities.map(({ angle, potential, differentiation, effort }) => ({
          angle,
          potential,
          potential_label: labelOf('potential', potential),
          differentiation,
          effort,
        })),
        method: synthesis.method,
        llm_model: synthesis.model,
        generated_at: new Date(synthesis.createdAt).toISOString(),
      },
    ]
  })
  const opportunities = analyses.flatMap((one) => one.opportunities ?? [])
  return {
    analyses,
    summary: input.summaries
      ? {
          total_analyses: analyses.length,
          high_potential_opportunities: opportunities.filter((one) => one.potential >= HIGH_POTENTIAL).length,
          saturated_angles_count: analyses.reduce((sum, one) => sum + (one.saturated_angles?.length ?? 0), 0),
        }
      : null,
  }
}

/** How each topic moved over 7, 30 and 90 days, in the order of potential; topics without figures are left out. */
export function temporalInsights(input: SectionInput): z.infer<typeof TemporalInsightsSection> {
  const windows = Map.groupBy(input.run?.windows ?? [], (window) => window.topicId)
  const topics = byPotential(input.run).filter((topic) => windows.has(topic.topicId))
  return {
    insights: topics.map(
      (topic): TemporalInsight => ({
        topic_id: topic.topicId,
        topic_title: topic.label,
        time_windows: (windows.get(topic.topicId) ?? [])
          .filter((window) => SHOWN_WINDOWS.includes(window.days))
          .map((window) => ({
            period: `${window.days}d`,
            volume: window.volume,
            velocity: window.velocity,
            freshness_ratio: window.freshness,
            trend_direction: window.trend,
            drift_detected: window.driftDetected,
          })),
        cohesion_score: topic.cohesion,
        potential_score: topic.potential,
        potential_label: labelOrNull('potential', topic.potential),
        source_diversity: topic.sourceDiversity ?? 0,
      }),
    ),
    summary: input.summaries
      ? {
          fastest_growing: highest(topics, (topic) => topic.velocity, 0),
          most_fresh: highest(topics, (topic) => topic.freshness, HIGH_FRESHNESS),
          highest_potential: highest(topics, (topic) => topic.potential, HIGH_POTENTIAL),
        }
      : null,
  }
}

/** Suggested and approved articles, most distinctive first, then the older ones. */
export function editorialOpportunities(input: SectionInput): z.infer<typeof EditorialOpportunitiesSection> {
  const titles = titlesOf(input.run)
  const kept = (input.run?.recommendations ?? [])
    .filter((one) => one.status === 'suggested' || one.status === 'approved')
    .sort(
      (a, b) =>
        b.differentiation - a.differentiation ||
        Date.parse(a.createdAt) - Date.parse(b.createdAt) ||
        a.id - b.id,
    )
    .slice(0, ENTRIES_MAX)
  const recommendations = kept.map(
    (one): EditorialOpportunity => ({
      id: one.id,
      topic_id: one.topicId,
      topic_title: titles(one.topicId),
      article_title: one.title,
      hook: one.hook,
      effort_level: one.effort,
      effort_label: EFFORT[one.effort],
      differentiation_score: one.differentiation,
      differentiation_label: labelOf('differentiation', one.differentiation),
      status: one.status,
      status_label: RECOMMENDATION_STATUS[one.status],
      outline: { ...one.outline },
      related_domain: input.themeOf.get(one.topicId) ?? null,
      created_at: new Date(one.createdAt).toISOString(),
    }),
  )
  return {
    recommendations,
    summary: input.summaries
      ? {
          total_recommendations: kept.length,
          by_effort: tally(kept.map((one) => one.effort)),
          by_status: tally(kept.map((one) => one.status)),
          high_differentiation: kept.filter((one) => one.differentiation >= HIGH_DIFFERENTIATION).length,
        }
      : null,
  }
}

/** Gaps, strengths and the roadmap of the newest run. */
export function gapAnalysis(input: SectionInput): z.infer<typeof GapAnalysisSection> {
  const { run } = input
  const titles = titlesOf(run)
  const recommendations = new Map((run?.recommendations ?? []).map((one) => [one.position, one]))
  return {
    gaps: (run?.gaps ?? []).map((gap) => ({
      topic_id: gap.topicId,
      topic_title: titles(gap.topicId),
      coverage_score: gap.coverage,
      level: gap.level,
      priority_score: gap.priority,
      diagnostic: gap.diagnostic,
      opportunity: gap.opportunity,
      risk: gap.risk,
      risk_assessment: gap.riskAssessment,
    })),
    strengths: (run?.strengths ?? []).map((one) => ({
      topic_id: one.topicId,
      topic_title: titles(one.topicId),
      coverage_score: one.coverage,
      advantage_score: one.advantage,
      description: one.description,
    })),
    roadmap: (run?.roadmap ?? []).slice(0, 25).flatMap((item, at) => {
      const recommendation = recommendations.get(item.recommendation)
      if (recommendation === undefined) return []
      return [
        {
          priority_order: at + 1,
          topic_id: item.topicId,
          topic_title: titles(item.topicId),
          recommendation_id: recommendation.id,
          article_title: recommendation.title,
          priority_score: item.priority,
          tier: item.tier,
          estimated_effort: item.effort,
        },
      ]
    }),
  }
}

function byPotential(run: StoredTrendRun | null): TopicRow[] {
  return [...(run?.topics ?? [])]
    .sort((a, b) => descending(a.potential, b.potential) || a.topicId - b.topicId)
    .slice(0, ENTRIES_MAX)
}

function titlesOf(run: StoredTrendRun | null): (topicId: number) => string {
  const titles = new Map((run?.topics ?? []).map((topic) => [topic.topicId, topic.label]))
  return (topicId) => titles.get(topicId) ?? `Topic ${topicId}`
}

/** Highest first, unknown last. */
function descending(a: number | null, b: number | null): number {
  return a === b ? 0 : (b ?? Number.NEGATIVE_INFINITY) - (a ?? Number.NEGATIVE_INFINITY)
}

/** Label of the topic with the highest value above `above`, or null. */
function highest(
  topics: readonly TopicRow[],
  value: (topic: TopicRow) => number | null,
  above: number,
): string | null {
  const [first] = topics
    .filter((topic) => (value(topic) ?? above) > above)
    .sort((a, b) => descending(value(a), value(b)) || a.topicId - b.topicId)
  return first?.label ?? null
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : round(values.reduce((sum, value) => sum + value, 0) / values.length, 1)
}

function tally(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1
  return counts
}
