/** Who asks, as far as that is known. */
import type { Context } from 'hono'

/** Whoever asks from this machine, which is also where a reverse proxy asks from in the name of others. */
export const ANONYMOUS = 'anonymous'

/**
 * The caller of a request: the address at the other end of its connection, of IPv6 the network (/64), within which one
 * machine may take any address; from this machine, or without a connection, {@link ANONYMOUS}. Headers that claim to
 * tell the address, such as X-Forwarded-For, are not asked: anybody can write them.
 */
export function callerOf(c: Context): string {
  return nameCaller(c.env?.incoming?.socket?.remoteAddress)
}

/** {@link callerOf} by the text of a remote address. */
export function nameCaller(address: unknown): string {
  if (typeof address !== 'string' || address === '' || address.length > 100) return ANONYMOUS
  const bare = address.toLowerCase().replace(/^::ffff:(?=[0-9.]+$)/, '')
  if (bare === '::1' || bare.startsWith('127.')) return ANONYMOUS
  return `address:${bare.includes(':') ? networkOf(bare) : bare}`
}

/** The first 64 bits of an IPv6 address as node writes it, without its zone. */
function networkOf(address: string): string {
  const [groups = ''] = address.split('%')
  const [head = '', tail] = groups.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => '0')
  return `${[...before, ...zeros, ...after].slice(0, 4).join(':')}::/64`
}
