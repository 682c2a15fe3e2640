import { errors } from 'undici'
import { type ErrorCode, RowbeatError } from '../core/errors.ts'

const NAME_CODES = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EAI_NODATA',
  'EAI_NONAME',
  'ENODATA',
  'ESERVFAIL',
  'EREFUSED',
  'ETIMEOUT',
])
const TIMEOUT_CODES = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
])
const NETWORK_CODES = new Set([
  'UND_ERR_SOCKET',
  'UND_ERR_DESTROYED',
  'UND_ERR_CLOSED',
  'UND_ERR_INFO',
  'UND_ERR_ABORTED',
])
const SIZE_CODES = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_EXCEEDED_MAX_SIZE',
  'HPE_HEADER_OVERFLOW',
  'ERR_BUFFER_TOO_LARGE',
])
const CERTIFICATE_CODE =
  /CERT|CRL|^UNABLE_TO_|^ERR_TLS_|^ERR_SSL_|^INVALID_(?:CA|PURPOSE)$|^HOSTNAME_MISMATCH$|^PATH_LENGTH_|^EPROTO$/

const TROUBLE: Partial<Record<ErrorCode, string>> = {
  DNS_FAILURE: 'cannot be resolved to an address',
  NETWORK_UNREACHABLE: 'cannot be reached',
  TLS_FAILURE: 'cannot be reached safely',
  UPSTREAM_TIMEOUT: 'answers too slowly',
  UPSTREAM_ERROR: 'sent an answer that is not valid HTTP',
  RESPONSE_TOO_LARGE: 'sent too large an answer',
  INVALID_INPUT: 'cannot be sent this request',
  INTERNAL_ERROR: 'could not be asked',
}

/**
 * Turns whatever the network stack throws into a `RowbeatError` that names the host and the cause. Errors that
 * already are one pass unchanged.
 */
export function asRowbeatError(error: unknown, host: string): RowbeatError {
  if (error instanceof RowbeatError) return error
  const chain = [...causesOf(error)]
  const refused = chain.find((cause) => cause instanceof RowbeatError)
  if (refused instanceof RowbeatError) return refused
  for (const cause of chain) {
    const systemCode = codeIn(cause)
    const code = systemCode === undefined ? undefined : classify(systemCode)
    if (code !== undefined) return describe(code, host, `${systemCode}`, error)
  }
  return describe('INTERNAL_ERROR', host, error instanceof Error ? error.message : String(error), error)
}

/** The stable code for an error code of Node, OpenSSL or undici; undefined when it is none of these. */
export function classify(systemCode: string): ErrorCode | undefined {
  if (NAME_CODES.has(systemCode)) return 'DNS_FAILURE'
  if (TIMEOUT_CODES.has(systemCode)) return 'UPSTREAM_TIMEOUT'
  if (SIZE_CODES.has(systemCode)) return 'RESPONSE_TOO_LARGE'
  if (NETWORK_CODES.has(systemCode)) return 'NETWORK_UNREACHABLE'
  if (CERTIFICATE_CODE.test(systemCode)) return 'TLS_FAILURE'
  if (systemCode.startsWith('HPE_') || systemCode === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH')
    return 'UPSTREAM_ERROR'
  if (systemCode.startsWith('UND_ERR_')) return 'INVALID_INPUT'
  // What is left with a capital E and no underscore comes from a system call: ECONNREFUSED, EHOSTUNREACH …
  if (/^E[A-Z0-9]+$/.test(systemCode)) return 'NETWORK_UNREACHABLE'
  return undefined
}

function describe(code: ErrorCode, host: string, detail: string, cause: unknown): RowbeatError {
  return new RowbeatError(code, `${host} ${TROUBLE[code]}: ${detail}`, { cause })
}

/** The error itself, its causes and the members of an `AggregateError`; few levels, so that a ring ends. */
function* causesOf(error: unknown, depth = 0): Generator<unknown> {
  if (error === undefined || error === null || depth > 4) return
  yield error
  if (error instanceof AggregateError) {
    for (const member of error.errors.slice(0, 8)) yield* causesOf(member, depth + 1)
  }
  if (error instanceof Error) yield* causesOf(error.cause, depth + 1)
}

function codeIn(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  // undici finds that the protocol is broken but often leaves out the code that would say so.
  if (error instanceof errors.HTTPParserError && error.code === undefined) return 'HPE_INVALID_RESPONSE'
  return typeof error.code === 'string' ? error.code : undefined
}
