import type pg from 'pg'
import { describe, expect, it } from 'vitest'
import { claimJobs, exchange } from '../../src/store/claims.ts'
import type { Queryable } from '../../src/store/database.ts'
import { claimFairly, type FairAnswer } from '../../src/store/fair-claims.ts'
import { setJobTypeRate, setQueueLimits } from '../../src/store/limits.ts'
import { look } from '../../src/store/look.ts'
import { readSnapshot } from '../../src/store/reports.ts'
import { claimOf, readJob, rowsOf } from './fixtures.ts'
import { fairOf, KEYED, laneOf, useLimits } from './limit-fixtures.ts'

const { store, session, fairly, add, keysOf, complete } = useLimits()

const counts = (keys: readonly string[]): Record<string, number> =>
  Object.fromEntries([...new Set(keys)].sort().map((key) => [key, keys.filter((one) => one === key).length]))

describe('the plain claim', () => {
  it('takes nothing of a limited or paused queue', async () => {
    await add(3)
    expect(await claimJobs(store.pool, claimOf({ limit: 1 }))).toHaveLength(1)
    for (const limits of [{ maxRunning: 1000 }, { rate: { max: 1000, seconds: 1 } }]) {
      await setQueueLimits(store.pool, 'default', 'a test', limits)
      expect(await claimJobs(store.pool, claimOf())).toEqual([])
      expect(await exchange(store.pool, claimOf(), [], [])).toMatchObject({ claimed: [] })
    }
    await setQueueLimits(store.pool, 'default', 'a test', { maxPerKey: 1 })
    expect(await claimJobs(store.pool, claimOf({ limit: 1 }))).toHaveLength(1)
    await store.pool.query(`update rowbeat.queues set paused_at = now(), paused_reason = 'a test'`)
    expect(await claimJobs(store.pool, claimOf())).toEqual([])
    expect(await fairly()).toMatchObject({ claimed: [], held: 'paused', more: false })
    expect((await look(store.pool, ['work'])).lanes).toEqual([])
    await store.pool.query(`update rowbeat.queues set paused_until = now() - interval '1 second'`)
    expect(await claimJobs(store.pool, claimOf())).toHaveLength(1)
  })

  it('leaves jobs with a key and those of a rated type to the fair claim', async () => {
    await add(2, { key: 'a' })
    expect(await claimJobs(store.pool, claimOf())).toEqual([])
    await add(2, { type: 'rated' })
    const [plain] = await add(1)
    await setJobTypeRate(store.pool, 'rated', 'a test', { max: 1, seconds: 60 })
    const jobTypes = ['work', 'rated']
    const claimed = await claimJobs(store.pool, claimOf({ jobTypes }))
    expect(claimed.map((job) => job.id)).toEqual([plain])
    const rated = await fairly({ jobTypes, lane: laneOf({ ratedType: 'rated' }) })
    expect(rated.claimed.map((job) => job.jobType)).toEqual(['rated'])
    expect(rated).toMatchObject({ held: 'job type rate', more: false })
  })
})

describe('a look', () => {
  it('tells the ways a lane is claimed in, and when keyed jobs that are not due yet will be', async () => {
    await add(1, { dueInSeconds: 50 })
    await add(1, { key: 'a' })
    await add(1, { key: 'b', dueInSeconds: 90 })
    await add(1, { type: 'rated', dueInSeconds: 20 })
    await setJobTypeRate(store.pool, 'rated', 'a test', { max: 1, seconds: 60 })
    await setQueueLimits(store.pool, 'default', 'a test', { maxPerKey: 2 })
    const seen = await look(store.pool, ['work', 'rated'])
    // To ten seconds, for some may have gone by since.
    const round = (at: number | null): number | null =>
      at === null ? null : Math.round((at - seen.now) / 10) * 10
    expect(
      seen.lanes.map((one) => [
        one.keyed,
        one.ratedType,
        one.limited,
        round(one.firstDueAt),
        round(one.laterDueAt),
      ]),
    ).toEqual([
      [false, null, false, 50, null],
      [false, 'rated', false, 20, null],
      [true, null, true, -20, 90],
      [true, 'rated', true, -20, 90],
    ])
  })
})

