/** One spelling per page, and the identity of an article. */
import { createHash } from 'node:crypto'

const TRACKING = /^(?:utm_\w*|gclid|fbclid|msclkid|mc_cid|mc_eid)$/i

/**
 * The URL without fragment, trailing slash, default port, credentials and tracking parameters; scheme and host
 * lower-cased, path and the rest of the query as they are. What is no URL comes back trimmed.
 */
export function normaliseUrl(url: string): string {
  const parsed = URL.parse(url.trim())
  if (parsed === null) return url.trim()
  parsed.hash = ''
  parsed.username = ''
  parsed.password = ''
  const query = parsed.search
    .slice(1)
    .split('&')
    .filter((pair) => pair !== '' && !TRACKING.test(pair.split('=')[0] ?? ''))
    .join('&')
  const path = parsed.pathname.replace(/\/+$/, '')
  return `${parsed.protocol}//${parsed.host}${path}${query === '' ? '' : `?${query}`}`
}

/** SHA-256 in hex of the lower-cased normalised URL: the identity of an article. */
export function urlHash(url: string): string {
  return createHash('sha256').update(normaliseUrl(url).toLowerCase()).digest('hex')
}
