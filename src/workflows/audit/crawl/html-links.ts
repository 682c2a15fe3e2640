/** Links of an HTML page. Pure. */
import { type CheerioAPI, load } from 'cheerio'
import { parsePage } from '../text/tree.ts'
import { boundMarkup } from './markup-limits.ts'
import { resolveUrl } from './site-scope.ts'

/** A page with more links than this is an index of something or a trap; the first ones are enough. */
export const MAX_LINKS_PER_PAGE = 2_000

const FEED_TYPES = /^application\/(?:rss\+xml|atom\+xml|rdf\+xml|feed\+json)\b/i

function parseBounded(html: string): CheerioAPI {
  return parsePage(boundMarkup(html))
}

function baseOf(page: CheerioAPI, url: string): string {
  const href = page('base[href]').first().attr('href')
  return (href === undefined ? null : resolveUrl(href, url)) ?? url
}

function linksOf(page: CheerioAPI, selector: string, base: string, max: number): string[] {
  const found = new Set<string>()
  let seen = 0
  for (const element of page(selector)) {
    seen += 1
    // Counting what was looked at, not only what was kept: 100,000 copies of one link end here too.
    if (found.size >= max || seen > max * 5) break
    const href = page(element).attr('href')
    const link = href === undefined ? null : resolveUrl(href, base)
    if (link !== null) found.add(link)
  }
  return [...found]
}

/** Distinct absolute http(s) links in document order, at most `max` (default 2,000), `<base>` respected. */
export function extractLinks(html: string, url: string, max = MAX_LINKS_PER_PAGE): string[] {
  const page = parseBounded(html)
  return linksOf(page, 'a[href], area[href]', baseOf(page, url), max)
}

/**
 * Links of the content of a listing page: those inside articles, of headings and of the main part; the rest of
 * the page only when there are none. Distinct, in document order, at most 500.
 */
export function extractListingLinks(html: string, url: string): string[] {
  const page = parseBounded(html)
  page('nav, header nav, footer, aside').remove()
  const base = baseOf(page, url)
  const content = linksOf(
    page,
    'article a[href], h1 a[href], h2 a[href], h3 a[href], h4 a[href], main a[href], [role=main] a[href]',
    base,
    500,
  )
  return content.length > 0 ? content : linksOf(page, 'a[href]', base, 500)
}

/** Feeds declared with `<link rel="alternate">`, comment feeds left out; absolute, at most 5. */
export function extractFeedLinks(html: string, url: string): string[] {
  const page = parseBounded(html)
  const base = baseOf(page, url)
  const found = new Set<string>()
  for (const element of page('link[href][type]')) {
    const link = page(element)
    const isAlternate = (link.attr('rel') ?? '').toLowerCase().split(/\s+/).includes('alternate')
    if (!isAlternate || !FEED_TYPES.test(link.attr('type') ?? '')) continue
    const feed = resolveUrl(link.attr('href') ?? '', base)
    if (feed !== null && !/comment/i.test(feed)) found.add(feed)
    if (found.size >= 5) break
  }
  return [...found]
}

/** Text of a fragment of HTML such as a title of an API, folded to one line, at most 300 characters; null when empty. */
export function plainTitle(fragment: string | null | undefined): string | null {
  if (fragment === null || fragment === undefined) return null
  const text = load(fragment.slice(0, 2_000)).text().replace(/\s+/g, ' ').trim()
  return text === '' ? null : text.slice(0, 300)
}
