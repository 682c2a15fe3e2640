import { describe, expect, it } from 'vitest'
import { joinCandidates, mergeHits, namedCandidate } from '../../../../src/workflows/audit/search/merge.ts'
import { hit } from './fakes.ts'

describe('mergeHits', () => {
  it('makes one candidate per registrable domain and keeps every query, engine and rank', () => {
    const [only, ...others] = mergeHits(
      [
        {
          query: 'q1',
          hits: [
            hit('https://blog.rival.fr/a', 4, { title: 'A', snippet: 'un', engine: 'bing,google' }),
            hit('https://www.rival.fr/', 2, { title: 'Rival', snippet: 'deux', engine: 'google' }),
          ],
        },
        { query: 'q2', hits: [hit('https://www.rival.fr/b', 7, { snippet: 'un', engine: 'bing' })] },
      ],
      'client.fr',
    )
    expect(others).toEqual([])
    expect(only).toEqual({
      domain: 'rival.fr',
      hosts: ['blog.rival.fr', 'www.rival.fr'],
      title: 'Rival',
      snippet: 'deux … un',
      sources: [
        { query: 'q1', engine: 'google', rank: 2 },
        { query: 'q1', engine: 'bing', rank: 4 },
        { query: 'q2', engine: 'bing', rank: 7 },
      ],
      documentsOnly: false,
    })
  })

  it("drops the client's own hosts and addresses without a domain", () => {
    const hits = [
      'https://client.fr/',
      'https://shop.client.fr/',
      'http://10.1.2.3/',
      'nonsense',
      'https://localhost/',
    ]
    expect(
      mergeHits([{ query: 'q', hits: hits.map((url, index) => hit(url, index + 1)) }], 'www.client.fr'),
    ).toEqual([])
  })

  it('marks a site of which only documents were found', () => {
    const answers = [
      {
        query: 'q',
        hits: [hit('https://a.fr/x.PDF?dl=1', 1), hit('https://b.fr/x.pdf', 2), hit('https://b.fr/', 3)],
      },
    ]
    expect(
      mergeHits(answers, 'client.fr').map(({ domain, documentsOnly }) => [domain, documentsOnly]),
    ).toEqual([
      ['a.fr', true],
      ['b.fr', false],
    ])
  })

  it('lists candidates by name, whatever the order of hits', () => {
    const hits = ['https://c.fr/', 'https://a.fr/', 'https://b.fr/'].map((url, index) => hit(url, index + 1))
    const merge = (list: typeof hits) => mergeHits([{ query: 'q', hits: list }], 'client.fr')
    expect(merge(hits).map(({ domain }) => domain)).toEqual(['a.fr', 'b.fr', 'c.fr'])
    expect(merge([...hits].reverse())).toEqual(merge(hits))
  })

  it('bounds sources and snippets', () => {
    const answers = Array.from({ length: 300 }, (_, index) => ({
      query: `q${index}`,
      hits: [hit('https://a.fr/', 1, { snippet: `${index}`.repeat(200) })],
    }))
    const [candidate] = mergeHits(answers, 'client.fr')
    expect(candidate?.sources).toHaveLength(100)
    expect(candidate?.snippet.length).toBeLessThanOrEqual(2_000)
  })
})

describe('joinCandidates', () => {
  it('keeps the sources of both under the domain redirected to', () => {
    const [old] = mergeHits(
      [{ query: 'q', hits: [hit('https://old.fr/', 3, { title: 'Old' })] }],
      'client.fr',
    )
    expect(old).toBeDefined()
    if (old === undefined) return
    const joined = joinCandidates(old, namedCandidate('new.fr'))
    expect(joined).toMatchObject({ domain: 'new.fr', hosts: ['new.fr'], title: 'Old', sources: old.sources })
    expect(joinCandidates(old, old).sources).toEqual(old.sources)
  })
})
