import { describe, expect, it } from 'vitest'
import { readCmsPosts } from '../../../../src/workflows/audit/crawl/cms.ts'
import { parseRobots } from '../../../../src/workflows/audit/crawl/robots.ts'
import { fakeOutbound, quiet } from './fake-outbound.ts'

const SITE = 'https://client.fr'

function wordpress(page: number): string {
  return `/wp-json/wp/v2/posts?per_page=100&page=${page}&_fields=link,date_gmt,title`
}

const DRUPAL =
  '/jsonapi/node/article?page[limit]=50&sort=-created&fields[node--article]=title,path,created,drupal_internal__nid'

function read(answers: Parameters<typeof fakeOutbound>[0], robotsTxt = '') {
  const outbound = fakeOutbound(answers)
  const options = { signal: quiet(), home: null, maxUrls: 1_000 }
  return readCmsPosts(outbound, parseRobots(SITE, robotsTxt), 'client.fr', options).then((result) => ({
    ...result,
    outbound,
  }))
}

describe('asking a content management system', () => {
  it('reads the posts of WordPress page by page', async () => {
    const page = (link: string) =>
      JSON.stringify([
        {
          link,
          date_gmt: '2024-05-06T07:08:09',
          title: { rendered: 'L&rsquo;&eacute;t&eacute; <em>ici</em>' },
        },
      ])
    const headers = { 'x-wp-totalpages': '2' }
    const { urls } = await read({
      [wordpress(1)]: { body: page(`${SITE}/one`), headers },
      [wordpress(2)]: { body: page(`${SITE}/two`), headers },
    })
    expect(urls.map(({ url }) => url)).toEqual([`${SITE}/one`, `${SITE}/two`])
    expect(urls[0]).toMatchObject({
      source: 'api',
      publishedAt: '2024-05-06T07:08:09.000Z',
      title: 'L’été ici',
    })
  })

  it('stops after five pages whatever the site claims', async () => {
    const answers = Object.fromEntries(
      Array.from({ length: 9 }, (_, index) => [
        wordpress(index + 1),
        { body: JSON.stringify([{ link: `${SITE}/p${index}` }]), headers: { 'x-wp-totalpages': '1000000' } },
      ]),
    )
    const { urls, outbound } = await read(answers)
    expect(urls).toHaveLength(5)
    expect(outbound.requests).toHaveLength(5)
  })

  it('reads the articles of Drupal by alias or number, and its next page', async () => {
    const node = (attributes: object) => ({
      attributes: { title: 't', created: '2024-05-06T07:08:09+00:00', ...attributes },
    })
    const { urls } = await read({
      [encodeURI(DRUPAL).replaceAll('%5B', '[').replaceAll('%5D', ']')]: JSON.stringify({
        data: [
          node({ path: { alias: '/actu/un' } }),
          node({ path: { alias: null }, drupal_internal__nid: 7 }),
          null,
          3,
        ],
        links: { next: { href: `${SITE}/jsonapi/next` } },
      }),
      '/jsonapi/next': JSON.stringify({
        data: [node({ path: { alias: '/actu/deux' } })],
        links: { next: { href: 5 } },
      }),
    })
    expect(urls.map(({ url }) => url)).toEqual([`${SITE}/actu/un`, `${SITE}/node/7`, `${SITE}/actu/deux`])
  })

  it.each([
    ['an HTML page', '<!doctype html><p>x</p>'],
    ['broken JSON', '[{"link":'],
    ['an error document', '{"code":"rest_no_route"}'],
    [
      'nonsense entries',
      '[null, 1, "x", {"link": 5}, {"link": "https://other.fr/a"}, {"link": "javascript:alert(1)"}]',
    ],
    ['an empty list', '[]'],
  ])('takes %s for no such system', async (_name, body) => {
    const { urls, problems } = await read({ [wordpress(1)]: body })
    expect({ urls, problems }).toEqual({ urls: [], problems: [] })
  })

  it('keeps robots.txt', async () => {
    const { outbound } = await read({}, 'User-agent: *\nDisallow: /wp-json/\nDisallow: /jsonapi/')
    expect(outbound.requests).toEqual([])
  })
})
