import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { parseRobots } from '../../../../src/workflows/audit/crawl/robots.ts'
import { readSitemaps } from '../../../../src/workflows/audit/crawl/sitemap.ts'
import { parseSitemap } from '../../../../src/workflows/audit/crawl/sitemap-parse.ts'
import { deadOutbound, fakeOutbound, quiet, sitemapXml } from './fake-outbound.ts'

const SITE = 'https://client.fr'

function read(answers: Parameters<typeof fakeOutbound>[0], robotsTxt = '', maxUrls = 50_000) {
  const outbound = fakeOutbound(answers)
  const robots = parseRobots(SITE, robotsTxt)
  return readSitemaps(outbound, robots, 'client.fr', { signal: quiet(), maxUrls }).then((result) => ({
    ...result,
    list: result.urls.map(({ url }) => url),
    outbound,
  }))
}

function index(urls: readonly string[]): string {
  return `<sitemapindex>${urls.map((url) => `<sitemap><loc>${url}</loc></sitemap>`).join('')}</sitemapindex>`
}

describe('reading sitemaps', () => {
  it('takes those of robots.txt and those at the usual paths, each page once', async () => {
    const { urls } = await read(
      {
        '/own.xml': sitemapXml([`${SITE}/a 2024-05-06`, 'http://www.client.fr/a/']),
        '/sitemap.xml': sitemapXml([`${SITE}/a`, `${SITE}/b`]),
      },
      `Sitemap: ${SITE}/own.xml`,
    )
    expect(urls).toEqual([
      { url: `${SITE}/a`, source: 'sitemap', publishedAt: '2024-05-06T00:00:00.000Z', title: null },
      { url: `${SITE}/b`, source: 'sitemap', publishedAt: null, title: null },
    ])
  })

  it('keeps only pages of the same site, sub-domains included', async () => {
    const foreign = [
      'https://other.fr/x',
      'ftp://client.fr/y',
      'https://client.fr:8443/z',
      'https://evil.client.fr.example/',
    ]
    const { list } = await read({ '/sitemap.xml': sitemapXml([...foreign, 'https://blog.client.fr/p']) })
    expect(list).toEqual(['https://blog.client.fr/p'])
  })

  it('follows index files three deep, those of posts first', async () => {
    const { list, problems, outbound } = await read({
      '/sitemap.xml': index([`${SITE}/products.xml`, `${SITE}/post-sitemap.xml`]),
      '/products.xml': sitemapXml([`${SITE}/p`]),
      '/post-sitemap.xml': index([`${SITE}/l2.xml`]),
      '/l2.xml': index([`${SITE}/l3.xml`]),
      '/l3.xml': index([`${SITE}/l4.xml`]),
      '/l4.xml': sitemapXml([`${SITE}/deep`]),
    })
    expect(list).toEqual([`${SITE}/p`])
    const files = outbound.paths()
    expect(files.indexOf('/post-sitemap.xml')).toBeLessThan(files.indexOf('/products.xml'))
    expect(problems).toMatchObject([{ url: `${SITE}/l3.xml`, code: 'RESPONSE_TOO_LARGE' }])
  })

  it('ends on files that name each other in a circle', async () => {
    const { outbound, list } = await read({
      '/sitemap.xml': index([`${SITE}/sitemap_index.xml`]),
      '/sitemap_index.xml': index([`${SITE}/sitemap.xml`, `${SITE}/sitemap_index.xml`]),
    })
    expect(list).toEqual([])
    expect(outbound.paths().filter((path) => path === '/sitemap.xml')).toHaveLength(1)
  })

  it('stops at fifty files', async () => {
    const outbound = fakeOutbound(
      {},
      {
        fallback: (url) =>
          index([1, 2, 3].map((child) => `${SITE}${url.pathname.slice(0, 40)}-${child}.xml`)),
      },
    )
    await readSitemaps(outbound, parseRobots(SITE, ''), 'client.fr', { signal: quiet(), maxUrls: 100 })
    expect(outbound.requests.length).toBeLessThanOrEqual(50)
  })

  it('stops at the number of URLs that were asked for', async () => {
    const many = Array.from({ length: 5_000 }, (_, index) => `${SITE}/${index}`)
    const { list } = await read({ '/sitemap.xml': sitemapXml(many) }, '', 100)
    expect(list).toHaveLength(100)
    expect(list.at(-1)).toBe(`${SITE}/99`)
  })

  it('unpacks gzip and reads the text form', async () => {
    const { list } = await read(
      {
        '/a.xml.gz': { type: 'application/gzip', body: gzipSync(sitemapXml([`${SITE}/zipped`])) },
        '/sitemap.txt': { type: 'text/plain', body: `\uFEFF${SITE}/line\r\nnot a url\n${SITE}/last` },
      },
      'Sitemap: /a.xml.gz',
    )
    expect(list).toEqual([`${SITE}/zipped`, `${SITE}/line`, `${SITE}/last`])
  })

  it('does not unpack a bomb, and tells it from a damaged file', async () => {
    const bomb = gzipSync(Buffer.concat([Buffer.from('<urlset>'), Buffer.alloc(51 * 1024 * 1024, ' ')]), {
      level: 1,
    })
    const { problems } = await read(
      {
        '/bomb.gz': { body: bomb },
        '/cut.gz': { body: gzipSync(sitemapXml([`${SITE}/a`])).subarray(0, 30) },
      },
      'Sitemap: /bomb.gz\nSitemap: /cut.gz',
    )
    expect(problems.map(({ url, code }) => [url, code])).toEqual([
      [`${SITE}/bomb.gz`, 'RESPONSE_TOO_LARGE'],
      [`${SITE}/cut.gz`, 'NO_CONTENT'],
    ])
  })

  it('refuses an HTML page, and says so only for a file the site named', async () => {
    const page = '<!doctype html><html><a href="/x">x</a></html>'
    const { list, problems } = await read({ '/named.xml': page, '/sitemap.xml': page }, 'Sitemap: /named.xml')
    expect(list).toEqual([])
    expect(problems).toMatchObject([{ url: `${SITE}/named.xml`, code: 'NO_CONTENT' }])
  })

  it('marks files of posts and entries of news as articles, with date and title', async () => {
    const news = `<urlset xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>${SITE}/n</loc>
      <news:news><news:publication_date>2024-05-06T10:00:00+02:00</news:publication_date>
      <news:title><![CDATA[Un titre & demi]]></news:title></news:news><lastmod>2025-01-01</lastmod></url></urlset>`
    const { urls } = await read({
      '/wp-sitemap.xml': index([`${SITE}/wp-sitemap-posts-post-1.xml`]),
      '/sitemap.xml': news,
      '/wp-sitemap-posts-post-1.xml': sitemapXml([`${SITE}/p`]),
    })
    expect(urls).toEqual([
      {
        url: `${SITE}/n`,
        source: 'sitemap_blog',
        publishedAt: '2024-05-06T08:00:00.000Z',
        title: 'Un titre & demi',
      },
      { url: `${SITE}/p`, source: 'sitemap_blog', publishedAt: null, title: null },
    ])
  })

  it('asks robots before guessing, but reads what robots.txt names', async () => {
    const { list, outbound } = await read(
      { '/own.xml': sitemapXml([`${SITE}/a`]), '/sitemap.xml': sitemapXml([`${SITE}/b`]) },
      `User-agent: *\nDisallow: /\nSitemap: ${SITE}/own.xml`,
    )
    expect(list).toEqual([`${SITE}/a`])
    expect(outbound.paths()).toEqual(['/own.xml'])
  })

  it('gives up after three files that say the host is down', async () => {
    const outbound = deadOutbound('NETWORK_UNREACHABLE')
    const result = await readSitemaps(outbound, parseRobots(SITE, ''), 'client.fr', {
      signal: quiet(),
      maxUrls: 10,
    })
    expect(outbound.requests).toHaveLength(3)
    expect(result.problems.map(({ code }) => code)).toEqual(Array(3).fill('NETWORK_UNREACHABLE'))
  })

  it('keeps the crawl delay', async () => {
    const { outbound } = await read({}, 'User-agent: *\nCrawl-delay: 3')
    expect(outbound.requests.every(({ hostDelaySeconds }) => hostDelaySeconds === 3)).toBe(true)
  })
})

