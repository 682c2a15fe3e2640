import { gunzipSync } from 'node:zlib'
import { parseFeed } from 'feedsmith'
import robotsParserModule from 'robots-parser'
import { SaxesParser } from 'saxes'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SITE_DESIGNS } from '../../demo/sites.ts'
import { type Demo, startDemo } from '../../demo/start.ts'

// The package is CommonJS: its types promise a default export that is the module itself.
const robotsParser = robotsParserModule as unknown as typeof robotsParserModule.default
const asOf = new Date('2026-05-20T10:00:00Z')
let demo: Demo

beforeAll(async () => {
  demo = await startDemo({ asOf })
})
afterAll(() => demo.close())

/** Fetches a URL of a mapped host at its real address. */
function get(url: string, init: RequestInit = {}): Promise<Response> {
  const { host, pathname, search } = new URL(url)
  const mapped = new Map(demo.hostMap.split(',').map((pair) => pair.split('=') as [string, string]))
  const address = mapped.get(host)
  if (address === undefined) throw new Error(`${host} is not in the host map`)
  return fetch(`http://${address}${pathname}${search}`, { redirect: 'manual', ...init })
}

function assertXml(text: string): void {
  const parser = new SaxesParser({ xmlns: true })
  parser.on('error', (error) => {
    throw error
  })
  parser.write(text).close()
}

const locationsOf = (xml: string) => [...xml.matchAll(/<loc>([^<]+)<\/loc>/g)].map(([, url]) => url ?? '')

async function sitemapText(url: string): Promise<string> {
  const response = await get(url)
  const bytes = Buffer.from(await response.arrayBuffer())
  return (url.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
}

interface Visited {
  readonly status: number
  readonly from: string
}

/** Follows every link and source of every page, from the four home pages on. */
async function crawlAll(): Promise<Map<string, Visited>> {
  const visited = new Map<string, Visited>()
  const waiting = demo.sites.map(({ domain }) => ({ url: `http://${domain}/`, from: '' }))
  for (let next = waiting.pop(); next !== undefined && visited.size < 500; next = waiting.pop()) {
    const { url, from } = next
    if (visited.has(url)) continue
    const first = await get(url)
    const response = first.status === 503 ? await get(url) : first
    visited.set(url, { status: response.status, from })
    const location = response.headers.get('location')
    if (location !== null) waiting.push({ url: new URL(location, url).href, from: url })
    if (!response.headers.get('content-type')?.startsWith('text/html') || response.status !== 200) continue
    const html = await response.text()
    for (const [, link = ''] of html.matchAll(/(?:href|src)="([^"]+)"/g)) {
      const target = new URL(link.replaceAll('&amp;', '&'), url)
      target.hash = ''
      if (target.protocol === 'http:') waiting.push({ url: target.href, from: url })
    }
  }
  return visited
}

