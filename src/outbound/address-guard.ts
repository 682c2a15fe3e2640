import { lookup as systemLookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { RowbeatError } from '../core/errors.ts'
import { type HostMap, hostKey } from './host-map.ts'

export interface ResolvedAddress {
  readonly address: string
  readonly family: number
}

/** Every address of a host name; throws errors with the codes of `node:dns`. */
export type Lookup = (hostname: string) => Promise<readonly ResolvedAddress[]>

/** The resolver of the operating system. */
export const lookupAll: Lookup = (hostname) => systemLookup(hostname, { all: true })

const MAX_URL_LENGTH = 8192
const WEB_PORTS = new Set(['', '80', '443'])

// The host agent of a cloud answers at this address of public range to every machine inside that cloud.
const INTERNAL_ADDRESSES = new Set(['168.63.129.16'])

const GLOBAL_UNICAST_V6 = ipaddr.IPv6.parseCIDR('2000::/3')

/**
 * True for an address of the public internet. IPv4 inside IPv6 is judged as the IPv4 address; translated and
 * tunnelled addresses (NAT64, 6to4, Teredo), which hide another one, are not public. Ranges are those of the
 * IANA special-purpose registries; in IPv6 only 2000::/3 is assigned for global unicast (RFC 4291).
 */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0) return false
  const parsed = ipaddr.process(address)
  if (parsed.range() !== 'unicast' || INTERNAL_ADDRESSES.has(parsed.toString())) return false
  return parsed.kind() === 'ipv4' || parsed.match(GLOBAL_UNICAST_V6)
}

/** The error for a host that points, in full or in part, away from the public internet. */
export function addressRefused(host: string, address: string): RowbeatError {
  const place = host === address ? host : `${host} (${address})`
  return new RowbeatError('ADDRESS_NOT_ALLOWED', `${place} is not a public address`)
}

/**
 * Reads a URL and checks what can be checked before any look-up: `http` or `https`, no name and password, port
 * 80 or 443 and no literal private address unless the host is mapped. The fragment is dropped.
 *
 * Throws `RowbeatError` INVALID_INPUT for what is not a URL, ADDRESS_NOT_ALLOWED for the rest.
 */
export function checkUrl(text: string, hostMap: HostMap, base?: URL): URL {
  if (text.length > MAX_URL_LENGTH) {
    throw new RowbeatError('INVALID_INPUT', `A URL of ${text.length} characters is too long`)
  }
  const url = URL.parse(text, base?.href)
  if (url === null) throw new RowbeatError('INVALID_INPUT', `"${shown(text)}" is not a URL`)
  url.hash = ''
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new RowbeatError('ADDRESS_NOT_ALLOWED', `URLs of the kind "${url.protocol}" are not fetched`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new RowbeatError('ADDRESS_NOT_ALLOWED', `The URL of ${url.hostname} holds a user name or password`)
  }
  if (hostMap.has(hostKey(url.hostname))) return url
  if (!WEB_PORTS.has(url.port)) {
    throw new RowbeatError('ADDRESS_NOT_ALLOWED', `Port ${url.port} of ${url.hostname} is not a web port`)
  }
  const literal = withoutBrackets(url.hostname)
  if (isIP(literal) !== 0 && !isPublicAddress(literal)) throw addressRefused(literal, literal)
  return url
}

/** A URL for a message: short, and without what might be a password. */
function shown(text: string): string {
  return text.slice(0, 200).replace(/\/\/.*@/, '//…@')
}

function withoutBrackets(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}
