import { describe, expect, it } from 'vitest'
import { type CrawlOptions, crawlSite } from '../../../../src/workflows/audit/crawl/crawler.ts'
import {
  type Answer,
  deadOutbound,
  type FakeOutbound,
  fakeOutbound,
  htmlPage,
  quiet,
  sitemapXml,
} from './fake-outbound.ts'

const SITE = 'https://client.fr'

type Answers = Parameters<typeof fakeOutbound>[0]

function crawl(outbound: FakeOutbound, options: Partial<CrawlOptions> = {}) {
  return crawlSite({ outbound, domain: 'client.fr', signal: quiet(), ...options })
}

function pathsOf(pages: readonly { url: string }[]): string[] {
  return pages.map(({ url }) => new URL(url).pathname + new URL(url).search)
}

/** A site of `count` linked pages, each of which names the next two. */
function chain(count: number): Answers {
  const pages = Array.from({ length: count }, (_, index) => [
    index === 0 ? '/' : `/p${index}`,
    htmlPage(`sujet${index}`, { links: [`/p${index * 2 + 1}`, `/p${index * 2 + 2}`] }),
  ])
  return Object.fromEntries(pages)
}

describe('crawling a site with a sitemap', () => {
  it('reads the home page and a fair sample of every section', async () => {
    const blog = Array.from({ length: 30 }, (_, index) => `/blog/b${String(index).padStart(2, '0')}`)
    const paths = [...blog, '/services/s1', '/about']
    const answers = Object.fromEntries(
      ['/', ...paths].map((path) => [path, htmlPage(`page${path.replaceAll('/', '')}`)]),
    )
    const outbound = fakeOutbound({
      ...answers,
      '/sitemap.xml': sitemapXml(paths.map((path) => SITE + path)),
    })
    const result = await crawl(outbound, { maxPages: 5 })
    expect(pathsOf(result.pages)).toEqual(['/', '/about', '/blog/b00', '/blog/b01', '/services/s1'])
    expect(result).toMatchObject({ source: 'sitemap', discovered: 33 })
    expect(outbound.paths().filter((path) => path.startsWith('/blog'))).toHaveLength(2)
  })

  it('fills up along links when the sitemap is short', async () => {
    const outbound = fakeOutbound({
      '/': htmlPage('accueil', { links: ['/linked'] }),
      '/listed': htmlPage('liste'),
      '/linked': htmlPage('lien'),
      '/sitemap.xml': sitemapXml([`${SITE}/listed`]),
    })
    const result = await crawl(outbound)
    expect(pathsOf(result.pages)).toEqual(['/', '/linked', '/listed'])
    expect(result.source).toBe('sitemap')
  })

  it('uses the sitemap when the home page fails', async () => {
    const outbound = fakeOutbound({
      '/': { status: 500 },
      '/a': htmlPage('alpha'),
      '/sitemap.xml': sitemapXml([`${SITE}/a`]),
    })
    const result = await crawl(outbound)
    expect(result.pages.map(({ status, problem }) => [status, problem?.code ?? null])).toEqual([
      [500, 'UPSTREAM_ERROR'],
      [200, null],
    ])
  })
})

