/** Harvests article links from listing pages such as /blog or /actualites. */
import { codeOf, messageOf } from '../../../core/errors.ts'
import type { Outbound, OutboundResponse } from '../../../core/ports.ts'
import { type Reader, readHere } from '../reader.ts'
import type { HomeLinks } from '../readings.ts'
import type { FoundUrl } from '../types.ts'
import { fetchDocument, isHostFailure, type Problem } from './documents.ts'
import type { Discovery, DiscoveryOptions } from './feeds.ts'
import { rawPageOf } from './pages.ts'
import type { Robots } from './robots.ts'
import { isListingPath, isPeripheral } from './score.ts'
import { isHomePage, isSameSite, looksLikeFile, pageKey, resolveUrl } from './site-scope.ts'

const USUAL_PATHS = [
  '/blog',
  '/actualites',
  '/news',
  '/articles',
  '/actualite',
  '/magazine',
  '/ressources',
  '/resources',
  '/publications',
]
const MAX_LISTINGS = 3
const MAX_HOST_FAILURES = 3

/** Listings the home page links to come before guesses; each once. */
function candidates(robots: Robots, domain: string, home: HomeLinks | null): string[] {
  const linked = home?.links ?? []
  const listed = linked.filter((url) => isSameSite(url, domain) && isListingPath(url))
  const guesses = USUAL_PATHS.map((path) => resolveUrl(path, robots.origin)).filter((url) => url !== null)
  return [...new Map([...listed, ...guesses].map((url) => [pageKey(url), url])).values()]
}

function isArticleLink(url: string, listingUrl: string, domain: string): boolean {
  return (
    isSameSite(url, domain) &&
    !isHomePage(url) &&
    !looksLikeFile(url) &&
    !isPeripheral(url) &&
    pageKey(url) !== pageKey(listingUrl) &&
    !isListingPath(url)
  )
}

/** A listing that cannot be read is a problem of its own, and gives nothing. */
async function linksOf(
  response: OutboundResponse,
  { reader = readHere, signal }: { readonly reader?: Reader | undefined; readonly signal: AbortSignal },
  problems: Problem[],
): Promise<readonly string[]> {
  try {
    return await reader.listingLinks(rawPageOf(response), signal)
  } catch (error) {
    signal.throwIfAborted()
    problems.push({ url: response.url, code: codeOf(error), message: messageOf(error) })
    return []
  }
}

/**
 * Links of at most 3 listing pages, those the home page links to first, then the usual paths; at most 9 guesses.
 * Only pages of the same site, no files, no taxonomy, paging or legal pages; each once, in page order.
 */
export async function readListings(
  outbound: Outbound,
  robots: Robots,
  domain: string,
  options: DiscoveryOptions,
): Promise<Discovery> {
  const found = new Map<string, FoundUrl>()
  const problems: Problem[] = []
  let listings = 0
  let hostFailures = 0
  for (const url of candidates(robots, domain, options.home).slice(0, MAX_LISTINGS + USUAL_PATHS.length)) {
    if (listings >= MAX_LISTINGS || hostFailures >= MAX_HOST_FAILURES || found.size >= options.maxUrls) break
    const request = { url, signal: options.signal, accept: ['text/html', 'application/xhtml+xml'] }
    const { response, problem } = await fetchDocument(outbound, robots, request)
    if (problem) {
      hostFailures = isHostFailure(problem.code) ? hostFailures + 1 : 0
      if (isHostFailure(problem.code)) problems.push(problem)
      continue
    }
    hostFailures = 0
    if (response.body.length === 0 || isHomePage(response.url)) continue
    listings += 1
    for (const link of await linksOf(response, options, problems)) {
      const key = pageKey(link)
      if (found.size >= options.maxUrls || found.has(key) || !isArticleLink(link, response.url, domain))
        continue
      found.set(key, { url: link, source: 'listing', publishedAt: null, title: null })
    }
  }
  return { urls: [...found.values()], problems }
}
