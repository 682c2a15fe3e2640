/** How likely a URL is an article worth reading: contract A6, W3 phase 2. Pure. */
import type { FoundUrl, UrlSource } from '../types.ts'

const SOURCE_POINTS: Readonly<Record<UrlSource, number>> = {
  api: 30,
  feed: 25,
  sitemap_blog: 20,
  sitemap: 10,
  listing: 5,
  crawl: 5,
}

/** The first pattern that matches counts, the others do not. */
const PATH_POINTS: readonly (readonly [RegExp, number])[] = [
  [/\/(?:19|20)\d{2}\/(?:0?[1-9]|1[0-2])\/(?:0?[1-9]|[12]\d|3[01])(?:\/|$)/, 18],
  [/\/(?:19|20)\d{2}\/(?:0?[1-9]|1[0-2])(?:\/|$)/, 15],
  [/\/(?:blogs?|actualites?|actus?|news)(?:\/|$)/, 12],
  [/\/(?:articles?|posts?)(?:\/|$)/, 10],
  [/^\/[^/]+\/[^/]+\/[^/]*[a-z][^/]*-[^/]+\/?$/, 8],
]

const LONG_URL = 60
const LONG_URL_POINTS = 5

/** Kinds of pages that are no articles; each kind counts once. */
const NEGATIVES: readonly (readonly [name: string, pattern: RegExp, points: number])[] = [
  [
    'taxonomy',
    /\/(?:tags?|category|categories|categorie|rubrique|topics?|taxonomy|etiquettes?|mots?-cles?)(?:\/|$)/,
    -25,
  ],
  ['author', /\/(?:authors?|auteurs?)(?:\/|$)/, -20],
  ['paging', /\/pages?\/\d+(?:\/|$)|[?&](?:page|paged|p|pg|offset|start)=\d+/, -30],
  ['search', /\/(?:search|recherche|rechercher)(?:\/|$)|[?&](?:s|q|search|query|recherche)=/, -30],
  [
    'legal',
    /\/(?:legal|mentions?-legales?|privacy|privacy-policy|confidentialite|politique-de-confidentialite|cgu|cgv|terms|terms-of-(?:use|service)|conditions-generales[^/]*|cookies?|cookie-policy|rgpd|gdpr)(?:\.[a-z]+)?(?:\/|$)/,
    -30,
  ],
  [
    'login',
    /\/(?:login|log-in|signin|sign-in|signup|sign-up|register|connexion|inscription|mon-compte|my-account|account|wp-admin|wp-login\.php|cart|panier|checkout|commande)(?:\/|$)/,
    -30,
  ],
  ['contact', /\/(?:contact|contacts|contact-us|contactez-nous|nous-contacter)(?:\.[a-z]+)?(?:\/|$)/, -25],
  [
    'file',
    /\.(?:pdf|docx?|xlsx?|pptx?|zip|gz|rar|jpe?g|png|gif|webp|svg|mp[34]|avi|mov|xml|json|css|js)$/,
    -40,
  ],
]

const ARTICLE_TYPES =
  /^(?:article|newsarticle|blogposting|techarticle|scholarlyarticle|report|socialmediaposting|liveblogposting|analysisnewsarticle|opinionnewsarticle|reportagenewsarticle)$/i

/** JSON-LD types of pages that sell, hire or invite; each counts once. */
const PAGE_NEGATIVES: readonly (readonly [name: string, pattern: RegExp, points: number])[] = [
  ['product', /^(?:product|productgroup)$/i, -30],
  ['job', /^jobposting$/i, -35],
  ['event', /event$/i, -25],
]

const LISTING_PATH =
  /^(?:\/[a-z]{2})?\/(?:blogs?|actualites?|actus?|news|articles?|magazine|ressources|resources|publications|insights)\/?$/

const JSON_LD_POINTS = 30
const OG_ARTICLE_POINTS = 25

/** Levels by which the selection lowers its bar. */
export const SELECTION_BARS = [60, 50, 40, 30, 20, 10, 0] as const

export interface ScoredUrl extends FoundUrl {
  readonly score: number
}

/** Lower-cased path and query, accents of escaped letters folded, so that `/actualit%C3%A9s/` reads as French does. */
function comparablePath(url: string): { path: string; query: string } {
  const parsed = URL.parse(url)
  if (!parsed) return { path: '', query: '' }
  let path = parsed.pathname
  try {
    path = decodeURIComponent(path)
  } catch {
    // A stray per cent sign: the escaped form is compared instead.
  }
  return {
    path: path.toLowerCase().normalize('NFD').replace(/\p{M}/gu, ''),
    query: parsed.search.toLowerCase(),
  }
}

