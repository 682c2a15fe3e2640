/** Requests that carry an Idempotency-Key: worked on once, answered as often as they come. */
import { createHash } from 'node:crypto'
import type pg from 'pg'
import { canonicalJson, differences } from '../core/differences.ts'
import { ProblemError } from '../core/problems.ts'
import { type Answer, findAnswer, type Remembered, rememberAnswer } from '../store/idempotency.ts'

export interface IdempotentRequest {
  /** Whose key it is: {@link import('./caller.ts').callerOf}. */
  readonly caller: string
  /** Method and path template, such as `POST /api/v1/sites/{domain}/audit`. */
  readonly route: string
  /** The header, 1..255 characters. */
  readonly key: string
  /** What is asked for, as JSON: `{ path, body }`. Equal requests are one. */
  readonly content: unknown
}

/** Differences that a sentence names; `errors` has all that were found. */
const TOLD_CHARS = 400

/**
 * The stored answer of the request, marked `Idempotency-Replayed: true`; else what `prepare`d work answers, stored in
 * the transaction that it is handed. A request that comes while its twin is worked on waits for that answer. Throws
 * the 422 for a key that belongs to another request, and the 429 when no more keys are remembered.
 */
export async function answerOnce(
  pool: pg.Pool,
  request: IdempotentRequest,
  prepare: () => Promise<(client: pg.PoolClient) => Promise<Answer>>,
): Promise<Answer> {
  const canonical = canonicalJson(request.content)
  const keyed = { ...request, fingerprint: createHash('sha256').update(canonical).digest('hex') }
  const found = await findAnswer(pool, keyed)
  return answerOf(request, found ?? (await rememberAnswer(pool, keyed, await prepare())))
}

function answerOf(request: IdempotentRequest, remembered: Remembered): Answer {
  switch (remembered.kind) {
    case 'fresh':
      return remembered.answer
    case 'replayed': {
      const { headers, ...answer } = remembered.answer
      return { ...answer, headers: { ...headers, 'Idempotency-Replayed': 'true' } }
    }
    case 'reused':
      throw reusedProblem(request, remembered.content)
    case 'full': {
      const { whose, retryAfterSeconds } = remembered
      const who = whose === 'caller' ? 'This caller has' : 'All callers together have'
      throw new ProblemError(
        'TOO_MANY_IDEMPOTENCY_KEYS',
        `${who} used as many Idempotency-Keys within 24 h as are remembered. There is room again in ${retryAfterSeconds} s; without the header the request is answered at once.`,
        { headers: { 'Retry-After': String(retryAfterSeconds) } },
      )
    }
  }
}

function reusedProblem(request: IdempotentRequest, content: unknown): ProblemError {
  const errors = content === null ? [] : differences(content, request.content)
  const what = errors.map((one) => `${one.pointer} ${one.detail}`).join('; ')
  const told = what.length > TOLD_CHARS ? `${what.slice(0, TOLD_CHARS)}…` : what
  return new ProblemError(
    'IDEMPOTENCY_KEY_REUSED',
    `This Idempotency-Key was used for another request${told === '' ? '' : `: ${told}`}. Use a new key for a new request.`,
    errors.length === 0 ? {} : { errors },
  )
}
