import { isTransient, RowbeatError } from '../core/errors.ts'
import type { Outbound, OutboundRequest, OutboundResponse } from '../core/ports.ts'
import { type Exponential, retryDelay } from '../core/retry.ts'
import { retryAfterSeconds } from './answer.ts'
import { sleepFor, systemClock } from './clock.ts'

export interface RetryMeans {
  /** 0 ≤ x < 1, for the jitter. */
  readonly random?: () => number
  /** Waits, and throws the reason of the signal when it aborts. */
  readonly sleep?: (seconds: number, signal: AbortSignal | undefined) => Promise<void>
  /** Milliseconds since 1970, to read a `Retry-After` date. */
  readonly now?: () => number
}

// Whoever asks for more than a minute is not asked again within this call: the job's own retry comes later.
const MAX_RETRY_AFTER_SECONDS = 60

/**
 * Fetches, and tries GET and HEAD again after transient errors, 429 and 5xx. The last answer or error is the
 * result. Waits are those of {@link retryDelay}, never below `minSeconds` or what `Retry-After` asked for. Each try
 * has the whole time limit of the request; an abort ends the waiting at once.
 */
export async function fetchWithRetry(
  outbound: Pick<Outbound, 'fetch'>,
  request: OutboundRequest,
  policy: Exponential & RetryMeans,
): Promise<OutboundResponse> {
  const sleep = policy.sleep ?? ((seconds, signal) => sleepFor(systemClock, seconds, signal))
  const tries = request.method === 'POST' ? 1 : Math.max(1, Math.floor(policy.tries))
  for (let attempt = 1; attempt < tries; attempt++) {
    const outcome = await attemptOnce(outbound, request, policy.now ?? systemClock.now)
    if ('answer' in outcome) return outcome.answer
    const backoff = retryDelay(policy, attempt, (policy.random ?? Math.random)())
    await sleep(Math.max(policy.minSeconds, backoff, outcome.atLeastSeconds), request.signal)
  }
  return outbound.fetch(request)
}

type Outcome = { readonly answer: OutboundResponse } | { readonly atLeastSeconds: number }

async function attemptOnce(
  outbound: Pick<Outbound, 'fetch'>,
  request: OutboundRequest,
  now: () => number,
): Promise<Outcome> {
  try {
    const answer = await outbound.fetch(request)
    if (answer.status !== 429 && answer.status < 500) return { answer }
    const asked = retryAfterSeconds(answer.headers['retry-after'], now()) ?? 0
    return asked > MAX_RETRY_AFTER_SECONDS ? { answer } : { atLeastSeconds: asked }
  } catch (error) {
    if (request.signal?.aborted || !(error instanceof RowbeatError) || !isTransient(error.code)) throw error
    const asked = error.retryAfterSeconds ?? 0
    if (asked > MAX_RETRY_AFTER_SECONDS) throw error
    return { atLeastSeconds: asked }
  }
}
