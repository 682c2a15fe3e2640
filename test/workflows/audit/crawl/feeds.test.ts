import { describe, expect, it } from 'vitest'
import { parseFeed } from '../../../../src/workflows/audit/crawl/feed-parse.ts'
import { readFeeds } from '../../../../src/workflows/audit/crawl/feeds.ts'
import { extractFeedLinks } from '../../../../src/workflows/audit/crawl/html-links.ts'
import { parseRobots } from '../../../../src/workflows/audit/crawl/robots.ts'
import { deadOutbound, fakeOutbound, quiet } from './fake-outbound.ts'

const SITE = 'https://client.fr'

function rss(items: readonly string[], extra = ''): string {
  return `<?xml version="1.0"?><rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>t</title>${extra}${items
    .map((item) => `<item><title>${item}</title><link>${SITE}/${item}</link></item>`)
    .join('')}</channel></rss>`
}

function read(answers: Parameters<typeof fakeOutbound>[0], html: string | null = null, robotsTxt = '') {
  const outbound = fakeOutbound(answers)
  const home = html === null ? null : { links: [], feeds: extractFeedLinks(html, `${SITE}/`) }
  const options = { signal: quiet(), home, maxUrls: 500 }
  return readFeeds(outbound, parseRobots(SITE, robotsTxt), 'client.fr', options).then((result) => ({
    ...result,
    list: result.urls.map(({ url }) => url),
    outbound,
  }))
}

describe('parsing a feed', () => {
  it('reads RSS with entities, CDATA and RFC 822 dates', () => {
    const feed = parseFeed(
      `<rss version="2.0"><channel><title>t</title><item><title>Un &amp; deux <![CDATA[<b>trois</b>]]></title>
       <link>/a?x=1#top</link><pubDate>Wed, 02 Oct 2024 13:00:00 +0200</pubDate></item></channel></rss>`,
      `${SITE}/feed`,
      10,
    )
    expect(feed?.items).toEqual([
      { url: `${SITE}/a?x=1`, publishedAt: '2024-10-02T11:00:00.000Z', title: 'Un & deux trois' },
    ])
  })

  it('reads Atom, RDF and JSON Feed', () => {
    const atom = `<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><link rel="next" href="?p=2"/><entry>
      <title>a</title><link rel="edit" href="/edit"/><link href="/atom"/><id>urn:1</id><updated>2024-01-02T03:04:05Z</updated></entry></feed>`
    expect(parseFeed(atom, `${SITE}/atom.xml`, 10)).toEqual({
      items: [{ url: `${SITE}/atom`, publishedAt: '2024-01-02T03:04:05.000Z', title: 'a' }],
      nextUrl: `${SITE}/atom.xml?p=2`,
      stoppedBy: null,
    })
    const rdf = `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
      <channel rdf:about="x"><title>t</title></channel><item rdf:about="${SITE}/r"><title>r</title><link>${SITE}/r</link><dc:date>2024-05-05</dc:date></item></rdf:RDF>`
    expect(parseFeed(rdf, SITE, 10)?.items[0]).toMatchObject({
      url: `${SITE}/r`,
      publishedAt: '2024-05-05T00:00:00.000Z',
    })
    const json = JSON.stringify({
      version: 'https://jsonfeed.org/version/1.1',
      title: 't',
      items: [{ id: '1', url: `${SITE}/j`, date_published: 'tomorrow' }],
    })
    expect(parseFeed(json, SITE, 10)?.items).toEqual([{ url: `${SITE}/j`, publishedAt: null, title: null }])
  })

  it.each(['', '<!doctype html><p>x</p>', '{"a":', `${'<a>'.repeat(5_000)}`, '\0'])(
    'gives null for %.20j',
    (text) => {
      expect(parseFeed(text, SITE, 10)).toBeNull()
    },
  )
})

describe('reading the feeds of a site', () => {
  it('takes those the home page declares, comment feeds left out', async () => {
    const html = `<link rel="alternate" type="application/rss+xml" href="/comments/feed">
      <link rel="alternate" type="application/rss+xml" href="/my.rss"><link rel="stylesheet" type="text/css" href="/x">`
    const { list, outbound } = await read({ '/my.rss': rss(['a', 'b']) }, html)
    expect(list).toEqual([`${SITE}/a`, `${SITE}/b`])
    expect(outbound.paths()).toEqual(['/my.rss'])
  })

  it('tries the usual paths until one answers', async () => {
    const { list, outbound, problems } = await read({ '/rss.xml': rss(['a']) })
    expect(list).toEqual([`${SITE}/a`])
    expect(outbound.paths()).toEqual(['/feed', '/rss', '/rss.xml'])
    expect(problems).toEqual([])
  })

  it('follows a feed into its past for at most five pages, and never in a circle', async () => {
    const paged = (page: number, next: number) =>
      rss([`p${page}`], `<atom:link rel="next" href="/feed?p=${next}"/>`)
    const long = await read({
      '/feed': paged(1, 2),
      ...Object.fromEntries([2, 3, 4, 5, 6].map((page) => [`/feed?p=${page}`, paged(page, page + 1)])),
    })
    expect(long.list).toHaveLength(5)
    const circle = await read({ '/feed': rss(['a'], '<atom:link rel="next" href="/feed"/>') })
    expect(circle.outbound.paths()).toEqual(['/feed'])
  })

  it('leaves out items of other sites', async () => {
    const other = rss(['a']).replaceAll(SITE, 'https://other.fr')
    const { list } = await read({ '/feed': other, '/rss': rss(['b']) })
    expect(list).toEqual([`${SITE}/b`])
  })

  it('says when a declared feed is none, and asks nothing that robots forbid', async () => {
    const html =
      '<link rel="alternate" type="application/atom+xml" href="/broken"><link rel="alternate" type="application/rss+xml" href="/no/feed">'
    const { problems, outbound } = await read(
      { '/broken': '<p>no</p>' },
      html,
      'User-agent: *\nDisallow: /no\nDisallow: /feed',
    )
    expect(problems.map(({ url, code }) => [url, code])).toEqual([
      [`${SITE}/broken`, 'NO_CONTENT'],
      [`${SITE}/no/feed`, 'ROBOTS_DISALLOWED'],
    ])
    expect(outbound.paths()).not.toContain('/feed')
  })

  it('reads a feed in windows-1252', async () => {
    const text = rss(['a']).replace('<?xml version="1.0"?>', '<?xml version="1.0" encoding="windows-1252"?>')
    const body = Buffer.from(text.replace('<title>a<', '<title>\u00e9t\u00e9<'), 'latin1')
    const { urls } = await read({ '/feed': { type: 'application/rss+xml', body } })
    expect(urls[0]?.title).toBe('\u00e9t\u00e9')
  })

  it('gives up on a dead host after three requests', async () => {
    const outbound = deadOutbound('UPSTREAM_TIMEOUT')
    const options = { signal: quiet(), home: null, maxUrls: 10 }
    const { urls } = await readFeeds(outbound, parseRobots(SITE, ''), 'client.fr', options)
    expect(urls).toEqual([])
    expect(outbound.requests).toHaveLength(3)
  })
})
