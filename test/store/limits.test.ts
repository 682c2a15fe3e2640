import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { describe, expect, it } from 'vitest'
import { claimJobs } from '../../src/store/claims.ts'
import { isLockTimeout } from '../../src/store/database.ts'
import { claimFairly } from '../../src/store/fair-claims.ts'
import { setJobTypeRate, setQueueLimits, trimRateStarts } from '../../src/store/limits.ts'
import { releaseLeases } from '../../src/store/pollers.ts'
import { claimOf, rowsOf } from './fixtures.ts'
import { fairOf, KEYED, laneOf, useLimits } from './limit-fixtures.ts'

const { store, session, fairly, add, keysOf, complete } = useLimits()

/** Lets time go by for the windows of rates. */
async function age(seconds: number): Promise<void> {
  await store.pool.query(
    `update rowbeat.rate_starts set started_at = started_at - make_interval(secs => $1),
     first_at = first_at - make_interval(secs => $1)`,
    [seconds],
  )
}

describe('the limit of a queue', () => {
  it('counts what runs, however it was claimed, and frees a slot whenever a job stops running', async () => {
    await add(20)
    const before = await claimJobs(store.pool, claimOf({ limit: 2 }))
    await setQueueLimits(store.pool, 'default', 'a test', { maxRunning: 5 })
    const first = await fairly()
    expect(first.claimed).toHaveLength(3)
    expect(first).toMatchObject({ held: 'max_running', more: false, retrySeconds: 0.5 })
    expect((await fairly()).claimed).toEqual([])
    await complete(before.slice(0, 1))
    expect((await fairly()).claimed).toHaveLength(1)
    await store.pool.query(
      `update rowbeat.scheduled_jobs set status = 'cancelled', lease_id = null, finished_at = now() where id = $1`,
      [before[1]?.id],
    )
    expect((await fairly()).claimed).toHaveLength(1)
    await releaseLeases(store.pool, [first.claimed[0]?.leaseId ?? ''])
    const again = await fairly({ limit: 2 })
    expect(again.claimed).toHaveLength(2)
    expect(again).toMatchObject({ held: null, more: true })
  })

  it('holds nobody back while nothing waits, with a key or without', async () => {
    await setQueueLimits(store.pool, 'default', 'a test', { maxRunning: 1 })
    await add(1)
    expect((await fairly()).claimed).toHaveLength(1)
    await add(1, { dueInSeconds: 60 })
    await add(1, { key: 'a', dueInSeconds: 60 })
    await add(1, { type: 'unknown' })
    for (const lane of [laneOf({}), KEYED]) {
      expect(await fairly({ lane })).toMatchObject({
        claimed: [],
        held: null,
        more: false,
        retrySeconds: null,
      })
    }
    await add(1, { key: 'a' })
    expect(await fairly()).toMatchObject({ held: null })
    expect(await fairly({ lane: KEYED })).toMatchObject({ held: 'max_running', retrySeconds: 0.5 })
  })

  it('settles plain completions first, and gives their slots to the claim', async () => {
    await add(4)
    await setQueueLimits(store.pool, 'default', 'a test', { maxRunning: 2 })
    const { claimed } = await fairly()
    const wrong = { id: claimed[1]?.id ?? '', leaseId: randomUUID() }
    const answer = await claimFairly(
      store.pool,
      fairOf(),
      [...claimed.slice(0, 1), wrong],
      [claimed[0]?.leaseId ?? ''],
    )
    expect(answer.settled).toEqual(new Set([claimed[0]?.id]))
    expect(answer.claimed).toHaveLength(2)
    expect(await rowsOf(store.pool, 'select lease_id from rowbeat.leases')).toEqual([
      { lease_id: answer.claimed[0]?.leaseId },
    ])
  })

  it('keeps no settlement waiting for long for a row that somebody holds', async () => {
    await add(2)
    await setQueueLimits(store.pool, 'default', 'a test', { maxRunning: 2 })
    const { claimed } = await fairly()
    const other = await session()
    await other.query('begin')
    await other.query('select from rowbeat.scheduled_jobs where id = $1 for update', [claimed[0]?.id])
    const outcome = await claimFairly(store.pool, fairOf(), claimed, []).catch((error: unknown) => error)
    expect(isLockTimeout(outcome)).toBe(true)
    await other.query('rollback')
    expect((await claimFairly(store.pool, fairOf(), claimed, [])).settled).toEqual(
      new Set(claimed.map((job) => job.id)),
    )
  })

  it('of zero lets nothing run', async () => {
    await add(1)
    await setQueueLimits(store.pool, 'default', 'a test', { maxRunning: 0 })
    expect(await fairly()).toMatchObject({ claimed: [], held: 'max_running' })
  })

  it('waits for claims that began before it was there', async () => {
    await add(4)
    const early = await session()
    await early.query('begin')
    expect(await claimJobs(early as unknown as pg.Pool, claimOf({ limit: 1 }))).toHaveLength(1)
    await setQueueLimits(store.pool, 'default', 'a test', { maxRunning: 2 })
    expect(await fairly()).toMatchObject({ claimed: [], held: 'busy', retrySeconds: 1 })
    await early.query('commit')
    expect((await fairly()).claimed).toHaveLength(1)
    expect(await rowsOf(store.pool, 'select limits_fresh from rowbeat.queues')).toEqual([
      { limits_fresh: false },
    ])
  })

  it('gives up on a lock that somebody keeps, but not on the settlement', async () => {
    await add(2)
    await setQueueLimits(store.pool, 'default', 'a test', { maxRunning: 5 })
    const { claimed } = await fairly({ limit: 1 })
    const holder = await session()
    await holder.query('begin')
    await holder.query('select 1 from rowbeat.queues for update')
    const answer = await claimFairly(store.pool, fairOf(), claimed)
    expect(answer).toMatchObject({ claimed: [], held: 'busy' })
    expect(answer.settled.size).toBe(1)
  })

  it('is not trusted to a transaction whose snapshot is older than the lock', async () => {
    await add(3)
    await setQueueLimits(store.pool, 'default', 'a test', { maxRunning: 2 })
    const { claimed } = await fairly({ limit: 1 })
    const client = await session()
    await client.query(`set default_transaction_isolation = 'repeatable read'`)
    const answer = await claimFairly(client as unknown as pg.Pool, fairOf(), claimed)
    expect(answer).toMatchObject({ claimed: [], held: 'isolation' })
    expect(answer.settled.size).toBe(1)
  })
})

