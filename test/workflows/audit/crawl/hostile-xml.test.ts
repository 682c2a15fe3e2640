import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { RowbeatError } from '../../../../src/core/errors.ts'
import type { Compute } from '../../../../src/core/ports.ts'
import { createCompute } from '../../../../src/engine/compute.ts'
import { discoverArticles } from '../../../../src/workflows/audit/crawl/article-discovery.ts'
import { crawlSite } from '../../../../src/workflows/audit/crawl/crawler.ts'
import { parseFeed } from '../../../../src/workflows/audit/crawl/feed-parse.ts'
import { readFeeds } from '../../../../src/workflows/audit/crawl/feeds.ts'
import { parseRobots } from '../../../../src/workflows/audit/crawl/robots.ts'
import { openSite } from '../../../../src/workflows/audit/crawl/site.ts'
import { readSitemaps } from '../../../../src/workflows/audit/crawl/sitemap.ts'
import { scanXml, type XmlLimits } from '../../../../src/workflows/audit/crawl/xml-scan.ts'
import { type Reader, readerIn, readHere } from '../../../../src/workflows/audit/reader.ts'
import { fakeOutbound, htmlPage, quiet, sitemapXml } from './fake-outbound.ts'

const SITE = 'https://client.fr'
const MIB = 2 ** 20

const limits: XmlLimits = {
  depth: 20,
  marks: 1_000,
  attributes: 500,
  attributesPerTag: 100,
  name: 50,
  tag: 2_000,
  text: 20_500,
  aside: 5_000,
}

/** Feeds pieces until the scan is over; tells how many it asked for and what it heard. */
function scan(pieces: Iterable<string>, over: Partial<XmlLimits> = {}) {
  const heard = { open: 0, close: 0, text: 0, cdata: 0, names: [] as string[] }
  const xml = scanXml(
    {
      open: (name) => {
        heard.open += 1
        heard.names.push(name)
      },
      close: () => {
        heard.close += 1
      },
      text: (part) => {
        heard.text += part.length
      },
      cdata: (part) => {
        heard.cdata += part.length
      },
      enough: () => false,
    },
    { ...limits, ...over },
  )
  let read = 0
  for (const piece of pieces) {
    if (xml.over) break
    read += piece.length
    xml.write(piece)
  }
  xml.end()
  return { ...heard, stoppedBy: xml.stoppedBy, read }
}

/** A start, then one piece again and again: 64 million characters at most, so that a missing bound shows. */
function* endless(start: string, piece: string): Generator<string> {
  yield start
  const block = piece.repeat(Math.ceil(4_096 / piece.length))
  for (let sent = 0; sent < 64_000_000; sent += block.length) yield block
}

describe('a document without end', () => {
  it.each([
    ['open elements', endless('<urlset>', '<a>'), 'it nests deeper than 20 elements', 20],
    ['empty elements', endless('<urlset>', '<a/>'), 'it has more than 1000 tags', 1_000],
    ['elements that are closed', endless('<urlset>', '<a></a>'), 'it has more than 1000 tags', 501],
    ['comments', endless('<urlset>', '<!-- -->'), 'it has more than 1000 tags', 1],
    ['attributes of one tag', endless('<urlset><a', ' b="c"'), 'a tag in it has more than 100 attributes', 1],
    [
      'attributes of many tags',
      endless('<urlset>', '<a b="" c=""/>'),
      'it has more than 500 attributes',
      251,
    ],
    ['an attribute', endless('<urlset><a b="', 'c'), 'a tag in it is longer than 2000 characters', 1],
    ['a name', endless('<urlset><', 'a'), 'a tag in it is longer than 2000 characters', 1],
    ['a text', endless('<urlset>', 'a'), 'a text in it is longer than 20500 characters', 1],
    ['a CDATA section', endless('<urlset><![CDATA[', 'a'), 'a text in it is longer than 20500 characters', 1],
    [
      'a processing instruction',
      endless('<urlset><?', 'a'),
      'a comment or instruction in it is longer than 5000 characters',
      1,
    ],
    [
      'a comment',
      endless('<urlset><!--', '-'),
      'a comment or instruction in it is longer than 5000 characters',
      1,
    ],
    [
      'a document type',
      endless('<!DOCTYPE x [', '<!ENTITY a "b">'),
      'a comment or instruction in it is longer than 5000 characters',
      0,
    ],
    ['stray signs', endless('<urlset>', '< '), 'it has more than 10000 faults', 1],
    ['closing tags of nothing', endless('<urlset>', '</b>'), 'it has more than 1000 tags', 1],
  ] as const)(
    'of %s is stopped at its limit, and no more of it is asked for',
    (_what, pieces, why, opened) => {
      const heard = scan(pieces)
      expect(heard.stoppedBy).toBe(why)
      expect(heard.open).toBe(opened)
      expect(heard.read).toBeLessThan(30_001)
    },
  )

  it('is told of no name that is too long', () => {
    const heard = scan([`<urlset><${'a'.repeat(60)}/><b/>`])
    expect(heard.names).toEqual(['urlset'])
    expect(heard.stoppedBy).toBe('a name in it is longer than 50 characters')
  })
})