describe('the sites of the demo', () => {
  it('resolve every link but the planned broken one', async () => {
    const visited = await crawlAll()
    const bad = [...visited].filter(([, { status }]) => status !== 200 && status !== 301).map(([url]) => url)
    const planned = SITE_DESIGNS.flatMap(({ domain, brokenPaths }) =>
      brokenPaths.map((path) => `http://${domain}${path}`),
    )
    expect(bad).toEqual(planned)
    expect(visited.get('http://atelier-velo.test/prive/espace-partenaires/')?.status).toBe(200)
    for (const { domain } of demo.sites) {
      expect([...visited.keys()].filter((url) => url.startsWith(`http://${domain}/`)).length).toBeGreaterThan(
        25,
      )
    }
  })

  it('name the client first and map every host', () => {
    expect(demo.sites[0]).toMatchObject({ domain: demo.clientDomain, role: 'client' })
    expect(demo.sites.map(({ role }) => role)).toEqual(['client', 'competitor', 'competitor', 'competitor'])
    expect(demo.hostMap.split(',')).toHaveLength(5)
    expect(demo.hostMap).toMatch(/^([a-z-]+\.test=127\.0\.0\.1:\d+,?)+$/)
    expect(new URL(demo.searxngUrl).host).toBe(demo.searchHost)
  })

  it('keep robots out of what robots.txt disallows, and count the visits', async () => {
    const text = await (await get('http://atelier-velo.test/robots.txt')).text()
    const robots = robotsParser('http://atelier-velo.test/robots.txt', text)
    expect(robots.isAllowed('http://atelier-velo.test/prive/espace-partenaires/')).toBe(false)
    expect(robots.isAllowed('http://atelier-velo.test/blog/')).toBe(true)
    expect(robots.getCrawlDelay()).toBe(0)
    const before = demo.visits('atelier-velo.test', '/robots.txt')
    await (await get('http://atelier-velo.test/robots.txt')).text()
    expect(demo.visits('atelier-velo.test', '/robots.txt')).toBe(before + 1)
    expect(demo.visits('atelier-velo.test', '/unknown')).toBe(0)
  })

  it.each(SITE_DESIGNS.map((design) => [design.domain, design] as const))(
    'list every article of %s once in their sitemaps',
    async (domain, design) => {
      const index = await sitemapText(`http://${domain}${design.sitemap.index}`)
      assertXml(index)
      const maps = await Promise.all(locationsOf(index).map(sitemapText))
      for (const map of maps) assertXml(map)
      const urls = maps.flatMap(locationsOf)
      expect(new Set(urls).size).toBe(urls.length)
      expect(
        urls.filter((url) => new URL(url).pathname.startsWith(design.listingPath)).length,
      ).toBeGreaterThan(13)
      expect(urls.some((url) => url.includes('/prive/'))).toBe(false)
    },
  )

  it('offer two RSS feeds and one Atom feed', async () => {
    const formats: string[] = []
    for (const { domain, feed } of SITE_DESIGNS) {
      if (feed === null) continue
      const text = await (await get(`http://${domain}${feed.path}`)).text()
      assertXml(text)
      const parsed = parseFeed(text)
      formats.push(parsed.format)
      const count =
        parsed.format === 'atom'
          ? parsed.feed.entries?.length
          : (parsed.feed as { items?: unknown[] }).items?.length
      expect(count).toBeGreaterThan(13)
    }
    expect(formats).toEqual(['rss', 'rss', 'atom'])
  })

  it('page posts through the WordPress endpoint, and refuse wrong pages', async () => {
    const base = 'http://cyclo-fret.test/wp-json/wp/v2/posts'
    const first = await get(`${base}?per_page=10`)
    const total = Number(first.headers.get('x-wp-total'))
    const posts = (await first.json()) as { link: string; date_gmt: string; content: { rendered: string } }[]
    expect(posts).toHaveLength(10)
    expect(first.headers.get('x-wp-totalpages')).toBe(String(Math.ceil(total / 10)))
    const second = (await (await get(`${base}?per_page=10&page=2`)).json()) as unknown[]
    expect(second).toHaveLength(total - 10)
    expect((await get(posts[0]?.link ?? '')).status).toBe(200)
    expect(Date.parse(`${posts[0]?.date_gmt}Z`)).toBeLessThan(asOf.getTime())
    for (const query of ['page=9', 'per_page=0', 'per_page=101', 'page=x']) {
      expect((await get(`${base}?${query}`)).status).toBe(400)
    }
  })

  it('answer 304 to validators that still match, and 200 to others', async () => {
    const url = 'http://cyclo-fret.test/actualites/'
    const first = await get(url)
    const etag = first.headers.get('etag') ?? ''
    const modified = first.headers.get('last-modified') ?? ''
    expect((await get(url, { headers: { 'if-none-match': `"other", ${etag}` } })).status).toBe(304)
    expect((await get(url, { headers: { 'if-modified-since': modified } })).status).toBe(304)
    expect((await get(url, { headers: { 'if-none-match': '"other"' } })).status).toBe(200)
    const before = new Date(Date.parse(modified) - 1000).toUTCString()
    expect((await get(url, { headers: { 'if-modified-since': before } })).status).toBe(200)
    expect(
      (await get(url, { headers: { 'if-none-match': '"other"', 'if-modified-since': modified } })).status,
    ).toBe(200)
  })

  it('redirect old addresses and missing slashes for good', async () => {
    const old = await get('http://roue-libre-pro.test/tarifs.php')
    expect([old.status, old.headers.get('location')]).toEqual([301, '/offres.html'])
    const bare = await get('http://atelier-velo.test/blog')
    expect([bare.status, bare.headers.get('location')]).toEqual([301, '/blog/'])
  })

  it('serve one page in windows-1252, and say so', async () => {
    const response = await get('http://roue-libre-pro.test/ressources/carnet-entretien-partage.html')
    expect(response.headers.get('content-type')).toBe('text/html; charset=windows-1252')
    const html = new TextDecoder('windows-1252').decode(await response.arrayBuffer())
    expect(html).toContain('Un carnet d’entretien que le mécanicien')
    expect(html).toContain('charset="windows-1252"')
  })

  it('answer HEAD without a body, refuse other methods, and survive an odd path', async () => {
    const head = await get('http://atelier-velo.test/', { method: 'HEAD' })
    expect(head.status).toBe(200)
    expect(Number(head.headers.get('content-length'))).toBeGreaterThan(1000)
    expect(await head.text()).toBe('')
    const post = await get('http://atelier-velo.test/', { method: 'POST', body: 'x' })
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect((await get('http://atelier-velo.test/%E0%A4%A')).status).toBe(404)
  })
})

describe('a fresh demo', () => {
  it('fails once, is slow once where planned, and dates its articles from the day given', async () => {
    const other = await startDemo({ asOf: new Date('2027-01-02T00:00:00Z') })
    const addressOf = (domain: string) => other.sites.find((site) => site.domain === domain)?.address ?? ''
    try {
      const flaky = `${addressOf('roue-libre-pro.test')}/ressources/conduite-charge-formation.html`
      const [first, second] = [await fetch(flaky), await fetch(flaky)]
      expect([first.status, first.headers.get('retry-after'), second.status]).toEqual([503, '1', 200])
      const started = performance.now()
      expect((await fetch(`${addressOf('last-mile-works.test')}/articles/vehicules-suiveurs`)).status).toBe(
        200,
      )
      expect(performance.now() - started).toBeGreaterThan(750)
      const feed = await (await fetch(`${addressOf('atelier-velo.test')}/feed.xml`)).text()
      const newest = Date.parse(/<pubDate>([^<]+)</.exec(feed)?.[1] ?? '')
      expect(newest).toBeLessThan(Date.parse('2027-01-02'))
      expect(newest).toBeGreaterThan(Date.parse('2026-12-20'))
    } finally {
      await other.close()
    }
    await expect(fetch(addressOf('atelier-velo.test'))).rejects.toThrow()
  })

  it('is refused for a date that is none', async () => {
    await expect(startDemo({ asOf: new Date('someday') })).rejects.toThrow(RangeError)
  })
})
