import { describe, expect, it } from 'vitest'
import { formatOf, labelOf } from '../../../src/workflows/audit/document/labels.ts'
import {
  assembleDocument,
  type DocumentMoment,
  type DocumentOptions,
} from '../../../src/workflows/audit/document.ts'
import { SiteAuditResponse } from '../../../src/workflows/audit/schema.ts'
import type { DocumentSources, StoredTrendRun, TopicRow } from '../../../src/workflows/audit/store.ts'
import { matchTerms } from '../../../src/workflows/audit/store.ts'
import { ALL_THERE, EXECUTION_ID, executionView, NOW, profile, stepView } from './fixtures.ts'

const at = new Date(NOW).toISOString()

const topic = (topicId: number, over: Partial<TopicRow> = {}): TopicRow => ({
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

const run = (over: Partial<StoredTrendRun> = {}): StoredTrendRun => ({
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

const sources = (over: Partial<DocumentSources> = {}): DocumentSources => ({
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

function assemble(
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

const codes = (document: SiteAuditResponse): string[] => document.issues.map((issue) => issue.code)

describe('the document', () => {
  it('says what the site is, in the words of one table', () => {
    expect(assemble()).toMatchObject({
      url: 'https://client.fr',
      took_ms: 12346,
      profile: {
        style: { tone: 'professional', vocabulary: 'advanced, specialised', format: 'medium' },
        themes: ['Vélos cargos', 'Logistique urbaine'],
      },
      audience: { type: 'fleet managers', level: 'intermediate to expert', sectors: ['logistics'] },
    })
  })

  it('lists five competitors at most, by whole percentage and then by name', () => {
    expect(assemble().competitors).toEqual([
      { name: 'a.fr', similarity: 57 },
      { name: 'b.fr', similarity: 57 },
    ])
    const many = Array.from({ length: 9 }, (_, n) => ({
      domain: `c${n}.fr`,
      status: 'validated' as const,
      combined: n / 10,
    }))
    const { competitors } = assemble({ sources: { competitors: many } })
    expect(competitors.map((one) => one.similarity)).toEqual([80, 70, 60, 50, 40])
    const exact = [{ domain: 'c.fr', status: 'validated' as const, combined: 0.29 }]
    expect(assemble({ sources: { competitors: exact } }).competitors[0]?.similarity).toBe(29)
  })

  it('bears domains out by the share of matching articles', () => {
    const [first, second] = assemble().domains
    expect(first).toMatchObject({
      confidence: 75,
      confidence_normalized: 0.75,
      confidence_label: 'very high',
    })
    expect(second).toMatchObject({ confidence: 31, confidence_normalized: 0.313, confidence_label: 'medium' })
    const none = assemble({ sources: { clientArticles: 0, themes: [] } }).domains
    expect(none.map((one) => [one.confidence, one.confidence_label])).toEqual([
      [0, 'very low'],
      [0, 'very low'],
    ])
  })

  it('is fresh only just after the run that gave its data', () => {
    const ended = (ago: number, status: 'completed' | 'failed' = 'completed') =>
      assemble({ moment: { latest: executionView([], { status, endTime: new Date(NOW - ago) }) } })
        .is_fresh_analysis
    expect(ended(300_000)).toBe(true)
    expect(ended(300_001)).toBe(false)
    expect(ended(0, 'failed')).toBe(false)
    const live = { latest: executionView([]) }
    expect(assemble({ moment: live }).is_fresh_analysis).toBe(true)
    expect(assemble({ moment: { ...live, now: NOW + 300_001 } }).is_fresh_analysis).toBe(false)
    expect(assemble({ moment: { latest: null } })).toMatchObject({
      is_fresh_analysis: false,
      execution_id: null,
    })
  })

  it('tells its age in hours with two decimals, never below zero', () => {
    expect(assemble({ moment: { now: NOW + 5_432_100 } }).data_age_hours).toBe(1.51)
    expect(assemble({ moment: { now: NOW - 5_000 } }).data_age_hours).toBe(0)
  })

  it('is partial when data is missing or the newest run did not fully succeed, and says what failed', () => {
    expect(assemble().partial).toBe(false)
    expect(assemble({ moment: { dataStatus: { ...ALL_THERE, has_trend_pipeline: false } } }).partial).toBe(
      true,
    )
    const failed = stepView('competitor_search', 2, {
      status: 'failed',
      attempt: 3,
      lastError: 'slow',
      lastErrorCode: 'UPSTREAM_TIMEOUT',
      finishedAt: new Date(NOW),
    })
    const document = assemble({
      moment: { latest: executionView([failed], { status: 'partial', endTime: new Date(NOW) }) },
    })
    expect(document.partial).toBe(true)
    expect(document.failed_workflow_details).toEqual([
      {
        workflow: 'competitor_search',
        error: 'slow',
        error_code: 'UPSTREAM_TIMEOUT',
        retry_possible: true,
        suggested_action: expect.stringContaining('Try again'),
        timestamp: at,
        attempts: 3,
      },
    ])
  })

  it.each([
    ['includeTrending', 'trending_topics'],
    ['includeAnalyses', 'trend_analyses'],
    ['includeTemporal', 'temporal_insights'],
    ['includeOpportunities', 'editorial_opportunities'],
    ['includeOpportunities', 'gap_analysis'],
  ] as const)('holds with %s the section %s, and null without', (flag, section) => {
    expect(assemble()[section]).not.toBeNull()
    expect(assemble({ options: { [flag]: false } })[section]).toBeNull()
  })

  it('adds topics to domains and summaries to sections only when asked', () => {
    const without = assemble()
    expect(without.domains.map((one) => one.topics)).toEqual([[], []])
    expect(without.domains[0]?.topics_count).toBe(1)
    expect(without.trending_topics?.summary).toBeNull()
    const including = assemble({ options: { includeTopics: true } })
    expect(including.domains[0]?.topics).toEqual([
      {
        id: 'livraison-en-velo-cargo-0',
        title: 'Livraison en vélo cargo',
        summary: 'Une synthèse.',
        keywords: ['mot0'],
        relevance_score: 42,
        trend: 'up',
        category: 'core',
      },
    ])
    expect(including.trending_topics?.summary).toEqual({
      total_trending: 2,
      avg_growth: 40,
      high_potential_count: 1,
    })
    expect(including.trend_analyses?.summary).toEqual({
      total_analyses: 1,
      high_potential_opportunities: 1,
      saturated_angles_count: 1,
    })
    expect(including.temporal_insights?.summary).toEqual({
      fastest_growing: 'Livraison en vélo cargo',
      most_fresh: 'Livraison en vélo cargo',
      highest_potential: null,
    })
    expect(including.editorial_opportunities?.summary).toEqual({
      total_recommendations: 2,
      by_effort: { medium: 2 },
      by_status: { suggested: 2 },
      high_differentiation: 1,
    })
  })

  it('keeps topics_limit and trending_limit', () => {
    const many = Array.from({ length: 30 }, (_, n) => topic(n, { label: `Vélos cargos ${n}`, velocity: n }))
    const document = assemble({
      sources: { run: run({ topics: many }) },
      options: { includeTopics: true, topicsLimit: 3, trendingLimit: 4 },
    })
    expect(document.domains[0]).toMatchObject({ topics_count: 30 })
    expect(document.domains[0]?.topics).toHaveLength(3)
    expect(document.trending_topics?.topics.map((one) => one.velocity)).toEqual([29, 28, 27, 26])
  })
})

describe('trending topics', () => {
  it('are those that grow by more than half or hold high potential; a dead topic is none', () => {
    const topics = assemble().trending_topics?.topics ?? []
    expect(topics.map((one) => [one.title, one.growth_rate, one.potential_label])).toEqual([
      ['Livraison en vélo cargo', 120, 'promising'],
      ['Entrepôts', -40, 'very promising'],
    ])
  })

  it('keep zeros as zeros and unknowns as null', () => {
    const zero = topic(0, { velocity: 0, freshness: 0, potential: 0.5 })
    const unknown = topic(1, { velocity: null, freshness: null, potential: 0.9, sourceDiversity: null })
    const { trending_topics } = assemble({ sources: { run: run({ topics: [unknown, zero] }) } })
    expect(trending_topics?.topics[0]).toMatchObject({ velocity: 0, freshness: 0, growth_rate: 0 })
    expect(trending_topics?.topics[1]).toMatchObject({ velocity: null, freshness: null, growth_rate: null })
  })

  it('belong to the theme that most of their client articles are about, else to the one their words match', () => {
    const aboutCargo = matchTerms('Vélos cargos', ['livraison'], 'fr')
    const aboutCity = matchTerms('Logistique urbaine', ['entrepôts'], 'fr')
    const relatedTo = (over: Partial<TopicRow>) =>
      assemble({ sources: { run: run({ topics: [topic(0, { velocity: 2, ...over })] }) } }).trending_topics
        ?.topics[0]?.related_domain
    expect(relatedTo({ clientTerms: [aboutCity, aboutCity, aboutCargo] })).toBe('Logistique urbaine')
    expect(relatedTo({ clientTerms: [], label: 'Un entrepôt de logistique' })).toBe('Logistique urbaine')
    expect(relatedTo({ clientTerms: [], label: 'Cuisine' })).toBeNull()
  })
})

describe('the other sections', () => {
  it('show three of the four windows', () => {
    const [insight] = assemble().temporal_insights?.insights ?? []
    expect(insight?.time_windows.map((window) => window.period)).toEqual(['7d', '30d', '90d'])
  })

  it('say how an analysis was made and read its angles', () => {
    expect(assemble().trend_analyses?.analyses[0]).toMatchObject({
      method: 'extractive',
      llm_model: null,
      saturated_angles: [{ angle: 'prix', frequency: 4, reason: 'four sites' }],
      opportunities: [
        { angle: 'assurance', potential_label: 'very promising', differentiation: 0, effort: 'easy' },
      ],
    })
  })

  it('offer suggested and approved articles, most distinctive first, labelled on the 0..1 scale', () => {
    const found = assemble().editorial_opportunities?.recommendations ?? []
    expect(found.map((one) => [one.id, one.differentiation_label, one.topic_title])).toEqual([
      [2, 'very distinctive', 'Entrepôts'],
      [1, 'somewhat distinctive', 'Livraison en vélo cargo'],
    ])
  })

  it('lay out the roadmap with the article to write', () => {
    expect(assemble().gap_analysis).toMatchObject({
      gaps: [{ topic_title: 'Entrepôts', level: 'gap', risk: 'high' }],
      strengths: [{ topic_title: 'Livraison en vélo cargo', advantage_score: 1 }],
      roadmap: [{ priority_order: 1, recommendation_id: 2, article_title: 'Article 2', tier: 'high' }],
    })
  })
})

describe('issues', () => {
  it('are none when nothing is wrong but a topic without dates', () => {
    expect(codes(assemble())).toEqual(['MISSING_FRESHNESS'])
  })

  it.each([
    ['LOW_CONFIDENCE', 'critical', { clientArticles: 100 }],
    [
      'DUPLICATE_KEYWORDS',
      'critical',
      {
        themes: [
          { slug: 'velos-cargos', articles: 12, topKeywords: ['a', 'b', 'c', 'd', 'e'] },
          { slug: 'logistique-urbaine', articles: 5, topKeywords: ['a', 'b', 'c', 'd', 'x'] },
        ],
      },
    ],
    ['NO_COMPETITORS', 'warning', { competitors: [] }],
    ['INSUFFICIENT_ARTICLES', 'warning', { clientArticles: 4 }],
    ['SITES_NOT_SCRAPED', 'warning', { unscraped: [{ domain: 'a.fr', code: 'DNS_FAILURE', message: 'm' }] }],
    ['BOILERPLATE_DETECTED', 'warning', { pages: { read: 8, withoutMainText: 5 } }],
    [
      'TOPICS_COUNT_MISMATCH',
      'warning',
      { run: run({ topics: [], windows: [], syntheses: [], recommendations: [] }) },
    ],
    ['MISSING_OPPORTUNITIES', 'info', { run: null }],
    ['MISSING_TRENDING', 'info', { run: null }],
    ['MISSING_ANALYSES', 'info', { run: run({ syntheses: [] }) }],
    ['MISSING_TEMPORAL', 'info', { run: run({ windows: [] }) }],
    [
      'MISSING_SATURATED_ANGLES',
      'info',
      { run: run({ syntheses: run().syntheses.map((one) => ({ ...one, saturatedAngles: [] })) }) },
    ],
  ] as [string, string, Partial<DocumentSources>][])(
    'hold %s (%s) when the data calls for it',
    (code, severity, over) => {
      expect(codes(assemble())).not.toContain(code)
      const issue = assemble({ sources: over }).issues.find((one) => one.code === code)
      expect(issue).toMatchObject({
        severity,
        message: expect.stringMatching(/\.$/),
        suggestion: expect.stringMatching(/\.$/),
      })
    },
  )

  it('leave three of five common keywords alone: that is not more than 60 %', () => {
    const themes = [
      { slug: 'velos-cargos', articles: 12, topKeywords: ['a', 'b', 'c', 'd', 'e'] },
      { slug: 'logistique-urbaine', articles: 5, topKeywords: ['a', 'b', 'c', 'x', 'y'] },
    ]
    expect(codes(assemble({ sources: { themes } }))).not.toContain('DUPLICATE_KEYWORDS')
  })

  it('name the reason of an empty section, and none for a section that was not asked for', () => {
    const skipped = run({ recommendations: [], stages: { ...run().stages, synthesis: 'skipped' } })
    const find = (document: SiteAuditResponse) =>
      document.issues.find((one) => one.code === 'MISSING_OPPORTUNITIES')
    expect(find(assemble({ sources: { run: skipped } }))?.message).toContain('skipped')
    expect(find(assemble({ sources: { run: null } }))?.message).toContain('has not completed')
    expect(
      find(assemble({ sources: { run: null }, options: { includeOpportunities: false } })),
    ).toBeUndefined()
  })

  it('come with the critical ones first', () => {
    const weight = { critical: 0, warning: 1, info: 2 }
    const { issues } = assemble({ sources: { run: null, competitors: [], clientArticles: 1, themes: [] } })
    const order = issues.map((issue) => weight[issue.severity])
    expect(order).toEqual([...order].sort())
    expect(order[0]).toBe(0)
  })
})

describe('labels', () => {
  it('change exactly at their thresholds', () => {
    const confidence = [0.7, 0.69, 0.5, 0.3, 0.15, 0.149, 0]
    expect(confidence.map((score) => labelOf('confidence', score))).toEqual([
      'very high',
      'high',
      'high',
      'medium',
      'low',
      'very low',
      'very low',
    ])
    expect([0.5, 0.35, 0.2, 0.19].map((score) => labelOf('potential', score))).toEqual([
      'very promising',
      'promising',
      'moderate',
      'low',
    ])
    expect([999, 1000, 2000, 2001].map(formatOf)).toEqual(['short', 'medium', 'medium', 'long'])
  })
})