describe('a document in pieces', () => {
  const text = `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a ">">]><a b='>'><!-- <c> --><d/>1 < 2<![CDATA[<e>]]]]></a>tail`

  it('is read alike however it is cut', () => {
    const whole = scan([text])
    expect(whole).toMatchObject({ names: ['a', 'd'], close: 2, text: 9, cdata: 5, stoppedBy: null })
    for (let size = 1; size < 20; size += 1) {
      const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
        text.slice(at * size, (at + 1) * size),
      )
      expect(scan(pieces)).toEqual(whole)
    }
  })
})

describe('a hostile sitemap', () => {
  const compute = createCompute({ idleSeconds: 0.001 })
  const reader = readerIn(compute)
  afterAll(() => compute.close())

  const read = async (body: Uint8Array | string) => {
    const outbound = fakeOutbound({ '/sitemap.xml': { type: 'application/xml', body } })
    const options = { signal: quiet(), maxUrls: 20_000, reader }
    return readSitemaps(outbound, parseRobots(SITE, ''), 'client.fr', options)
  }
  const good = `<urlset><url><loc>${SITE}/good</loc></url>`
  const nested = Buffer.from(good + '<a>'.repeat(16_000_000))
  const found = [{ url: `${SITE}/good`, source: 'sitemap', publishedAt: null, title: null }]

  it.each([
    ['48 MB of open elements', nested],
    ['the same in gzip', gzipSync(nested, { level: 1 })],
    ['the same with one closing tag at the end', Buffer.concat([nested, Buffer.from('</a>')])],
  ])('of %s gives what stands before its limit, and a note', async (_what, body) => {
    expect(await read(body)).toEqual({
      urls: found,
      problems: [
        {
          url: `${SITE}/sitemap.xml`,
          code: 'RESPONSE_TOO_LARGE',
          message: 'read only in part: it nests deeper than 20 elements',
        },
      ],
    })
  })

  it.each([
    [
      'attributes in one tag',
      `${good}<a${' b="c"'.repeat(2_000_000)}/></urlset>`,
      'a tag in it has more than 100 attributes',
    ],
    [
      'one processing instruction',
      `${good}<?${'a'.repeat(12 * MIB)}`,
      'a comment or instruction in it is longer than 262144 characters',
    ],
    ['empty elements', good + '<a/>'.repeat(4_000_000), 'it has more than 1000000 tags'],
  ])('of millions of %s does too', async (_what, body, why) => {
    const { urls, problems } = await read(body)
    expect(urls).toEqual(found)
    expect(problems.map(({ message }) => message)).toEqual([`read only in part: ${why}`])
  })

  it('that unpacks to more than 50 MiB gives what stands before', async () => {
    const bomb = gzipSync(Buffer.concat([Buffer.from(good), Buffer.alloc(51 * MIB, '<b> </b>')]), {
      level: 1,
    })
    const { urls, problems } = await read(bomb)
    expect(urls).toEqual(found)
    expect(problems).toMatchObject([{ code: 'RESPONSE_TOO_LARGE' }])
  })

  it('of addresses of other sites, or of one address, ends as well', async () => {
    const one = (url: string) => `<url><loc>${url}</loc></url>`
    const { urls, problems } = await read(good + one('https://other.fr/').repeat(200_000))
    expect(urls).toEqual(found)
    expect(problems).toMatchObject([{ message: 'read only in part: 100000 entries were looked at' }])
  })
})

