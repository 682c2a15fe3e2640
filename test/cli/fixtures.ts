/** Statuses and documents as the API answers them. */
import type { Look } from '../../src/cli/layout.ts'
import type { Screen } from '../../src/cli/terminal.ts'
import {
  AuditStatusResponse,
  SiteAuditResponse,
  type WorkflowStepDetail,
} from '../../src/workflows/audit/schema.ts'

export const EXECUTION_ID = '01a201c8-715d-7e1b-9c48-9e98e156bad0'
export const START = Date.parse('2026-03-02T10:00:00.000Z')

export function at(seconds: number): string {
  return new Date(START + seconds * 1000).toISOString()
}

export const plain = (width: number): Look => ({ width, color: false })

const STEPS = [
  ['editorial_analysis', 'Editorial Analysis'],
  ['competitor_search', 'Competitor Search'],
  ['client_scraping', 'Client Site Scraping'],
  ['enhanced_scraping', 'Competitor Scraping'],
  ['trend_pipeline', 'Trend Pipeline'],
] as const

export function step(number: number, changes: Partial<WorkflowStepDetail> = {}): WorkflowStepDetail {
  const [type, name] = STEPS[number - 1] ?? STEPS[0]
  return {
    step: number,
    name,
    workflow_type: type,
    status: 'pending',
    execution_id: EXECUTION_ID,
    job_id: String(number),
    start_time: null,
    end_time: null,
    duration_seconds: null,
    attempt: 0,
    max_attempts: 3,
    next_retry_at: null,
    error_message: null,
    error_code: null,
    skip_reason: null,
    progress_percentage: changes.status === 'completed' ? 100 : 0,
    progress_detail: null,
    ...changes,
  }
}

export const running = (number: number, changes: Partial<WorkflowStepDetail> = {}): WorkflowStepDetail =>
  step(number, { status: 'running', attempt: 1, start_time: at(0), duration_seconds: 3.2, ...changes })
export const completed = (number: number, changes: Partial<WorkflowStepDetail> = {}): WorkflowStepDetail =>
  step(number, { status: 'completed', attempt: 1, duration_seconds: 12.4, end_time: at(12), ...changes })

/** A status that fits the API's own schema, so that a test never rests on a shape that does not exist. */
export function statusOf(
  steps: readonly WorkflowStepDetail[],
  changes: Partial<AuditStatusResponse> = {},
): AuditStatusResponse {
  const count = (state: WorkflowStepDetail['status']): number =>
    steps.filter((one) => one.status === state).length
  return AuditStatusResponse.parse({
    execution_id: EXECUTION_ID,
    orchestrator_execution_id: EXECUTION_ID,
    estimate_basis: 'history',
    domain: 'atelier-velo.test',
    overall_status: 'running',
    overall_progress: 43.7,
    total_steps: steps.length,
    completed_steps: count('completed'),
    failed_steps: count('failed'),
    running_steps: count('running'),
    pending_steps: count('pending'),
    skipped_steps: count('skipped'),
    cancelled_steps: count('cancelled'),
    workflow_steps: steps,
    start_time: at(0),
    end_time: null,
    estimated_completion_time: null,
    eta: null,
    data_status: dataStatus(true),
    error_code: null,
    error_message: null,
    failed_workflow_details: [],
    ...changes,
  })
}

export function dataStatus(has: boolean): SiteAuditResponse['data_status'] {
  return {
    has_profile: has,
    has_competitors: has,
    has_client_articles: has,
    has_competitor_articles: has,
    has_trend_pipeline: has,
  }
}

/** A document without any finding. */
export function emptyDocument(changes: Partial<SiteAuditResponse> = {}): SiteAuditResponse {
  return SiteAuditResponse.parse({
    url: 'https://atelier-velo.test',
    took_ms: 4200,
    profile: { style: { tone: 'professional', vocabulary: 'technical', format: 'short' }, themes: [] },
    domains: [],
    audience: { type: 'Businesses', level: 'intermediate', sectors: [] },
    competitors: [],
    issues: [],
    trending_topics: null,
    trend_analyses: null,
    temporal_insights: null,
    editorial_opportunities: null,
    gap_analysis: null,
    is_fresh_analysis: true,
    last_updated: at(0),
    data_age_hours: 0.02,
    cache_hit: false,
    execution_id: EXECUTION_ID,
    partial: false,
    data_status: dataStatus(true),
    failed_workflow_details: [],
    ...changes,
  })
}

