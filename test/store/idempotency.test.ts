import type pg from 'pg'
import { describe, expect, it } from 'vitest'
import {
  ANSWER_MAX_BYTES,
  type Answer,
  CALLER_KEYS_MAX,
  CONTENT_MAX_BYTES,
  findAnswer,
  type KeyedRequest,
  rememberAnswer,
  trimAnswers,
} from '../../src/store/idempotency.ts'
import { rowsOf, useStore } from './fixtures.ts'

const store = useStore()
const request: KeyedRequest = {
  caller: 'anonymous',
  route: 'POST /x/{name}',
  key: 'k',
  fingerprint: 'f',
  content: { name: 'a' },
}
const answer: Answer = { status: 202, headers: { location: '/x/1' }, body: { id: 1 } }
const ask = (more: Partial<KeyedRequest> = {}) =>
  rememberAnswer(store.pool, { ...request, ...more }, async () => answer)
const age = (where: string) =>
  store.pool.query(
    `update rowbeat.idempotency_keys set created_at = now() - interval '25 hours' where ${where}`,
  )

/** Rows of a caller as if it had asked `count` times, each `bytes` large. */
const fill = (caller: string, count: number, bytes = 10, db: Pick<pg.Client, 'query'> = store.pool) =>
  db.query(
    `insert into rowbeat.idempotency_keys (caller, route, key, fingerprint, status, headers, body)
     select $1, 'POST /x/{name}', 'old-' || n, 'f', 202, '{}', to_jsonb(repeat('x', $3))
     from generate_series(1, $2) n`,
    [caller, count, bytes],
  )

describe('an answer remembered by its key', () => {
  it('is worked out once, however many ask at once, and replayed to the others', async () => {
    let worked = 0
    const asked = await Promise.all(
      Array.from({ length: 10 }, () =>
        rememberAnswer(store.pool, request, async () => {
          worked += 1
          return answer
        }),
      ),
    )
    expect(worked).toBe(1)
    expect(asked.filter((one) => one.kind === 'fresh')).toHaveLength(1)
    expect(asked.filter((one) => one.kind === 'replayed')).toHaveLength(9)
    for (const one of asked) expect(one).toMatchObject({ answer })
  })

  it('is found without any work, for as long as it is kept', async () => {
    expect(await findAnswer(store.pool, request)).toBeNull()
    await ask()
    expect(await findAnswer(store.pool, request)).toEqual({ kind: 'replayed', answer })
    await age('true')
    expect(await findAnswer(store.pool, request)).toBeNull()
  })

  it('is refused to another request, which is shown the one that it belongs to', async () => {
    await ask()
    const reused = { kind: 'reused', content: { name: 'a' } }
    expect(await ask({ fingerprint: 'g', content: { name: 'b' } })).toEqual(reused)
    expect(await findAnswer(store.pool, { ...request, fingerprint: 'g' })).toEqual(reused)
  })

  it('of a request too large to be shown later is kept without it', async () => {
    await ask({ content: { name: 'x'.repeat(CONTENT_MAX_BYTES) } })
    expect(await ask({ fingerprint: 'g' })).toEqual({ kind: 'reused', content: null })
  })

  it('is kept apart by caller and by route: nobody meets the key of another', async () => {
    await ask()
    expect((await ask({ caller: 'address:192.0.2.1', fingerprint: 'g' })).kind).toBe('fresh')
    expect((await ask({ route: 'POST /y' })).kind).toBe('fresh')
  })

  it('is forgotten after a day', async () => {
    await ask()
    await age('true')
    expect((await ask({ fingerprint: 'g' })).kind).toBe('fresh')
    await ask({ route: 'POST /y' })
    await age(`route = 'POST /y'`)
    await trimAnswers(store.pool)
    expect(await rowsOf(store.pool, 'select route from rowbeat.idempotency_keys')).toEqual([
      { route: 'POST /x/{name}' },
    ])
  })

  it('of work that failed is not kept', async () => {
    const failing = rememberAnswer(store.pool, request, async () => {
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    const bodiless = await rememberAnswer(store.pool, request, async () => ({ ...answer, body: undefined }))
    expect(bodiless.kind).toBe('fresh')
  })

  it('too large to be kept undoes the work, for it could not be given again', async () => {
    const large = rememberAnswer(store.pool, request, async () => ({
      ...answer,
      body: 'x'.repeat(ANSWER_MAX_BYTES),
    }))
    await expect(large).rejects.toThrow(RangeError)
    expect(await rowsOf(store.pool, 'select from rowbeat.idempotency_keys')).toEqual([])
  })
})

describe('the keys of one caller', () => {
  it('are bounded in number: beyond, nothing is written and it hears when there is room again', async () => {
    await fill(request.caller, CALLER_KEYS_MAX - 1)
    await store.pool.query(
      `update rowbeat.idempotency_keys set created_at = now() - interval '23 hours' where key = 'old-7'`,
    )
    expect((await ask()).kind).toBe('fresh')
    const full = await ask({ key: 'one more' })
    expect(full).toMatchObject({ kind: 'full', whose: 'caller' })
    const seconds = full.kind === 'full' ? full.retryAfterSeconds : 0
    expect(seconds).toBeGreaterThan(3500)
    expect(seconds).toBeLessThanOrEqual(3600)
    expect((await ask()).kind).toBe('replayed')
    expect((await ask({ caller: 'address:192.0.2.1', key: 'one more' })).kind).toBe('fresh')
    await age(`key = 'old-7'`)
    expect((await ask({ key: 'one more' })).kind).toBe('fresh')
  })

  it('are bounded in bytes', async () => {
    await fill(request.caller, 600, 14_000)
    expect(await ask()).toMatchObject({ kind: 'full', whose: 'caller' })
    const [row] = await rowsOf(store.pool, 'select count(*)::int as keys from rowbeat.idempotency_keys')
    expect(row).toEqual({ keys: 600 })
  })

  it('count what a key is large, and the database bounds that too', async () => {
    await fill('anonymous', 1, 5_000)
    const [row] = await rowsOf(
      store.pool,
      'select bytes between 5000 and 5100 as sound from rowbeat.idempotency_keys',
    )
    expect(row).toEqual({ sound: true })
    await expect(fill('anonymous', 1, 40_000)).rejects.toThrow('idempotency_keys_bytes_check')
  })
})

describe('the keys of all callers', () => {
  it('are bounded too, however many addresses ask', async () => {
    const one = await store.session()
    for (let caller = 0; caller < 5; caller++)
      await fill(`address:192.0.2.${caller}`, CALLER_KEYS_MAX, 10, one)
    // The server's count is told by each connection about its own rows, within a second or when asked.
    await one.query('select pg_stat_force_next_flush()')
    expect(await ask()).toMatchObject({ kind: 'full', whose: 'all' })
  })
})
