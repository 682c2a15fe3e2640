import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildVectors, cosine } from '../../../../src/workflows/audit/text/vectors.ts'
import { clusterTopics, minTopicSize } from '../../../../src/workflows/audit/trends/clusters.ts'
import { findCommunities, largestShareAllowed } from '../../../../src/workflows/audit/trends/communities.ts'
import { readCorpus } from '../../../../src/workflows/audit/trends/corpus.ts'
import { nearestNeighbours } from '../../../../src/workflows/audit/trends/neighbours.ts'
import { seededRandom } from '../../../../src/workflows/audit/trends/random.ts'
import { withoutRepeatedParagraphs } from '../../../../src/workflows/audit/trends/repeated-paragraphs.ts'
import {
  driftWithin,
  meanPairwiseCosine,
  sumVectors,
} from '../../../../src/workflows/audit/trends/vector-sums.ts'
import { AS_OF, sampleArticles, spread } from './sample-corpus.ts'

const anyVectors = fc
  .array(fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { maxLength: 8 }), {
    minLength: 2,
    maxLength: 12,
  })
  .map((docs) => [...buildVectors(docs.map((terms, at) => ({ id: String(at), terms }))).vectors.values()])

describe('nearest neighbours', () => {
  it('are those that comparing all pairs gives', () => {
    fc.assert(
      fc.property(anyVectors, (vectors) => {
        const found = nearestNeighbours(vectors, { limit: 3, minCosine: 0.1 })
        vectors.forEach((vector, self) => {
          const expected = vectors
            .map((other, index) => ({ index, cosine: cosine(vector, other) }))
            .filter(({ index, cosine: near }) => index !== self && near >= 0.1)
            .sort((a, b) => b.cosine - a.cosine || a.index - b.index)
            .slice(0, 3)
          const nearness = (list: readonly { cosine: number }[]): number[] =>
            list.map((one) => Math.round(one.cosine * 1e9))
          expect(nearness(found[self] ?? [])).toEqual(nearness(expected))
        })
      }),
      { numRuns: 60 },
    )
  })
})

describe('communities', () => {
  const asFound = <T>(groups: T): T => groups
  const clique = (from: number, size: number, bridge: number | null) =>
    Array.from({ length: size }, (_, at) => [
      ...Array.from({ length: size }, (_, other) => ({ index: from + other, cosine: 0.8 })).filter(
        ({ index }) => index !== from + at,
      ),
      ...(at === 0 && bridge !== null ? [{ index: bridge, cosine: 0.1 }] : []),
    ])

  it('are the dense parts of the graph', () => {
    const { groups } = findCommunities(
      [...clique(0, 5, 5), ...clique(5, 5, null), ...clique(10, 5, null)],
      3,
      asFound,
    )
    expect(groups.map((group) => [...group])).toEqual([
      [0, 1, 2, 3, 4],
      [5, 6, 7, 8, 9],
      [10, 11, 12, 13, 14],
    ])
  })

  it('are single articles where nothing is near anything', () => {
    expect(findCommunities([[], [], []], 3, asFound).groups).toEqual([[0], [1], [2]])
  })

  it('may be large in a small corpus and not in a large one', () => {
    expect(largestShareAllowed(20)).toBe(0.6)
    expect(largestShareAllowed(2_000)).toBe(0.25)
  })

  it('ask for more articles per topic in a larger corpus', () => {
    expect([20, 300, 700, 2_100, 50_000].map(minTopicSize)).toEqual([3, 3, 5, 9, 10])
  })
})

