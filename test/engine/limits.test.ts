/** Limits, turns, draining and stopping as the engine keeps them: over several pollers of one database. */
import { beforeEach, describe, expect, it } from 'vitest'
import { setJobTypeRate, setQueueLimits } from '../../src/store/limits.ts'
import { markPoller } from '../../src/store/pollers.ts'
import { until } from '../support/wait.ts'
import { eventsOf, gate, useEngines } from './harness.ts'

const engines = useEngines()
beforeEach(async () => {
  await engines.pool.query('truncate rowbeat.queues, rowbeat.job_type_rates, rowbeat.rate_starts')
})

/** A handler that takes a few ms and notes how many of it ran at once, in all and per key. */
function crowd() {
  const inside = new Map<string, number>()
  const most = new Map<string, number>()
  const order: string[] = []
  const count = (key: string, by: number): void => {
    const now = (inside.get(key) ?? 0) + by
    inside.set(key, now)
    most.set(key, Math.max(most.get(key) ?? 0, now))
  }
  return {
    most: (key: string): number => most.get(key) ?? 0,
    order,
    run: async ({ input }: { readonly input: unknown }): Promise<undefined> => {
      const key = String((input as { key?: unknown }).key)
      order.push(key)
      count('all', 1)
      count(key, 1)
      await new Promise((resolve) => setTimeout(resolve, 8))
      count('all', -1)
      count(key, -1)
    },
  }
}

const manyOf = (count: number, key?: string) =>
  Array.from({ length: count }, () => ({
    jobType: 'work',
    payload: { key },
    ...(key === undefined ? {} : { concurrencyKey: key }),
  }))

const woken = async (started: { readonly engine: { wake(queue: string, priority: number): void } }) =>
  started.engine.wake('default', 0)

describe('the limits of a queue over several pollers', () => {
  it('hold for all jobs and for each key, while pollers come and go', async () => {
    await setQueueLimits(engines.pool, 'default', 'a test', { maxRunning: 5, maxPerKey: 2 })
    await engines.add(...manyOf(30), ...manyOf(30, 'a'), ...manyOf(30, 'b'), ...manyOf(10, 'c'))
    const { run, most, order } = crowd()
    const first = await engines.start({ jobs: { work: run } })
    await engines.start({ jobs: { work: run } })
    await until(() => order.length > 5, { what: 'some jobs' })
    await first.stop(0)
    await engines.start({ jobs: { work: run } })
    await engines.drained()
    expect(await engines.statuses()).toEqual({ completed: 100 })
    expect(most('all')).toBeLessThanOrEqual(5)
    for (const key of ['a', 'b', 'c']) expect(most(key)).toBeLessThanOrEqual(2)
    expect(most('all')).toBeGreaterThan(2)
  })

  it('hold from the moment they are set, and are lifted at once', async () => {
    const held = gate()
    const started = await engines.start({ jobs: { work: held.run }, listen: true })
    await until(() => started.engine.listening(), { what: 'the listener' })
    await engines.add(...manyOf(2))
    await woken(started)
    await until(() => held.inside() === 2, { what: 'two jobs' })
    await setQueueLimits(engines.pool, 'default', 'a test', { maxRunning: 3 })
    await engines.add(...manyOf(4))
    await woken(started)
    await until(() => held.inside() === 3, { what: 'a third job' })
    expect(await engines.statuses()).toEqual({ running: 3, pending: 3 })
    await setQueueLimits(engines.pool, 'default', 'a test', {})
    await until(() => held.inside() === 6, { what: 'the others' })
    held.open()
    await engines.drained()
  })

  it('let no more start in any window than the rate says, of a queue as of a job type', async () => {
    await setQueueLimits(engines.pool, 'default', 'a test', { rate: { max: 6, seconds: 1 } })
    await setJobTypeRate(engines.pool, 'rare', 'a test', { max: 2, seconds: 1 })
    await engines.add(...manyOf(14))
    await engines.add(...Array.from({ length: 5 }, () => ({ jobType: 'rare', queue: 'other' })))
    const jobs = { work: () => undefined, rare: () => undefined }
    await engines.start({ jobs })
    await engines.start({ jobs })
    await engines.drained()
    for (const [jobType, count, max] of [
      ['work', 14, 6],
      ['rare', 5, 2],
    ] as const) {
      const starts = await startsOf(jobType)
      expect(starts).toHaveLength(count)
      for (const [at, start] of starts.entries()) {
        const next = starts[at + max]
        if (next !== undefined) expect(next - start).toBeGreaterThanOrEqual(1_000)
      }
    }
  })
})

