import { describe, expect, it } from 'vitest'
import { createCompute } from '../../../../src/engine/compute.ts'
import { threadedRooms } from '../../../../src/workflows/audit/steps/threaded-rooms.ts'
import { buildProfile } from '../../../../src/workflows/audit/text/profile.ts'
import type { CrawledPage } from '../../../../src/workflows/audit/types.ts'
import { fakeOutbound, htmlPage, quiet } from '../crawl/fake-outbound.ts'
import { page } from '../fixtures.ts'

const compute = () => createCompute({ idleSeconds: 0.001 })

const question = (count: number) => ({
  articles: Array.from({ length: count }, (_, n) => ({
    id: String(n),
    domain: n % 2 === 0 ? 'client.fr' : 'rival.fr',
    role: n % 2 === 0 ? ('client' as const) : ('competitor' as const),
    title: n % 3 === 0 ? 'Cargo bikes in the city' : 'Warehouse leases and rent',
    text: (n % 3 === 0
      ? 'Cargo bikes deliver parcels in the city. '
      : 'Warehouse rent rises near the ring road. '
    ).repeat(8),
    language: 'en' as const,
    publishedAt: new Date(Date.UTC(2026, 2, 1 + (n % 14))).toISOString(),
    url: `https://x.fr/${n}`,
  })),
  competitorDomains: ['rival.fr'],
  clientDomain: 'client.fr',
  themes: [],
  asOf: new Date('2026-03-15T00:00:00.000Z'),
  timeWindowDays: 90,
})

describe('the trend pipeline in a thread', () => {
  it('gives the result of the pipeline and its stages', async () => {
    const stages: string[] = []
    const result = await threadedRooms(compute()).runTrends(question(24), {
      signal: quiet(),
      onStage: (stage) => stages.push(stage),
    })
    expect(result.counts.articles).toBe(24)
    expect(stages).toContain('clustering')
  })

  it('tells the code of what goes wrong', async () => {
    const hooks = { signal: quiet(), onStage: () => undefined }
    await expect(threadedRooms(compute()).runTrends(question(3), hooks)).rejects.toMatchObject({
      name: 'RowbeatError',
      code: 'INSUFFICIENT_ARTICLES',
    })
  })

  it('ends with its signal', async () => {
    const controller = new AbortController()
    const reason = new Error('step timed out')
    const hooks = { signal: controller.signal, onStage: () => undefined }
    const running = threadedRooms(compute()).runTrends(question(24), hooks)
    controller.abort(reason)
    await expect(running).rejects.toBe(reason)
    await expect(threadedRooms(compute()).runTrends(question(24), hooks)).rejects.toBe(reason)
  })
})

describe('a site read in a thread', () => {
  it('gives the same pages, articles and profile as one read here', async () => {
    const paths = ['/blog/un', '/blog/deux', '/blog/trois']
    const outbound = () =>
      fakeOutbound({
        '/': htmlPage('accueil', { links: paths }),
        ...Object.fromEntries(paths.map((path) => [path, htmlPage(path.slice(6), { words: 250 })])),
      })
    const rooms = threadedRooms(compute())
    const { crawlSite } = await import('../../../../src/workflows/audit/crawl/crawler.ts')
    const options = { domain: 'client.fr', signal: quiet() }
    const crawled = await rooms.crawlSite({ ...options, outbound: outbound() })
    expect(crawled).toEqual(await crawlSite({ ...options, outbound: outbound() }))
    expect(await rooms.buildProfile(crawled.pages, quiet())).toEqual(await buildProfile(crawled.pages))
    const stored: string[] = []
    await rooms.scrapeArticles({
      ...options,
      outbound: outbound(),
      asOf: new Date(),
      known: () => null,
      onArticle: async ({ url, language, simhash }) => void stored.push(`${url} ${language} ${simhash}`),
    })
    const expected = paths.toSorted().map((path) => expect.stringMatching(`${path} fr [0-9a-f]{16}`))
    expect(stored.sort()).toEqual(expected)
  })

  it('has no profile without text', async () => {
    const silent: CrawledPage = { ...page(), content: null }
    await expect(threadedRooms(compute()).buildProfile([silent], quiet())).rejects.toMatchObject({
      code: 'NO_CONTENT',
    })
  })
})
