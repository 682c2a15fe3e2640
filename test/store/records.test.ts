/** Jobs added, durations remembered, and the report over all. */
import { describe, expect, it } from 'vitest'
import { claimJobs } from '../../src/store/claims.ts'
import { readDurations, sumUpDurations, trimDurations } from '../../src/store/durations.ts'
import { createExecution } from '../../src/store/executions.ts'
import { ENQUEUE_MAX, enqueueJobs } from '../../src/store/jobs.ts'
import { formatWake, parseWake } from '../../src/store/listen.ts'
import { readSnapshot } from '../../src/store/reports.ts'
import { uuidv7 } from '../../src/store/uuid.ts'
import { addJobs, addPoller, claimOf, readJob, rowsOf, useStore, workflowOf } from './fixtures.ts'

const store = useStore()

describe('adding jobs', () => {
  it('gives their ids in the order given, and nothing for an open job of the same key', async () => {
    const keyed = { jobType: 'work', dedupeKey: 'k' }
    const ids = await enqueueJobs(store.pool, [keyed, { jobType: 'work' }, keyed])
    expect(ids.map((id) => id !== null)).toEqual([true, true, false])
    expect(Number(ids[1])).toBeGreaterThan(Number(ids[0]))
    expect(await enqueueJobs(store.pool, [keyed])).toEqual([null])
    expect(await enqueueJobs(store.pool, [{ ...keyed, queue: 'other' }])).not.toEqual([null])
    await store.pool.query(`update rowbeat.scheduled_jobs set status = 'cancelled', finished_at = now()`)
    expect(await enqueueJobs(store.pool, [keyed])).not.toEqual([null])
  })

  it('keeps all that was given and fills in the rest', async () => {
    const [full, bare] = await enqueueJobs(store.pool, [
      {
        jobType: 'work',
        payload: { a: '\0' },
        queue: 'mail',
        priority: -5,
        scheduledAt: new Date('2030-01-01T00:00:00Z'),
        maxRetries: 0,
        timeoutSeconds: 9,
        deadlineAt: new Date('2031-01-01T00:00:00Z'),
        concurrencyKey: 'site',
      },
      { jobType: 'work' },
    ])
    expect(await readJob(store.pool, full ?? '')).toMatchObject({
      payload: { a: '\ufffd' },
      queue: 'mail',
      priority: -5,
      scheduled_at: new Date('2030-01-01T00:00:00Z'),
      max_retries: 0,
      timeout_seconds: 9,
      deadline_at: new Date('2031-01-01T00:00:00Z'),
      concurrency_key: 'site',
    })
    expect(await readJob(store.pool, bare ?? '')).toMatchObject({
      payload: {},
      queue: 'default',
      priority: 0,
      status: 'pending',
      max_retries: 3,
    })
  })

  it('is bounded, and fine with none', async () => {
    expect(await enqueueJobs(store.pool, [])).toEqual([])
    const many = Array.from({ length: ENQUEUE_MAX + 1 }, () => ({ jobType: 'work' }))
    await expect(enqueueJobs(store.pool, many)).rejects.toThrow(RangeError)
  })
})

describe('durations', () => {
  it('are summed up per type from the newest 50 and trimmed to them', async () => {
    await store.pool.query(`insert into rowbeat.step_durations (job_type, duration_seconds, finished_at)
      select 'a', case when n <= 50 then 10 else 99 end, now() - make_interval(secs => n) from generate_series(1, 250) n
      union all select 'b', n, now() from generate_series(1, 300) n`)
    await sumUpDurations(store.pool)
    const read = await readDurations(store.pool, ['a', 'b', 'c'])
    expect(read.get('a')).toEqual({ p50: 10, p90: 10, runs: 50 })
    expect(read.has('c')).toBe(false)
    await trimDurations(store.pool)
    const kept = await rowsOf(
      store.pool,
      'select job_type, count(*)::int from rowbeat.step_durations group by job_type order by job_type',
    )
    // Those of b ended at one moment, so there is no telling which are the older ones.
    expect(kept).toEqual([
      { job_type: 'a', count: 50 },
      { job_type: 'b', count: 300 },
    ])
  })
})

