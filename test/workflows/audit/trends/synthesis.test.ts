import { describe, expect, it } from 'vitest'
import { runTrends } from '../../../../src/workflows/audit/trends/pipeline.ts'
import type { TrendArticle, TrendResult } from '../../../../src/workflows/audit/types.ts'
import { AS_OF, type SampleTopic, sampleArticles, spread, VOCABULARY } from './sample-corpus.ts'

const RIVALS = ['rival1.test', 'rival2.test', 'rival3.test', 'rival4.test']

function synthesise(topic: SampleTopic, extra: readonly TrendArticle[]): TrendResult {
  const common = RIVALS.flatMap((domain) => sampleArticles({ topic, domain, ages: spread(5, 1, 89) }))
  const other = sampleArticles({
    topic: topic === 'logistics' ? 'gardening' : 'recrutement',
    domain: 'rival1.test',
    ages: spread(6, 1, 89),
  })
  return runTrends({
    articles: [...common, ...extra, ...other],
    competitorDomains: [...RIVALS, 'rival5.test'],
    clientDomain: 'client.test',
    themes: [],
    asOf: AS_OF,
  })
}

const VOICE = ['recherche vocale']
const RARE = sampleArticles({
  topic: 'referencement',
  domain: 'rival5.test',
  ages: [50, 60],
  also: VOICE,
})
const RESULT = synthesise('referencement', RARE)
const FIRST = RESULT.syntheses[0]

describe('synthesis', () => {
  it('is made of counts and of sentences that stand in the articles', () => {
    const text = FIRST?.synthesis ?? ''
    const intro = /^22 articles de 5 sites sur « [^»]+ »\. /
    expect(FIRST?.method).toBe('extractive')
    expect(text).toMatch(intro)
    const sentences = text.replace(intro, '').split(/(?<=\.) /)
    expect(sentences.length).toBeGreaterThan(1)
    const corpus = [...RARE, ...sampleTexts()].map((article) => article.text).join(' ')
    for (const sentence of sentences) expect(corpus).toContain(sentence)
  })

  it('calls the angles that most competitors use saturated, with their count', () => {
    const angles = FIRST?.saturatedAngles ?? []
    expect(angles).toHaveLength(5)
    const texts = [...RARE, ...sampleTexts()].map(({ text }) => text)
    for (const { angle, frequency, reason } of angles) {
      expect(VOCABULARY.referencement.some((subject) => subject.includes(angle))).toBe(true)
      expect(frequency).toBe(texts.filter((text) => text.includes(angle)).length)
      expect(reason).toContain(`${frequency} des 22 articles`)
    }
    expect(angles.map(({ angle }) => angle).join(' ')).not.toContain('vocal')
  })

  it('offers what few sources use, with its difference from the rest', () => {
    const found = FIRST?.opportunities.find(({ angle }) => angle.includes('vocal'))
    expect(found?.differentiation).toBeCloseTo(0.8 * (4 / 5) + 0.2, 4)
  })

  it('recommends articles with real numbers and ordered sections', () => {
    const article = RESULT.recommendations.find(({ title }) => title.toLowerCase().includes('vocal'))
    expect(article?.hook).toContain('2 des 22 articles')
    expect(article?.hook).toContain('1 des 5 sites')
    expect(article?.hook).toContain('Aucun article du site audité')
    expect(Object.keys(article?.outline ?? {})[0]).toBe('section_1')
  })

  it('sees an angle rise when recent articles take it up', () => {
    const recent = RIVALS.flatMap((domain) =>
      sampleArticles({
        topic: 'referencement',
        domain,
        ages: [3.3, 6.6],
        also: VOICE,
      }).map((article) => ({ ...article, id: `new-${article.id}` })),
    )
    const rising = synthesise('referencement', recent)
    const article = rising.recommendations.find(({ title }) => title.includes('progression'))
    expect(article?.title.toLowerCase()).toMatch(/vocal|orale/)
    const holders = recent.filter(({ text }) => text.includes('recherche vocale')).length
    expect(article?.hook).toContain(
      `Sur 90 jours : ${holders} articles dans la seconde moitié, contre 0 dans la première`,
    )
  })

  it('writes in English for an English corpus', () => {
    const result = synthesise('logistics', [])
    expect(result.syntheses[0]?.synthesis).toMatch(/^20 articles from 4 sites on “/)
    expect(result.gaps[0]?.diagnostic).toContain('0 articles on the audited site')
  })
})

function sampleTexts(): TrendArticle[] {
  return RIVALS.flatMap((domain) =>
    sampleArticles({ topic: 'referencement', domain, ages: spread(5, 1, 89) }),
  )
}
