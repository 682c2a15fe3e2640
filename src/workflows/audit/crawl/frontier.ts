/** Which links a crawl follows: the guard against infinite sites. No I/O. */
import { isSameSite, looksLikeFile, pageKey } from './site-scope.ts'

/** Clicks from the home page. */
export const MAX_DEPTH = 5
/** Addresses that differ only in their query, for instance the days of a calendar. */
const MAX_QUERY_VARIANTS = 20
/** Times a segment may repeat in a path before it is taken for a loop: /a/b/a/b/a/b. */
const MAX_REPEATED_SEGMENT = 2
const MAX_PATH_SEGMENTS = 12
const MAX_KNOWN = 50_000

export type Refusal = 'off_site' | 'file' | 'too_deep' | 'path_loop' | 'too_many_variants' | 'too_many_urls'

export interface Frontier {
  /** Takes a URL in: `added`, `known` when its page was seen before, else the reason why it is not followed. */
  add(url: string, depth: number): 'added' | 'known' | Refusal
  /** Marks a page as seen, whatever the limits, such as the end of a redirect. True when it was new. */
  mark(url: string): boolean
  /** Distinct pages of the site seen so far. */
  size(): number
}

function isPathLoop(path: string): boolean {
  const segments = path.split('/').filter((segment) => segment !== '')
  if (segments.length > MAX_PATH_SEGMENTS) return true
  const counts = new Map<string, number>()
  for (const segment of segments) counts.set(segment, (counts.get(segment) ?? 0) + 1)
  return [...counts.values()].some((count) => count > MAX_REPEATED_SEGMENT)
}

/** Opens the frontier of one crawl of the site of `domain`. */
export function openFrontier(domain: string): Frontier {
  const known = new Set<string>()
  const variants = new Map<string, number>()

  function refusalOf(url: string, depth: number): Refusal | null {
    if (!isSameSite(url, domain)) return 'off_site'
    if (looksLikeFile(url)) return 'file'
    if (depth > MAX_DEPTH) return 'too_deep'
    const { pathname, search, hostname } = new URL(url)
    if (isPathLoop(pathname)) return 'path_loop'
    if (known.size >= MAX_KNOWN) return 'too_many_urls'
    if (search === '') return null
    const path = `${hostname}${pathname}`
    const count = (variants.get(path) ?? 0) + 1
    variants.set(path, count)
    return count > MAX_QUERY_VARIANTS ? 'too_many_variants' : null
  }

  return {
    add: (url, depth) => {
      const key = pageKey(url)
      if (known.has(key)) return 'known'
      const refusal = refusalOf(url, depth)
      if (refusal) return refusal
      known.add(key)
      return 'added'
    },
    mark: (url) => {
      const key = pageKey(url)
      if (known.has(key)) return false
      known.add(key)
      return true
    },
    size: () => known.size,
  }
}
