import type pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRegistry } from '../../src/core/registry.ts'
import { defineSchedule, type ScheduleSeed } from '../../src/core/schedule.ts'
import { defineJob } from '../../src/core/workflow.ts'
import { createEngine } from '../../src/engine/engine.ts'
import { createEvents, type EngineEvent, type Events } from '../../src/engine/events.ts'
import { createScheduler, type Scheduler } from '../../src/engine/scheduler.ts'
import { useTestPool } from '../support/database.ts'
import { until } from '../support/wait.ts'

const database = useTestPool(10)
let events: Events
let seen: EngineEvent[]
let fired: [string, number][]
const started: Scheduler[] = []

beforeEach(async () => {
  await database.pool.query('delete from rowbeat.schedules')
  await database.pool.query('delete from rowbeat.scheduled_jobs')
  seen = []
  fired = []
  events = createEvents((error) => {
    throw error
  })
  events.subscribe((event) => seen.push(event))
})
afterEach(async () => {
  for (const scheduler of started.splice(0)) await scheduler.stop()
})

const SEED: ScheduleSeed = {
  name: 'ticks',
  cron: '* * * * * *',
  timezone: 'UTC',
  jobType: 'tick',
  queue: 'slow',
  priority: 2,
  payload: {},
  maxRetries: 0,
  missedPolicy: 'skip',
  missedCap: 10,
  overlapPolicy: 'allow',
  jitterSeconds: 0,
}

function scheduler(
  schedules: readonly ScheduleSeed[] = [],
  from: Pick<pg.Pool, 'query' | 'connect'> = database.pool,
): Scheduler {
  const made = createScheduler({
    pool: from as pg.Pool,
    events,
    schedules,
    onFired: (queue, priority) => fired.push([queue, priority]),
  })
  started.push(made)
  return made
}

const ofType = (type: EngineEvent['type']): EngineEvent[] => seen.filter((event) => event.type === type)

/** Moves every schedule back, as if nothing had looked at it for so long. */
const age = (interval: string): Promise<unknown> =>
  database.pool.query(
    "update rowbeat.schedules set accounted_until = clock_timestamp() - $1::interval, look_at = '-infinity'",
    [interval],
  )

describe('a pass', () => {
  it('seeds what code defines, fires what is due, tells it and wakes the lane', async () => {
    const one = scheduler([{ ...SEED, cron: '0 0 1 1 *' }])
    await one.pass()
    expect(seen).toEqual([])
    await database.pool.query("update rowbeat.schedules set cron = '* * * * * *'")
    await age('5 seconds')
    expect(await one.pass()).toBe(0)
    expect(ofType('schedule.fired').length).toBeGreaterThanOrEqual(5)
    expect(ofType('schedule.fired')[0]).toMatchObject({
      schedule: 'ticks',
      jobId: expect.any(String),
      fireAt: expect.any(Date),
    })
    expect(fired).toEqual([['slow', 2]])
  })

  it('without anything to do is one question, and rests until the next fire time or five seconds', async () => {
    const asked: unknown[] = []
    const counting = {
      connect: database.pool.connect.bind(database.pool),
      query: ((...given: Parameters<typeof database.pool.query>) => {
        asked.push(given[0])
        return database.pool.query(...given)
      }) as typeof database.pool.query,
    }
    const one = scheduler([], counting)
    await one.pass()
    asked.length = 0
    const rest = await one.pass()
    expect(asked).toHaveLength(1)
    expect(rest).toBeGreaterThanOrEqual(4_000)
    expect(rest).toBeLessThanOrEqual(5_000)
    await database.pool.query(`insert into rowbeat.schedules (name, cron, job_type, look_at, next_fire_at)
      values ('soon', '* * * * *', 'tick', now() + interval '2 seconds', now() + interval '2 seconds')`)
    expect(await one.pass()).toBeLessThanOrEqual(2_000)
  })

  it('tells what was missed, what is kept and what has a problem, and goes on with the others', async () => {
    await database.pool.query(`insert into rowbeat.schedules (name, cron, job_type, seeded) values
      ('bad', 'every day', 'tick', null), ('ticks', '* * * * * *', 'mine', null), ('gone', '@yearly', 'tick', '{}')`)
    await age('30 minutes')
    await scheduler([SEED]).pass()
    expect(ofType('schedule.kept')).toEqual([
      { type: 'schedule.kept', schedule: 'ticks', reason: 'its row was edited' },
      { type: 'schedule.kept', schedule: 'gone', reason: 'this build does not define it' },
    ])
    expect(ofType('schedule.problem')).toMatchObject([
      { schedule: 'bad', problem: expect.stringMatching(/^cron "every day" is malformed/) },
    ])
    expect(ofType('schedule.fired').length).toBeGreaterThanOrEqual(60)
    expect(ofType('schedule.missed')).toMatchObject([{ schedule: 'ticks', paused: 0, overlapped: 0 }])
  })

  it('goes on when the database refuses a definition', async () => {
    await scheduler([
      { ...SEED, name: 'worse', timezone: 'Nowhere/Land' },
      { ...SEED, cron: '@yearly' },
    ]).pass()
    expect(ofType('schedule.problem')).toMatchObject([
      { schedule: 'worse', problem: 'time zone "Nowhere/Land" is not known' },
    ])
    expect((await database.pool.query('select name from rowbeat.schedules')).rows).toEqual([
      { name: 'ticks' },
    ])
  })

  it('leaves what another daemon is at, and comes back soon', async () => {
    const one = scheduler()
    await one.pass()
    await database.pool.query(
      "insert into rowbeat.schedules (name, cron, job_type) values ('ticks', '@yearly', 'tick')",
    )
    const other = await database.pool.connect()
    try {
      await other.query('begin')
      await other.query('select 1 from rowbeat.schedules for update')
      expect(await one.pass()).toBe(500)
    } finally {
      await other.query('rollback')
      other.release()
    }
    expect(await one.pass()).toBe(0)
  })
})