describe('a slot that another poller frees', () => {
  it('is noticed within a second, without a hint', async () => {
    await setQueueLimits(engines.pool, 'default', 'a test', { maxRunning: 1 })
    const [mine, other] = [gate(), gate()]
    const slow = { lookMs: 60_000, lookListeningMs: 60_000 }
    const holder = await engines.start({ jobs: { mine: mine.run }, timing: slow })
    await engines.add({ jobType: 'mine' })
    await woken(holder)
    await until(() => mine.inside() === 1, { timeoutMs: 5_000, what: 'the slot to be taken' })
    await engines.add({ jobType: 'other' })
    const waiting = await engines.start({ jobs: { other: other.run }, timing: slow })
    await woken(waiting)
    mine.open()
    await until(() => eventsOf(holder, 'job.ended').length === 1, {
      timeoutMs: 2_000,
      what: 'the end',
      everyMs: 5,
    })
    const freed = performance.now()
    await until(() => other.inside() === 1, { timeoutMs: 5_000, what: 'the slot to be noticed', everyMs: 5 })
    expect(performance.now() - freed).toBeLessThan(3_000)
    other.open()
  })
})

/** When the jobs of a type were started, by the clock of the database in ms, in order. */
async function startsOf(jobType: string): Promise<number[]> {
  const { rows } = await engines.pool.query<{ at: number }>(
    `select extract(epoch from started_at)::float8 * 1000 as at
     from rowbeat.scheduled_jobs where job_type = $1 order by started_at`,
    [jobType],
  )
  return rows.map((row) => row.at)
}

