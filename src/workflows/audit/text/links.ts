/** The links of a page: absolute, http or https, without fragment, each once. */
import type { CheerioAPI } from 'cheerio'
import { getDomain } from 'tldts'

export interface PageLinks {
  readonly internal: readonly string[]
  readonly external: readonly string[]
}

const MAX_LINKS = 1000
const MAX_ANCHORS = 20_000
const MAX_URL_LENGTH = 2048

/**
 * Links in document order, at most 1,000 of each kind. Internal means the same registrable domain, so that
 * `blog.example.fr` is internal to `www.example.fr`. Links to the page itself and what is no URL are left out.
 */
export function readLinks($: CheerioAPI, pageUrl: string): PageLinks {
  const base = absoluteUrl($('base[href]').first().attr('href'), pageUrl) ?? pageUrl
  const self = absoluteUrl(pageUrl, pageUrl)
  const site = siteOf(pageUrl)
  const internal = new Set<string>()
  const external = new Set<string>()
  for (const element of $('a[href],area[href]').toArray().slice(0, MAX_ANCHORS)) {
    const url = absoluteUrl(element.attribs.href, base)
    if (url === null || url === self) continue
    const kind = siteOf(url) === site ? internal : external
    if (kind.size < MAX_LINKS) kind.add(url)
  }
  return { internal: [...internal], external: [...external] }
}

/** The absolute form of a reference, without fragment and credentials; null unless it is http or https. */
export function absoluteUrl(reference: string | undefined, base: string): string | null {
  const trimmed = reference?.trim() ?? ''
  if (trimmed === '' || trimmed.length > MAX_URL_LENGTH) return null
  const url = URL.parse(trimmed, base) ?? URL.parse(trimmed)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return null
  url.hash = ''
  url.username = ''
  url.password = ''
  return url.href.length > MAX_URL_LENGTH ? null : url.href
}

function siteOf(url: string): string {
  return getDomain(url, { allowPrivateDomains: true }) ?? URL.parse(url)?.hostname.replace(/^www\./, '') ?? ''
}
