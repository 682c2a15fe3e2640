/** The audit document. */
import { z } from '@hono/zod-openapi'
import { DataStatusModel, FailedWorkflowDetail } from './status.ts'

const time = z.iso.datetime()
const share = z.number().min(0).max(1)
const count = z.number().int().min(0)
const trend = z.enum(['up', 'stable', 'down'])
const effort = z.enum(['easy', 'medium', 'complex'])

export const AuditProfile = z
  .object({
    style: z.object({ tone: z.string(), vocabulary: z.string(), format: z.string() }).openapi('AuditStyle'),
    themes: z.array(z.string()),
  })
  .openapi('AuditProfile')

export const AuditAudience = z
  .object({ type: z.string(), level: z.string(), sectors: z.array(z.string()) })
  .openapi('AuditAudience')

export const TopicSummary = z
  .object({
    id: z.string(),
    title: z.string(),
    summary: z.string(),
    keywords: z.array(z.string()).max(10),
    relevance_score: z.number().min(0).max(100).nullable(),
    trend: trend.nullable(),
    category: z.string().nullable(),
  })
  .openapi('TopicSummary')
export type TopicSummary = z.infer<typeof TopicSummary>

export const DomainMetrics = z
  .object({
    total_articles: count,
    trending_topics: count,
    avg_relevance: z.number().min(0).max(100),
    top_keywords: z.array(z.string()).max(10),
  })
  .openapi('DomainMetrics')

export const DomainDetail = z
  .object({
    id: z.string(),
    label: z.string(),
    confidence: z.number().int().min(0).max(100),
    confidence_normalized: share,
    confidence_label: z.string(),
    topics_count: count,
    summary: z.string(),
    topics: z.array(TopicSummary),
    metrics: DomainMetrics.nullable(),
  })
  .openapi('DomainDetail')
export type DomainDetail = z.infer<typeof DomainDetail>

export const AuditCompetitor = z
  .object({
    name: z.string(),
    similarity: z
      .number()
      .int()
      .min(0)
      .max(100)
      .openapi({ description: 'Combined score of relevance and likeness, as a whole percentage.' }),
  })
  .openapi('AuditCompetitor')

export const AuditIssue = z
  .object({
    code: z.string(),
    severity: z.enum(['critical', 'warning', 'info']),
    message: z.string(),
    suggestion: z.string(),
    context: z.record(z.string(), z.unknown()).nullable(),
  })
  .openapi('AuditIssue')
export type AuditIssue = z.infer<typeof AuditIssue>

export const TrendingTopic = z
  .object({
    id: z.string(),
    title: z.string(),
    category: z.string().nullable(),
    growth_rate: z.number().nullable().openapi({ description: 'Change of the daily rate in percent' }),
    volume: count,
    velocity: z
      .number()
      .nullable()
      .openapi({ description: 'Relative change of the daily rate; 0 is no change' }),
    freshness: share.nullable(),
    source_diversity: count,
    potential_score: share.nullable(),
    potential_label: z.string().nullable(),
    keywords: z.array(z.string()),
    related_domain: z.string().nullable(),
  })
  .openapi('TrendingTopic')
export type TrendingTopic = z.infer<typeof TrendingTopic>

export const TrendingTopicsSection = z
  .object({
    title: z.string(),
    description: z.string(),
    topics: z.array(TrendingTopic),
    summary: z
      .object({ total_trending: count, avg_growth: z.number().nullable(), high_potential_count: count })
      .openapi('TrendingSummary')
      .nullable(),
  })
  .openapi('TrendingTopicsSection')

export const SaturatedAngle = z
  .object({ angle: z.string(), frequency: z.number().min(0), reason: z.string().nullable() })
  .openapi('SaturatedAngle')

export const AngleOpportunity = z
  .object({
    angle: z.string(),
    potential: share,
    potential_label: z.string(),
    differentiation: share.nullable(),
    effort: effort.nullable(),
  })
  .openapi('AngleOpportunity')

export const TrendAnalysisDetail = z
  .object({
    topic_id: count,
    topic_title: z.string(),
    synthesis: z.string(),
    saturated_angles: z.array(SaturatedAngle).nullable(),
    opportunities: z.array(AngleOpportunity).nullable(),
    method: z.enum(['extractive', 'llm']),
    llm_model: z.string().nullable(),
    generated_at: time.nullable(),
  })
  .openapi('TrendAnalysisDetail')
export type TrendAnalysisDetail = z.infer<typeof TrendAnalysisDetail>

export const TrendAnalysesSection = z
  .object({
    analyses: z.array(TrendAnalysisDetail),
    summary: z
      .object({ total_analyses: count, high_potential_opportunities: count, saturated_angles_count: count })
      .openapi('TrendAnalysesSummary')
      .nullable(),
  })
  .openapi('TrendAnalysesSection')

