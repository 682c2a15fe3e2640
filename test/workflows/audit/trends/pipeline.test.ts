import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RowbeatError } from '../../../../src/core/errors.ts'
import { runTrends, type TrendInput } from '../../../../src/workflows/audit/trends/pipeline.ts'
import { seededRandom } from '../../../../src/workflows/audit/trends/random.ts'
import type { TrendArticle, TrendResult } from '../../../../src/workflows/audit/types.ts'
import { AS_OF, type SampleTopic, sampleArticles, spread } from './sample-corpus.ts'

const RIVALS = ['rival1.test', 'rival2.test', 'rival3.test']
const THEMES = [{ slug: 'seo', label: 'Référencement naturel', keywords: ['balises', 'mots-clés'] }]

function run(articles: readonly TrendArticle[], changes: Partial<TrendInput> = {}): TrendResult {
  return runTrends({
    articles,
    competitorDomains: RIVALS,
    clientDomain: 'client.test',
    themes: THEMES,
    asOf: AS_OF,
    ...changes,
  })
}

/** Three French topics and two English ones on three sites and the client's. */
function market(): TrendArticle[] {
  const of = (topic: SampleTopic, rival: readonly number[], client: readonly number[]): TrendArticle[] => [
    ...RIVALS.flatMap((domain) => sampleArticles({ topic, domain, ages: rival })),
    ...sampleArticles({ topic, domain: 'client.test', role: 'client', ages: client }),
  ]
  return [
    ...of('cybersecurite', [...spread(8, 0.5, 80), ...spread(2, 95, 175)], []),
    ...of('recrutement', spread(7, 200, 400), [250]),
    ...of('referencement', spread(4, 2, 178), spread(9, 2, 178)),
    ...of('logistics', spread(5, 2, 178), []),
    ...of('gardening', spread(4, 2, 178), []),
  ]
}

const MARKET = market()
const RESULT = run(MARKET)
const topicOf = (result: TrendResult, name: SampleTopic): number =>
  result.topics.find(({ articleIds }) => articleIds[0]?.startsWith(name))?.topicId ?? -1

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = seededRandom(seed)
  return items
    .map((item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item)
}

describe('topics of a known market', () => {
  it('finds each subject, in French and in English, and mixes none', () => {
    const subjects = RESULT.topics.map(({ articleIds }) => [
      ...new Set(articleIds.map((id) => id.split('-')[0])),
    ])
    expect(subjects.flat().sort()).toEqual([
      'cybersecurite',
      'gardening',
      'logistics',
      'recrutement',
      'referencement',
    ])
    expect(RESULT.topics.map(({ topicId }) => topicId)).toEqual([0, 1, 2, 3, 4])
    const sizes = RESULT.topics.map(({ size }) => size)
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a))
  })

  it('puts every article in one topic or among the outliers', () => {
    const seen = [
      ...RESULT.topics.flatMap(({ articleIds }) => articleIds),
      ...RESULT.outliers.map((o) => o.articleId),
    ]
    expect(seen.sort()).toEqual(MARKET.map(({ id }) => id).sort())
  })

  it('labels topics with words as people write them', () => {
    const label = RESULT.topics[topicOf(RESULT, 'referencement')]?.label ?? ''
    expect(label).toMatch(
      /référencement naturel|moteur de recherche|SERP|mots-clés|sémantique|maillage interne/i,
    )
    for (const topic of RESULT.topics) {
      expect(topic.label).toMatch(/^\p{Lu}/u)
      expect(topic.label.split(/[\s,]+/).length).toBeLessThanOrEqual(6)
    }
    expect(new Set(RESULT.topics.map((topic) => topic.label)).size).toBe(RESULT.topics.length)
  })

  it('tells what the client writes about from what it does not', () => {
    expect(RESULT.topics[topicOf(RESULT, 'referencement')]?.scope).toBe('core')
    expect(RESULT.topics[topicOf(RESULT, 'gardening')]?.scope).toBe('off_scope')
    const unknown = run(MARKET, { themes: [] })
    expect(new Set(unknown.topics.map(({ scope }) => scope))).toEqual(new Set(['adjacent']))
  })

  it('reads the rising topic as up and the dead one as down, without velocity', () => {
    expect(RESULT.metrics[topicOf(RESULT, 'cybersecurite')]?.trend).toBe('up')
    expect(RESULT.metrics[topicOf(RESULT, 'recrutement')]).toMatchObject({ trend: 'down', velocity: null })
  })

  it('ranks the rising uncovered topic first, and sees where the client leads', () => {
    expect(RESULT.gaps[0]).toMatchObject({
      topicId: topicOf(RESULT, 'cybersecurite'),
      coverage: 0,
      level: 'gap',
    })
    expect(RESULT.strengths.map(({ topicId }) => topicId)).toEqual([topicOf(RESULT, 'referencement')])
    expect(RESULT.roadmap.map(({ topicId }) => topicId)).toEqual(RESULT.gaps.map(({ topicId }) => topicId))
    for (const item of RESULT.roadmap) {
      expect(RESULT.recommendations[item.recommendation]).toMatchObject({
        topicId: item.topicId,
        effort: item.effort,
      })
    }
  })

  it('counts what it returns', () => {
    expect(RESULT.counts).toEqual({
      articles: MARKET.length,
      undated: 0,
      clusters: 5,
      outliers: RESULT.outliers.length,
      recommendations: RESULT.recommendations.length,
      gaps: RESULT.gaps.length,
    })
    expect(RESULT).toMatchObject({ asOf: AS_OF.toISOString(), timeWindowDays: 90 })
  })
})

