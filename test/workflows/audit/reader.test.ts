import { describe, expect, it } from 'vitest'
import { RowbeatError } from '../../../src/core/errors.ts'
import { createCompute } from '../../../src/engine/compute.ts'
import { scrapeArticles } from '../../../src/workflows/audit/crawl/articles.ts'
import { crawlSite } from '../../../src/workflows/audit/crawl/crawler.ts'
import { type Reader, readerIn, readHere } from '../../../src/workflows/audit/reader.ts'
import { visitHomePages } from '../../../src/workflows/audit/search/enrich.ts'
import { fakeOutbound, htmlPage, quiet, sitemapXml } from './crawl/fake-outbound.ts'

const SITE = 'https://client.fr'
const raw = {
  url: `${SITE}/`,
  body: new TextEncoder().encode(
    htmlPage('vélo', {
      links: ['/blog'],
      head: '<link rel="alternate" type="application/rss+xml" href="/feed">',
    }),
  ),
  contentType: 'text/html; charset=utf-8',
}

/** Gives one address up, as a thread does with a page that computes for too long. */
const givesUp = (path: string, on: 'content' | 'textFacts'): Reader => ({
  ...readHere,
  [on]: async (input: { readonly url?: string; readonly title?: string }, signal: AbortSignal) => {
    if (input.url === SITE + path || input.title?.includes(path.slice(1))) {
      throw new RowbeatError('NO_CONTENT', 'readContent takes more than 20 s')
    }
    return on === 'content'
      ? readHere.content(input as Parameters<Reader['content']>[0], signal)
      : readHere.textFacts(input as Parameters<Reader['textFacts']>[0], signal)
  },
})

describe('reading', () => {
  it('gives the same in a thread as here', async () => {
    const reader = readerIn(createCompute({ idleSeconds: 0.001 }))
    const content = await readHere.content(raw, quiet())
    expect(await reader.content(raw, quiet())).toEqual(content)
    expect(await reader.homeLinks(raw, quiet())).toEqual({
      links: [`${SITE}/blog`],
      feeds: [`${SITE}/feed`],
    })
    expect(await reader.listingLinks(raw, quiet())).toEqual(await readHere.listingLinks(raw, quiet()))
    const text = { title: content.title, text: content.text, declaredLanguage: 'fr' }
    expect(await reader.textFacts(text, quiet())).toEqual(await readHere.textFacts(text, quiet()))
  })

  it('gives a page up that takes too long, and reads the next', async () => {
    const compute = createCompute({ idleSeconds: 0.001 })
    await expect(readerIn(compute, 0.001).content(raw, quiet())).rejects.toMatchObject({
      code: 'NO_CONTENT',
      message: 'readContent takes more than 0.001 s',
    })
    expect((await readerIn(compute).content(raw, quiet())).wordCount).toBeGreaterThan(200)
  })

  it('bounds hostile markup before it is parsed', async () => {
    const nested = `<p>Vélo cargo en ville</p>${'<div>'.repeat(200_000)}<p>trop loin</p>`
    const body = new TextEncoder().encode(`<html><body>${nested}</body></html>`)
    const { text } = await readHere.content({ ...raw, body }, quiet())
    expect(text).toContain('Vélo cargo')
    expect(text).not.toContain('trop loin')
  })
})

describe('a page that cannot be read in time', () => {
  const paths = ['/blog/un', '/blog/deux', '/blog/trois']
  const site = () =>
    fakeOutbound({
      '/': htmlPage('accueil'),
      '/sitemap.xml': sitemapXml(paths.map((path) => SITE + path)),
      ...Object.fromEntries(paths.map((path) => [path, htmlPage(path.slice(1), { words: 250 })])),
    })

  it('is a page with a problem, and the crawl goes on', async () => {
    const { pages } = await crawlSite({
      outbound: site(),
      domain: 'client.fr',
      signal: quiet(),
      reader: givesUp('/blog/deux', 'content'),
    })
    expect(pages.map(({ url, problem }) => [new URL(url).pathname, problem?.code ?? null])).toEqual([
      ['/', null],
      ['/blog/deux', 'NO_CONTENT'],
      ['/blog/trois', null],
      ['/blog/un', null],
    ])
  })

  it.each(['content', 'textFacts'] as const)('is a candidate with a reason in %s', async (on) => {
    const { stored, nearDuplicates, rejected } = await scrapeArticles({
      outbound: site(),
      domain: 'client.fr',
      signal: quiet(),
      asOf: new Date(),
      known: () => null,
      onArticle: async () => undefined,
      reader: givesUp('/blog/deux', on),
    })
    expect(stored + nearDuplicates.length).toBe(2)
    expect(rejected).toEqual([
      { url: `${SITE}/blog/deux`, reason: 'NO_CONTENT: readContent takes more than 20 s' },
    ])
  })

  it('costs a competitor its visit and nothing else', async () => {
    const visits = await visitHomePages(['client.fr'], {
      outbound: site(),
      signal: quiet(),
      reader: givesUp('/', 'content'),
    })
    expect(visits.get('client.fr')).toEqual({
      ok: false,
      code: 'NO_CONTENT',
      message: 'readContent takes more than 20 s',
    })
  })
})
