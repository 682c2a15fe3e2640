import { describe, expect, it } from 'vitest'
import { matchTerms, type TopicRow } from '../../../../src/workflows/audit/store.ts'
import { assemble, run, topic } from '../document-fixtures.ts'

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
