/** Fetching one document of a site politely, with every failure told as a code and a sentence. */
import { codeOf, type ErrorCode, messageOf, RowbeatError } from '../../../core/errors.ts'
import type { Outbound, OutboundRequest, OutboundResponse } from '../../../core/ports.ts'
import type { Robots } from './robots.ts'

/** Why a document could not be used. */
export interface Problem {
  readonly url: string
  readonly code: ErrorCode
  readonly message: string
}

export type Fetched =
  | { readonly response: OutboundResponse; readonly problem: null }
  | { readonly response: OutboundResponse | null; readonly problem: Problem }

export interface DocumentRequest {
  readonly url: string
  readonly signal: AbortSignal
  readonly accept?: readonly string[]
  readonly maxBytes?: number
  /** True when the first `maxBytes` of a longer document are good enough. */
  readonly cut?: boolean
  readonly headers?: Readonly<Record<string, string>>
  /** True when the site itself named the URL for robots, as in a `Sitemap:` line: its rules are not asked. */
  readonly invited?: boolean
}

/** Codes that say more about the host than about the one document. */
const HOST_FAILURES: readonly ErrorCode[] = [
  'DNS_FAILURE',
  'NETWORK_UNREACHABLE',
  'TLS_FAILURE',
  'UPSTREAM_TIMEOUT',
  'UPSTREAM_ERROR',
  'RATE_LIMIT_EXCEEDED',
  'CIRCUIT_OPEN',
]

/** True when the next document of the same host will most likely fail alike. */
export function isHostFailure(code: string): boolean {
  return HOST_FAILURES.some((known) => known === code)
}

/** The code of an HTTP error status; null for 2xx and 304. */
export function codeOfStatus(status: number): ErrorCode | null {
  if ((status >= 200 && status < 300) || status === 304) return null
  if (status === 429) return 'RATE_LIMIT_EXCEEDED'
  if (status === 401 || status === 403 || status === 451) return 'UPSTREAM_REJECTED'
  return status >= 500 ? 'UPSTREAM_ERROR' : 'NO_CONTENT'
}

function toRequest(request: DocumentRequest, robots: Robots): OutboundRequest {
  return {
    url: request.url,
    signal: request.signal,
    ...(request.accept && { accept: request.accept }),
    ...(request.maxBytes !== undefined && { maxBytes: request.maxBytes }),
    ...(request.cut && { cut: true }),
    ...(request.headers && { headers: request.headers }),
    ...(robots.crawlDelaySeconds !== null && { hostDelaySeconds: robots.crawlDelaySeconds }),
  }
}

/**
 * Fetches one document under the rules of `robots`, at its crawl delay. An error status, a refusal by robots
 * and a network error come back as a problem; only an abort is thrown.
 */
export async function fetchDocument(
  outbound: Outbound,
  robots: Robots,
  request: DocumentRequest,
): Promise<Fetched> {
  const { url, signal } = request
  signal.throwIfAborted()
  const failed = (code: ErrorCode, message: string, response: OutboundResponse | null = null): Fetched => ({
    response,
    problem: { url, code, message },
  })
  if (request.invited !== true && !robots.allowed(url)) {
    return failed('ROBOTS_DISALLOWED', 'robots.txt forbids this address')
  }
  try {
    const response = await outbound.fetch(toRequest(request, robots))
    const code = codeOfStatus(response.status)
    if (code) return failed(code, `answered with status ${response.status}`, response)
    return { response, problem: null }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof RowbeatError)) throw error
    return failed(codeOf(error), messageOf(error))
  }
}
