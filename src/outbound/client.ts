import { RowbeatError } from '../core/errors.ts'
import type { Outbound, OutboundRequest, OutboundResponse } from '../core/ports.ts'
import type { Exponential } from '../core/retry.ts'
import { type Lookup, lookupAll } from './address-guard.ts'
import { type Clock, sleepFor, systemClock } from './clock.ts'
import { createConnector } from './connector.ts'
import { type ExchangeLimits, exchange } from './exchange.ts'
import { firstHop, MAX_REDIRECTS, nextHop } from './hop.ts'
import { type HostMap, hostKey } from './host-map.ts'
import { createPoliteness } from './politeness.ts'
import { createPools } from './pools.ts'
import { fetchWithRetry } from './retry.ts'
import { linkSignals } from './signals.ts'

export interface OutboundOptions {
  /** Hosts reached at another address, by plain HTTP; the only way to one that is not public. */
  readonly hostMap: HostMap
  /** Sent with every request, for instance `RowbeatBot/0.1 (+https://rowbeat.example/bot)`. */
  readonly userAgent: string
  /** How GET and HEAD are tried again; without it nothing is. */
  readonly retry?: Exponential
  /** Requests at once to one host; default 5. */
  readonly requestsPerHost?: number
  /** Requests that may wait for one host; default 1,000. */
  readonly waitingPerHost?: number
  /** Longest wait for a turn at a host; default 600. */
  readonly turnTimeoutSeconds?: number
  /** Origins whose connections are kept; default 64. */
  readonly originsKept?: number
  /** For look-up, connection and TLS handshake together; default 3. */
  readonly connectTimeoutSeconds?: number
  /** Longest silence of a server; default 10. A POST may wait for its whole time limit. */
  readonly readTimeoutSeconds?: number
  /** Time limit of a request that names none; default 30. */
  readonly totalTimeoutSeconds?: number
  /** Resolver of host names; default that of the operating system. */
  readonly lookup?: Lookup
  readonly clock?: Clock
  /** 0 ≤ x < 1, for the jitter between tries. */
  readonly random?: () => number
}

const DEFAULT_MAX_BYTES = 5 * 1024 * 1024
const MOST_BYTES = 256 * 1024 * 1024
const MAX_TOTAL_SECONDS = 3600
const HOSTS_KEPT = 2000

/**
 * The one way out to the network; see {@link Outbound} for what it promises. `close` aborts what is under way
 * (with NETWORK_UNREACHABLE) and cuts every connection; it may be called twice.
 */
export function createOutbound(options: OutboundOptions): Outbound & { close(): Promise<void> } {
  const clock = options.clock ?? systemClock
  const closing = new AbortController()
  const requestsPerHost = options.requestsPerHost ?? 5
  const means = {
    clock,
    politeness: createPoliteness({
      atOnce: requestsPerHost,
      waitingMax: options.waitingPerHost ?? 1000,
      waitMaxSeconds: options.turnTimeoutSeconds ?? 600,
      hostsKept: HOSTS_KEPT,
      clock,
    }),
    pools: createPools({
      connect: createConnector({
        hostMap: options.hostMap,
        lookup: options.lookup ?? lookupAll,
        timeoutMs: (options.connectTimeoutSeconds ?? 3) * 1000,
      }),
      originsKept: options.originsKept ?? 64,
      connectionsPerOrigin: requestsPerHost,
      clock,
    }),
  }

  async function fetchOnce(request: OutboundRequest): Promise<OutboundResponse> {
    const limits = limitsOf(request, options)
    const redirects: string[] = []
    let hop = firstHop(request, options)
    const firstHost = hop.url.hostname
    let elapsedMs = 0
    while (redirects.length <= MAX_REDIRECTS) {
      const remainingMs = Math.max(1, limits.remainingMs - elapsedMs)
      // The delay was asked for by the first host; it says nothing about another one.
      const delaySeconds = hop.url.hostname === firstHost ? limits.delaySeconds : 0
      const answer = await exchange(means, hop, { ...limits, remainingMs, delaySeconds })
      elapsedMs += answer.elapsedMs
      const { status, headers, contentType, body, cut } = answer
      const url = hop.url.href
      if (answer.redirect === null) {
        return { status, url, redirects, headers, contentType, body, cut, elapsedMs }
      }
      redirects.push(url)
      hop = nextHop(hop, status, answer.redirect, options.hostMap)
    }
    throw new RowbeatError('TOO_MANY_REDIRECTS', `${firstHost} redirects more than ${MAX_REDIRECTS} times`)
  }

  const policy = {
    ...(options.retry ?? { tries: 1, minSeconds: 0, maxSeconds: 0 }),
    ...(options.random === undefined ? {} : { random: options.random }),
    now: clock.now,
    sleep: (seconds: number, signal: AbortSignal | undefined) => sleepFor(clock, seconds, signal),
  }

  return {
    async fetch(request) {
      const link = linkSignals(request.signal, closing.signal)
      try {
        return await fetchWithRetry({ fetch: fetchOnce }, { ...request, signal: link.signal }, policy)
      } catch (error) {
        throw request.signal?.aborted ? request.signal.reason : error
      } finally {
        link.unlink()
      }
    },
    isMapped: (host) => options.hostMap.has(hostKey(host)),
    async close() {
      closing.abort(new RowbeatError('NETWORK_UNREACHABLE', 'The outbound client is closed'))
      await means.pools.destroy()
    },
  }
}

function limitsOf(request: OutboundRequest, options: OutboundOptions): ExchangeLimits {
  const wanted = request.totalTimeoutSeconds ?? options.totalTimeoutSeconds ?? 30
  if (!(wanted > 0)) throw new RowbeatError('INVALID_INPUT', `A time limit of ${wanted} s is not above 0`)
  const maxBytes = request.maxBytes ?? DEFAULT_MAX_BYTES
  if (!(maxBytes >= 0)) throw new RowbeatError('INVALID_INPUT', `A limit of ${maxBytes} bytes is below 0`)
  const totalMs = Math.min(wanted, MAX_TOTAL_SECONDS) * 1000
  // An API that is sent a POST may think until its limit before its first byte; pages may not.
  const silenceMs = request.method === 'POST' ? totalMs : (options.readTimeoutSeconds ?? 10) * 1000
  return {
    signal: request.signal ?? new AbortController().signal,
    maxBytes: Math.min(Math.floor(maxBytes), MOST_BYTES),
    cut: request.cut === true,
    accept: request.accept,
    delaySeconds: request.hostDelaySeconds ?? 0,
    readTimeoutMs: Math.ceil(silenceMs),
    remainingMs: totalMs,
  }
}
