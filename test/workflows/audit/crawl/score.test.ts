import { describe, expect, it } from 'vitest'
import {
  isListingPath,
  negativeKinds,
  scorePage,
  scoreUrl,
  selectUrls,
} from '../../../../src/workflows/audit/crawl/score.ts'
import type { FoundUrl, UrlSource } from '../../../../src/workflows/audit/types.ts'

const SITE = 'https://client.fr'

function found(path: string, source: UrlSource = 'sitemap', publishedAt: string | null = null): FoundUrl {
  return { url: `${SITE}${path}`, source, publishedAt, title: null }
}

describe('the score of a URL', () => {
  it.each([
    ['api', 30],
    ['feed', 25],
    ['sitemap_blog', 20],
    ['sitemap', 10],
    ['listing', 5],
    ['crawl', 5],
  ] as const)('starts with the points of its source: %s', (source, points) => {
    expect(scoreUrl(`${SITE}/x`, source)).toBe(points)
  })

  it.each([
    ['/2024/05/06/titre', 18],
    ['/2024/05/titre', 15],
    ['/blog/2024/05/titre', 15],
    ['/blog/titre', 12],
    ['/actualit%C3%A9s/titre', 12],
    ['/news/article/titre', 12],
    ['/article/titre', 10],
    ['/a/b/un-titre', 8],
    ['/a/b/titre', 0],
    ['/2024/13/titre', 0],
    ['/blogueur/titre', 0],
  ])('adds only the first path pattern that matches: %s', (path, points) => {
    expect(scoreUrl(`${SITE}${path}`, 'crawl') - 5).toBe(points)
  })

  it('adds five points beyond sixty characters', () => {
    const path = `/${'x'.repeat(60 - SITE.length - 1)}`
    expect(scoreUrl(`${SITE}${path}`, 'crawl')).toBe(5)
    expect(scoreUrl(`${SITE}${path}x`, 'crawl')).toBe(10)
  })

  it.each([
    ['/tag/x', 'taxonomy', -25],
    ['/category/x', 'taxonomy', -25],
    ['/author/x', 'author', -20],
    ['/page/2', 'paging', -30],
    ['/x?page=2', 'paging', -30],
    ['/?s=mot', 'search', -30],
    ['/mentions-legales', 'legal', -30],
    ['/login', 'login', -30],
    ['/contact', 'contact', -25],
    ['/x.pdf', 'file', -40],
  ])('takes points off %s as %s', (path, kind, points) => {
    expect(negativeKinds(`${SITE}${path}`)).toEqual([kind])
    expect(scoreUrl(`${SITE}${path}`, 'crawl') - 5).toBe(points)
  })

  it('does not take words inside a slug for such pages', () => {
    for (const path of [
      '/blog/comment-rediger-des-mentions-legales',
      '/blog/contact-humain',
      '/tagliatelles',
    ]) {
      expect(negativeKinds(`${SITE}${path}`)).toEqual([])
    }
  })

  it('sums several kinds, and survives what is no URL or badly escaped', () => {
    expect(scoreUrl(`${SITE}/tag/x/page/2`, 'crawl')).toBe(5 - 25 - 30)
    expect(scoreUrl('not a url', 'crawl')).toBe(5)
    expect(scoreUrl(`${SITE}/100%/x`, 'crawl')).toBe(5)
  })
})

describe('the score of a fetched page', () => {
  it('knows articles, products, jobs and events', () => {
    expect(scorePage({ jsonLdTypes: ['WebPage', 'NewsArticle'], ogType: 'article' })).toBe(55)
    expect(scorePage({ jsonLdTypes: ['BlogPosting', 'BlogPosting'], ogType: null })).toBe(30)
    expect(scorePage({ jsonLdTypes: ['Product', 'Product'], ogType: 'product' })).toBe(-30)
    expect(scorePage({ jsonLdTypes: ['JobPosting'], ogType: 'article' })).toBe(-10)
    expect(scorePage({ jsonLdTypes: ['MusicEvent'], ogType: null })).toBe(-25)
    expect(scorePage({ jsonLdTypes: [], ogType: null })).toBe(0)
  })
})

describe('the selection', () => {
  it('takes the best first and never a negative one', () => {
    const chosen = selectUrls(
      [found('/tag/x'), found('/a'), found('/2024/05/06/b', 'api'), found('/blog/c', 'feed')],
      10,
    )
    expect(chosen.map(({ url, score }) => [new URL(url).pathname, score])).toEqual([
      ['/2024/05/06/b', 48],
      ['/blog/c', 37],
      ['/a', 10],
    ])
  })

  it('stops at the maximum and does not depend on the order of the input', () => {
    const urls = ['/d', '/a', '/c', '/b'].map((path) => found(path))
    const dated = found('/z', 'sitemap', '2024-01-01T00:00:00.000Z')
    const chosen = selectUrls([...urls, dated], 3)
    expect(chosen.map(({ url }) => new URL(url).pathname)).toEqual(['/z', '/a', '/b'])
    expect(selectUrls([dated, ...urls].reverse(), 3)).toEqual(chosen)
    expect(selectUrls(urls, 0)).toEqual([])
  })

  it('knows the root of a section from its articles', () => {
    expect(isListingPath(`${SITE}/blog/`)).toBe(true)
    expect(isListingPath(`${SITE}/fr/actualités`)).toBe(true)
    expect(isListingPath(`${SITE}/blog/un`)).toBe(false)
  })
})
