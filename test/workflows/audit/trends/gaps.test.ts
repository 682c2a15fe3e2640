import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  assessCoverage,
  coverageOf,
  levelOf,
  priorityOf,
  riskOf,
  type TopicStanding,
} from '../../../../src/workflows/audit/trends/gaps.ts'
import type { TopicMetrics } from '../../../../src/workflows/audit/types.ts'

function standing(
  topicId: number,
  counts: Partial<TopicStanding['counts']>,
  metrics: Partial<TopicMetrics> = {},
): TopicStanding {
  return {
    topic: { topicId, label: `Sujet ${topicId}` },
    metrics: { velocity: 0, potential: 0.4, trend: 'stable', ...metrics },
    counts: {
      label: `Sujet ${topicId}`,
      articles: 20,
      domains: 5,
      clientArticles: 0,
      competitorArticles: 20,
      sources: 4,
      competitors: 4,
      ...counts,
    },
    angle: null,
  }
}

describe('coverage', () => {
  it('is client articles over mean articles per competitor', () => {
    expect(coverageOf({ clientArticles: 3, competitorArticles: 24, competitors: 4 })).toBe(0.5)
    expect(coverageOf({ clientArticles: 6, competitorArticles: 4, competitors: 2 })).toBe(3)
  })

  it('is 1 with client articles and 0 without when there is no competitor to compare with', () => {
    expect(coverageOf({ clientArticles: 7, competitorArticles: 0, competitors: 0 })).toBe(1)
    expect(coverageOf({ clientArticles: 0, competitorArticles: 0, competitors: 0 })).toBe(0)
    expect(coverageOf({ clientArticles: 2, competitorArticles: 0, competitors: 3 })).toBe(1)
  })

  it('has four levels with closed lower bounds', () => {
    expect([0.8, 0.79, 0.5, 0.49, 0.2, 0.19, 0].map(levelOf)).toEqual([
      'excellent',
      'good',
      'good',
      'weak',
      'weak',
      'gap',
      'gap',
    ])
  })
})

describe('priority and risk', () => {
  it('weighs missing coverage, potential, velocity, sources and effort', () => {
    expect(priorityOf({ coverage: 0, potential: 1, velocity: 1, sources: 10 })).toBe(0.95)
    expect(priorityOf({ coverage: 2, potential: 0, velocity: null, sources: 0 })).toBe(0.05)
  })

  it('stays within 0 and 1 for any facts', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.option(fc.double({ min: -1, max: 1e6, noNaN: true }), { nil: null }),
        fc.nat(1_000),
        (coverage, potential, velocity, sources) => {
          const priority = priorityOf({ coverage, potential, velocity, sources })
          expect(priority).toBeGreaterThanOrEqual(0)
          expect(priority).toBeLessThanOrEqual(1)
        },
      ),
    )
  })

  it('is high only when hardly covered, rising fast and shared by five sources', () => {
    const rising = { velocity: 0.6, potential: 0.5, trend: 'up' } as const
    expect(riskOf(0.05, rising, 5)).toBe('high')
    expect(riskOf(0.05, rising, 4)).toBe('medium')
    expect(riskOf(0.2, rising, 9)).toBe('medium')
    expect(riskOf(0.35, rising, 9)).toBe('low')
    expect(riskOf(0, { velocity: null, potential: 0.5, trend: 'stable' }, 9)).toBe('low')
  })
})

describe('assessment', () => {
  it('sorts gaps by priority and strengths by advantage, and leaves good coverage out of both', () => {
    const { gaps, strengths } = assessCoverage(
      [
        standing(0, { clientArticles: 2 }),
        standing(1, {}, { potential: 0.9 }),
        standing(2, { clientArticles: 5 }),
        standing(3, { clientArticles: 10 }),
        standing(4, { clientArticles: 20 }),
      ],
      'fr',
    )
    expect(gaps.map(({ topicId, level }) => [topicId, level])).toEqual([
      [1, 'gap'],
      [0, 'weak'],
    ])
    expect(strengths.map(({ topicId, advantage }) => [topicId, advantage])).toEqual([
      [4, 3],
      [3, 1],
    ])
  })

  it('states the counts it rests on, in the language asked for', () => {
    const french = assessCoverage([standing(0, { clientArticles: 1, sources: 3 })], 'fr').gaps[0]
    expect(french?.diagnostic).toContain('1 article sur le site audité contre 20 articles chez 3 des 4')
    expect(french?.diagnostic).toContain('20 %')
    const english = assessCoverage([standing(0, { clientArticles: 1, sources: 3 })], 'en').gaps[0]
    expect(english?.diagnostic).toContain('1 article on the audited site against 20 articles from 3 of 4')
  })

  it('does not claim that a rising topic is not rising', () => {
    const gap = assessCoverage([standing(0, { clientArticles: 2 }, { trend: 'up', velocity: 0.4 })], 'en')
      .gaps[0]
    expect(gap).toMatchObject({ risk: 'low', riskAssessment: expect.stringContaining('is rising') })
  })
})
