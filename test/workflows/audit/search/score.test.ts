import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Evidence,
  isCrossSource,
  isGoodEnough,
  isSameMarket,
  relevanceOf,
  scoreCandidate,
} from '../../../../src/workflows/audit/search/score.ts'
import { similarities } from '../../../../src/workflows/audit/search/similarity.ts'
import { makeProfile } from './fakes.ts'

const NOTHING: Evidence = {
  relevance: 0,
  similarity: 0,
  crossSource: false,
  sameMarket: false,
  enriched: false,
  penalty: 0,
}

function source(query: string, rank: number, engine = 'a') {
  return { query, rank, engine }
}

describe('scoreCandidate', () => {
  it.each([
    ['nothing', {}, 0, 0],
    ['relevance', { relevance: 1 }, 0.5, 0.4],
    ['similarity', { similarity: 1 }, 0.25, 0.2],
    ['more than one source', { crossSource: true }, 0.15, 0.2],
    ['the same market', { sameMarket: true }, 0.1, 0.1],
    ['a home page that was read', { enriched: true }, 0, 0.1],
    ['a directory', { relevance: 1, penalty: 0.3 }, 0.2, 0.4],
    ['a sale of businesses', { relevance: 1, penalty: 0.4 }, 0.1, 0.4],
    ['a penalty larger than the score', { similarity: 0.4, penalty: 0.4 }, 0, 0.08],
    [
      'everything',
      { relevance: 1, similarity: 1, crossSource: true, sameMarket: true, enriched: true },
      1,
      1,
    ],
  ])('counts %s', (_, evidence, combined, confidence) => {
    expect(scoreCandidate({ ...NOTHING, ...evidence })).toMatchObject({ combined, confidence })
  })

  it('stays within 0 and 1 whatever it is told', () => {
    const number = fc.double({ min: -5, max: 5, noNaN: false })
    fc.assert(
      fc.property(
        number,
        number,
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom(0, 0.3, 0.4),
        (...told) => {
          const [relevance, similarity, crossSource, sameMarket, enriched, penalty] = told
          const scores = scoreCandidate({ relevance, similarity, crossSource, sameMarket, enriched, penalty })
          return Object.values(scores).every((score) => score >= 0 && score <= 1)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('keeps at .35 and not below, of both scores', () => {
    const scores = { relevance: 0, similarity: 0, combined: 0.35, confidence: 0.35 }
    expect(isGoodEnough(scores)).toBe(true)
    expect(isGoodEnough({ ...scores, combined: 0.3499 })).toBe(false)
    expect(isGoodEnough({ ...scores, confidence: 0.3499 })).toBe(false)
  })
})

describe('relevanceOf', () => {
  it('is full for who leads three queries, or every one of fewer', () => {
    expect(relevanceOf([source('q1', 1), source('q2', 1), source('q3', 1)], 12)).toBe(1)
    expect(relevanceOf([source('q1', 1)], 1)).toBe(1)
    expect(relevanceOf([source('q1', 1)], 12)).toBeCloseTo(1 / 3)
  })

  it('falls with the rank and counts the best rank of a query once', () => {
    expect(relevanceOf([source('q1', 3)], 1)).toBeCloseTo(0.5)
    expect(relevanceOf([source('q1', 3), source('q1', 1, 'b'), source('q1', 9, 'c')], 1)).toBe(1)
    expect(relevanceOf([source('q1', 20)], 1)).toBeLessThan(relevanceOf([source('q1', 2)], 1))
  })

  it('is 0 for a site no query found', () => {
    expect(relevanceOf([], 12)).toBe(0)
    expect(relevanceOf([], 0)).toBe(0)
  })
})

describe('the cross-source bonus', () => {
  it('needs two queries or two engines', () => {
    expect(isCrossSource([])).toBe(false)
    expect(isCrossSource([source('q1', 1)])).toBe(false)
    expect(isCrossSource([source('q1', 1), source('q2', 8)])).toBe(true)
    expect(isCrossSource([source('q1', 1, 'a'), source('q1', 1, 'b')])).toBe(true)
  })
})

describe('the market bonus', () => {
  const client = { clientDomain: 'client.fr', clientLanguage: 'fr' } as const

  it('is given for the same country by name', () => {
    expect(isSameMarket({ ...client, domain: 'rival.fr', language: null })).toBe(true)
    expect(isSameMarket({ ...client, domain: 'rival.bzh', language: null })).toBe(true)
  })

  it('is given for the same language where a name says no country', () => {
    expect(isSameMarket({ ...client, domain: 'rival.com', language: 'fr' })).toBe(true)
    expect(isSameMarket({ ...client, clientDomain: 'client.test', domain: 'rival.fr', language: 'fr' })).toBe(
      true,
    )
  })

  it('is not given without evidence, or against it', () => {
    expect(isSameMarket({ ...client, domain: 'rival.com', language: null })).toBe(false)
    expect(isSameMarket({ ...client, domain: 'rival.com', language: 'en' })).toBe(false)
    expect(isSameMarket({ ...client, domain: 'rival.be', language: 'fr' })).toBe(false)
    expect(
      isSameMarket({ domain: 'a.com', language: null, clientDomain: 'b.com', clientLanguage: null }),
    ).toBe(false)
  })
})

describe('similarities', () => {
  it('put a rival above a stranger, and an empty text at 0', () => {
    const found = similarities(makeProfile(), [
      {
        domain: 'rival.fr',
        text: 'Notre flotte de vélos cargo assure la livraison du dernier kilomètre en ville.',
      },
      { domain: 'stranger.fr', text: 'Recettes de cuisine italienne, pâtes fraîches et desserts de saison.' },
      { domain: 'empty.fr', text: '' },
    ])
    expect(found.get('rival.fr')).toBeGreaterThan(0.3)
    expect(found.get('stranger.fr')).toBeLessThan(0.05)
    expect(found.get('empty.fr')).toBe(0)
  })

  it('are 0 for a profile without terms', () => {
    const profile = makeProfile({ themes: [], keywords: [], language: null })
    expect(similarities(profile, [{ domain: 'a.fr', text: 'vélo' }]).get('a.fr')).toBe(0)
  })
})