describe('keys', () => {
  it('take turns, so that few jobs of one key do not wait for many of another', async () => {
    await add(1000, { key: 'big', dueInSeconds: -60 })
    await add(10, { key: 'small' })
    await add(10, { key: 'tiny' })
    const first = await fairly({ lane: KEYED, limit: 32 })
    expect((await keysOf(first.claimed)).slice(0, 6)).toEqual([
      'big',
      'small',
      'tiny',
      'big',
      'small',
      'tiny',
    ])
    expect(counts(await keysOf(first.claimed))).toEqual({ big: 11, small: 10, tiny: 10 })
    const second = await fairly({ lane: KEYED, limit: 32, afterKey: first.afterKey })
    expect(counts(await keysOf(second.claimed))).toEqual({ big: 32 })
    expect(second).toMatchObject({ more: true, held: null })
  })

  it('are gone through in a circle, one claim going on where the last one stopped', async () => {
    for (const key of ['', 'a', 'a b', 'ä', 'z']) await add(3, { key })
    const served: string[] = []
    let afterKey: string | null = null
    for (let at = 0; at < 8; at++) {
      const answer: FairAnswer = await fairly({ lane: KEYED, limit: 2, afterKey })
      served.push(...(await keysOf(answer.claimed)))
      afterKey = answer.afterKey
    }
    const round = ['', 'a', 'a b', 'z', 'ä']
    expect(served).toEqual([...round, ...round, ...round])
    expect(await fairly({ lane: KEYED, afterKey })).toMatchObject({ claimed: [], more: false, held: null })
  })

  it('keep the order of their own jobs, and leave what is not due or of another type', async () => {
    const [late] = await add(1, { key: 'a', dueInSeconds: -1 })
    const [early] = await add(1, { key: 'a', dueInSeconds: -50 })
    await add(1, { key: 'a', dueInSeconds: 50 })
    await add(1, { key: 'a', type: 'other' })
    await add(1, { key: 'b', type: 'other' })
    await add(1, { key: 'c', dueInSeconds: 50 })
    const answer = await fairly({ lane: KEYED })
    expect(answer.claimed.map((job) => job.id)).toEqual([early, late])
    expect((await fairly({ lane: KEYED })).claimed).toEqual([])
  })

  it('run at most so many jobs at once, in every lane of the queue', async () => {
    await setQueueLimits(store.pool, 'default', 'a test', { maxPerKey: 2, maxRunning: 5 })
    for (const key of ['a', 'b', 'c']) await add(10, { key })
    await store.pool.query(
      `insert into rowbeat.scheduled_jobs (job_type, priority, concurrency_key) values ('work', 7, 'a')`,
    )
    const urgent = await fairly({ lane: laneOf({ keyed: true, priority: 7 }) })
    expect(urgent.claimed).toHaveLength(1)
    const first = await fairly({ lane: KEYED, limit: 3 })
    expect(await keysOf(first.claimed)).toEqual(['a', 'b', 'c'])
    const second = await fairly({ lane: KEYED, afterKey: 'c' })
    expect(await keysOf(second.claimed)).toEqual(['b'])
    expect(second.held).toBe('max_running')
    await setQueueLimits(store.pool, 'default', 'a test', { maxPerKey: 2 })
    expect(await keysOf((await fairly({ lane: KEYED })).claimed)).toEqual(['c'])
    expect(await fairly({ lane: KEYED })).toMatchObject({
      claimed: [],
      held: 'max_per_key',
      retrySeconds: 0.5,
    })
    await complete(urgent.claimed)
    expect(await keysOf((await fairly({ lane: KEYED })).claimed)).toEqual(['a'])
  })

  it('do not collide when many claim at once, and no job is claimed twice', async () => {
    for (let key = 0; key < 20; key++) await add(25, { key: `k${key}` })
    const taken: string[] = []
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        let answer: FairAnswer | null = null
        do {
          answer = await fairly({ lane: KEYED, afterKey: answer?.afterKey ?? null })
          taken.push(...answer.claimed.map((job) => job.id))
        } while (answer.more)
      }),
    )
    const rest = await fairly({ lane: KEYED, limit: 512 })
    taken.push(...rest.claimed.map((job) => job.id))
    expect(taken).toHaveLength(500)
    expect(new Set(taken).size).toBe(500)
  })

  it('with nothing due do not hide the due jobs of others, however many they are', async () => {
    await store.pool.query(
      `insert into rowbeat.scheduled_jobs (job_type, concurrency_key, scheduled_at)
       select 'work', 'k' || n, now() + interval '1 hour' from generate_series(1, 2500) n`,
    )
    const [id] = await add(1, { key: 'z' })
    expect((await fairly({ lane: KEYED })).claimed.map((job) => job.id)).toEqual([id])
  })
})