describe('determinism', () => {
  it('gives the same result for the same articles in any order', () => {
    const input = { competitorDomains: RIVALS.toReversed(), themes: THEMES }
    expect(run(shuffled(MARKET, 1), input)).toEqual(RESULT)
    expect(run(shuffled(MARKET, 2), input)).toEqual(RESULT)
  })

  it('finds the same topics in the same order, whatever ids the articles were stored under', () => {
    const urls = new Map(MARKET.map(({ id, url }) => [id, url]))
    const topicsOf = (result: TrendResult, addresses: ReadonlyMap<string, string>) =>
      result.topics.map(({ articleIds, ...topic }) => ({
        ...topic,
        urls: articleIds.map((id) => addresses.get(id)),
      }))
    for (const seed of [3, 4]) {
      const stored = shuffled(MARKET, seed).map((article, at) => ({ ...article, id: String(at + 1) }))
      const result = run(stored)
      expect(topicsOf(result, new Map(stored.map(({ id, url }) => [id, url])))).toEqual(
        topicsOf(RESULT, urls),
      )
      expect(result.recommendations).toEqual(RESULT.recommendations)
      expect(result.syntheses).toEqual(RESULT.syntheses)
    }
  })

  it('keeps one of several articles with the same id, whatever the order', () => {
    const twin = { ...(MARKET[0] as TrendArticle), title: 'Autre titre', url: 'https://zzz.test/' }
    const first = run([twin, ...MARKET], { skipSynthesis: true })
    expect(run([...MARKET, twin], { skipSynthesis: true })).toEqual(first)
    expect(first.counts.articles).toBe(MARKET.length)
  })
})

