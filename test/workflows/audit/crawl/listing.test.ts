import { describe, expect, it } from 'vitest'
import { RowbeatError } from '../../../../src/core/errors.ts'
import {
  extractFeedLinks,
  extractLinks,
  extractListingLinks,
} from '../../../../src/workflows/audit/crawl/html-links.ts'
import { readListings } from '../../../../src/workflows/audit/crawl/listing.ts'
import { parseRobots } from '../../../../src/workflows/audit/crawl/robots.ts'
import { type Reader, readHere } from '../../../../src/workflows/audit/reader.ts'
import { deadOutbound, fakeOutbound, quiet } from './fake-outbound.ts'

const SITE = 'https://client.fr'

function read(answers: Parameters<typeof fakeOutbound>[0], html: string | null = null) {
  const outbound = fakeOutbound(answers)
  const home = html === null ? null : { links: extractLinks(html, `${SITE}/`), feeds: [] }
  const options = { signal: quiet(), home, maxUrls: 100, reader: readHere }
  return readListings(outbound, parseRobots(SITE, ''), 'client.fr', options).then((result) => ({
    list: result.urls.map(({ url }) => url),
    outbound,
  }))
}

function listing(...hrefs: string[]): string {
  return `<html><nav><a href="/menu">m</a></nav><main>${hrefs.map((href) => `<h2><a href="${href}">x</a></h2>`).join('')}</main></html>`
}

describe('harvesting listing pages', () => {
  it('takes the article links, not menus, tags, paging, files or other sites', async () => {
    const { list } = await read({
      '/blog': listing(
        '/blog/un',
        '/tag/x',
        '/blog?page=2',
        '/a.pdf',
        'https://other.fr/x',
        '/',
        '/blog/',
        '/contact',
        '/blog/deux',
      ),
    })
    expect(list).toEqual([`${SITE}/blog/un`, `${SITE}/blog/deux`])
  })

  it('reads at most three listings, those the home page links to first', async () => {
    const answers = Object.fromEntries(
      ['/blog', '/actualites', '/news', '/articles', '/fr/magazine'].map((path) => [
        path,
        listing(`${path}/a-b-c`),
      ]),
    )
    const { list, outbound } = await read(answers, '<a href="/fr/magazine">Magazine</a>')
    expect(outbound.paths()).toEqual(['/fr/magazine', '/blog', '/actualites'])
    expect(list[0]).toBe(`${SITE}/fr/magazine/a-b-c`)
  })

  it('does not take a home page it is redirected to for a listing', async () => {
    const { list } = await read({ '/blog': { redirect: '/' }, '/': listing('/somewhere') })
    expect(list).toEqual([])
  })

  it('goes on without a listing that cannot be read', async () => {
    const reader: Reader = {
      ...readHere,
      listingLinks: async (raw) => {
        if (raw.url.endsWith('/blog')) throw new RowbeatError('NO_CONTENT', 'takes more than 20 s')
        return [`${SITE}/news/un`]
      },
    }
    const outbound = fakeOutbound({ '/blog': listing('/a'), '/news': listing('/b') })
    const options = { signal: quiet(), home: null, maxUrls: 10, reader }
    const found = await readListings(outbound, parseRobots(SITE, ''), 'client.fr', options)
    expect(found).toMatchObject({
      urls: [{ url: `${SITE}/news/un` }],
      problems: [{ url: `${SITE}/blog`, code: 'NO_CONTENT', message: 'takes more than 20 s' }],
    })
  })

  it('gives up on a dead host', async () => {
    const outbound = deadOutbound('NETWORK_UNREACHABLE')
    await readListings(outbound, parseRobots(SITE, ''), 'client.fr', {
      signal: quiet(),
      home: null,
      maxUrls: 10,
      reader: readHere,
    })
    expect(outbound.requests).toHaveLength(3)
  })
})

describe('links of a page', () => {
  it('are absolute, distinct and http(s) only, with base respected', () => {
    const html =
      '<base href="/fr/"><a href="a">1</a><a href="a#x">2</a><a href="mailto:x@y">3</a><a href="javascript:1">4</a><a href="http://[">5</a><a href="//client.fr/b">6</a>'
    expect(extractLinks(html, `${SITE}/`)).toEqual([`${SITE}/fr/a`, `${SITE}/b`])
  })

  it('are cut at two thousand, even when a page repeats them a hundred thousand times', () => {
    const many = Array.from({ length: 11_000 }, (_, index) => `<a href=/${index % 3_000}>x</a>`).join('')
    expect(extractLinks(many, SITE)).toHaveLength(2_000)
    expect(extractListingLinks(many, SITE)).toHaveLength(500)
  })

  it('give at most five feeds', () => {
    const html = Array.from(
      { length: 9 },
      (_, index) => `<link rel="alternate" type="application/rss+xml" href="/f${index}">`,
    )
    expect(extractFeedLinks(html.join(''), SITE)).toHaveLength(5)
  })
})
