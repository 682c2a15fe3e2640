import { getDomain } from 'tldts'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { loadContent } from '../../demo/content.ts'
import { buildSearch } from '../../demo/search-answer.ts'
import { foldedWords, type SearchDocument, searchOver } from '../../demo/search-index.ts'
import { OUTSIDER_DOCUMENTS } from '../../demo/search-outsiders.ts'
import { buildSite } from '../../demo/site.ts'
import { excludeReason } from '../../src/workflows/audit/search/exclusions.ts'

const asOf = new Date('2026-05-20T10:00:00Z')
const documents = loadContent().flatMap((content) => buildSite(content, asOf).documents)
const { queries } = buildSearch(documents, asOf)

const SearxngAnswer = z.strictObject({
  query: z.string(),
  results: z.array(
    z.strictObject({
      url: z.url(),
      title: z.string().min(1),
      content: z.string().min(1),
      engine: z.enum(['demo-a', 'demo-b']),
      engines: z.array(z.enum(['demo-a', 'demo-b'])).min(1),
      positions: z.array(z.number().int().min(1)).min(1),
      score: z.number().positive(),
      category: z.literal('general'),
      publishedDate: z.iso.datetime().nullable(),
    }),
  ),
  answers: z.tuple([]),
  corrections: z.tuple([]),
  infoboxes: z.tuple([]),
  suggestions: z.tuple([]),
  unresponsive_engines: z.tuple([]),
})

function ask(parameters: Record<string, string>) {
  const answer = queries.get('/search')?.(new URLSearchParams(parameters))
  if (answer === undefined) throw new Error('there is no /search')
  return answer
}

function resultsOf(parameters: Record<string, string>) {
  const answer = ask({ format: 'json', ...parameters })
  return SearxngAnswer.parse(JSON.parse(answer.body.toString('utf8'))).results
}

describe('the search endpoint', () => {
  it('answers in the shape of SearXNG with the client, every competitor and results to exclude', () => {
    const hosts = resultsOf({ q: 'vélo cargo livraison entreprise' }).map(({ url }) => new URL(url).host)
    expect(hosts).toEqual(
      expect.arrayContaining([
        'atelier-velo.test',
        'cyclo-fret.test',
        'last-mile-works.test',
        'roue-libre-pro.test',
        'fr.wikipedia.org',
        'fr.indeed.com',
        'www.linkedin.com',
      ]),
    )
  })

  it('ranks by relevance and folds accents, case and plurals', () => {
    const [first] = resultsOf({ q: 'traçabilité des températures' })
    expect(first?.url).toContain('tracabilite-temperature')
    expect(resultsOf({ q: 'TRACABILITE TEMPERATURE' })[0]?.url).toBe(first?.url)
    const scores = resultsOf({ q: 'batteries lithium' }).map(({ score }) => score)
    expect(scores).toEqual([...scores].sort((a, b) => b - a))
  })

  it('gives at most four results of one site, and none for words nobody wrote', () => {
    const hosts = resultsOf({ q: 'vélo' }).map(({ url }) => new URL(url).host)
    for (const host of hosts) expect(hosts.filter((other) => other === host).length).toBeLessThanOrEqual(4)
    expect(resultsOf({ q: 'zzyzx' })).toEqual([])
  })

  it('prefers the language asked for', () => {
    const english = resultsOf({ q: 'microhub hub', language: 'en-GB' })
    expect(english[0]?.url).toContain('last-mile-works.test')
  })

  it.each([
    [{ q: '', format: 'json' }, 400],
    [{ format: 'json' }, 400],
    [{ q: 'x'.repeat(501), format: 'json' }, 400],
    [{ q: 'vélo', format: 'html' }, 403],
    [{ q: 'vélo' }, 403],
    [{ q: 'vélo', format: 'json', pageno: '0' }, 400],
    [{ q: 'vélo', format: 'json', pageno: 'deux' }, 400],
    [{ q: 'vélo', format: 'json', pageno: '2' }, 200],
  ])('answers %j with %i', (parameters, status) => {
    expect(ask(parameters as Record<string, string>).status).toBe(status)
  })

  it('knows no page that robots.txt disallows', () => {
    expect(documents.some(({ url }) => url.includes('/prive/'))).toBe(false)
  })
})

describe('the index', () => {
  const document = (url: string, text: string): SearchDocument => ({
    url,
    host: url,
    title: 'Page',
    summary: '',
    text,
    language: 'fr',
    publishedAt: null,
  })

  it('finds a word by its folded form and gives ties in the order of their addresses', () => {
    const search = searchOver([
      document('b', 'Bétons durs'),
      document('a', 'béton dur'),
      document('c', 'sable'),
    ])
    expect(search('BETON', null).map(({ document: { url } }) => url)).toEqual(['a', 'b'])
    expect(foldedWords('L’été, ça rime à 12 vélos')).toEqual(['ete', 'ca', 'rime', '12', 'velo'])
  })

  it('is silent when it is empty', () => {
    expect(searchOver([])('vélo', 'fr')).toEqual([])
  })
})

describe('the exclusion lists', () => {
  const judged = ({ url, host, title, summary }: SearchDocument) =>
    excludeReason({
      domain: getDomain(url) ?? host,
      hosts: [host],
      title,
      snippet: summary,
      documentsOnly: false,
    })

  it.each(OUTSIDER_DOCUMENTS.map((one) => [one.host, one] as const))('exclude %s', (_host, outsider) => {
    expect(judged(outsider)).not.toBeNull()
  })

  it('keep the home pages of the demo', () => {
    const homes = documents.filter(({ url }) => new URL(url).pathname === '/')
    expect(homes.map(judged)).toEqual([null, null, null, null])
  })
})
