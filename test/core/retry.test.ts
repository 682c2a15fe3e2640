import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ALL_ERROR_CODES, isTransient } from '../../src/core/errors.ts'
import {
  DEFAULT_RETRY,
  decideFailure,
  maxRetries,
  NO_RETRY,
  RETRY_WAIT_MAX_SECONDS,
  type RetryPolicy,
  retryDelay,
} from '../../src/core/retry.ts'

const policies: fc.Arbitrary<RetryPolicy> = fc.oneof(
  fc.record({ delays: fc.array(fc.double({ min: 0, max: 100_000, noNaN: true }), { maxLength: 10 }) }),
  fc.record({
    tries: fc.integer({ min: 1, max: 100 }),
    minSeconds: fc.double({ min: 0, max: 1_000, noNaN: true }),
    maxSeconds: fc.double({ min: 0, max: 100_000, noNaN: true }),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
)
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const codes = fc.constantFrom(...ALL_ERROR_CODES)

describe('a retry', () => {
  it('is granted to transient codes only, and only while the row has retries left', () => {
    fc.assert(
      fc.property(
        policies,
        codes,
        fc.nat(120),
        fc.nat(100),
        chance,
        (policy, code, retryCount, max, random) => {
          const decision = decideFailure(policy, { retryCount, maxRetries: max }, { code }, random)
          expect(decision.retry).toBe(isTransient(code) && retryCount < max)
        },
      ),
    )
  })

  it('waits at least what the remote side asked for, at most a day, and never less than nothing', () => {
    fc.assert(
      fc.property(
        policies,
        fc.nat(99),
        chance,
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        (policy, retryCount, random, asked) => {
          const failure = { code: 'RATE_LIMIT_EXCEEDED', retryAfterSeconds: asked } as const
          const decision = decideFailure(policy, { retryCount, maxRetries: 100 }, failure, random)
          if (!decision.retry) throw new Error('a transient code was not retried')
          expect(decision.delaySeconds).toBeGreaterThanOrEqual(Math.min(asked, RETRY_WAIT_MAX_SECONDS))
          expect(decision.delaySeconds).toBeLessThanOrEqual(RETRY_WAIT_MAX_SECONDS)
        },
      ),
    )
  })

  it('of a list waits its entries in turn, then the last one again', () => {
    const policy = { delays: [1, 10, 60] }
    expect([1, 2, 3, 4].map((retry) => retryDelay(policy, retry, 0))).toEqual([1, 10, 60, 60])
    expect(maxRetries(policy)).toBe(3)
  })

  it('that doubles stays within its jitter and its greatest wait', () => {
    const policy = { tries: 9, minSeconds: 4, maxSeconds: 10, jitter: 0.5 }
    expect([1, 2, 3].map((retry) => retryDelay(policy, retry, 0.5))).toEqual([4, 8, 10])
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), chance, (retry, random) => {
        const wait = retryDelay(policy, retry, random)
        expect(wait).toBeGreaterThanOrEqual(2)
        expect(wait).toBeLessThanOrEqual(10)
      }),
    )
    expect(maxRetries(policy)).toBe(8)
  })

  it('beyond what the policy knows, granted by an operator on the row, comes at once', () => {
    const decision = decideFailure(
      NO_RETRY,
      { retryCount: 0, maxRetries: 1 },
      { code: 'UPSTREAM_TIMEOUT' },
      0.5,
    )
    expect(decision).toEqual({ retry: true, delaySeconds: 0 })
    expect(maxRetries(NO_RETRY)).toBe(0)
    expect(maxRetries(DEFAULT_RETRY)).toBe(3)
  })
})