describe('crawling along links', () => {
  it('goes breadth first and gives the same result whatever the order of the answers', async () => {
    const answers = chain(40)
    const slowed = (turns: (index: number) => number): Answers =>
      Object.fromEntries(
        Object.entries(answers).map(([path, body], index) => [
          path,
          { body: body as string, turns: turns(index) },
        ]),
      )
    const plain = await crawl(fakeOutbound(answers), { maxPages: 12 })
    const scrambled = await crawl(fakeOutbound(slowed((index) => (index * 7) % 11)), { maxPages: 12 })
    expect(plain.source).toBe('crawl')
    expect(plain.pages).toHaveLength(12)
    expect(scrambled).toEqual(plain)
    expect(plain.pages.map(({ depth }) => depth)).toEqual([0, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3])
  })

  it('never fetches more pages at a time than allowed and reports each', async () => {
    let running = 0
    let most = 0
    const base = fakeOutbound(chain(20))
    const outbound: FakeOutbound = {
      ...base,
      fetch: async (request) => {
        running += 1
        most = Math.max(most, running)
        await new Promise((resolve) => setImmediate(resolve))
        running -= 1
        return base.fetch(request)
      },
    }
    const reports: [number, number][] = []
    await crawl(outbound, {
      maxPages: 10,
      concurrency: 3,
      onProgress: (done, total) => reports.push([done, total]),
    })
    expect(most).toBeLessThanOrEqual(3)
    expect(reports.at(-1)).toEqual([10, 10])
    expect(reports.every(([done, total]) => done <= total && total <= 10)).toBe(true)
  })

  it('reads a page once, whether met by www, http, redirect, canonical address or content', async () => {
    const canonical = { head: '<link rel="canonical" href="https://client.fr/a">' }
    const outbound = fakeOutbound({
      '/': htmlPage('accueil', {
        links: ['/a', 'http://www.client.fr/a/', '/a?utm_source=x', '/moved', '/print/a', '/copy'],
      }),
      '/a': htmlPage('alpha', canonical),
      '/moved': { redirect: '/a' },
      '/print/a': htmlPage('alpha imprimable', canonical),
      '/copy': htmlPage('alpha'),
    })
    const result = await crawl(outbound)
    expect(pathsOf(result.pages)).toEqual(['/', '/a'])
    expect(result.skipped).toEqual(
      ['/print/a', '/copy', '/moved'].map((path) => ({ url: SITE + path, reason: 'duplicate' })),
    )
  })

  it('does not believe that every page is the home page', async () => {
    const head = '<link rel="canonical" href="https://client.fr/">'
    const outbound = fakeOutbound({
      '/': htmlPage('accueil', { head, links: ['/a'] }),
      '/a': htmlPage('alpha', { head }),
    })
    expect(pathsOf((await crawl(outbound)).pages)).toEqual(['/', '/a'])
  })

  it('keeps robots.txt and its crawl delay', async () => {
    const outbound = fakeOutbound({
      '/robots.txt': 'User-agent: RowbeatBot\nDisallow: /no\nCrawl-delay: 2',
      '/': htmlPage('accueil', { links: ['/no/a', '/yes', '/trap'] }),
      '/yes': htmlPage('oui'),
      '/trap': { redirect: '/no/b' },
      '/no/b': htmlPage('non'),
    })
    const result = await crawl(outbound)
    expect(pathsOf(result.pages)).toEqual(['/', '/yes'])
    expect(result.skipped).toEqual([
      { url: `${SITE}/no/a`, reason: 'robots' },
      { url: `${SITE}/trap`, reason: 'robots' },
    ])
    expect(outbound.paths()).not.toContain('/no/a')
    const afterRobots = outbound.requests.slice(1)
    expect(afterRobots.every(({ hostDelaySeconds }) => hostDelaySeconds === 2)).toBe(true)
  })

  it('keeps each failing page as a page with its problem', async () => {
    const failing: Readonly<Record<string, Answer>> = {
      '/gone': { status: 404 },
      '/busy': { status: 429 },
      '/shut': { status: 403 },
      '/loop': { redirect: '/loop' },
      '/huge': { error: 'RESPONSE_TOO_LARGE' },
      '/slow': { error: 'UPSTREAM_TIMEOUT' },
      '/data': { body: '{"a":1}' },
      '/away': { redirect: 'https://other.fr/' },
      '/odd': { status: 304 },
    }
    const outbound = fakeOutbound({
      ...failing,
      '/': htmlPage('accueil', { links: Object.keys(failing) }),
      'https://other.fr/': htmlPage('ailleurs'),
    })
    const { pages } = await crawl(outbound)
    expect(
      Object.fromEntries(pages.map((page) => [new URL(page.url).pathname, page.problem?.code ?? null])),
    ).toEqual({
      '/': null,
      '/gone': 'NO_CONTENT',
      '/busy': 'RATE_LIMIT_EXCEEDED',
      '/shut': 'UPSTREAM_REJECTED',
      '/loop': 'TOO_MANY_REDIRECTS',
      '/huge': 'RESPONSE_TOO_LARGE',
      '/slow': 'UPSTREAM_TIMEOUT',
      '/data': 'NO_CONTENT',
      '/away': 'NO_CONTENT',
      '/odd': 'NO_CONTENT',
    })
    expect(pages.filter(({ problem }) => problem).every(({ content }) => content === null)).toBe(true)
  })

  it('reads a page whose charset is not what the header says', async () => {
    const body = Buffer.from(
      htmlPage('\u00e9t\u00e9 fran\u00e7ais').replace('<meta charset="utf-8">', ''),
      'latin1',
    )
    const outbound = fakeOutbound({ '/': { type: 'text/html; charset=utf-8', body } })
    const { pages } = await crawl(outbound)
    expect(pages[0]?.content?.title).toContain('\u00e9t\u00e9 fran\u00e7ais')
  })
})