describe('sums of vectors', () => {
  it('give the mean cosine over all pairs', () => {
    fc.assert(
      fc.property(anyVectors, (all) => {
        const vectors = all.filter(({ indices }) => indices.length > 0)
        if (vectors.length < 2) return
        let total = 0
        vectors.forEach((a, at) => {
          for (const b of vectors.slice(at + 1)) total += cosine(a, b)
        })
        const mean = total / ((vectors.length * (vectors.length - 1)) / 2)
        expect(meanPairwiseCosine(sumVectors(vectors))).toBeCloseTo(mean, 9)
      }),
      { numRuns: 60 },
    )
  })

  it('do not see drift where a part was drawn from the whole', () => {
    const random = seededRandom(7)
    const docs = Array.from({ length: 60 }, (_, at) => ({
      id: String(at),
      terms: Array.from({ length: 60 }, () => `t${Math.floor(random() ** 2 * 120)}`),
    }))
    const vectors = [...buildVectors(docs).vectors.values()]
    expect(driftWithin(sumVectors(vectors.slice(0, 10)), sumVectors(vectors))).toBeLessThan(0.1)
  })
})

describe('languages', () => {
  const names = ['Kubernetes', 'Terraform', 'Grafana', 'Prometheus', 'Helm', 'OpenTelemetry']

  it('stay apart without shared terms', () => {
    const { profiles } = clusterTopics(
      readCorpus(
        [
          ...sampleArticles({ topic: 'recrutement', domain: 'a.test', ages: spread(10, 1, 80) }),
          ...sampleArticles({ topic: 'gardening', domain: 'b.test', ages: spread(10, 1, 80) }),
        ],
        AS_OF.getTime(),
      ),
      [],
    )
    expect(profiles.map(({ topic }) => topic.size)).toEqual([10, 10])
  })

  it('meet in one topic when their articles share names', () => {
    const french = sampleArticles({
      topic: 'recrutement',
      domain: 'a.test',
      ages: spread(10, 1, 80),
      also: [...names, ...names, ...names, ...names],
      sentences: 30,
    })
    const english = sampleArticles({
      topic: 'gardening',
      domain: 'b.test',
      ages: spread(10, 1, 80),
      also: [...names, ...names, ...names, ...names],
      sentences: 30,
    })
    const plain = sampleArticles({ topic: 'cybersecurite', domain: 'a.test', ages: spread(10, 1, 80) })
    const { profiles } = clusterTopics(readCorpus([...french, ...english, ...plain], AS_OF.getTime()), [])
    const mixed = profiles.find(({ topic }) => topic.articleIds.some((id) => id.startsWith('gardening')))
    expect(mixed?.topic.articleIds.filter((id) => id.startsWith('recrutement'))).toHaveLength(10)
    expect(mixed?.topic.label).toMatch(/Kubernetes|Terraform|Grafana|Prometheus|Helm|OpenTelemetry/)
  })
})

describe('repeated paragraphs', () => {
  const call = 'Contactez notre équipe pour un devis gratuit.'
  const body = (at: number): string =>
    `Un paragraphe qui ne se trouve que dans le texte numéro ${at}, et nulle part.`

  it('are taken out where a site prints them under its articles', () => {
    const articles = [1, 2, 3, 4].map((at) => ({ domain: 'a.test', text: `${body(at)}\n\n${call}` }))
    expect(withoutRepeatedParagraphs(articles)).toEqual([1, 2, 3, 4].map(body))
  })

  it('stay when they are rare, of another site, or most of the article', () => {
    const rare = [1, 2, 3].map((at) => ({
      domain: 'a.test',
      text: at < 3 ? `${body(at)}\n\n${call}` : body(at),
    }))
    expect(withoutRepeatedParagraphs(rare)).toEqual(rare.map(({ text }) => text))
    const spreadOut = ['a.test', 'b.test', 'c.test'].map((domain, at) => ({
      domain,
      text: `${body(at)}\n\n${call}`,
    }))
    expect(withoutRepeatedParagraphs(spreadOut)).toEqual(spreadOut.map(({ text }) => text))
    const mostly = [1, 2, 3].map((at) => ({ domain: 'a.test', text: `${at}\n\n${call}` }))
    expect(withoutRepeatedParagraphs(mostly)).toEqual(mostly.map(({ text }) => text))
  })

  it('do not count exact copies of one article as different texts', () => {
    const copies = [1, 2, 3].map(() => ({ domain: 'a.test', text: `${body(1)}\n\n${call}` }))
    expect(withoutRepeatedParagraphs(copies)).toEqual(copies.map(({ text }) => text))
  })
})
