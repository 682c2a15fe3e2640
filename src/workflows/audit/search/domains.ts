/** Which host names belong to one site. Pure. */
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { parse } from 'tldts'

const RESERVED = new Set(['test', 'example', 'localhost'])

/** A host name in lower case and A-labels, without the dot of the root; null when it is no DNS name. */
function asciiHost(host: string): string | null {
  const ascii = domainToASCII(host.trim().replace(/\.$/, '').toLowerCase())
  return ascii === '' || ascii.length > 253 || isIP(ascii) !== 0 ? null : ascii
}

/**
 * The registrable domain of a host by the public-suffix list, in A-labels: `blog.atelier.co.uk` gives
 * `atelier.co.uk`. Private suffixes count, because two customers of one host are two sites. Reserved `.test`,
 * `.example` and `.localhost` names give their last two labels. Null for addresses, bare suffixes and unknown
 * top-level domains.
 */
export function registrableDomain(host: string): string | null {
  const ascii = asciiHost(host)
  if (ascii === null) return null
  const labels = ascii.split('.')
  if (labels.some((label) => label === '')) return null
  if (RESERVED.has(labels.at(-1) ?? '')) return labels.length < 2 ? null : labels.slice(-2).join('.')
  const byOwner = parse(ascii, { allowPrivateDomains: true })
  if (byOwner.domain !== null && (byOwner.isIcann || byOwner.isPrivate)) return byOwner.domain
  const byRegistry = parse(ascii)
  return byRegistry.isIcann ? byRegistry.domain : null
}

/** The host of an http(s) URL; null for anything else. */
export function hostOf(url: string): string | null {
  const parsed = URL.parse(url)
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) return null
  return parsed.hostname
}

/** True when both hosts have the same registrable domain. */
export function isSameSite(a: string, b: string): boolean {
  const domain = registrableDomain(a)
  return domain !== null && domain === registrableDomain(b)
}

/** The domain without its public suffix: `atelier-velo` of `atelier-velo.co.uk`. */
export function nameOf(domain: string): string {
  const name = parse(domain, { allowPrivateDomains: true }).domainWithoutSuffix
  return name || (domain.split('.')[0] ?? domain)
}

/**
 * The registrable domain that a person meant, who may have typed a host, a URL or capitals; null when there is
 * none.
 */
export function domainTyped(text: string): string | null {
  const typed = text.trim()
  if (typed === '' || typed.length > 2_000) return null
  const host = hostOf(/^https?:\/\//i.test(typed) ? typed : `https://${typed}`)
  return host === null ? null : registrableDomain(host)
}