describe('a rate', () => {
  it('allows so many starts in any window, and tells when the next one may be', async () => {
    await add(100)
    await setQueueLimits(store.pool, 'default', 'a test', { rate: { max: 10, seconds: 60 } })
    expect((await fairly({ limit: 4 })).claimed).toHaveLength(4)
    await age(20)
    const full = await fairly()
    expect(full.claimed).toHaveLength(6)
    expect(full).toMatchObject({ held: 'rate', more: false })
    expect(full.retrySeconds).toBeGreaterThan(25)
    expect(full.retrySeconds).toBeLessThan(40.2)
    await age(25)
    expect((await fairly()).claimed).toEqual([])
    await age(15.2)
    expect((await fairly()).claimed).toHaveLength(4)
    expect((await fairly()).retrySeconds).toBeGreaterThan(5)
    await age(3_600)
    expect((await fairly({ limit: 64 })).claimed).toHaveLength(10)
  })

  it('counts attempts, whether they were handed back or not', async () => {
    await add(1)
    await setQueueLimits(store.pool, 'default', 'a test', { rate: { max: 1, seconds: 60 } })
    const { claimed } = await fairly()
    await releaseLeases(store.pool, [claimed[0]?.leaseId ?? ''])
    expect(await fairly()).toMatchObject({ claimed: [], held: 'rate' })
  })

  it('of a job type holds over all queues, keys and priorities', async () => {
    await setJobTypeRate(store.pool, 'work', 'a test', { max: 5, seconds: 60 })
    await add(3, { queue: 'mail' })
    await add(3, { key: 'a' })
    await add(3, { key: 'b' })
    const mail = await fairly({ lane: laneOf({ queue: 'mail', ratedType: 'work' }) })
    expect(mail.claimed).toHaveLength(3)
    expect((await fairly({ lane: KEYED })).claimed).toEqual([])
    const keyed = await fairly({ lane: laneOf({ keyed: true, ratedType: 'work' }) })
    expect(await keysOf(keyed.claimed)).toEqual(['a', 'b'])
    expect(keyed.held).toBe('job type rate')
    await setJobTypeRate(store.pool, 'work', 'a test', null)
    expect((await fairly({ lane: laneOf({ keyed: true, ratedType: 'work' }) })).claimed).toEqual([])
    expect((await fairly({ lane: KEYED })).claimed).toHaveLength(4)
  })

  it('of a job type and the limits of its queue hold together', async () => {
    await add(20)
    await setJobTypeRate(store.pool, 'work', 'a test', { max: 5, seconds: 60 })
    await setQueueLimits(store.pool, 'default', 'a test', { maxRunning: 9, rate: { max: 7, seconds: 60 } })
    const lane = laneOf({ ratedType: 'work' })
    expect(await fairly({ lane })).toMatchObject({ held: 'job type rate' })
    await setJobTypeRate(store.pool, 'work', 'a test', { max: 50, seconds: 60 })
    const two = await fairly({ lane })
    expect(two.claimed).toHaveLength(2)
    expect(two.held).toBe('rate')
    await setQueueLimits(store.pool, 'default', 'a test', { maxRunning: 9 })
    expect((await fairly({ lane })).claimed).toHaveLength(2)
    expect((await fairly({ lane })).held).toBe('max_running')
  })

  it('needs few rows when it is high, and still counts every start', async () => {
    await add(600)
    await setQueueLimits(store.pool, 'default', 'a test', { rate: { max: 500, seconds: 86_400 } })
    for (let at = 0; at < 40; at++) await fairly({ limit: 16 })
    expect(
      (
        await rowsOf(
          store.pool,
          'select sum(starts)::int as n, count(*)::int as rows from rowbeat.rate_starts',
        )
      )[0],
    ).toEqual({ n: 500, rows: 1 })
    expect(await fairly()).toMatchObject({ claimed: [], held: 'rate' })
  })

  it('survives a clock that was set back, late but never early', async () => {
    await add(5)
    await setQueueLimits(store.pool, 'default', 'a test', { rate: { max: 2, seconds: 60 } })
    await fairly()
    await age(-7_200)
    expect(await fairly()).toMatchObject({ claimed: [], held: 'rate' })
    expect((await fairly()).retrySeconds).toBeLessThan(60.2)
    await age(60.2)
    expect((await fairly()).claimed).toHaveLength(2)
  })

  it('forgets starts that no window reaches', async () => {
    await add(5)
    await setQueueLimits(store.pool, 'default', 'a test', { rate: { max: 2, seconds: 60 } })
    await fairly()
    await age(100)
    await trimRateStarts(store.pool)
    expect(await rowsOf(store.pool, 'select 1 from rowbeat.rate_starts')).toHaveLength(1)
    await age(30)
    await trimRateStarts(store.pool)
    expect(await rowsOf(store.pool, 'select 1 from rowbeat.rate_starts')).toEqual([])
  })
})