describe('small and odd corpora', () => {
  const seo = (count: number, ages = spread(count, 1, 89)): TrendArticle[] =>
    sampleArticles({ topic: 'referencement', domain: 'rival1.test', ages })

  it('refuses fewer than 20 articles, naming both numbers', () => {
    const attempt = (): unknown => run(seo(19))
    expect(attempt).toThrow(RowbeatError)
    expect(attempt).toThrow(/19.*20/)
    expect(attempt).toThrow(expect.objectContaining({ code: 'INSUFFICIENT_ARTICLES' }))
  })

  it('works from 20 articles of two subjects', () => {
    const result = run([
      ...seo(11),
      ...sampleArticles({ topic: 'recrutement', domain: 'rival1.test', ages: spread(9, 1, 89) }),
    ])
    expect(result.topics.map(({ size }) => size)).toEqual([11, 9])
  })

  it('has no velocity and no freshness when nothing is dated', () => {
    const result = run(MARKET.map((article) => ({ ...article, publishedAt: null })))
    expect(result.counts.undated).toBe(MARKET.length)
    expect(result.topics).toHaveLength(5)
    expect(result.metrics).toHaveLength(5)
    for (const metrics of result.metrics) {
      expect(metrics).toMatchObject({ velocity: null, freshness: null, datedArticles: 0, trend: 'stable' })
    }
  })

  it('counts articles dated in the future as undated', () => {
    const tomorrow = { publishedAt: '2025-07-01T12:00:00Z' }
    expect(run(MARKET.map((one, at) => (at < 3 ? { ...one, ...tomorrow } : one))).counts.undated).toBe(3)
  })

  it('finds every topic uncovered when the client wrote nothing', () => {
    const result = run(MARKET.filter(({ role }) => role === 'competitor'))
    expect(result.gaps.map(({ coverage }) => coverage)).toEqual(result.topics.map(() => 0))
    expect(result.strengths).toEqual([])
  })

  it('compares with one competitor, and with none', () => {
    const pair = MARKET.filter(({ domain }) => domain === 'rival1.test' || domain === 'client.test')
    const one = run(pair, { competitorDomains: ['rival1.test', 'never-read.test'] })
    expect(one.gaps.find(({ topicId }) => topicId === topicOf(one, 'recrutement'))?.coverage).toBeCloseTo(
      1 / 7,
      3,
    )
    const none = run(MARKET, { competitorDomains: [] })
    expect(none.gaps.every(({ coverage }) => coverage === 0)).toBe(true)
    expect(none.gaps.map(({ topicId }) => topicId)).not.toContain(topicOf(none, 'recrutement'))
    expect(none.strengths).toEqual([])
  })

  it('tolerates repeated articles: they join their topic and do not raise its coherence', () => {
    const repeats = seo(6).map((article) => ({ ...article, id: `x-${article.id}`, domain: 'copy.test' }))
    const plain = run([
      ...seo(14),
      ...sampleArticles({ topic: 'gardening', domain: 'b.test', ages: spread(9, 1, 80) }),
    ])
    const result = run([
      ...seo(14),
      ...repeats,
      ...sampleArticles({ topic: 'gardening', domain: 'b.test', ages: spread(9, 1, 80) }),
    ])
    expect(result.topics.map(({ size }) => size)).toEqual([20, 9])
    expect(result.topics[0]?.coherence).toBe(plain.topics[0]?.coherence)
  })

  it('finds no topic in 20 copies of one article, and does not fail', () => {
    const [article] = seo(1)
    const copies = Array.from({ length: 20 }, (_, at) => ({ ...(article as TrendArticle), id: `copy-${at}` }))
    const result = run(copies)
    expect(result.topics).toEqual([])
    expect(result.counts.outliers).toBe(20)
  })

  it('says why an article is an outlier', () => {
    const odd = (id: string, text: string): TrendArticle => ({
      ...(MARKET[0] as TrendArticle),
      id,
      text,
      title: id,
    })
    const strange = Array.from({ length: 150 }, (_, at) => `zorglub${at}`).join(' ')
    const result = run([
      ...MARKET,
      odd('empty', ''),
      odd('short', 'Vingt mille lieues.'),
      odd('strange', strange),
    ])
    const category = new Map(result.outliers.map((outlier) => [outlier.articleId, outlier.category]))
    expect(category.get('empty')).toBe('too_short')
    expect(category.get('short')).toBe('too_short')
    expect(category.get('strange')).toBe('too_unique')
  })

  it('survives any text with scores within 0 and 1', () => {
    const anyArticle = fc.record({
      text: fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.lorem({ maxCount: 60 })),
      title: fc.string({ maxLength: 40 }),
      domain: fc.constantFrom('client.test', ...RIVALS),
      language: fc.constantFrom('fr' as const, 'en' as const, null),
      publishedAt: fc.option(
        fc
          .date({ min: new Date('2024-01-01'), max: new Date('2026-01-01'), noInvalidDate: true })
          .map((d) => d.toISOString()),
        { nil: null },
      ),
    })
    fc.assert(
      fc.property(fc.array(anyArticle, { minLength: 20, maxLength: 40 }), (list) => {
        const articles = list.map((one, at): TrendArticle => {
          const role = one.domain === 'client.test' ? 'client' : 'competitor'
          return { ...one, id: String(at), url: `https://${one.domain}/${at}`, role }
        })
        const result = run(articles)
        const shares = [
          ...result.topics.flatMap((topic) => [topic.coherence, ...topic.terms.map(({ score }) => score)]),
          ...result.outliers.map(({ distance }) => distance),
          ...result.metrics.flatMap(({ potential, cohesion, freshness }) => [
            potential,
            cohesion,
            freshness ?? 0,
          ]),
          ...result.syntheses.flatMap(({ opportunities }) =>
            opportunities.flatMap(({ potential, differentiation }) => [potential, differentiation]),
          ),
          ...result.recommendations.map(({ differentiation }) => differentiation),
          ...result.gaps.map(({ priority }) => priority),
        ]
        for (const share of shares) {
          expect(share).toBeGreaterThanOrEqual(0)
          expect(share).toBeLessThanOrEqual(1)
        }
      }),
      { numRuns: 12 },
    )
  })
})

describe('options', () => {
  it('skips synthesis, and still recommends an article for every gap of the roadmap', () => {
    const result = run(MARKET, { skipSynthesis: true })
    expect(result.stages).toMatchObject({ synthesis: 'skipped', gap: 'completed' })
    expect(result.syntheses).toEqual([])
    expect(result.recommendations).toHaveLength(result.gaps.length)
  })

  it('skips gap analysis', () => {
    const result = run(MARKET, { skipGapAnalysis: true })
    expect(result.stages).toMatchObject({ synthesis: 'completed', gap: 'skipped' })
    expect([result.gaps, result.strengths, result.roadmap]).toEqual([[], [], []])
  })

  it('reports every stage up to its end', () => {
    const last = new Map<string, string>()
    run(MARKET, { onStage: (stage, done, total) => last.set(stage, `${done}/${total}`) })
    expect(Object.fromEntries(last)).toEqual({
      clustering: '1/1',
      temporal: '5/5',
      synthesis: '5/5',
      gap: '5/5',
    })
  })

  it('stops when it is told to, with the reason it was given', () => {
    const controller = new AbortController()
    const reason = new Error('cancelled by hand')
    const onStage = (stage: string): void => {
      if (stage === 'temporal') controller.abort(reason)
    }
    expect(() => run(MARKET, { signal: controller.signal, onStage })).toThrowError(reason)
    expect(() => run(MARKET, { signal: AbortSignal.abort(reason) })).toThrowError(reason)
  })

  it('refuses a date or window that cannot be used', () => {
    expect(() => run(MARKET, { asOf: new Date('never') })).toThrowError(/asOf/)
    for (const timeWindowDays of [0, 6, 7.5, 3_651, Number.NaN]) {
      expect(() => run(MARKET, { timeWindowDays })).toThrowError(/timeWindowDays/)
    }
  })
})
