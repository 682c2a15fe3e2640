import { describe, expect, it } from 'vitest'
import { assemble, at, run, topic } from './document-fixtures.ts'
import { ALL_THERE, executionView, NOW, stepView } from './fixtures.ts'

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
    const cancelled = executionView([failed], { status: 'cancelled', endTime: new Date(NOW) })
    expect(assemble({ moment: { latest: cancelled } }).partial).toBe(true)
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