describe('the functions for operators', () => {
  it('refuse what makes no sense, with a hint', async () => {
    const bad: [string, RegExp][] = [
      [`set_queue_limits('a', '  ', 1)`, /needs a reason/],
      [`set_queue_limits('', 'why', 1)`, /1 to 63 characters/],
      [`set_queue_limits('a', 'why', -1)`, /0 or more/],
      [`set_queue_limits('a', 'why', max_per_key := 0)`, /1 or more/],
      [`set_queue_limits('a', 'why', rate_max := 5)`, /both/],
      [`set_queue_limits('a', 'why', rate_max := 0, rate_seconds := 5)`, /1 to 1,000,000/],
      [`set_job_type_rate('t', '', 1, 1)`, /needs a reason/],
      [`set_job_type_rate('t', 'why', 1, 90000)`, /86,400/],
      [`set_job_type_rate('', 'why', 1, 1)`, /1 to 63 characters/],
    ]
    for (const [call, message] of bad) {
      const error = await store.pool.query(`select * from rowbeat.${call}`).then(
        () => null,
        (thrown: pg.DatabaseError) => thrown,
      )
      expect(error?.message).toMatch(message)
      expect(error?.hint).toMatch(/\w/)
      expect(error?.code).toMatch(/^RB0(06|10)$/)
    }
    expect(await rowsOf(store.pool, 'select 1 from rowbeat.queues')).toEqual([])
  })

  it('set all limits of a queue anew, and tell the pollers', async () => {
    const client = await session()
    const heard = new Promise((resolve) => client.on('notification', (message) => resolve(message.payload)))
    await client.query('listen rowbeat_wake')
    await setQueueLimits(store.pool, 'default', 'a test', { maxRunning: 3, rate: { max: 1, seconds: 2 } })
    expect(await heard).toBe('*')
    await setQueueLimits(store.pool, 'default', 'a test', { maxPerKey: 4 })
    const [row] = await rowsOf(
      store.pool,
      'select max_running, max_per_key, rate_max, rate_seconds from rowbeat.queues',
    )
    expect(row).toEqual({ max_running: null, max_per_key: 4, rate_max: null, rate_seconds: null })
    await setQueueLimits(store.pool, 'default', 'a test', {})
    await add(1)
    expect(await claimJobs(store.pool, claimOf())).toHaveLength(1)
  })
})

