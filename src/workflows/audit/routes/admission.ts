/** Who may start an audit, and how many live at once. */
import { registrableDomain } from '../search/domains.ts'
import type { AuditRouteDeps } from './deps.ts'

/** Live audits of one registrable domain, its subdomains counted together. */
const PER_SITE_MAX = 3
/** Seconds after which a refused caller may find a free place: audits take minutes. */
const RETRY_SECONDS = 30

/** What a request may start: a HEAD asks only, and a page of another site must not spend our work. */
export type StartRight = 'allowed' | 'head' | 'cross-site'

/**
 * The right of a request, by its method and by `Sec-Fetch-Site`, which browsers send and pages cannot forge. They leave
 * it out for a server that is spoken to neither by https nor on their own machine; then `Origin`, where there is one,
 * tells a page of ours from others.
 */
export function startRight(method: string, header: (name: string) => string | undefined): StartRight {
  if (method === 'HEAD') return 'head'
  const site = header('sec-fetch-site')?.trim().toLowerCase()
  if (site !== undefined) return site === 'cross-site' ? 'cross-site' : 'allowed'
  const origin = header('origin')
  return origin === undefined || URL.parse(origin)?.host === header('host') ? 'allowed' : 'cross-site'
}

/** Throws what a request is told that may not start the audit it asks for. */
export function requireRight(deps: AuditRouteDeps, domain: string, right: StartRight): void {
  if (right === 'head') {
    throw deps.problem('NOT_FOUND', `There is no audit of ${domain} yet; GET or POST starts one.`)
  }
  if (right === 'cross-site') {
    throw deps.problem('CROSS_SITE_REFUSED', 'A page of another site may not start an audit.')
  }
}

/** Refuses a new audit of the domain beyond the limits, with the 429 that says when to ask again. */
export function admission(deps: AuditRouteDeps, domain: string): (live: readonly string[]) => void {
  const siteOf = (host: string): string => registrableDomain(host) ?? host
  const refuse = (detail: string): never => {
    throw deps.problem('TOO_MANY_AUDITS', detail, { headers: { 'Retry-After': String(RETRY_SECONDS) } })
  }
  return (live) => {
    const site = siteOf(domain)
    if (live.filter((one) => siteOf(one) === site).length >= PER_SITE_MAX) {
      refuse(
        `${PER_SITE_MAX} audits of ${site} and its subdomains run already; ask again when one has ended.`,
      )
    }
    if (live.length >= deps.settings.maxLive) {
      refuse(`${live.length} audits run, the most that may at once (AUDIT_MAX_LIVE); ask again later.`)
    }
  }
}