describe('hostile sites', () => {
  it.each([
    'DNS_FAILURE',
    'NETWORK_UNREACHABLE',
    'TLS_FAILURE',
    'UPSTREAM_TIMEOUT',
    'ADDRESS_NOT_ALLOWED',
  ] as const)('end with %s when the host cannot be reached', async (code) => {
    await expect(crawl(deadOutbound(code))).rejects.toMatchObject({ name: 'RowbeatError', code })
  })

  it.each([
    [
      'robots forbid everything',
      { '/robots.txt': 'User-agent: *\nDisallow: /', '/': htmlPage('x') },
      'ROBOTS_DISALLOWED',
    ],
    ['robots.txt is out of order', { '/robots.txt': { status: 503 }, '/': htmlPage('x') }, 'UPSTREAM_ERROR'],
    ['the home page redirects in a circle', { '/': { redirect: '/' } }, 'TOO_MANY_REDIRECTS'],
    ['the home page is endless', { '/': { error: 'RESPONSE_TOO_LARGE' } }, 'RESPONSE_TOO_LARGE'],
    ['nothing is HTML', { '/': { body: '{"hello":1}' } }, 'NO_CONTENT'],
    [
      'the page has no text',
      { '/': '<!doctype html><html><body><script>app()</script></body></html>' },
      'NO_CONTENT',
    ],
    [
      'the site moved to another domain',
      { '/': { redirect: 'https://other.fr/' }, 'https://other.fr/': htmlPage('x') },
      'NO_CONTENT',
    ],
    ['the site refuses us', { '/': { status: 403 } }, 'UPSTREAM_REJECTED'],
    ['the site asks us to slow down', { '/': { status: 429 } }, 'RATE_LIMIT_EXCEEDED'],
    ['the site is empty', { '/': { status: 404 } }, 'NO_CONTENT'],
  ] as const)('end with a code of their own when %s', async (_name, answers, code) => {
    await expect(crawl(fakeOutbound(answers))).rejects.toMatchObject({ name: 'RowbeatError', code })
  })

  it('end in bounded time with a calendar that never ends', async () => {
    const outbound = fakeOutbound(
      { '/robots.txt': { status: 404 } },
      {
        fallback: (url) => {
          const day = Number(url.searchParams.get('day') ?? '0')
          if (url.pathname.endsWith('.xml') || url.pathname.endsWith('.txt')) return undefined
          const links = [1, 2, 3].map((step) => `/calendar?day=${day * 3 + step}`)
          return htmlPage(`jour${day}`, {
            links: [...links, `${url.pathname.replace(/\/$/, '')}/next`],
            words: 30,
          })
        },
      },
    )
    const result = await crawl(outbound, { maxPages: 50 })
    expect(outbound.requests.length).toBeLessThanOrEqual(110)
    expect(result.pages.length).toBeLessThanOrEqual(50)
    expect(pathsOf(result.pages).filter((path) => path.startsWith('/calendar?')).length).toBeLessThanOrEqual(
      20,
    )
    expect(Math.max(...result.pages.map(({ depth }) => depth))).toBeLessThanOrEqual(5)
  })

  it('may offer a hundred thousand links on a page', async () => {
    const links = Array.from({ length: 100_000 }, (_, index) => `<a href=/l${index}>x</a>`).join('')
    const home = htmlPage('accueil').replace('</main>', `${links}</main>`)
    const outbound = fakeOutbound(
      { '/': home },
      {
        fallback: (url) =>
          /^\/l\d/.test(url.pathname) ? htmlPage(`p${url.pathname.slice(1)}`, { words: 20 }) : undefined,
      },
    )
    const result = await crawl(outbound, { maxPages: 5 })
    expect(result.pages).toHaveLength(5)
    expect(result.discovered).toBeLessThanOrEqual(50_000)
    expect(result.skipped.length).toBeLessThanOrEqual(200)
  })

  it('may die half way: what was read is kept, and a dead host is not asked for ever', async () => {
    const paths = Array.from({ length: 45 }, (_, index) => `/p${index}`)
    const outbound = fakeOutbound(
      {
        '/': htmlPage('accueil'),
        '/p0': htmlPage('zero'),
        '/sitemap.xml': sitemapXml(paths.map((path) => SITE + path)),
      },
      { fallback: (url) => (url.pathname.startsWith('/p') ? { error: 'NETWORK_UNREACHABLE' } : undefined) },
    )
    const { pages } = await crawl(outbound)
    expect(pathsOf(pages.filter(({ content }) => content !== null))).toEqual(['/', '/p0'])
    expect(outbound.paths().filter((path) => path.startsWith('/p')).length).toBeLessThanOrEqual(16)
  })

  it('are left at once when the run is aborted, with the reason of the signal', async () => {
    const stop = new AbortController()
    const base = fakeOutbound(chain(50))
    const outbound: FakeOutbound = {
      ...base,
      fetch: async (request) => {
        if (base.requests.length === 10) stop.abort(new Error('the lease is lost'))
        return base.fetch(request)
      },
    }
    await expect(crawl(outbound, { signal: stop.signal })).rejects.toThrow('the lease is lost')
    expect(base.requests.length).toBeLessThanOrEqual(16)
  })
})
