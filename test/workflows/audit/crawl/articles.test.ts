import { describe, expect, it } from 'vitest'
import { type ScrapeOptions, scrapeArticles } from '../../../../src/workflows/audit/crawl/articles.ts'
import { urlHash } from '../../../../src/workflows/audit/text/urls.ts'
import type { Article } from '../../../../src/workflows/audit/types.ts'
import {
  deadOutbound,
  type FakeOutbound,
  fakeOutbound,
  htmlPage,
  prose,
  quiet,
  sitemapXml,
} from './fake-outbound.ts'

const SITE = 'https://client.fr'
const AS_OF = new Date('2026-03-15T12:00:00Z')

async function scrape(outbound: FakeOutbound, options: Partial<ScrapeOptions> = {}) {
  const articles: Article[] = []
  const result = await scrapeArticles({
    outbound,
    domain: 'client.fr',
    signal: quiet(),
    asOf: AS_OF,
    known: () => null,
    onArticle: async (article) => void articles.push(article),
    ...options,
  })
  return { result, articles, paths: articles.map(({ url }) => new URL(url).pathname) }
}

function sitemapOf(...paths: string[]): string {
  return sitemapXml(paths.map((path) => SITE + path))
}

describe('collecting articles', () => {
  it('hands over everything that is known of an article', async () => {
    const head = `<script type="application/ld+json">{"@context":"https://schema.org","@type":"BlogPosting","headline":"x","datePublished":"2026-02-01T08:00:00Z","author":{"@type":"Person","name":"Anne Roy"}}</script>`
    const outbound = fakeOutbound({
      '/': htmlPage('accueil'),
      '/blog/ascenseur': {
        body: htmlPage('ascenseur', { head, words: 220 }),
        headers: { etag: '"v1"', 'last-modified': 'Sun, 01 Feb 2026 08:00:00 GMT' },
      },
      '/sitemap.xml': sitemapOf('/blog/ascenseur 2026-03-01'),
    })
    const { result, articles } = await scrape(outbound)
    expect(result).toMatchObject({ stored: 1, unchanged: 0, nearDuplicates: [] })
    expect(articles[0]).toMatchObject({
      url: `${SITE}/blog/ascenseur`,
      urlHash: urlHash(`${SITE}/blog/ascenseur`),
      domain: 'client.fr',
      author: 'Anne Roy',
      publishedAt: '2026-02-01T08:00:00.000Z',
      dateSource: 'json-ld',
      language: 'fr',
      source: 'sitemap',
      score: 10 + 12 + 30,
      etag: '"v1"',
      lastModified: 'Sun, 01 Feb 2026 08:00:00 GMT',
    })
    expect(articles[0]?.simhash).toMatch(/^[0-9a-f]{16}$/)
    expect(articles[0]?.wordCount).toBeGreaterThanOrEqual(150)
    expect(articles[0]?.keywords.length).toBeGreaterThan(0)
  })

  it('asks the CMS first, then feeds, then sitemaps, then listings, then links, until there is enough', async () => {
    const posts = Array.from({ length: 4 }, (_, index) => ({
      link: `${SITE}/a${index}`,
      date_gmt: '2026-01-01T00:00:00',
    }))
    const pages = Object.fromEntries(
      posts.map(({ link }) => [new URL(link).pathname, htmlPage(`sujet${link.slice(-1)}`)]),
    )
    const outbound = fakeOutbound({
      ...pages,
      '/': htmlPage('accueil'),
      '/wp-json/wp/v2/posts?per_page=100&page=1&_fields=link,date_gmt,title': JSON.stringify(posts),
      '/sitemap.xml': sitemapOf('/never'),
    })
    const { articles } = await scrape(outbound, { maxArticles: 2 })
    expect(articles.map(({ source, dateSource }) => [source, dateSource])).toEqual([
      ['api', 'feed'],
      ['api', 'feed'],
    ])
    expect(outbound.paths()).not.toContain('/sitemap.xml')
    const linked = fakeOutbound({
      '/': htmlPage('accueil', { links: ['/sujet'] }),
      '/sujet': htmlPage('sujet'),
    })
    expect((await scrape(linked)).articles.map(({ source }) => source)).toEqual(['crawl'])
    const order = linked.paths()
    const steps = ['/wp-json', '/jsonapi', '/feed', '/sitemap.xml', '/articles', '/sujet']
    const places = steps.map((step) => order.findIndex((path) => path.startsWith(step)))
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(places).not.toContain(-1)
  })

  it('delivers in score order, one at a time, whatever the order of the answers', async () => {
    const paths = ['/blog/a', '/blog/b', '/x/y/un-titre', '/plain', '/2026/01/02/daté']
    const build = (turns: (index: number) => number) =>
      fakeOutbound({
        '/': htmlPage('accueil'),
        '/sitemap.xml': sitemapOf(...paths),
        ...Object.fromEntries(
          paths.map((path, index) => [
            new URL(path, SITE).pathname,
            { body: htmlPage(`sujet${index}`), turns: turns(index) },
          ]),
        ),
      })
    let busy = false
    const onArticle = async () => {
      expect(busy).toBe(false)
      busy = true
      await new Promise((resolve) => setImmediate(resolve))
      busy = false
    }
    await scrape(
      build(() => 0),
      { onArticle },
    )
    const forward = await scrape(build((index) => index * 5))
    const backward = await scrape(build((index) => (paths.length - index) * 5))
    expect(forward.paths).toEqual(['/2026/01/02/dat%C3%A9', '/blog/a', '/blog/b', '/x/y/un-titre', '/plain'])
    expect(backward).toEqual(forward)
  })

  it('stops at the number of articles asked for and fetches none in vain', async () => {
    const paths = Array.from({ length: 40 }, (_, index) => `/blog/n${String(index).padStart(2, '0')}`)
    const outbound = fakeOutbound({
      '/': htmlPage('accueil'),
      '/sitemap.xml': sitemapOf(...paths),
      ...Object.fromEntries(paths.map((path) => [path, htmlPage(`sujet${path.slice(-2)}`)])),
    })
    const reports: [number, number][] = []
    const { result } = await scrape(outbound, {
      maxArticles: 7,
      onProgress: (done, total) => reports.push([done, total]),
    })
    expect(result).toMatchObject({ found: 40, fetched: 7, stored: 7 })
    expect(outbound.paths().filter((path) => path.startsWith('/blog/n'))).toHaveLength(7)
    expect(reports.at(-1)).toEqual([7, 7])
  })

  it('says why a candidate is no article', async () => {
    const jsonLd = (type: string) => ({
      head: `<script type="application/ld+json">{"@type":"${type}"}</script>`,
    })
    const pages: Readonly<Record<string, string | object>> = {
      '/blog/good': htmlPage('bon'),
      '/blog/short': htmlPage('court', { words: 20 }),
      '/blog/untitled': `<html lang="fr"><body><main>${prose('sans')}</main></body></html>`,
      '/blog/product': htmlPage('produit', jsonLd('Product')),
      '/blog/job': htmlPage('poste', jsonLd('JobPosting')),
      '/blog/future': htmlPage('futur', {
        head: '<meta property="article:published_time" content="2026-03-18T00:00:00Z">',
      }),
      '/blog/moved-to-tag': { redirect: '/tag/x' },
      '/blog/moved-home': { redirect: '/' },
      '/blog': htmlPage('liste'),
      '/blog/gone': { status: 410 },
      '/blog/away': { redirect: 'https://other.fr/' },
    }
    const outbound = fakeOutbound({
      ...(pages as Parameters<typeof fakeOutbound>[0]),
      '/': htmlPage('accueil'),
      '/tag/x': htmlPage('etiquette'),
      'https://other.fr/': htmlPage('ailleurs'),
      '/sitemap.xml': sitemapOf(...Object.keys(pages), '/tag/never'),
    })
    const { result, paths } = await scrape(outbound)
    expect(paths).toEqual(['/blog/good'])
    const reasons = result.rejected.map(({ url, reason }) => [
      new URL(url).pathname,
      reason.replace(/(: \d+ words|: 20.*)/, ''),
    ])
    expect(Object.fromEntries(reasons)).toMatchObject({
      '/blog/short': 'too_short',
      '/blog/untitled': 'no_title',
      '/blog/product': 'not_an_article: product',
      '/blog/job': 'not_an_article: job',
      '/blog/future': 'future_date',
      '/blog/moved-to-tag': 'not_an_article: taxonomy',
      '/blog/moved-home': 'not_an_article: home page',
      '/blog': 'not_an_article: listing',
      '/blog/gone': 'NO_CONTENT: answered with status 410',
      '/blog/away': 'NO_CONTENT: redirects to another site: other.fr',
    })
    expect(outbound.paths()).not.toContain('/tag/never')
  })

  it('marks a near-duplicate and does not store it, nor one address twice', async () => {
    const text = prose('copie', 400)
    const page = (title: string, extra = '', head = '') =>
      `<html lang="fr"><head><title>${title}</title>${head}</head><body><main><article>${text}${extra}</article></main></body></html>`
    const outbound = fakeOutbound({
      '/': htmlPage('accueil'),
      '/blog/a': page('Original'),
      '/blog/b': page('Copie', '<p>Mise à jour.</p>'),
      '/blog/c': page('Variante', '', '<link rel="canonical" href="/blog/a">'),
      '/sitemap.xml': sitemapOf('/blog/a', '/blog/b', '/blog/c'),
    })
    const { result, paths } = await scrape(outbound)
    expect(paths).toEqual(['/blog/a'])
    expect(result.nearDuplicates).toEqual([
      { urlHash: urlHash(`${SITE}/blog/b`), of: urlHash(`${SITE}/blog/a`) },
    ])
    expect(result.rejected).toContainEqual({
      url: `${SITE}/blog/c`,
      reason: 'duplicate: same canonical address',
    })
  })

  it('asks for known articles with a condition, and leaves the unchanged ones alone', async () => {
    const outbound = fakeOutbound({
      '/': htmlPage('accueil'),
      '/blog/a': (_url, request) =>
        request.headers?.['if-none-match'] === '"v1"'
          ? { status: 304 }
          : { body: htmlPage('alpha'), headers: { etag: '"v1"' } },
      '/blog/b': htmlPage('beta'),
      '/sitemap.xml': sitemapOf('/blog/a', '/blog/b'),
    })
    const first = await scrape(outbound)
    const stored = new Map(first.articles.map((article) => [article.urlHash, article]))
    const second = await scrape(outbound, { known: (hash) => stored.get(hash) ?? null })
    expect(first.result).toMatchObject({ stored: 2, unchanged: 0 })
    expect(second.result).toMatchObject({ stored: 1, unchanged: 1, nearDuplicates: [] })
    const asked = outbound.requests.filter(({ url }) => url === `${SITE}/blog/a`)
    expect(asked.map(({ headers }) => headers?.['if-none-match'])).toEqual([undefined, '"v1"'])
  })

  it('recognises the copy of an unchanged article', async () => {
    const body = htmlPage('alpha', { words: 300 })
    const outbound = fakeOutbound({
      '/': htmlPage('accueil'),
      '/blog/a': (_url, request) =>
        request.headers?.['if-none-match'] ? { status: 304 } : { body, headers: { etag: 'x' } },
      '/blog/b': body,
      '/sitemap.xml': sitemapOf('/blog/a', '/blog/b'),
    })
    const first = await scrape(outbound)
    const stored = new Map(first.articles.map((article) => [article.urlHash, article]))
    const second = await scrape(outbound, { known: (hash) => stored.get(hash) ?? null })
    expect(first.result.nearDuplicates).toHaveLength(1)
    expect(second.result).toMatchObject({
      stored: 0,
      unchanged: 1,
      nearDuplicates: first.result.nearDuplicates,
    })
  })

  it('ignores a lastmod in the future rather than the article', async () => {
    const outbound = fakeOutbound({
      '/': htmlPage('accueil'),
      '/blog/a': htmlPage('alpha'),
      '/blog/b': htmlPage('beta'),
      '/sitemap.xml': sitemapOf('/blog/a 2031-01-01', '/blog/b 2026-01-05'),
    })
    const { articles } = await scrape(outbound)
    expect(articles.map(({ publishedAt, dateSource }) => [publishedAt, dateSource])).toEqual([
      [null, null],
      ['2026-01-05T00:00:00.000Z', 'sitemap'],
    ])
  })
})

