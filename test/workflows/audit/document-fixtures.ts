/** A stored audit that has everything, and its document: both to be varied by tests. */
import { expect } from 'vitest'
import {
  assembleDocument,
  type DocumentMoment,
  type DocumentOptions,
} from '../../../src/workflows/audit/document.ts'
import { SiteAuditResponse } from '../../../src/workflows/audit/schema.ts'
import type { DocumentSources, StoredTrendRun, TopicRow } from '../../../src/workflows/audit/store.ts'
import { ALL_THERE, EXECUTION_ID, executionView, NOW, profile, stepView } from './fixtures.ts'

export const at = new Date(NOW).toISOString()

export const topic = (topicId: number, over: Partial<TopicRow> = {}): TopicRow => ({
  topicId,
  label: `Sujet ${topicId}`,
  terms: [{ word: `mot${topicId}`, score: 1 }],
  size: 12,
  coherence: 0.42,
  scope: 'core',
  velocity: 0,
  freshness: 0.1,
  sourceDiversity: 3,
  cohesion: 0.4,
  potential: 0.3,
  trend: 'stable',
  undatedArticles: 0,
  clientTerms: [],
  ...over,
})

export const run = (over: Partial<StoredTrendRun> = {}): StoredTrendRun => ({
  runId: '1',
  asOf: at,
  createdAt: at,
  timeWindowDays: 90,
  stages: { clustering: 'completed', temporal: 'completed', synthesis: 'completed', gap: 'completed' },
  topics: [
    topic(0, {
      label: 'Livraison en vélo cargo',
      velocity: 1.2,
      potential: 0.4,
      trend: 'up',
      freshness: 0.8,
    }),
    topic(1, { label: 'Entrepôts', velocity: -0.4, potential: 0.6, trend: 'down' }),
    topic(2, { label: 'Sujet mort', velocity: null, potential: 0.1, freshness: null }),
  ],
  windows: [7, 14, 30, 90].map((days) => ({
    topicId: 0,
    days,
    volume: days,
    velocity: null,
    freshness: 0,
    driftDetected: false,
    trend: 'stable' as const,
  })),
  syntheses: [
    {
      topicId: 0,
      method: 'extractive',
      model: null,
      synthesis: 'Une synthèse.',
      saturatedAngles: [{ angle: 'prix', frequency: 4, reason: 'four sites' }],
      opportunities: [{ angle: 'assurance', potential: 0.5, differentiation: 0, effort: 'easy' }],
      createdAt: at,
    },
  ],
  recommendations: [
    recommendation(1, { differentiation: 0.7 }),
    recommendation(2, { differentiation: 0.9, topicId: 1 }),
    recommendation(3, { differentiation: 0.95, status: 'published' }),
  ],
  gaps: [
    {
      topicId: 1,
      coverage: 0,
      level: 'gap',
      priority: 0.8,
      diagnostic: 'd',
      opportunity: 'o',
      risk: 'high',
      riskAssessment: 'r',
    },
  ],
  strengths: [{ topicId: 0, coverage: 2, advantage: 1, description: 's' }],
  roadmap: [{ position: 0, topicId: 1, recommendation: 2, priority: 0.8, tier: 'high', effort: 'medium' }],
  ...over,
})

function recommendation(id: number, over: Partial<StoredTrendRun['recommendations'][number]>) {
  return {
    id,
    position: id,
    topicId: 0,
    title: `Article ${id}`,
    hook: 'h',
    outline: { intro: 'i' },
    effort: 'medium' as const,
    differentiation: 0.5,
    status: 'suggested' as const,
    createdAt: at,
    ...over,
  }
}

export const sources = (over: Partial<DocumentSources> = {}): DocumentSources => ({
  profile: {
    ...profile(),
    profileId: '1',
    domain: 'client.fr',
    executionId: EXECUTION_ID,
    analyzedAt: at,
    durationSeconds: 12.3456,
  },
  competitors: [
    { domain: 'b.fr', status: 'validated', combined: 0.579 },
    { domain: 'a.fr', status: 'manual', combined: 0.571 },
  ],
  clientArticles: 16,
  themes: [
    { slug: 'velos-cargos', articles: 12, topKeywords: ['vélo cargo', 'livraison'] },
    { slug: 'logistique-urbaine', articles: 5, topKeywords: ['entrepôt'] },
  ],
  run: run(),
  unscraped: [],
  pages: { read: 8, withoutMainText: 0 },
  lastUpdated: at,
  ...over,
})

const options: DocumentOptions = {
  includeTopics: false,
  includeTrending: true,
  includeAnalyses: true,
  includeTemporal: true,
  includeOpportunities: true,
  topicsLimit: 10,
  trendingLimit: 15,
  minClientArticles: 5,
}

const moment = (over: Partial<DocumentMoment> = {}): DocumentMoment => ({
  domain: 'client.fr',
  dataStatus: ALL_THERE,
  latest: executionView([stepView('editorial_analysis', 1, { status: 'completed' })], {
    status: 'completed',
    endTime: new Date(NOW - 10_000),
  }),
  now: NOW,
  freshSeconds: 300,
  ...over,
})

/** The document of the sources, which must keep the schema. */
export function assemble(
  over: {
    sources?: Partial<DocumentSources>
    options?: Partial<DocumentOptions>
    moment?: Partial<DocumentMoment>
  } = {},
): SiteAuditResponse {
  const document = assembleDocument(
    sources(over.sources),
    { ...options, ...over.options },
    moment(over.moment),
  )
  expect(() => SiteAuditResponse.parse(document)).not.toThrow()
  return document
}

export const codes = (document: SiteAuditResponse): string[] => document.issues.map((issue) => issue.code)