export const TimeWindow = z
  .object({
    period: z.string().openapi({ example: '30d' }),
    volume: count,
    velocity: z.number().nullable(),
    freshness_ratio: share.nullable(),
    trend_direction: trend,
    drift_detected: z.boolean(),
  })
  .openapi('TimeWindow')

export const TemporalInsight = z
  .object({
    topic_id: count,
    topic_title: z.string(),
    time_windows: z.array(TimeWindow).max(3),
    cohesion_score: share.nullable(),
    potential_score: share.nullable(),
    potential_label: z.string().nullable(),
    source_diversity: count,
  })
  .openapi('TemporalInsight')
export type TemporalInsight = z.infer<typeof TemporalInsight>

export const TemporalInsightsSection = z
  .object({
    insights: z.array(TemporalInsight),
    summary: z
      .object({
        fastest_growing: z.string().nullable(),
        most_fresh: z.string().nullable(),
        highest_potential: z.string().nullable(),
      })
      .openapi('TemporalSummary')
      .nullable(),
  })
  .openapi('TemporalInsightsSection')

export const EditorialOpportunity = z
  .object({
    id: z.number().int(),
    topic_id: count,
    topic_title: z.string(),
    article_title: z.string(),
    hook: z.string(),
    effort_level: effort,
    effort_label: z.string(),
    differentiation_score: share.nullable(),
    differentiation_label: z.string().nullable(),
    status: z.enum(['suggested', 'approved', 'in_progress', 'published']),
    status_label: z.string(),
    outline: z.record(z.string(), z.string()).nullable(),
    related_domain: z.string().nullable(),
    created_at: time.nullable(),
  })
  .openapi('EditorialOpportunity')
export type EditorialOpportunity = z.infer<typeof EditorialOpportunity>

export const EditorialOpportunitiesSection = z
  .object({
    recommendations: z.array(EditorialOpportunity),
    summary: z
      .object({
        total_recommendations: count,
        by_effort: z.record(z.string(), count),
        by_status: z.record(z.string(), count),
        high_differentiation: count,
      })
      .openapi('EditorialOpportunitiesSummary')
      .nullable(),
  })
  .openapi('EditorialOpportunitiesSection')

export const EditorialGap = z
  .object({
    topic_id: count,
    topic_title: z.string(),
    coverage_score: z.number().min(0),
    level: z.enum(['weak', 'gap']),
    priority_score: share,
    diagnostic: z.string(),
    opportunity: z.string(),
    risk: z.enum(['high', 'medium', 'low']),
    risk_assessment: z.string(),
  })
  .openapi('EditorialGap')

export const ClientStrength = z
  .object({
    topic_id: count,
    topic_title: z.string(),
    coverage_score: z.number().min(0),
    advantage_score: z.number().min(0),
    description: z.string(),
  })
  .openapi('ClientStrength')

export const RoadmapEntry = z
  .object({
    priority_order: z.number().int().min(1),
    topic_id: count,
    topic_title: z.string(),
    recommendation_id: z.number().int(),
    article_title: z.string(),
    priority_score: share,
    tier: z.enum(['high', 'medium', 'low']),
    estimated_effort: effort,
  })
  .openapi('RoadmapEntry')

export const GapAnalysisSection = z
  .object({
    gaps: z.array(EditorialGap),
    strengths: z.array(ClientStrength),
    roadmap: z.array(RoadmapEntry).max(25),
  })
  .openapi('GapAnalysisSection')

export const SiteAuditResponse = z
  .object({
    url: z.url(),
    took_ms: count.openapi({ description: 'Duration of the newest editorial analysis in milliseconds' }),
    profile: AuditProfile,
    domains: z.array(DomainDetail),
    audience: AuditAudience,
    competitors: z.array(AuditCompetitor).max(5),
    issues: z.array(AuditIssue),
    trending_topics: TrendingTopicsSection.nullable(),
    trend_analyses: TrendAnalysesSection.nullable(),
    temporal_insights: TemporalInsightsSection.nullable(),
    editorial_opportunities: EditorialOpportunitiesSection.nullable(),
    gap_analysis: GapAnalysisSection.nullable(),
    is_fresh_analysis: z.boolean(),
    last_updated: time,
    data_age_hours: z.number().min(0),
    cache_hit: z.boolean(),
    execution_id: z.uuid().nullable(),
    partial: z.boolean(),
    data_status: DataStatusModel,
    failed_workflow_details: z.array(FailedWorkflowDetail),
  })
  .openapi('SiteAuditResponse')
export type SiteAuditResponse = z.infer<typeof SiteAuditResponse>
