/**
 * The four invented companies of the demo and the technique each site is built with. The sites differ on purpose,
 * so that an audit meets JSON-LD, OpenGraph, microdata, RSS, Atom, a CMS endpoint and a site with no feed at all.
 */

export type DemoLanguage = 'fr' | 'en'
export type DemoRole = 'client' | 'competitor'

/** How the articles of a site are addressed. */
export type ArticleAddress = 'folder' | 'dated' | 'bare' | 'html'

/** How an article page says its author and date. */
export type ArticleMarks = 'json-ld' | 'json-ld-graph' | 'open-graph' | 'microdata'

export interface Palette {
  readonly ink: string
  readonly paper: string
  readonly accent: string
  readonly tint: string
}

export interface SiteDesign {
  /** Folder under `content/`. */
  readonly folder: string
  readonly domain: string
  readonly title: string
  readonly tagline: string
  readonly role: DemoRole
  readonly language: DemoLanguage
  /** Path of the article listing, with a slash at both ends. */
  readonly listingPath: string
  readonly listingTitle: string
  readonly articleAddress: ArticleAddress
  readonly marks: ArticleMarks
  readonly feed: { readonly kind: 'rss' | 'atom'; readonly path: string } | null
  readonly wordpress: boolean
  readonly sitemap: { readonly index: string; readonly pages: string; readonly articles: string }
  /** Said in robots.txt; the index is also on a usual path when this is false. */
  readonly sitemapInRobots: boolean
  readonly robots: { readonly disallow: readonly string[]; readonly crawlDelaySeconds: number | null }
  /** Old path to new path, answered with 301. */
  readonly redirects: Readonly<Record<string, string>>
  /** Paths that are linked somewhere and answer 404 on purpose. */
  readonly brokenPaths: readonly string[]
  readonly palette: Palette
  readonly font: 'sans' | 'serif'
}

export const SITE_DESIGNS: readonly SiteDesign[] = [
  {
    folder: 'atelier-velo',
    domain: 'atelier-velo.test',
    title: 'Atelier Vélo',
    tagline: 'Des flottes de vélos cargo qui roulent six jours sur sept',
    role: 'client',
    language: 'fr',
    listingPath: '/blog/',
    listingTitle: 'Le blog de l’atelier',
    articleAddress: 'folder',
    marks: 'json-ld',
    feed: { kind: 'rss', path: '/feed.xml' },
    wordpress: false,
    sitemap: { index: '/sitemap.xml', pages: '/sitemap-pages.xml', articles: '/sitemap-articles.xml.gz' },
    sitemapInRobots: true,
    robots: { disallow: ['/prive/'], crawlDelaySeconds: 0 },
    redirects: { '/ancien-site/entretien.php': '/entretien/' },
    brokenPaths: ['/blog/guide-zone-30-archive/'],
    palette: { ink: '#1d2a24', paper: '#fbfaf5', accent: '#1f7a53', tint: '#e3f0e6' },
    font: 'sans',
  },
  {
    folder: 'cyclo-fret',
    domain: 'cyclo-fret.test',
    title: 'Cyclo Fret',
    tagline: 'La livraison urbaine à la force du hub',
    role: 'competitor',
    language: 'fr',
    listingPath: '/actualites/',
    listingTitle: 'Actualités',
    articleAddress: 'dated',
    marks: 'open-graph',
    feed: { kind: 'rss', path: '/feed/' },
    wordpress: true,
    sitemap: {
      index: '/wp-sitemap.xml',
      pages: '/wp-sitemap-posts-page-1.xml',
      articles: '/wp-sitemap-posts-post-1.xml',
    },
    sitemapInRobots: true,
    robots: { disallow: ['/wp-admin/'], crawlDelaySeconds: null },
    redirects: { '/presentation.html': '/a-propos/' },
    brokenPaths: [],
    palette: { ink: '#14213d', paper: '#ffffff', accent: '#d1495b', tint: '#f3f1fa' },
    font: 'sans',
  },
  {
    folder: 'last-mile-works',
    domain: 'last-mile-works.test',
    title: 'Last Mile Works',
    tagline: 'We measure the last mile, en deux langues',
    role: 'competitor',
    language: 'fr',
    listingPath: '/articles/',
    listingTitle: 'Articles',
    articleAddress: 'bare',
    marks: 'json-ld-graph',
    feed: { kind: 'atom', path: '/atom.xml' },
    wordpress: false,
    sitemap: {
      index: '/sitemap_index.xml',
      pages: '/sitemaps/pages.xml',
      articles: '/sitemaps/articles.xml',
    },
    sitemapInRobots: false,
    robots: { disallow: [], crawlDelaySeconds: null },
    redirects: { '/qui-sommes-nous': '/about/' },
    brokenPaths: [],
    palette: { ink: '#22223b', paper: '#f7f5f2', accent: '#b5651d', tint: '#ece4d8' },
    font: 'serif',
  },
  {
    folder: 'roue-libre-pro',
    domain: 'roue-libre-pro.test',
    title: 'Roue Libre Pro',
    tagline: 'Vélos cargo en location, tout compris',
    role: 'competitor',
    language: 'fr',
    listingPath: '/ressources/',
    listingTitle: 'Ressources',
    articleAddress: 'html',
    marks: 'microdata',
    feed: null,
    wordpress: false,
    sitemap: { index: '/sitemap.xml', pages: '/sitemap-1.xml', articles: '/sitemap-2.xml' },
    sitemapInRobots: true,
    robots: { disallow: ['/recherche'], crawlDelaySeconds: null },
    redirects: { '/tarifs.php': '/offres.html' },
    brokenPaths: [],
    palette: { ink: '#0b2545', paper: '#fcfdff', accent: '#1769aa', tint: '#e2eef8' },
    font: 'sans',
  },
]

export const SEARCH_HOST = 'search.test'
