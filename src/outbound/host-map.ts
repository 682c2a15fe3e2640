import { isIP } from 'node:net'

/** Where a mapped host is really reached, by plain HTTP. */
export interface MappedAddress {
  /** IPv4, IPv6 without brackets, or a host name of the local network. */
  readonly address: string
  readonly port: number
}

export type HostMap = ReadonlyMap<string, MappedAddress>

export type HostMapResult =
  | { readonly ok: true; readonly map: HostMap }
  | { readonly ok: false; readonly problems: readonly string[] }

const MAX_ENTRIES = 200
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/** Lower-case host name without the dot at its end: the form in which hosts are compared. */
export function hostKey(host: string): string {
  const lower = host.toLowerCase()
  return lower.endsWith('.') ? lower.slice(0, -1) : lower
}

/**
 * Reads `OUTBOUND_HOST_MAP`: `name=address:port` entries separated by commas, IPv6 addresses in brackets. An
 * empty text is an empty map. All problems are told at once, one sentence each.
 */
export function parseHostMap(text: string): HostMapResult {
  const entries = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
  if (entries.length > MAX_ENTRIES) {
    return { ok: false, problems: [`At most ${MAX_ENTRIES} hosts can be mapped, got ${entries.length}.`] }
  }
  const map = new Map<string, MappedAddress>()
  const problems: string[] = []
  for (const entry of entries) {
    const parsed = parseEntry(entry)
    if (typeof parsed === 'string') problems.push(parsed)
    else if (map.has(parsed.host)) problems.push(`The host "${parsed.host}" is mapped twice.`)
    else map.set(parsed.host, parsed.target)
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, map }
}

function parseEntry(entry: string): { host: string; target: MappedAddress } | string {
  const [name = '', target = '', ...rest] = entry.split('=')
  if (rest.length > 0 || target === '') return `"${entry}" is not of the form name=address:port.`
  const host = hostKey(name.trim())
  if (!isHostName(host)) return `"${name.trim()}" in "${entry}" is not a host name.`
  const parts = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(target.trim())
  if (parts === null) return `"${target.trim()}" in "${entry}" is not of the form address:port.`
  const address = (parts[1] ?? parts[2] ?? '').toLowerCase()
  const known = parts[1] === undefined ? isIP(address) === 4 || isHostName(address) : isIP(address) === 6
  if (!known) return `"${address}" in "${entry}" is neither an IP address nor a host name.`
  const port = Number(parts[3])
  if (port < 1 || port > 65535) return `The port ${port} in "${entry}" is not between 1 and 65535.`
  return { host, target: { address, port } }
}

/** True for a name of letters, digits and hyphens whose last label is not a number, as an address has. */
function isHostName(text: string): boolean {
  const labels = text.split('.')
  return (
    text.length <= 253 && labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(labels.at(-1) ?? '')
  )
}
