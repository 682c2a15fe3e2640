import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ClaimedJob, claimJobs, exchange, look, tryClaim } from '../../src/store/claims.ts'
import { claimFairly, type FairAnswer, type FairClaim } from '../../src/store/fair-claims.ts'
import { setJobTypeRate, setQueueLimits, trimRateStarts } from '../../src/store/limits.ts'
import { releaseLeases } from '../../src/store/pollers.ts'
import { endAttempts } from '../../src/store/settlements.ts'
import { claimOf, endingOf, readJob, rowsOf, useStore } from './fixtures.ts'

const store = useStore()
const open: pg.Client[] = []
beforeEach(async () => {
  await store.pool.query('truncate rowbeat.queues, rowbeat.job_type_rates, rowbeat.rate_starts')
})
afterEach(async () => {
  for (const client of open.splice(0)) await client.end()
})

async function session(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: store.url })
  await client.connect()
  open.push(client)
  return client
}

/** A fair claim of the jobs without a key of lane `default`/0. */
function fairOf(more: Partial<FairClaim> = {}): FairClaim {
  return { ...claimOf(), until: null, afterKey: null, lane: laneOf({}), ...more }
}

function laneOf(more: Partial<FairClaim['lane']>): FairClaim['lane'] {
  return { queue: 'default', priority: 0, keyed: false, ratedType: null, ...more }
}

const KEYED = laneOf({ keyed: true })

function fairly(more: Partial<FairClaim> = {}): Promise<FairAnswer> {
  return claimFairly(store.pool, fairOf(more))
}

/** Adds due jobs, by default of type `work` without a key, the first due first. */
async function add(
  count: number,
  more: { key?: string | null; queue?: string; type?: string; dueInSeconds?: number } = {},
): Promise<string[]> {
  const { key = null, queue = 'default', type = 'work', dueInSeconds = -20 } = more
  const { rows } = await store.pool.query<{ id: string }>(
    `insert into rowbeat.scheduled_jobs (job_type, queue, concurrency_key, scheduled_at)
     select $1, $2, $3, now() + make_interval(secs => $4 + n / 1e6) from generate_series(1, $5) n returning id`,
    [type, queue, key, dueInSeconds, count],
  )
  return rows.map((row) => row.id)
}

async function keysOf(jobs: readonly ClaimedJob[]): Promise<string[]> {
  const { rows } = await store.pool.query<{ key: string }>(
    `select j.concurrency_key as key
     from unnest($1::bigint[]) with ordinality c (id, n)
     join rowbeat.scheduled_jobs j on j.id = c.id
     order by c.n`,
    [jobs.map((job) => job.id)],
  )
  return rows.map((row) => row.key)
}

async function complete(jobs: readonly ClaimedJob[]): Promise<void> {
  await endAttempts(
    store.pool,
    jobs.map((job) => endingOf(job)),
  )
}

/** Lets time go by for the windows of rates. */
async function age(seconds: number): Promise<void> {
  await store.pool.query(
    `update rowbeat.rate_starts set started_at = started_at - make_interval(secs => $1),
     first_at = first_at - make_interval(secs => $1)`,
    [seconds],
  )
}

const counts = (keys: readonly string[]): Record<string, number> =>
  Object.fromEntries([...new Set(keys)].sort().map((key) => [key, keys.filter((one) => one === key).length]))

describe('the plain claim', () => {
  it('takes nothing of a limited or paused queue, and says that something is there', async () => {
    await add(3)
    expect(await tryClaim(store.pool, claimOf({ limit: 1 }))).toMatchObject({ elsewhere: false })
    for (const limits of [{ maxRunning: 1000 }, { rate: { max: 1000, seconds: 1 } }]) {
      await setQueueLimits(store.pool, 'default', 'a test', limits)
      expect(await tryClaim(store.pool, claimOf())).toEqual({ claimed: [], elsewhere: true })
      expect(await exchange(store.pool, claimOf(), [], [])).toMatchObject({ claimed: [], elsewhere: true })
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
    expect(await tryClaim(store.pool, claimOf())).toEqual({ claimed: [], elsewhere: true })
    await add(2, { type: 'rated' })
    const [plain] = await add(1)
    await setJobTypeRate(store.pool, 'rated', 'a test', { max: 1, seconds: 60 })
    const jobTypes = ['work', 'rated']
    const { claimed } = await tryClaim(store.pool, claimOf({ jobTypes }))
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
    const round = (at: number | null): number | null => (at === null ? null : Math.round(at - seen.now))
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

describe('the limit of a queue', () => {
  it('counts what runs, however it was claimed, and frees a slot whenever a job stops running', async () => {
    await add(20)
    const before = await claimJobs(store.pool, claimOf({ limit: 2 }))
    await setQueueLimits(store.pool, 'default', 'a test', { maxRunning: 5 })
    const first = await fairly()
    expect(first.claimed).toHaveLength(3)
    expect(first).toMatchObject({ held: 'max_running', more: false, retrySeconds: 1 })
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
    expect(await fairly({ lane: KEYED })).toMatchObject({ claimed: [], held: 'max_per_key', retrySeconds: 1 })
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

describe('a rate', () => {
  it('allows so many starts in any window, and tells when the next one may be', async () => {
    await add(100)
    await setQueueLimits(store.pool, 'default', 'a test', { rate: { max: 10, seconds: 60 } })
    expect((await fairly({ limit: 4 })).claimed).toHaveLength(4)
    await age(20)
    const full = await fairly()
    expect(full.claimed).toHaveLength(6)
    expect(full).toMatchObject({ held: 'rate', more: false })
    expect(full.retrySeconds).toBeGreaterThan(39)
    expect(full.retrySeconds).toBeLessThan(40.2)
    await age(39.5)
    expect((await fairly()).claimed).toEqual([])
    await age(0.7)
    expect((await fairly()).claimed).toHaveLength(4)
    expect((await fairly()).retrySeconds).toBeGreaterThan(15)
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
      expect(error?.hint).toBeTruthy()
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
  }, 15_000)
})

describe('100,000 jobs of a key that is at its limit', () => {
  it('cost the others next to nothing', async () => {
    await setQueueLimits(store.pool, 'default', 'a test', { maxPerKey: 1 })
    await add(20_000, { key: 'full', dueInSeconds: -3_000 })
    const { claimed } = await fairly({ lane: KEYED, limit: 1 })
    expect(await keysOf(claimed)).toEqual(['full'])
    await add(1_000)
    for (let key = 0; key < 20; key++) await add(10, { key: `k${key}` })
    await store.pool.query('analyze rowbeat.scheduled_jobs')
    const plain = await blocksOf(() => claimJobs(store.pool, claimOf({ limit: 16 })), 16)
    expect(plain).toBeLessThan(400)
    const keyed = await blocksOf(async () => (await fairly({ lane: KEYED, limit: 16 })).claimed, 16)
    expect(keyed).toBeLessThan(4_000)
    const seen = await blocksOf(async () => (await look(store.pool, ['work'])).lanes, 2)
    expect(seen).toBeLessThan(200)
  })
})

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
async function flush(): Promise<void> {
  const clients = await Promise.all(Array.from({ length: 12 }, () => store.pool.connect()))
  for (const client of clients) await client.query('select pg_stat_force_next_flush()')
  for (const client of clients) client.release()
}

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