describe('a hostile feed', () => {
  const item = `<item><title>good</title><link>${SITE}/good</link></item>`
  const start = `<rss version="2.0"><channel>${item}`

  it.each([
    ['open elements', start + '<a>'.repeat(3_000_000), 'it nests deeper than 100 elements'],
    ['attributes', `${start}<a${' b=""'.repeat(1_000_000)}>`, 'a tag in it has more than 100 attributes'],
    [
      'an instruction',
      `${start}<?${'a'.repeat(5 * MIB)}`,
      'a comment or instruction in it is longer than 262144 characters',
    ],
    ['text', `${start}<item><title>${'a'.repeat(5 * MIB)}`, 'a text in it is longer than 4194304 characters'],
  ])('of %s without end gives the items before its limit', (_what, text, why) => {
    expect(parseFeed(text, `${SITE}/feed`, 10)).toEqual({
      items: [{ url: `${SITE}/good`, publishedAt: null, title: 'good' }],
      nextUrl: null,
      stoppedBy: why,
    })
  })

  it('is a problem beside the items that were read', async () => {
    const outbound = fakeOutbound({ '/feed': { type: 'text/xml', body: start + '<a>'.repeat(4_000_000) } })
    const options = { signal: quiet(), home: null, maxUrls: 100, reader: readHere }
    const { urls, problems } = await readFeeds(outbound, parseRobots(SITE, ''), 'client.fr', options)
    expect(urls.map(({ url }) => url)).toEqual([`${SITE}/good`])
    expect(problems).toMatchObject([
      {
        url: `${SITE}/feed`,
        code: 'RESPONSE_TOO_LARGE',
        message: 'read only in part: it nests deeper than 100 elements',
      },
    ])
  })

  it.each(['['.repeat(2_000_000), `{"items":${'['.repeat(2_000_000)}`])(
    'of nested JSON is no feed',
    (text) => {
      expect(parseFeed(text, `${SITE}/feed.json`, 10)).toBeNull()
    },
  )
})

describe('what a site sends', () => {
  const answers = {
    '/robots.txt': 'User-agent: *\nDisallow: /no',
    '/': htmlPage('accueil'),
    '/sitemap.xml': sitemapXml([`${SITE}/blog/un`]),
    '/blog/un': htmlPage('un', { words: 250 }),
    '/blog': htmlPage('blog', { links: ['/blog/un'] }),
    '/feed': `<rss version="2.0"><channel><item><link>${SITE}/blog/un</link></item></channel></rss>`,
    '/wp-json/wp/v2/posts?per_page=100&page=1&_fields=link,date_gmt,title': '[]',
  }

  it('is read in the reading threads: pages, robots.txt, sitemaps, feeds and posts', async () => {
    const asked = new Set<string>()
    const compute: Compute = {
      run: async (task, input) => {
        asked.add(`${task.pool?.name} ${task.name}`)
        const module: Readonly<Record<string, (input: unknown) => never>> = await import(task.module.href)
        return module[task.name]?.(input) as never
      },
    }
    const site = {
      outbound: fakeOutbound(answers),
      domain: 'client.fr',
      signal: quiet(),
      reader: readerIn(compute),
    }
    await crawlSite(site)
    await discoverArticles(await openSite(site), 10)
    expect([...asked].sort()).toEqual([
      'audit_reading readContent',
      'audit_reading readFeed',
      'audit_reading readHomeLinks',
      'audit_reading readListingLinks',
      'audit_reading readPosts',
      'audit_reading readRobotsText',
      'audit_reading readSitemap',
    ])
  })

  it.each(['sitemap', 'feed', 'posts'] as const)(
    'costs itself alone when a thread dies of %s',
    async (what) => {
      const reader: Reader = {
        ...readHere,
        [what]: async () => {
          throw new RowbeatError('NO_CONTENT', `${what} needs more than 512 MiB of memory`)
        },
      }
      const site = { outbound: fakeOutbound(answers), domain: 'client.fr', signal: quiet(), reader }
      const { urls, problems } = await discoverArticles(await openSite(site), 10)
      expect(urls.map(({ url }) => url)).toContain(`${SITE}/blog/un`)
      expect(problems).toContainEqual(
        expect.objectContaining({ code: 'NO_CONTENT', message: `${what} needs more than 512 MiB of memory` }),
      )
    },
  )
})
