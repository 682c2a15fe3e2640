/** Whether and when a failed attempt is tried again: a pure decision, written by the store. */
import { isTransient } from './errors.ts'

/** Waits of a fixed list of seconds, one per retry. */
export interface DelayList {
  readonly delays: readonly number[]
}

/** Waits that double from `minSeconds` up to `maxSeconds`, spread by ±`jitter` (0..1, default 0.2). */
export interface Exponential {
  /** How many tries in all, the first included. */
  readonly tries: number
  readonly minSeconds: number
  readonly maxSeconds: number
  readonly jitter?: number
}

export type RetryPolicy = DelayList | Exponential

/** What jobs get that name no policy: four tries over about a minute. */
export const DEFAULT_RETRY: RetryPolicy = { tries: 4, minSeconds: 5, maxSeconds: 300 }

/** One try only. */
export const NO_RETRY: RetryPolicy = { delays: [] }

/** How many retries a policy allows: the `max_retries` of the jobs made with it. */
export function maxRetries(policy: RetryPolicy): number {
  return 'delays' in policy ? policy.delays.length : policy.tries - 1
}

/** Longest wait that is ever asked for, in seconds; longer `Retry-After`s are cut to it. */
export const RETRY_WAIT_MAX_SECONDS = 86_400

/**
 * Seconds to wait before retry number `retry` (1 for the first).
 * `random` is a number in [0, 1).
 */
export function retryDelay(policy: RetryPolicy, retry: number, random: number): number {
  if ('delays' in policy) return policy.delays[Math.min(retry, policy.delays.length) - 1] ?? 0
  const base = Math.min(policy.maxSeconds, policy.minSeconds * 2 ** Math.min(retry - 1, 40))
  const jitter = policy.jitter ?? 0.2
  const spread = base * (1 + jitter * (2 * random - 1))
  return Math.min(policy.maxSeconds, Math.max(0, spread))
}

export interface Failure {
  readonly code: string
  /** True when the handler said that no other try can help. */
  readonly final?: boolean
  /** What the remote side asked for, in seconds. */
  readonly retryAfterSeconds?: number | undefined
}

export type FailureDecision =
  | { readonly retry: false }
  | { readonly retry: true; readonly delaySeconds: number }

/**
 * Decides what becomes of a failed attempt. Codes known to be final, and what the handler called so, are not
 * retried; the rest is while the row has retries left (`retryCount` of `maxRetries`: the row wins over the policy, so an operator can grant more).
 */
export function decideFailure(
  policy: RetryPolicy,
  row: { readonly retryCount: number; readonly maxRetries: number },
  failure: Failure,
  random: number,
): FailureDecision {
  if (failure.final === true || !isTransient(failure.code) || row.retryCount >= row.maxRetries)
    return { retry: false }
  const wait = Math.max(retryDelay(policy, row.retryCount + 1, random), failure.retryAfterSeconds ?? 0)
  return { retry: true, delaySeconds: Math.min(wait, RETRY_WAIT_MAX_SECONDS) }
}
