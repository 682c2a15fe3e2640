import { describe, expect, it } from 'vitest'
import { RowbeatError } from '../../src/core/errors.ts'
import type { OutboundRequest, OutboundResponse } from '../../src/core/ports.ts'
import { fetchWithRetry } from '../../src/outbound/retry.ts'
import { failureOf } from './loopback.ts'

type Script = (number | Error | { status: number; retryAfter: string })[]

function setUp(script: Script) {
  const waits: number[] = []
  const left = [...script]
  const outbound = {
    async fetch({ url }: OutboundRequest): Promise<OutboundResponse> {
      const step = left.shift() ?? 200
      if (step instanceof Error) throw step
      const { status, retryAfter } = typeof step === 'number' ? { status: step, retryAfter: undefined } : step
      const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
      return { status, url, redirects: [], headers, contentType: '', body: new Uint8Array(0), elapsedMs: 0 }
    },
  }
  const run = (request: Partial<OutboundRequest> = {}, random = 0.5) =>
    fetchWithRetry(
      outbound,
      { url: 'http://a.test/', ...request },
      {
        tries: 3,
        minSeconds: 4,
        maxSeconds: 10,
        random: () => random,
        now: () => Date.parse('2026-01-01T00:00:00Z'),
        sleep: async (seconds, signal) => {
          signal?.throwIfAborted()
          waits.push(seconds)
        },
      },
    )
  return { waits, left, run }
}

const transient = () => new RowbeatError('NETWORK_UNREACHABLE', 'a.test cannot be reached')

describe('trying a request again', () => {
  it('waits longer each time and gives the answer that came at last', async () => {
    const { waits, run } = setUp([transient(), 503, 200])
    expect((await run()).status).toBe(200)
    expect(waits).toEqual([4, 8])
  })

  it.each([0, 0.3, 0.99])('keeps its waits between the two limits (jitter %d)', async (random) => {
    const { waits, run } = setUp([500, 500, 200])
    await run({}, random)
    for (const wait of waits) {
      expect(wait).toBeGreaterThanOrEqual(4)
      expect(wait).toBeLessThanOrEqual(10)
    }
  })

  it('gives up after so many tries, with the last answer or error', async () => {
    const answers = setUp([500, 502, 504, 200])
    expect((await answers.run()).status).toBe(504)
    expect(answers.left).toEqual([200])
    const errors = setUp([transient(), transient(), new RowbeatError('DNS_FAILURE', 'gone'), 200])
    expect(await failureOf(errors.run())).toMatchObject({ code: 'DNS_FAILURE' })
  })

  it.each([200, 301, 304, 404, 410])('takes %d for an answer', async (status) => {
    const { waits, run } = setUp([status])
    expect((await run({ method: 'HEAD' })).status).toBe(status)
    expect(waits).toEqual([])
  })

  it('does not repeat what another try cannot mend', async () => {
    const { waits, run } = setUp([new RowbeatError('TLS_FAILURE', 'expired')])
    expect(await failureOf(run())).toMatchObject({ code: 'TLS_FAILURE' })
    expect(waits).toEqual([])
    const ours = setUp([new TypeError('a fault of ours')])
    expect(await failureOf(ours.run())).toBeInstanceOf(TypeError)
  })

  it('never repeats a POST', async () => {
    const { left, run } = setUp([503, 200])
    expect((await run({ method: 'POST' })).status).toBe(503)
    expect(left).toEqual([200])
  })

  it('waits as long as Retry-After asks, in seconds or as a date', async () => {
    const { waits, run } = setUp([
      { status: 429, retryAfter: '30' },
      { status: 503, retryAfter: 'Thu, 01 Jan 2026 00:00:45 GMT' },
      200,
    ])
    expect((await run()).status).toBe(200)
    expect(waits).toEqual([30, 45])
  })

  it('comes back at once when the site asks for more than a minute', async () => {
    const { waits, run } = setUp([{ status: 429, retryAfter: '3600' }, 200])
    expect((await run()).status).toBe(429)
    expect(waits).toEqual([])
  })

  it('stops waiting when the caller aborts', async () => {
    const stop = new AbortController()
    const { left, run } = setUp([transient(), 200])
    const reason = new Error('cancelled')
    stop.abort(reason)
    expect(await failureOf(run({ signal: stop.signal }))).toBeInstanceOf(RowbeatError)
    expect(left).toEqual([200])
  })
})