describe.each(['as it is', 'when it was empty'])(
  'with plans made for the table %s, 20,000 jobs of a key at its limit',
  (made) => {
    it('cost the others next to nothing', async () => {
      // The blocks are counted for everybody: a vacuum that passes by would count as ours.
      await store.pool.query('alter table rowbeat.scheduled_jobs set (autovacuum_enabled = off)')
      await setQueueLimits(store.pool, 'default', 'a test', { maxPerKey: 1 })
      if (made === 'when it was empty') await onEveryConnection(claimEverything)
      await add(20_000, { key: 'full', dueInSeconds: -3_000 })
      const { claimed } = await fairly({ lane: KEYED, limit: 1 })
      expect(await keysOf(claimed)).toEqual(['full'])
      await add(1_000)
      for (let key = 0; key < 20; key++) await add(10, { key: `k${key}` })
      if (made === 'as it is') await store.pool.query('analyze rowbeat.scheduled_jobs')
      const plain = await blocksOf(() => claimJobs(store.pool, claimOf({ limit: 16 })), 16)
      expect(plain).toBeLessThan(400)
      const keyed = await blocksOf(async () => (await fairly({ lane: KEYED, limit: 16 })).claimed, 16)
      expect(keyed).toBeLessThan(4_000)
      const seen = await blocksOf(async () => (await look(store.pool, ['work'])).lanes, 2)
      expect(seen).toBeLessThan(200)
    })
  },
)

describe('jobs without a key', () => {
  it('are claimed and settled without touching an index', async () => {
    await add(2_000)
    const at = async (): Promise<{ updates: number; hot: number }> => {
      await store.pool.query('select pg_stat_force_next_flush()')
      const [row] = await rowsOf(
        store.pool,
        `select n_tup_upd::int as updates, n_tup_hot_upd::int as hot from pg_stat_user_tables
         where relname = 'scheduled_jobs'`,
      )
      return { updates: Number(row?.updates), hot: Number(row?.hot) }
    }
    const client = await session()
    const db = client as unknown as pg.Pool
    await client.query('select pg_stat_clear_snapshot()')
    const before = await at()
    for (let batch = 0; batch < 8; batch++) {
      const jobs = await claimJobs(db, claimOf({ limit: 256 }))
      await exchange(db, claimOf({ limit: 1, jobTypes: ['none'] }), jobs, [])
    }
    await client.query('select pg_stat_force_next_flush()')
    const after = await at()
    expect(after.updates - before.updates).toBe(4_000)
    expect((after.hot - before.hot) / (after.updates - before.updates)).toBeGreaterThan(0.9)
  })

  it('say what they said before: a keyed one is claimed with the same marks', async () => {
    const [id = ''] = await add(1, { key: 'a' })
    const claim = fairOf({ lane: KEYED })
    const { claimed } = await claimFairly(store.pool, claim)
    expect(claimed[0]).toMatchObject({
      id,
      attempt: 1,
      retryCount: 0,
      leaseId: claim.leaseId,
      queue: 'default',
    })
    expect(await readJob(store.pool, id)).toMatchObject({
      status: 'running',
      lease_id: claim.leaseId,
      poller_id: claim.pollerId,
      ready_key: null,
    })
  })
})

describe('the snapshot', () => {
  it('counts pending jobs with a key among the others', async () => {
    await add(3)
    await add(4, { key: 'a', dueInSeconds: -90 })
    await fairly({ lane: KEYED, limit: 1 })
    const { queues } = await readSnapshot(store.pool)
    expect(queues).toMatchObject([{ queue: 'default', pending: 6, running: 1 }])
    expect(queues[0]?.oldestReadySeconds).toBeGreaterThan(80)
  })
})

/** Blocks of tables and indexes that the work read, on a connection of its own so that nobody else's count. */
async function blocksOf(work: () => Promise<readonly unknown[]>, expected: number): Promise<number> {
  const read = async (): Promise<number> => {
    const [row] = await rowsOf(
      store.pool,
      `select (sum(heap_blks_read + heap_blks_hit) + sum(idx_blks_read + idx_blks_hit))::int as blocks
       from pg_statio_user_tables where schemaname = 'rowbeat'`,
    )
    return Number(row?.blocks)
  }
  await flush()
  const before = await read()
  expect(await work()).toHaveLength(expected)
  await flush()
  return (await read()) - before
}

/** Every connection of the pool hands in its counters. */
function flush(): Promise<void> {
  return onEveryConnection((client) => client.query('select pg_stat_force_next_flush()'))
}

async function onEveryConnection(work: (client: pg.PoolClient) => Promise<unknown>): Promise<void> {
  const clients = await Promise.all(Array.from({ length: 12 }, () => store.pool.connect()))
  try {
    for (const client of clients) await work(client)
  } finally {
    for (const client of clients) client.release()
  }
}

async function claimEverything(client: Queryable): Promise<void> {
  await claimJobs(client, claimOf())
  await claimFairly(client, fairOf({ lane: KEYED }))
  await look(client, ['work'])
}