describe('sites without articles', () => {
  it.each(['DNS_FAILURE', 'NETWORK_UNREACHABLE', 'TLS_FAILURE', 'UPSTREAM_TIMEOUT'] as const)(
    'end with %s when the host cannot be reached',
    async (code) => {
      await expect(scrape(deadOutbound(code))).rejects.toMatchObject({ name: 'RowbeatError', code })
    },
  )

  it.each([
    ['there is nothing', { '/': { status: 404 } }, 'NO_CONTENT'],
    ['there is only a home page', { '/': htmlPage('accueil') }, 'NO_CONTENT'],
    ['robots forbid everything', { '/robots.txt': 'User-agent: *\nDisallow: /' }, 'ROBOTS_DISALLOWED'],
    [
      'robots forbid all that the sitemap lists',
      {
        '/robots.txt': 'User-agent: *\nDisallow: /blog',
        '/': htmlPage('x'),
        '/sitemap.xml': sitemapOf('/blog/a', '/blog/b'),
      },
      'ROBOTS_DISALLOWED',
    ],
    [
      'every article fails in the same way',
      {
        '/': htmlPage('x'),
        '/blog/a': { status: 503 },
        '/blog/b': { status: 500 },
        '/sitemap.xml': sitemapOf('/blog/a', '/blog/b'),
      },
      'UPSTREAM_ERROR',
    ],
    [
      'all articles are too short',
      { '/': htmlPage('x'), '/blog/a': htmlPage('a', { words: 5 }), '/sitemap.xml': sitemapOf('/blog/a') },
      'NO_CONTENT',
    ],
  ] as const)('end with a code of their own when %s', async (_name, answers, code) => {
    await expect(scrape(fakeOutbound(answers))).rejects.toMatchObject({ name: 'RowbeatError', code })
  })

  it('say in words what became of the candidates', async () => {
    const outbound = fakeOutbound({
      '/': htmlPage('x'),
      '/blog/a': htmlPage('a', { words: 5 }),
      '/blog/b': { status: 404 },
      '/sitemap.xml': sitemapOf('/blog/a', '/blog/b'),
    })
    await expect(scrape(outbound)).rejects.toThrow(
      'none of 2 candidates is an article (1 × NO_CONTENT, 1 × too_short)',
    )
  })

  it('are not asked for ever once the host is down', async () => {
    const paths = Array.from({ length: 60 }, (_, index) => `/blog/n${index}`)
    const outbound = fakeOutbound(
      { '/': htmlPage('x'), '/sitemap.xml': sitemapOf(...paths) },
      { fallback: (url) => (url.pathname.startsWith('/blog/n') ? { error: 'UPSTREAM_TIMEOUT' } : undefined) },
    )
    await expect(scrape(outbound)).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT' })
    expect(outbound.paths().filter((path) => path.startsWith('/blog/n')).length).toBeLessThanOrEqual(15)
  })

  it('end with the error of the store when an article cannot be kept', async () => {
    const outbound = fakeOutbound({
      '/': htmlPage('x'),
      '/blog/a': htmlPage('a'),
      '/sitemap.xml': sitemapOf('/blog/a'),
    })
    const onArticle = async () => {
      throw new Error('the database is gone')
    }
    await expect(scrape(outbound, { onArticle })).rejects.toThrow('the database is gone')
  })
})
