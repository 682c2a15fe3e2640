import { describe, expect, it } from 'vitest'
import { ProblemError } from '../../src/core/problems.ts'
import { answerOnce, type IdempotentRequest } from '../../src/http/idempotency.ts'
import { CALLER_KEYS_MAX } from '../../src/store/idempotency.ts'
import { useTestPool } from '../support/database.ts'

const database = useTestPool(4)
const request: IdempotentRequest = {
  caller: 'anonymous',
  route: 'POST /x',
  key: 'k',
  content: { body: { to: 'a', token: 't1' } },
}

/** What the route answers, or the problem that it throws; `prepared` counts how often it was worked for. */
async function ask(more: Partial<IdempotentRequest> = {}) {
  let prepared = 0
  const answer = await answerOnce(database.pool, { ...request, ...more }, async () => {
    prepared += 1
    return async () => ({ status: 202, headers: { Location: '/x/1' }, body: { id: 1 } })
  }).catch((error: unknown) => {
    if (error instanceof ProblemError) return error
    throw error
  })
  return { answer, prepared }
}

describe('a request with an Idempotency-Key', () => {
  it('is answered again without any work, whatever the order of its fields', async () => {
    const answer = { status: 202, headers: { Location: '/x/1' }, body: { id: 1 } }
    expect(await ask()).toEqual({ answer, prepared: 1 })
    const again = await ask({ content: { body: { token: 't1', to: 'a' } } })
    const headers = { ...answer.headers, 'Idempotency-Replayed': 'true' }
    expect(again).toEqual({ answer: { ...answer, headers }, prepared: 0 })
  })

  it('that belongs to another one is told what differs, and no secret', async () => {
    await ask({ key: 'other' })
    const { answer, prepared } = await ask({ key: 'other', content: { body: { to: 'b', token: 't2' } } })
    expect(prepared).toBe(0)
    expect(answer).toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
      message:
        'This Idempotency-Key was used for another request: /body/to was a and is b; /body/token differs. Use a new key for a new request.',
      errors: [{ pointer: '/body/to' }, { pointer: '/body/token' }],
    })
    const large = { body: Array.from({ length: 1_000 }, (_, at) => `value ${at}`) }
    await ask({ key: 'large', content: large })
    expect((await ask({ key: 'large' })).answer).toMatchObject({
      message: 'This Idempotency-Key was used for another request. Use a new key for a new request.',
    })
  })

  it('of a caller that has too many is refused with the time to wait, and nothing is done', async () => {
    await database.pool.query(
      `insert into rowbeat.idempotency_keys (caller, route, key, fingerprint)
       select 'address:192.0.2.1', 'POST /x', 'key-' || n, 'f' from generate_series(1, $1) n`,
      [CALLER_KEYS_MAX],
    )
    const { answer } = await ask({ caller: 'address:192.0.2.1' })
    expect(answer).toMatchObject({
      code: 'TOO_MANY_IDEMPOTENCY_KEYS',
      headers: { 'Retry-After': expect.stringMatching(/^86[34]\d\d$/) },
    })
    expect((await ask({ key: 'mine' })).answer).toMatchObject({ status: 202 })
  })
})
