import { describe, expect, it } from 'vitest'
import { RowbeatError } from '../../../../src/core/errors.ts'
import { createSearchProvider } from '../../../../src/workflows/audit/search/provider.ts'
import { createSearxng } from '../../../../src/workflows/audit/search/searxng.ts'
import { type FakeAnswer, fakeOutbound, rejection } from './fakes.ts'

const SEARCH = 'https://search.test/find/search'
const OPTIONS = { language: 'fr', country: 'FR', signal: new AbortController().signal } as const

function ask(answer: FakeAnswer | Error) {
  return createSearxng(fakeOutbound({ [SEARCH]: answer }), 'https://search.test/find/').search(
    'vélo cargo',
    OPTIONS,
  )
}

function json(value: unknown): FakeAnswer {
  return { body: JSON.stringify(value), contentType: 'application/json' }
}

describe('the SearXNG provider', () => {
  it('asks for general JSON results in the language and country of the client', async () => {
    const outbound = fakeOutbound({ [SEARCH]: json({ results: [] }) })
    const provider = createSearxng(outbound, ' https://search.test/find/ ')
    await provider.search('vélo & cargo', OPTIONS)
    await provider.search('bike', { ...OPTIONS, language: null })
    const [first, second] = outbound.requests.map(({ url }) => new URL(url))
    expect(Object.fromEntries(first?.searchParams ?? [])).toEqual({
      q: 'vélo & cargo',
      format: 'json',
      language: 'fr-FR',
      pageno: '1',
      categories: 'general',
    })
    expect(first?.pathname).toBe('/find/search')
    expect(second?.searchParams.get('language')).toBe('all')
    expect(outbound.requests[0]?.signal).toBe(OPTIONS.signal)
  })

  it('gives hits with rank, tidy texts and every engine', async () => {
    const hits = await ask(
      json({
        results: [
          {
            url: 'https://rival.fr/',
            title: ' Rival\n Cargo ',
            content: 'Des vélos',
            engine: 'b',
            engines: ['b', 'a', 'b'],
          },
          { url: 'https://autre.fr/', title: 'Autre', content: null, engine: 'c', score: 2 },
        ],
      }),
    )
    expect(hits).toEqual([
      { url: 'https://rival.fr/', title: 'Rival Cargo', snippet: 'Des vélos', rank: 1, engine: 'a,b' },
      { url: 'https://autre.fr/', title: 'Autre', snippet: '', rank: 2, engine: 'c' },
    ])
  })

  it('leaves out bad results and keeps the rank of the others', async () => {
    const results = [
      null,
      { url: 'javascript:alert(1)' },
      { title: 'no address' },
      { url: 'https://rival.fr/' },
    ]
    expect(await ask(json({ results }))).toEqual([
      { url: 'https://rival.fr/', title: '', snippet: '', rank: 4, engine: 'searxng' },
    ])
  })

  it('gives at most 20 hits, with bounded texts', async () => {
    const results = Array.from({ length: 100 }, (_, index) => ({
      url: `https://site${index}.fr/`,
      title: 'x'.repeat(5_000),
      content: 'y'.repeat(50_000),
      engines: Array.from({ length: 40 }, (_, engine) => `engine${engine}`),
    }))
    const hits = await ask(json({ results }))
    expect(hits).toHaveLength(20)
    expect(hits[0]?.title).toHaveLength(300)
    expect(hits[0]?.snippet).toHaveLength(1_000)
    expect(hits[0]?.engine.split(',')).toHaveLength(5)
  })

  it.each([
    [403, 'PROVIDER_NOT_CONFIGURED', 'search.formats: json'],
    [401, 'PROVIDER_NOT_CONFIGURED', 'SEARXNG_URL'],
    [404, 'PROVIDER_NOT_CONFIGURED', 'SEARXNG_URL'],
    [429, 'RATE_LIMIT_EXCEEDED', '429'],
    [400, 'UPSTREAM_REJECTED', '400'],
    [502, 'UPSTREAM_ERROR', '502'],
  ])('answers status %i with %s', async (status, code, words) => {
    const error = await rejection(ask({ status, headers: { 'retry-after': '17' } }))
    expect(error).toBeInstanceOf(RowbeatError)
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) })
    expect((error as RowbeatError).retryAfterSeconds).toBe(status === 429 ? 17 : undefined)
  })

  it.each([
    ['a page instead of JSON', { body: '<html>hello</html>' }],
    ['cut JSON', { body: '{"results": [' }],
    ['an empty body', { body: '' }],
    ['JSON of another kind', json({ hits: [] })],
    ['a bare list', json([])],
    ['null', json(null)],
    ['results without a web address', json({ results: [{ url: 'mailto:a@b.fr' }] })],
    [
      'silence of the engines',
      json({ results: [], unresponsive_engines: [['bing', 'timeout'], 'google', 3] }),
    ],
  ])('answers %s with UPSTREAM_ERROR', async (_, answer) => {
    expect(await rejection(ask(answer))).toMatchObject({ code: 'UPSTREAM_ERROR' })
  })

  it('finds nothing without an error when the engines did answer', async () => {
    expect(await ask(json({ results: [], unresponsive_engines: [] }))).toEqual([])
  })

  it('uses what came although some engines were silent', async () => {
    const answer = json({
      results: [{ url: 'https://rival.fr/' }],
      unresponsive_engines: [['bing', 'timeout']],
    })
    expect(await ask(answer)).toHaveLength(1)
  })

  it('passes errors of the network on', async () => {
    const error = new RowbeatError('UPSTREAM_TIMEOUT', 'slow')
    expect(await rejection(ask(error))).toBe(error)
  })
})

describe('createSearchProvider', () => {
  const outbound = fakeOutbound({})

  it('gives the provider that is asked for, and null for none', () => {
    const searxng = createSearchProvider({ provider: 'searxng', searxngUrl: 'http://search.test' }, outbound)
    expect(searxng?.name).toBe('searxng')
    expect(createSearchProvider({ provider: 'none', searxngUrl: 'http://search.test' }, outbound)).toBeNull()
  })

  it.each([null, ' ', 'search.test', 'ftp://search.test'])('refuses the address %j', (searxngUrl) => {
    expect(() => createSearchProvider({ provider: 'searxng', searxngUrl }, outbound)).toThrow(
      expect.objectContaining({ code: 'PROVIDER_NOT_CONFIGURED' }),
    )
  })
})