describe('parsing one sitemap', () => {
  const urlsOf = async (text: string) => {
    const file = await parseSitemap([text], `${SITE}/sitemap.xml`, 100)
    return file.entries.map(({ url }) => url)
  }

  it('survives stray ampersands, unclosed elements and a missing end', async () => {
    expect(
      await urlsOf(
        `<urlset><url><loc>${SITE}/a?x=1&y=2</loc></url><url><loc>${SITE}/b</loc></url><oops><url><loc> ${SITE}/c\n</loc></url><url><loc>${SITE}/d`,
      ),
    ).toEqual([`${SITE}/a?x=1&y=2`, `${SITE}/b`, `${SITE}/c`])
  })

  it('reads ampersands as they were meant, in text, as entities and in CDATA, cut anywhere', async () => {
    const locs = [`${SITE}/?a=1&b=2`, `${SITE}/?a=1&amp;b=2`, `<![CDATA[${SITE}/?a=1&b=2]]>`]
    const text = `<urlset>${locs.map((loc) => `<url><loc>${loc}</loc></url>`).join('')}</urlset>`
    const file = await parseSitemap(text, `${SITE}/`, 100)
    expect(file.entries.map(({ url }) => url)).toEqual(Array(3).fill(`${SITE}/?a=1&b=2`))
  })

  it('expands no entities of the document and trips over no name of the language', async () => {
    const bomb = `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><urlset><url><constructor>x</constructor><__proto__>y</__proto__><loc>${SITE}/&b;</loc></url></urlset>`
    const [url = ''] = await urlsOf(bomb)
    expect(url.length).toBeLessThan(60)
  })

  it('reads pieces cut anywhere and namespaces with a prefix', async () => {
    const text = `\n<?xml version="1.0"?><s:urlset xmlns:s="x"><s:url><s:loc>${SITE}/été</s:loc><image:image><image:loc>${SITE}/i.png</image:loc></image:image></s:url></s:urlset>`
    const file = await parseSitemap(text, `${SITE}/`, 100)
    expect(file.entries.map(({ url }) => url)).toEqual([`${SITE}/%C3%A9t%C3%A9`])
  })

  it('stops at a file that is nothing but faults, and keeps what came before', async () => {
    let read = 0
    function* pieces() {
      yield `<urlset><url><loc>${SITE}/a</loc></url>`
      for (; read < 100; read += 1) yield '<'.repeat(20_000)
    }
    const file = await parseSitemap(pieces(), `${SITE}/`, 100)
    expect(file.entries.map(({ url }) => url)).toEqual([`${SITE}/a`])
    expect(read).toBeLessThan(3)
  })

  it.each(['', '   ', '{"a":1}', '<rss><channel/></rss>', '\0\0\0', 'just words\nand more'])(
    'finds no entries in %j',
    async (text) => {
      const file = await parseSitemap([text], `${SITE}/`, 100)
      expect(file).toEqual({ kind: 'other', entries: [], stoppedBy: null })
    },
  )
})
