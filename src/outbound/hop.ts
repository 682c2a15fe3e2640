import { RowbeatError } from '../core/errors.ts'
import type { OutboundRequest } from '../core/ports.ts'
import { checkUrl } from './address-guard.ts'
import { ACCEPTED_ENCODINGS } from './body.ts'
import { type HostMap, hostKey } from './host-map.ts'

/** One request on the way to an answer: the first one, or one that a redirect asked for. */
export interface Hop {
  readonly url: URL
  readonly method: 'GET' | 'HEAD' | 'POST'
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

export const MAX_REDIRECTS = 5

const REDIRECTS = new Set([301, 302, 303, 307, 308])
const SECRET_HEADERS = new Set(['authorization', 'cookie', 'proxy-authorization'])
const BODY_HEADERS = new Set(['content-type', 'content-language', 'content-encoding'])
// These say who we are or how a message is framed: a caller that sets them is not followed.
const OWN_HEADERS = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
])

/**
 * The first hop of a request. Headers that frame the message, and `User-Agent`, are ours: those of the caller
 * are left out. Throws as {@link checkUrl}.
 */
export function firstHop(request: OutboundRequest, setup: { hostMap: HostMap; userAgent: string }): Hop {
  const headers: Record<string, string> = {
    'user-agent': setup.userAgent,
    accept: acceptHeader(request.accept),
    'accept-encoding': ACCEPTED_ENCODINGS,
  }
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    const lower = name.toLowerCase()
    if (!OWN_HEADERS.has(lower)) headers[lower] = value
  }
  return {
    url: checkUrl(request.url, setup.hostMap),
    method: request.method ?? 'GET',
    headers,
    body: request.body ?? null,
  }
}

/** Where an answer sends us, as written in its `Location`; null when it is no redirect. */
export function redirectTarget(status: number, headers: Readonly<Record<string, string>>): string | null {
  const location = headers.location
  return REDIRECTS.has(status) && location !== undefined ? asUtf8(location) : null
}

/**
 * The hop that a redirect asks for. POST becomes GET after 301, 302 and 303 (RFC 9110 §15.4), secrets stay at
 * their origin. Throws ADDRESS_NOT_ALLOWED as for a first hop, also when a host that is not mapped leads to one
 * that is: strangers must not reach into the local network. A target that is no URL is an UPSTREAM_ERROR.
 */
export function nextHop(hop: Hop, status: number, location: string, hostMap: HostMap): Hop {
  const url = checkTarget(hop.url, location, hostMap)
  const sameOrigin = url.origin === hop.url.origin
  const becomesGet = hop.method === 'POST' && status <= 303
  const headers = Object.entries(hop.headers).filter(
    ([name]) => (sameOrigin || !SECRET_HEADERS.has(name)) && !(becomesGet && BODY_HEADERS.has(name)),
  )
  return {
    url,
    method: becomesGet ? 'GET' : hop.method,
    headers: Object.fromEntries(headers),
    body: becomesGet ? null : hop.body,
  }
}

function checkTarget(from: URL, location: string, hostMap: HostMap): URL {
  const url = readTarget(from, location, hostMap)
  if (hostMap.has(hostKey(url.hostname)) && !hostMap.has(hostKey(from.hostname))) {
    throw new RowbeatError(
      'ADDRESS_NOT_ALLOWED',
      `${from.hostname} redirects to ${url.hostname}, which is mapped for local use`,
    )
  }
  return url
}

function readTarget(from: URL, location: string, hostMap: HostMap): URL {
  try {
    return checkUrl(location, hostMap, from)
  } catch (cause) {
    if (!(cause instanceof RowbeatError)) throw cause
    const code = cause.code === 'INVALID_INPUT' ? 'UPSTREAM_ERROR' : cause.code
    throw new RowbeatError(code, `${from.hostname} sent a redirect that is not followed: ${cause.message}`, {
      cause,
    })
  }
}

function acceptHeader(types: readonly string[] | undefined): string {
  return types === undefined || types.length === 0 ? '*/*' : `${types.join(', ')}, */*;q=0.1`
}

/** Header bytes arrive as Latin-1; servers that put raw UTF-8 into a `Location` are read as meant. */
function asUtf8(location: string): string {
  const text = Buffer.from(location, 'latin1').toString('utf8')
  return text.includes('\uFFFD') ? location : text
}
