/** Which names may be audited, and the one form that each is stored in. */
import { domainToASCII } from 'node:url'
import { parse } from 'tldts'

export type DomainAnswer =
  | { readonly ok: true; readonly domain: string }
  | { readonly ok: false; readonly problem: string }

/** Longest text that is looked at; an IDN of 253 A-label characters is shorter than this. */
const TEXT_MAX = 1000
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const LAST_LABEL = /^(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})$/
/** What a host name never holds; each would make a URL parser see something else than a host. */
const NOT_A_HOST = /[/\\?#@:%[\]\s]/u
/** Names that no public registry gives out; only usable when mapped (RFC 2606, RFC 6761). */
const RESERVED = new Set(['test', 'example', 'localhost'])

/**
 * Reads a domain the way every route and job does: lower case, one trailing dot removed, IDN as A-labels, at
 * least two labels, known to the public suffix list. A reserved name (`.test`, `.example`, `.localhost`) is
 * accepted only when `isMapped` knows it. The result reads the same when read again.
 */
export function parseDomain(text: string, isMapped: (host: string) => boolean): DomainAnswer {
  const shaped = shape(text)
  if (!shaped.ok) return shaped
  const { domain } = shaped
  if (RESERVED.has(domain.slice(domain.lastIndexOf('.') + 1))) {
    return isMapped(domain)
      ? shaped
      : problem(`"${domain}" is a reserved name that is not mapped by OUTBOUND_HOST_MAP`)
  }
  const known = parse(domain, { allowPrivateDomains: false })
  if (known.domain === null)
    return problem(`"${domain}" is a public suffix, not a domain that someone registered`)
  if (!known.isIcann && !known.isPrivate)
    return problem(`"${domain}" ends in a top-level domain that does not exist`)
  return shaped
}

/** Checks the form alone. */
function shape(text: string): DomainAnswer {
  if (text.length === 0) return problem('the domain is empty')
  if (text.length > TEXT_MAX) return problem('the domain is longer than 253 characters')
  if (NOT_A_HOST.test(text)) {
    return problem('give the bare domain, such as example.com: no scheme, port, path, address or space')
  }
  const domain = domainToASCII(text).replace(/\.$/, '')
  if (domain === '') return problem('the domain holds characters that no domain may hold')
  if (domain.length > 253) return problem('the domain is longer than 253 characters')
  const labels = domain.split('.')
  if (labels.length < 2) return problem('the domain needs at least two parts, such as example.com')
  if (!labels.every((label) => LABEL.test(label))) {
    return problem('each part of a domain has 1 to 63 letters, digits or inner hyphens')
  }
  if (!LAST_LABEL.test(labels.at(-1) ?? ''))
    return problem('the last part of a domain is a word, not a number')
  return { ok: true, domain }
}

function problem(sentence: string): DomainAnswer {
  return { ok: false, problem: sentence }
}
