/** Which URLs belong to a site, and when two URLs are the same page. Pure. */
import { getDomain } from 'tldts'

/** Names reserved by RFC 2606 and RFC 6761: each host under them is a site of its own. */
const RESERVED = /(?:^|\.)(?:test|example|localhost)$/

/** Longer addresses are traps or session dumps, never articles. */
export const MAX_URL_LENGTH = 2_000

const TRACKING = /^(?:utm_.*|fbclid|gclid|msclkid|mc_cid|mc_eid|phpsessid|jsessionid|sessionid)$/i

const FILE_EXTENSION =
  /\.(?:7z|avi|avif|bmp|css|csv|docx?|eot|epub|exe|gif|gz|ico|ics|jpe?g|js|json|m4a|mov|mp[34]|mpe?g|odt|og[gv]|pdf|png|pptx?|rar|rss|svg|tar|tgz|tiff?|ttf|txt|wav|web[mp]|woff2?|xlsx?|xml|zip)$/i

/** A host name without its leading `www.`, so that www and apex compare equal. */
export function bareHost(host: string): string {
  return host.replace(/^www\./, '')
}

/**
 * The name under which hosts count as one site: the registrable domain of the public-suffix list, private
 * suffixes included, so that two tenants of one hosting service stay apart. Reserved names and hosts the list
 * does not know stand for themselves.
 */
export function siteKey(host: string): string {
  const name = host.toLowerCase().replace(/\.$/, '')
  if (RESERVED.test(name)) return bareHost(name)
  return getDomain(name, { allowPrivateDomains: true }) ?? bareHost(name)
}

/** An absolute http(s) URL without fragment, resolved against `base`; null for anything else or too long. */
export function resolveUrl(href: string, base?: string): string | null {
  const text = href.trim()
  if (text === '' || text.length > MAX_URL_LENGTH) return null
  const url = URL.parse(text, base)
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) return null
  if (url.username !== '' || url.password !== '' || url.port !== '') return null
  url.hash = ''
  return url.href.length > MAX_URL_LENGTH ? null : url.href
}

/** True when `url` is an http(s) URL on the default port of the same site as `domain`. */
export function isSameSite(url: string, domain: string): boolean {
  const resolved = resolveUrl(url)
  return resolved !== null && siteKey(new URL(resolved).hostname) === siteKey(domain)
}

/**
 * What two addresses of one page share: scheme, `www.`, trailing slash, tracking parameters, parameter order
 * and fragment are left out. Returns the text itself when it is no URL.
 */
export function pageKey(url: string): string {
  const parsed = URL.parse(url)
  if (!parsed) return url
  const query = [...parsed.searchParams]
    .filter(([name]) => !TRACKING.test(name))
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .sort()
    .join('&')
  const path = parsed.pathname.replace(/\/+$/, '')
  return `${bareHost(parsed.hostname)}${path}${query === '' ? '' : `?${query}`}`
}

/** True when the path ends like a document, picture or archive rather than a page. */
export function looksLikeFile(url: string): boolean {
  return FILE_EXTENSION.test(URL.parse(url)?.pathname ?? '')
}

/** True for the root of a host, without a query. */
export function isHomePage(url: string): boolean {
  const parsed = URL.parse(url)
  return parsed !== null && parsed.pathname === '/' && parsed.search === ''
}
