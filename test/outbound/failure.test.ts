import { describe, expect, it } from 'vitest'
import { RowbeatError } from '../../src/core/errors.ts'
import { asRowbeatError } from '../../src/outbound/failure.ts'

function systemError(code: string, cause?: unknown): Error {
  return Object.assign(new Error(`failed: ${code}`, { cause }), { code })
}

describe('naming a failure of the network', () => {
  it.each([
    ['ENOTFOUND', 'DNS_FAILURE'],
    ['EAI_AGAIN', 'DNS_FAILURE'],
    ['ECONNREFUSED', 'NETWORK_UNREACHABLE'],
    ['ECONNRESET', 'NETWORK_UNREACHABLE'],
    ['EHOSTUNREACH', 'NETWORK_UNREACHABLE'],
    ['ENETUNREACH', 'NETWORK_UNREACHABLE'],
    ['EPIPE', 'NETWORK_UNREACHABLE'],
    ['UND_ERR_SOCKET', 'NETWORK_UNREACHABLE'],
    ['ETIMEDOUT', 'UPSTREAM_TIMEOUT'],
    ['UND_ERR_CONNECT_TIMEOUT', 'UPSTREAM_TIMEOUT'],
    ['UND_ERR_HEADERS_TIMEOUT', 'UPSTREAM_TIMEOUT'],
    ['UND_ERR_BODY_TIMEOUT', 'UPSTREAM_TIMEOUT'],
    ['CERT_HAS_EXPIRED', 'TLS_FAILURE'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'TLS_FAILURE'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'TLS_FAILURE'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'TLS_FAILURE'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'TLS_FAILURE'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'TLS_FAILURE'],
    ['EPROTO', 'TLS_FAILURE'],
    ['UND_ERR_HEADERS_OVERFLOW', 'RESPONSE_TOO_LARGE'],
    ['HPE_INVALID_HEADER_TOKEN', 'UPSTREAM_ERROR'],
    ['UND_ERR_INVALID_ARG', 'INVALID_INPUT'],
  ])('maps %s to %s and names host and cause', (code, expected) => {
    const error = asRowbeatError(systemError(code), 'client.test')
    expect(error.code).toBe(expected)
    expect(error.message).toContain('client.test')
    expect(error.message).toContain(code)
    expect(error.cause).toBeInstanceOf(Error)
  })

  it('looks into causes and into the attempts of several addresses', () => {
    const attempts = new AggregateError(
      [systemError('ECONNREFUSED'), systemError('ENETUNREACH')],
      'all failed',
    )
    expect(asRowbeatError(attempts, 'a.test').code).toBe('NETWORK_UNREACHABLE')
    expect(
      asRowbeatError(new TypeError('fetch failed', { cause: systemError('ENOTFOUND') }), 'a.test').code,
    ).toBe('DNS_FAILURE')
  })

  it('passes our own errors, also from within', () => {
    const ours = new RowbeatError('ADDRESS_NOT_ALLOWED', 'no')
    expect(asRowbeatError(ours, 'a.test')).toBe(ours)
    expect(asRowbeatError(new Error('wrapped', { cause: ours }), 'a.test')).toBe(ours)
  })

  it('says of everything else that it is a fault of ours, and ends on a ring of causes', () => {
    const ring = new Error('ring')
    ring.cause = ring
    expect(asRowbeatError(ring, 'a.test').code).toBe('INTERNAL_ERROR')
    expect(asRowbeatError('text', 'a.test').code).toBe('INTERNAL_ERROR')
    expect(asRowbeatError(undefined, 'a.test').code).toBe('INTERNAL_ERROR')
  })
})