describe('the first run of a step', () => {
  it('is history at once: for how long the next takes, and for what an execution made now expects', async () => {
    const walk = workflowOf({ a: { estimate: 900 }, b: { estimate: 900 } })
    await store.pool.query(`insert into rowbeat.step_durations (job_type, duration_seconds) values ('a', 7)`)
    expect(await readDurations(store.pool, ['a', 'b'])).toEqual(new Map([['a', { p50: 7, p90: 7, runs: 1 }]]))
    const estimates = async (subject: string) => {
      const { executionId } = await createExecution(store.pool, { workflow: walk, input: { subject } })
      return rowsOf(
        store.pool,
        `select step, estimate_seconds from rowbeat.scheduled_jobs
         where parent_execution_id = '${executionId}' order by step`,
      )
    }
    const known = [
      { step: 'a', estimate_seconds: 7 },
      { step: 'b', estimate_seconds: 900 },
    ]
    expect(await estimates('before it is summed up')).toEqual(known)
    await sumUpDurations(store.pool)
    expect(await estimates('after')).toEqual(known)
  })
})

describe('the snapshot', () => {
  it('counts what is pending, running, stuck and failed, and the pollers that live', async () => {
    await addPoller(store.pool)
    await addJobs(store.pool, [-50, -40, -30, 100])
    await claimJobs(store.pool, claimOf({ limit: 2 }))
    await store.pool.query(
      `update rowbeat.scheduled_jobs set started_at = now() - interval '1 hour'
       where id = (select min(id) from rowbeat.scheduled_jobs)`,
    )
    await store.pool.query(`insert into rowbeat.scheduled_jobs (job_type, queue, status, finished_at) values
      ('work', 'mail', 'failed', now()), ('work', 'mail', 'failed', now() - interval '2 hours')`)
    await createExecution(store.pool, { workflow: workflowOf({ only: { queue: 'walks' } }), input: {} })
    const snapshot = await readSnapshot(store.pool)
    expect(snapshot.queues).toMatchObject([
      { queue: 'default', pending: 2, running: 2 },
      { queue: 'mail', pending: 0, running: 0, oldestReadySeconds: 0 },
      { queue: 'walks', pending: 1, running: 0 },
    ])
    expect(snapshot.queues[0]?.oldestReadySeconds).toBeGreaterThanOrEqual(29.9)
    expect(snapshot.queues[0]?.oldestReadySeconds).toBeLessThan(50)
    expect(snapshot).toMatchObject({
      stuck: 1,
      failedLastHour: 1,
      executions: [{ workflowType: 'walk', status: 'pending', count: 1 }],
      pollers: [{ name: 'test', status: 'live' }],
    })
    expect(snapshot.pollers[0]?.beatAt).toBeInstanceOf(Date)
  })

  it('of an empty database is empty', async () => {
    expect(await readSnapshot(store.pool)).toEqual({
      queues: [],
      executions: [],
      pollers: [],
      stuck: 0,
      failedLastHour: 0,
    })
  })
})

describe('a wake-up hint', () => {
  it('is read as it was written, whatever the queue is called', () => {
    for (const queue of ['default', 'a|b', '', 'x\ny', '7']) {
      const wake = { queue: queue || 'q', priority: -100, dueAt: 1_700_000_000_000 }
      expect(parseWake(formatWake(wake))).toEqual(wake)
      expect(parseWake(formatWake({ ...wake, dueAt: null }))).toEqual({ ...wake, dueAt: null })
    }
  })

  it('that is not one of ours is ignored', () => {
    for (const text of ['', '|', '||', 'x', '1|2', '12345|1|q', '1|12345678901234567|q']) {
      expect(parseWake(text)).toBeNull()
    }
    expect(parseWake('||mail')).toEqual({ queue: 'mail', priority: null, dueAt: null })
  })
})

describe('an identity', () => {
  it('sorts by time and is a version 7 UUID', () => {
    const ids = Array.from({ length: 50 }, uuidv7)
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    const times = ids.map((id) => id.slice(0, 13))
    expect(times).toEqual([...times].sort())
  })
})