/** A document with every section filled. */
export function fullDocument(): SiteAuditResponse {
  return emptyDocument({
    audience: { type: 'Businesses', level: 'intermediate', sectors: ['Transport and logistics', 'Retail'] },
    domains: [
      {
        id: 'velo-cargo',
        label: 'Vélo cargo',
        confidence: 78,
        confidence_normalized: 0.78,
        confidence_label: 'very high',
        topics_count: 4,
        summary: 'Cargo bikes.',
        topics: [],
        metrics: {
          total_articles: 18,
          trending_topics: 2,
          avg_relevance: 40,
          top_keywords: ['vélo', 'cargo'],
        },
      },
    ],
    competitors: [
      { name: 'cyclo-fret.test', similarity: 91 },
      { name: 'last-mile-works.test', similarity: 64 },
    ],
    trending_topics: {
      title: 'Trending topics',
      description: 'Topics of the market.',
      topics: [
        {
          id: 'batteries-0',
          title: 'Batteries, cellules',
          category: 'core',
          growth_rate: 120.4,
          volume: 8,
          velocity: 1.2,
          freshness: 0.4,
          source_diversity: 2,
          potential_score: 0.6,
          potential_label: 'very promising',
          keywords: ['batteries'],
          related_domain: null,
        },
      ],
      summary: null,
    },
    editorial_opportunities: {
      recommendations: [
        {
          id: 7,
          topic_id: 0,
          topic_title: 'Batteries, cellules',
          article_title: 'Batteries : faire le point',
          hook: 'Eight articles of two competitors, none here.',
          effort_level: 'easy',
          effort_label: 'Quick to write',
          differentiation_score: 0.8,
          differentiation_label: 'distinctive',
          status: 'suggested',
          status_label: 'Suggested',
          outline: { '1': 'Why' },
          related_domain: null,
          created_at: at(0),
        },
      ],
      summary: null,
    },
    gap_analysis: {
      gaps: [
        {
          topic_id: 0,
          topic_title: 'Batteries, cellules',
          coverage_score: 0,
          level: 'gap',
          priority_score: 0.8,
          diagnostic: 'No article here, eight elsewhere.',
          opportunity: 'Write one.',
          risk: 'high',
          risk_assessment: 'Others are read instead.',
        },
      ],
      strengths: [
        {
          topic_id: 1,
          topic_title: 'Atelier, freins',
          coverage_score: 9,
          advantage_score: 9,
          description: 'Six articles, nine times the mean.',
        },
      ],
      roadmap: [
        {
          priority_order: 1,
          topic_id: 0,
          topic_title: 'Batteries, cellules',
          recommendation_id: 7,
          article_title: 'Batteries : faire le point',
          priority_score: 0.8,
          tier: 'high',
          estimated_effort: 'easy',
        },
      ],
    },
    issues: [
      {
        code: 'NO_COMPETITORS',
        severity: 'warning',
        message: 'No competitor is known.',
        suggestion: 'Add some by hand.',
        context: null,
      },
    ],
    failed_workflow_details: [
      {
        workflow: 'enhanced_scraping',
        error: 'a.test refuses us',
        error_code: 'UPSTREAM_REJECTED',
        retry_possible: false,
        suggested_action: 'Ask its operator.',
        timestamp: at(3),
        attempts: 1,
      },
    ],
  })
}

/** A screen that keeps what is written. */
export function recordingScreen(traits: Partial<Screen> = {}): Screen & { readonly text: () => string } {
  const written: string[] = []
  return {
    live: false,
    isTerminal: false,
    columns: 80,
    width: 80,
    color: false,
    ...traits,
    write: (text) => {
      written.push(text)
    },
    text: () => written.join(''),
  }
}