describe('under a storm of claims, settlements and deaths', () => {
  it('no limit is ever exceeded, and everything is done in the end', async () => {
    const limits = { maxRunning: 9, maxPerKey: 3, rate: { max: 60, seconds: 1 } }
    await setQueueLimits(store.pool, 'default', 'a test', limits)
    for (const key of ['a', 'b', 'c', null]) await add(40, { key })
    const random = seeded(7)
    const starts: number[] = []
    const dead: string[] = []
    let stop = false
    let samples = 0
    const watch = async (): Promise<void> => {
      while (!stop) {
        const rows = await rowsOf(
          store.pool,
          `select concurrency_key as key, count(*)::int as n from rowbeat.scheduled_jobs where status = 'running' group by 1`,
        )
        samples += 1
        const running = rows.map((row) => Number(row.n))
        expect(running.reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(limits.maxRunning)
        for (const row of rows) if (row.key !== null) expect(row.n).toBeLessThanOrEqual(limits.maxPerKey)
      }
    }
    const claimer = async (): Promise<void> => {
      let afterKey: string | null = null
      while (!stop) {
        const keyed = random() < 0.7
        const size = [1, 2, 8][Math.floor(random() * 3)] ?? 1
        const answer = await claimFairly(
          store.pool,
          fairOf({ lane: laneOf({ keyed }), limit: size, afterKey }),
        )
        if (keyed) afterKey = answer.afterKey
        starts.push(...answer.claimed.map((job) => job.scheduledAt + job.waitedSeconds))
        const lease = answer.claimed[0]?.leaseId
        if (lease !== undefined && random() < 0.15) dead.push(lease)
        else if (random() < 0.5)
          await claimFairly(store.pool, fairOf({ limit: 1, jobTypes: [] }), answer.claimed)
        else await complete(answer.claimed)
        if (random() < 0.2) await releaseLeases(store.pool, dead.splice(0, 1))
        const [open] = await rowsOf(
          store.pool,
          `select count(*)::int as n from rowbeat.scheduled_jobs where status <> 'completed'`,
        )
        if (open?.n === 0) stop = true
      }
    }
    await Promise.all([watch(), ...Array.from({ length: 8 }, claimer)])
    expect(samples).toBeGreaterThan(20)
    starts.sort((a, b) => a - b)
    for (const [at, start] of starts.entries()) {
      const full = starts[at + limits.rate.max]
      if (full !== undefined) expect(full - start).toBeGreaterThan(limits.rate.seconds)
    }
    expect(starts.length).toBeGreaterThanOrEqual(160)
  })
})

/** Numbers in 0..1, the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
