/** Where things are on a site: paths for links, absolute URLs for feeds, sitemaps and canonical links. */
import { type DemoArticle, publishedAt } from './content.ts'
import type { SiteDesign } from './sites.ts'

export const LISTING_SIZE = 6

/** Path of an article; the dated form moves with `asOf`, as the article's date does. */
export function articlePath(design: SiteDesign, article: DemoArticle, asOf: Date): string {
  const { listingPath } = design
  switch (design.articleAddress) {
    case 'folder':
      return `${listingPath}${article.slug}/`
    case 'bare':
      return `${listingPath}${article.slug}`
    case 'html':
      return `${listingPath}${article.slug}.html`
    case 'dated': {
      const [year, month] = publishedAt(article, asOf).toISOString().split('-')
      return `${listingPath}${year}/${month}/${article.slug}/`
    }
  }
}

/** Path of a page of the listing; 1 is the listing itself. */
export function listingPagePath(design: SiteDesign, number: number): string {
  return number === 1 ? design.listingPath : `${design.listingPath}page/${number}/`
}

/** The demo speaks plain HTTP: a mapped host is reached without TLS. */
export function absolute(design: SiteDesign, path: string): string {
  return `http://${design.domain}${path}`
}