describe('jobs with a key', () => {
  it('take turns also where nothing is limited', async () => {
    await engines.add(...manyOf(60, 'big'))
    await engines.add(...manyOf(4, 'small'), ...manyOf(4, 'tiny'))
    const { run, order } = crowd()
    await engines.start({ jobs: { work: run }, concurrency: 2 })
    await engines.drained()
    expect(order.slice(0, 16).filter((key) => key !== 'big')).toHaveLength(8)
    expect(order).toHaveLength(68)
  })

  it('are found by a hint, although the poller knew only of others', async () => {
    const { run, order } = crowd()
    const started = await engines.start({
      jobs: { work: run },
      timing: { lookMs: 60_000, lookListeningMs: 60_000 },
    })
    await engines.add(...manyOf(1))
    await woken(started)
    await engines.drained()
    await engines.add(...manyOf(1, 'new'))
    await woken(started)
    await engines.drained()
    expect(order).toEqual(['undefined', 'new'])
  })

  it('are found soon in a lane that others keep busy, without a hint and long before the next look', async () => {
    const began: string[] = []
    let busy = true
    const plain = async (): Promise<undefined> => {
      if (busy) await engines.add({ jobType: 'plain' }, { jobType: 'plain' })
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const keyed = (): undefined => {
      began.push('keyed')
    }
    const started = await engines.start({
      jobs: { plain, keyed },
      concurrency: 2,
      timing: { lookMs: 60_000, lookListeningMs: 60_000 },
    })
    try {
      await engines.add(...Array.from({ length: 20 }, () => ({ jobType: 'plain' })))
      await woken(started)
      await until(() => eventsOf(started, 'job.ended').length > 20, { timeoutMs: 5_000, what: 'a busy lane' })
      const asked = performance.now()
      await engines.add({ jobType: 'keyed', concurrencyKey: 'a' })
      await until(() => began.length === 1, { timeoutMs: 5_000, what: 'the job with a key', everyMs: 5 })
      expect(performance.now() - asked).toBeLessThan(1_000)
    } finally {
      busy = false
    }
  })

  it('of one key do not hold up jobs without a key, nor those of a lower priority', async () => {
    const held = gate()
    const { run, order } = crowd()
    await setQueueLimits(engines.pool, 'default', 'a test', { maxPerKey: 1 })
    await engines.add(
      ...Array.from({ length: 50 }, () => ({ jobType: 'hold', concurrencyKey: 'full', priority: 5 })),
    )
    await engines.add(...manyOf(10), ...manyOf(10, 'other'))
    await engines.start({ jobs: { work: run, hold: held.run }, concurrency: 4 })
    await until(() => order.length === 20, { what: 'the others' })
    expect(held.entered()).toBe(1)
    held.open()
    await engines.drained()
    expect(held.entered()).toBe(50)
  })
})

describe('a poller that is drained by SQL', () => {
  it('claims nothing more, hands back what it holds without costing a retry, and stays idle', async () => {
    const held = gate()
    const started = await engines.start({ jobs: { work: held.run }, timing: { drainGraceMs: 100 } })
    const [id = ''] = await engines.add(...manyOf(1))
    await until(() => held.inside() === 1, { what: 'the job' })
    await markPoller(engines.pool, started.engine.pollerId(), 'draining')
    await until(async () => (await engines.read(id)).status === 'pending', {
      what: 'the job to be handed back',
    })
    expect(await engines.read(id)).toMatchObject({ retry_count: 0, attempt: 1, lease_id: null, errors: null })
    expect(eventsOf(started, 'job.ended')).toMatchObject([{ outcome: 'released' }])
    const other = gate()
    other.open()
    await engines.start({ jobs: { work: other.run } })
    await engines.drained()
    expect([held.entered(), other.entered()]).toEqual([1, 1])
    const { rows } = await engines.pool.query('select status from rowbeat.pollers where poller_id = $1', [
      started.engine.pollerId(),
    ])
    expect(rows).toEqual([{ status: 'draining' }])
  })

  it('lets jobs finish within the grace, and works again when it is called back', async () => {
    const held = gate()
    const started = await engines.start({ jobs: { work: held.run }, timing: { drainGraceMs: 20_000 } })
    await engines.add(...manyOf(1))
    await until(() => held.inside() === 1, { what: 'the job' })
    await markPoller(engines.pool, started.engine.pollerId(), 'draining')
    await until(() => eventsOf(started, 'poller.draining').length === 1, {
      what: 'the beat',
    })
    await engines.add(...manyOf(1))
    held.open()
    await until(() => held.inside() === 0, { what: 'the job to finish' })
    await until(async () => (await engines.statuses()).completed === 1, {
      what: 'the settlement',
    })
    expect(await engines.statuses()).toEqual({ completed: 1, pending: 1 })
    await engines.pool.query(`update rowbeat.pollers set status = 'live' where status = 'draining'`)
    await engines.drained()
    expect(held.entered()).toBe(2)
  })
})

describe('a job', () => {
  it('of a type that one poller does not know is left for one that does', async () => {
    const [one, other] = [crowd(), crowd()]
    await engines.start({ jobs: { work: one.run } })
    await engines.add({ jobType: 'special' }, { jobType: 'special', concurrencyKey: 'a' }, ...manyOf(3))
    await until(() => one.order.length === 3, { what: 'the known ones' })
    expect(await engines.statuses()).toMatchObject({ pending: 2 })
    await engines.start({ jobs: { special: other.run } })
    await engines.drained()
    expect(other.order).toHaveLength(2)
  })

  it('that is cancelled while it runs is told at once, long before the next regular question', async () => {
    const held = gate()
    const started = await engines.start({
      jobs: { work: held.run },
      listen: true,
      timing: { watchMs: 60_000 },
    })
    await until(() => started.engine.listening(), { what: 'the listener' })
    const [id = ''] = await engines.add(...manyOf(1))
    await until(() => held.inside() === 1, { what: 'the job' })
    await engines.pool.query(
      `select pg_notify('rowbeat_stop', '999999'), pg_notify('rowbeat_stop', 'nonsense')`,
    )
    await engines.pool.query(
      `with cancelled as (
         update rowbeat.scheduled_jobs set status = 'cancelled', lease_id = null, finished_at = now()
         where id = $1 returning id
       )
       select pg_notify('rowbeat_stop', id::text) from cancelled`,
      [id],
    )
    await until(() => held.inside() === 0, { what: 'the signal' })
    expect(held.reasons).toMatchObject([{ code: 'CANCELLED' }])
    expect((await engines.read(id)).status).toBe('cancelled')
  })
})