describe('five daemons', () => {
  it('on a schedule of every second make each job once, and none is lost when they change places', async () => {
    const all = Array.from({ length: 5 }, () => scheduler([SEED]))
    for (const one of all) one.start()
    const runs = async (): Promise<number> =>
      (
        await database.pool.query<{ count: number }>(
          'select count(*)::int as count from rowbeat.schedule_runs',
        )
      ).rows[0]?.count ?? 0
    await until(async () => (await runs()) >= 1, { what: 'the first job' })
    for (const one of all.slice(0, 4)) await one.stop()
    await until(async () => (await runs()) >= 3, { what: 'three jobs' })
    await all[4]?.stop()
    const { rows } = await database.pool.query(`select count(*)::int = count(distinct r.job_id)::int as once,
        count(*)::int = (select count(*)::int from rowbeat.scheduled_jobs) as no_more,
        count(*)::int = extract(epoch from max(r.fire_at) - min(r.fire_at))::int + 1 as no_gap
      from rowbeat.schedule_runs r`)
    expect(rows).toEqual([{ once: true, no_more: true, no_gap: true }])
    expect(ofType('service.failed')).toEqual([])
  })
})

describe('an engine with a schedule', () => {
  it('runs its jobs, and ends the scheduler with the rest', async () => {
    let ran = 0
    const job = defineJob({
      jobType: 'tick',
      input: { parse: (value: unknown) => value },
      run: () => {
        ran += 1
        return null
      },
    })
    const schedule = defineSchedule({ name: 'ticks', cron: '* * * * * *', timezone: 'UTC', jobType: 'tick' })
    const log = { info: () => undefined, warn: () => undefined }
    const engine = createEngine({
      pool: database.pool,
      registry: createRegistry({ jobs: [job], schedules: [schedule] }),
      services: {
        db: database.db,
        outbound: { fetch: () => Promise.reject(new Error('no network in tests')), isMapped: () => false },
        compute: { run: () => Promise.reject(new Error('no threads in this test')) },
      },
      events,
      concurrency: 2,
      version: 'test',
      listenUrl: null,
      logFor: () => log,
    })
    await engine.start()
    try {
      await until(() => ran >= 2, { what: 'two runs' })
    } finally {
      await engine.stop(1_000)
    }
    const { rows } = await database.pool.query('select count(*)::int as runs from rowbeat.schedule_runs')
    expect(rows[0]?.runs).toBeGreaterThanOrEqual(2)
    expect(ofType('service.failed')).toEqual([])
  })
})
