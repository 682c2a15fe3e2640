import { describe, expect, it } from 'vitest'
import { planRoadmap, tierOf } from '../../../../src/workflows/audit/trends/roadmap.ts'
import type { Effort, Gap, Recommendation } from '../../../../src/workflows/audit/types.ts'

function gap(topicId: number, priority: number): Gap {
  return {
    topicId,
    coverage: 0,
    level: 'gap',
    priority,
    diagnostic: '',
    opportunity: '',
    risk: 'low',
    riskAssessment: '',
  }
}

function recommendation(topicId: number, effort: Effort = 'medium'): Recommendation {
  return { topicId, title: `Article ${topicId}`, hook: '', outline: {}, effort, differentiation: 0.5 }
}

const recommend = ({ topicId }: Gap): Recommendation => recommendation(topicId)

describe('roadmap', () => {
  it('holds 7 high, 10 medium and 8 low items at most', () => {
    const gaps = Array.from({ length: 60 }, (_, at) => gap(at, [0.8, 0.5, 0.2][at % 3] ?? 0))
    const { roadmap } = planRoadmap(gaps, [], recommend)
    expect(roadmap).toHaveLength(25)
    expect(roadmap.map(({ order }) => order)).toEqual(Array.from({ length: 25 }, (_, at) => at + 1))
    const count = (tier: string): number => roadmap.filter((item) => item.tier === tier).length
    expect([count('high'), count('medium'), count('low')]).toEqual([7, 10, 8])
  })

  it('puts tier borders at .7 and .4', () => {
    expect([0.7, 0.6999, 0.4, 0.3999].map(tierOf)).toEqual(['high', 'medium', 'medium', 'low'])
  })

  it('gives a gap without a recommendation one, and keeps the index of those that exist', () => {
    const existing = [recommendation(9), recommendation(1), recommendation(1)]
    const { roadmap, recommendations } = planRoadmap([gap(1, 0.9), gap(2, 0.8)], existing, recommend)
    expect(recommendations).toHaveLength(4)
    expect(roadmap.map(({ topicId, recommendation: at }) => [topicId, at])).toEqual([
      [1, 1],
      [2, 3],
    ])
    for (const item of roadmap) expect(recommendations[item.recommendation]?.topicId).toBe(item.topicId)
  })

  it('orders by priority, and only lets wanted efforts break a tie', () => {
    const efforts: Effort[] = ['easy', 'easy', 'medium', 'complex']
    const recommendations = efforts.map((effort, topicId) => recommendation(topicId, effort))
    const tied = planRoadmap(
      [0, 1, 2, 3].map((id) => gap(id, 0.5)),
      recommendations,
      recommend,
    )
    expect(tied.roadmap.map(({ effort }) => effort)).toEqual(['medium', 'easy', 'complex', 'easy'])
    const apart = planRoadmap(
      [0, 1, 2, 3].map((id) => gap(id, 0.6 - id / 20)),
      recommendations,
      recommend,
    )
    expect(apart.roadmap.map(({ topicId }) => topicId)).toEqual([0, 1, 2, 3])
  })

  it('is empty without gaps', () => {
    expect(planRoadmap([], [recommendation(0)], recommend)).toEqual({
      roadmap: [],
      recommendations: [recommendation(0)],
    })
  })
})
