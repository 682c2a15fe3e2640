import { isIP, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import { RowbeatError } from '../core/errors.ts'
import { addressRefused, isPublicAddress, type Lookup } from './address-guard.ts'
import { type HostMap, hostKey } from './host-map.ts'

export interface ConnectorOptions {
  readonly hostMap: HostMap
  readonly lookup: Lookup
  readonly timeoutMs: number
  /** Which addresses may be connected to; {@link isPublicAddress} unless a test of the guard says otherwise. */
  readonly isAllowed?: (address: string) => boolean
}

const MAX_ADDRESSES = 64

/**
 * The way undici opens every connection: mapped hosts by plain HTTP at their mapped address, all others only
 * when each of their addresses is public. The time limit spans look-up, connection and TLS handshake.
 */
export function createConnector(options: ConnectorOptions): buildConnector.connector {
  const isAllowed = options.isAllowed ?? isPublicAddress
  const common = { timeout: options.timeoutMs, allowH2: false }
  const connectMapped = buildConnector({ ...common, autoSelectFamily: true })
  const connectPublic = buildConnector({
    ...common,
    rejectUnauthorized: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: Math.max(10, Math.floor(options.timeoutMs / 4)),
    lookup: guardedLookup(options.lookup, isAllowed),
  })
  return (target, callback) => {
    const mapped = options.hostMap.get(hostKey(target.hostname))
    if (mapped !== undefined) {
      const { address, port } = mapped
      connectMapped({ hostname: address, port: String(port), protocol: 'http:' }, callback)
      return
    }
    // A literal address never reaches the look-up, so it is checked here.
    if (isIP(target.hostname) !== 0 && !isAllowed(target.hostname)) {
      queueMicrotask(() => callback(addressRefused(target.hostname, target.hostname), null))
      return
    }
    connectPublic(target, callback)
  }
}

/**
 * A `net` look-up that answers only with checked addresses. The socket connects to this very answer and asks no
 * second time, so a name that changes its address between check and connection gains nothing.
 */
function guardedLookup(lookup: Lookup, isAllowed: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname).then(
      (addresses) => {
        const refused = addresses.find(({ address }) => !isAllowed(address))
        const [first] = addresses
        if (refused !== undefined) callback(addressRefused(hostname, refused.address), '', 0)
        else if (first === undefined) callback(noAddress(hostname), '', 0)
        else if (options.all === true) callback(null, addresses.slice(0, MAX_ADDRESSES).map(asLookupAddress))
        else callback(null, first.address, isIP(first.address))
      },
      (error: Error) => callback(error, '', 0),
    )
  }
}

function asLookupAddress({ address }: { readonly address: string }) {
  return { address, family: isIP(address) }
}

function noAddress(hostname: string): RowbeatError {
  return new RowbeatError('DNS_FAILURE', `${hostname} has no address`)
}