/** Names of the kinds of non-article that a URL shows, in the order of the table; empty for an ordinary page. */
export function negativeKinds(url: string): string[] {
  const { path, query } = comparablePath(url)
  return NEGATIVES.filter(([, pattern]) => pattern.test(path) || pattern.test(query)).map(([name]) => name)
}

/** True for the root of a blog or news section, such as /blog or /fr/actualites, which lists articles and is none. */
export function isListingPath(url: string): boolean {
  return LISTING_PATH.test(comparablePath(url).path)
}

/** True for pages around the content (taxonomy, paging, search, legal, login …) rather than content. */
export function isPeripheral(url: string): boolean {
  return negativeKinds(url).length > 0
}

/**
 * Points of a URL before it is fetched: its source (30, 25, 20, 10 or 5), the first path pattern that matches
 * (18, 15, 12, 10 or 8), 5 for more than 60 characters, and the negatives. About -100..53.
 */
export function scoreUrl(url: string, source: UrlSource): number {
  const { path } = comparablePath(url)
  const pathPoints = PATH_POINTS.find(([pattern]) => pattern.test(path))?.[1] ?? 0
  const kinds = negativeKinds(url)
  const negative = NEGATIVES.reduce((sum, [name, , points]) => sum + (kinds.includes(name) ? points : 0), 0)
  return SOURCE_POINTS[source] + pathPoints + (url.length > LONG_URL ? LONG_URL_POINTS : 0) + negative
}

/** Kinds of non-article that a fetched page declares in its JSON-LD: `product`, `job`, `event`. */
export function pageKinds(jsonLdTypes: readonly string[]): string[] {
  return PAGE_NEGATIVES.filter(([, pattern]) => jsonLdTypes.some((type) => pattern.test(type))).map(
    ([name]) => name,
  )
}

/** True when the JSON-LD of a page names an article, such as `NewsArticle` or `BlogPosting`. */
export function isDeclaredArticle(page: { jsonLdTypes: readonly string[] }): boolean {
  return page.jsonLdTypes.some((type) => ARTICLE_TYPES.test(type))
}

/**
 * Points that a fetched page adds: 30 when its JSON-LD says article, 25 when `og:type` does, less 30 for a
 * product, 35 for a job offer, 25 for an event.
 */
export function scorePage(page: { jsonLdTypes: readonly string[]; ogType: string | null }): number {
  const jsonLd = isDeclaredArticle(page) ? JSON_LD_POINTS : 0
  const openGraph = page.ogType?.toLowerCase() === 'article' ? OG_ARTICLE_POINTS : 0
  const kinds = pageKinds(page.jsonLdTypes)
  const negative = PAGE_NEGATIVES.reduce(
    (sum, [name, , points]) => sum + (kinds.includes(name) ? points : 0),
    0,
  )
  return jsonLd + openGraph + negative
}

/** Best score first, then the newest, then by address: a total order, so that the selection never varies. */
function compareScored(a: ScoredUrl, b: ScoredUrl): number {
  if (a.score !== b.score) return b.score - a.score
  const [dateA, dateB] = [a.publishedAt ?? '', b.publishedAt ?? '']
  if (dateA !== dateB) return dateA < dateB ? 1 : -1
  return a.url < b.url ? -1 : a.url > b.url ? 1 : 0
}

/**
 * Chooses at most `max` URLs: all that reach 60 points, then 50, 40, 30, 20, 10 and 0 while there is room, each
 * band best first. A negative score is never chosen.
 */
export function selectUrls(found: readonly FoundUrl[], max: number): ScoredUrl[] {
  const scored = found
    .map((entry) => ({ ...entry, score: scoreUrl(entry.url, entry.source) }))
    .sort(compareScored)
  const chosen: ScoredUrl[] = []
  let ceiling = Number.POSITIVE_INFINITY
  for (const bar of SELECTION_BARS) {
    if (chosen.length >= max) break
    const band = scored.filter((entry) => entry.score >= bar && entry.score < ceiling)
    chosen.push(...band.slice(0, max - chosen.length))
    ceiling = bar
  }
  return chosen
}
