/** robots.txt and the sitemaps of a site. */
import { absolute } from '../addresses.ts'
import type { SiteDesign } from '../sites.ts'

export interface SitemapEntry {
  readonly path: string
  readonly lastModified: Date
}

/** robots.txt in the form of RFC 9309, with the sitemap when the site says it there. */
export function robotsTxt(design: SiteDesign): string {
  const { disallow, crawlDelaySeconds } = design.robots
  return [
    'User-agent: *',
    ...(disallow.length === 0 ? ['Disallow:'] : disallow.map((path) => `Disallow: ${path}`)),
    ...(crawlDelaySeconds === null ? [] : [`Crawl-delay: ${crawlDelaySeconds}`]),
    ...(design.sitemapInRobots ? ['', `Sitemap: ${absolute(design, design.sitemap.index)}`] : []),
    '',
  ].join('\n')
}

function sitemapDocument(
  design: SiteDesign,
  root: string,
  item: string,
  entries: readonly SitemapEntry[],
): string {
  const items = entries.map(
    ({ path, lastModified }) =>
      `<${item}><loc>${absolute(design, path)}</loc><lastmod>${lastModified.toISOString()}</lastmod></${item}>`,
  )
  return `<?xml version="1.0" encoding="UTF-8"?>
<${root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
${items.join('\n')}
</${root}>
`
}

/** A sitemap of pages. */
export function sitemap(design: SiteDesign, entries: readonly SitemapEntry[]): string {
  return sitemapDocument(design, 'urlset', 'url', entries)
}

/** The index that names the two sitemaps of a site. */
export function sitemapIndex(design: SiteDesign, lastModified: Date): string {
  const { pages, articles } = design.sitemap
  return sitemapDocument(design, 'sitemapindex', 'sitemap', [
    { path: pages, lastModified },
    { path: articles, lastModified },
  ])
}
