import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type ClaimedJob, claimJobs } from '../../src/store/claims.ts'
import { isLockTimeout, isRefusedData } from '../../src/store/database.ts'
import { reapDeadPollers } from '../../src/store/pollers.ts'
import { completeJobs, lostAttempts, settle, writeProgress } from '../../src/store/settlements.ts'
import { until } from '../support/wait.ts'
import {
  addJobs,
  addPoller,
  claimedJob,
  claimOf,
  endAttempts,
  endingOf,
  POLLER,
  readJob,
  rowsOf,
  useStore,
} from './fixtures.ts'

const store = useStore()

describe('a settlement', () => {
  it('takes effect once, for the lease that holds the job', async () => {
    const job = await claimedJob(store.pool)
    expect(await completeJobs(store.pool, [{ ...job, leaseId: randomUUID() }])).toEqual(new Set())
    expect((await readJob(store.pool, job.id)).status).toBe('running')
    expect(await completeJobs(store.pool, [job])).toEqual(new Set([job.id]))
    const settled = await readJob(store.pool, job.id)
    expect(settled).toMatchObject({ status: 'completed', lease_id: job.leaseId })
    expect(settled.finished_at).toBeInstanceOf(Date)
    expect(await completeJobs(store.pool, [job])).toEqual(new Set())
    expect(await endAttempts(store.pool, [endingOf(job, { result: { late: true } })])).toEqual(new Set())
    expect((await readJob(store.pool, job.id)).result).toBeNull()
  })

  it('finds each job of a batch by its own lease, beyond 2^53 too', async () => {
    const [low, high] = [await claimedJob(store.pool), await claimedJob(store.pool)]
    const move = async (job: ClaimedJob, id: string): Promise<ClaimedJob> => {
      const identity = 'alter table rowbeat.scheduled_jobs alter column id set generated'
      await store.pool.query(`${identity} by default`)
      await store.pool.query('update rowbeat.scheduled_jobs set id = $2, updated_at = now() where id = $1', [
        job.id,
        id,
      ])
      await store.pool.query(`${identity} always`)
      return { ...job, id }
    }
    const jobs = [await move(high, '9007199254740993'), await move(low, '9007199254740992')]
    jobs.push(await claimedJob(store.pool))
    expect((await completeJobs(store.pool, jobs)).size).toBe(3)
  })

  it('ends no reaper in a deadlock, in whatever order the rows lie on disk', async () => {
    const { pool } = store
    const old = (count: number): string => `insert into rowbeat.scheduled_jobs
      (job_type, scheduled_at, status, finished_at)
      select 'other', now() - interval '1 hour', 'completed', now() from generate_series(1, ${count})`
    // The first half of the jobs at the end of the table, the second in the places of what was purged before them.
    await pool.query(old(4_000))
    await addJobs(pool, Array<number>(8).fill(-60))
    await pool.query('delete from rowbeat.scheduled_jobs where id <= 3000')
    await pool.query('vacuum (analyze) rowbeat.scheduled_jobs')
    await addJobs(pool, Array<number>(8).fill(-60))
    await pool.query(old(2_992))
    await pool.query('analyze rowbeat.scheduled_jobs')
    await addPoller(pool)
    const jobs = await claimJobs(pool, claimOf({ limit: 16 }))
    expect(jobs).toHaveLength(16)
    await pool.query(`update rowbeat.pollers set beat_at = '-infinity' where poller_id = $1`, [POLLER])
    // Both come to the first job while somebody holds it for a moment.
    const other = await store.session()
    await other.query('begin')
    await other.query('select from rowbeat.scheduled_jobs where id = $1 for no key update', [jobs[0]?.id])
    const waiting = async (): Promise<number | null> =>
      (
        await pool.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
      ).rowCount
    const reaper = reapDeadPollers(pool)
    await until(async () => (await waiting()) === 1, { what: 'the reaper to wait' })
    const settled = completeJobs(pool, jobs).catch((error: unknown) => error)
    await until(async () => (await waiting()) === 2, { what: 'the settlement to wait', everyMs: 5 })
    await other.query('rollback')
    expect(await reaper).toMatchObject({ pollers: 1 })
    const outcome = await settled
    expect(outcome instanceof Set || isLockTimeout(outcome)).toBe(true)
  })

  it('stores the result, also one with characters that Postgres does not take', async () => {
    const job = await claimedJob(store.pool)
    const result = { pages: 3, title: 'a\0b', half: '\ud800', list: [1, null] }
    await settle(store.pool, { completions: [], endings: [endingOf(job, { result })], executionIds: [] })
    expect((await readJob(store.pool, job.id)).result).toEqual({
      ...result,
      title: 'a\ufffdb',
      half: '\ufffd',
    })
  })

  it('of a retry counts it, remembers the error and is due after the delay', async () => {
    const job = await claimedJob(store.pool)
    const ending = endingOf(job, {
      status: 'pending',
      failure: true,
      retried: true,
      delaySeconds: 90,
      code: 'UPSTREAM_TIMEOUT',
      message: 'too slow',
    })
    await endAttempts(store.pool, [ending])
    const row = await readJob(store.pool, job.id)
    expect(row).toMatchObject({
      status: 'pending',
      retry_count: 1,
      lease_id: null,
      finished_at: null,
      last_error_code: 'UPSTREAM_TIMEOUT',
      last_error: 'too slow',
    })
    expect(row.errors).toMatchObject([
      { attempt: 1, code: 'UPSTREAM_TIMEOUT', message: 'too slow', poller_id: POLLER },
    ])
    const [due] = await rowsOf(
      store.pool,
      'select extract(epoch from scheduled_at - updated_at)::int as seconds from rowbeat.scheduled_jobs',
    )
    expect(due?.seconds).toBe(90)
  })

  it('of a last failure keeps the lease as evidence and can be found by its time', async () => {
    const job = await claimedJob(store.pool)
    await endAttempts(store.pool, [
      endingOf(job, { status: 'failed', failure: true, code: 'NO_CONTENT', message: 'x' }),
    ])
    const row = await readJob(store.pool, job.id)
    expect(row).toMatchObject({ status: 'failed', retry_count: 0, last_error_code: 'NO_CONTENT' })
    expect(row.failed_at).toEqual(row.finished_at)
  })

  it('that hands back leaves due time, retries and errors as they were', async () => {
    const job = await claimedJob(store.pool)
    const before = await readJob(store.pool, job.id)
    await endAttempts(store.pool, [endingOf(job, { status: 'pending' })])
    const after = await readJob(store.pool, job.id)
    expect(after).toMatchObject({
      status: 'pending',
      retry_count: 0,
      errors: null,
      attempt: 1,
      lease_id: null,
    })
    expect(after.scheduled_at).toEqual(before.scheduled_at)
  })

  it('of a snooze moves the due time and counts no retry; of a skip says why', async () => {
    const job = await claimedJob(store.pool)
    await endAttempts(store.pool, [endingOf(job, { status: 'pending', delaySeconds: 0 })])
    const [again] = await claimJobs(store.pool, claimOf())
    if (again === undefined) throw new Error('a job snoozed for nothing was not due')
    expect(again).toMatchObject({ id: job.id, attempt: 2, retryCount: 0 })
    await endAttempts(store.pool, [
      endingOf(again, { status: 'skipped', code: 'NO_CONTENT', message: 'empty site' }),
    ])
    expect(await readJob(store.pool, job.id)).toMatchObject({
      status: 'skipped',
      last_error: 'empty site',
      errors: null,
    })
  })

  it('keeps the newest 20 errors', async () => {
    const job = await claimedJob(store.pool)
    await store.pool.query(
      `update rowbeat.scheduled_jobs set errors = (select jsonb_agg(jsonb_build_object('attempt', n)) from generate_series(-19, 0) n)`,
    )
    await endAttempts(store.pool, [
      endingOf(job, { status: 'failed', failure: true, code: 'NO_CONTENT', message: 'x' }),
    ])
    const errors = (await readJob(store.pool, job.id)).errors as { attempt: number }[]
    expect(errors.map((one) => one.attempt)).toEqual([...Array.from({ length: 19 }, (_, at) => at - 18), 1])
  })

  it('of many jobs at once settles each as told', async () => {
    await addJobs(store.pool, Array<number>(40).fill(-1))
    const jobs = await claimJobs(store.pool, claimOf({ limit: 64 }))
    const fenced = { id: jobs[0]?.id ?? '', leaseId: randomUUID() }
    const { settled } = await settle(store.pool, {
      completions: [fenced, ...jobs.slice(1, 20)].reverse(),
      endings: jobs
        .slice(20)
        .map((job) => endingOf(job, { status: 'failed', failure: true, code: 'CANCELLED' })),
      executionIds: [],
    })
    expect(jobs.filter((job) => !settled.has(job.id)).map((job) => job.id)).toEqual([fenced.id])
    const counts = await rowsOf(
      store.pool,
      'select status, count(*)::int from rowbeat.scheduled_jobs group by status order by status',
    )
    expect(counts).toEqual([
      { status: 'completed', count: 19 },
      { status: 'failed', count: 20 },
      { status: 'running', count: 1 },
    ])
  })

  it('that the database refuses is told apart from one that it could not take', async () => {
    const job = await claimedJob(store.pool)
    const refused = await endAttempts(store.pool, [endingOf(job, { status: 'waiting' as 'pending' })]).catch(
      (error: unknown) => error,
    )
    expect(isRefusedData(refused)).toBe(true)
    expect(isRefusedData(new Error('Connection terminated unexpectedly'))).toBe(false)
  })
})

describe('lost attempts', () => {
  it('are those whose row names another lease, has ended, or is gone', async () => {
    await addJobs(store.pool, [-4, -3, -2, -1])
    const jobs = await claimJobs(store.pool, claimOf())
    const ids = jobs.map((job) => job.id)
    await store.pool.query(
      `update rowbeat.scheduled_jobs set status = 'cancelled', finished_at = now(), lease_id = null where id = $1`,
      [ids[1]],
    )
    await store.pool.query('update rowbeat.scheduled_jobs set lease_id = gen_random_uuid() where id = $1', [
      ids[2],
    ])
    await store.pool.query('delete from rowbeat.scheduled_jobs where id = $1', [ids[3]])
    expect(await lostAttempts(store.pool, jobs)).toEqual(new Set(jobs.slice(1)))
  })
})

describe('of two attempts at one job in one poller', () => {
  it('the one that is under way is not lost, even when both bear one number', async () => {
    const lost = await claimedJob(store.pool)
    // As after a crash of the server that took the claim back.
    await store.pool.query(
      `update rowbeat.scheduled_jobs set status = 'pending', attempt = 0, lease_id = null, updated_at = now() where id = $1`,
      [lost.id],
    )
    const [again] = await claimJobs(store.pool, claimOf({ limit: 1 }))
    if (again === undefined) throw new Error('the job was not claimed a second time')
    expect([again.id, again.attempt]).toEqual([lost.id, lost.attempt])
    expect(await lostAttempts(store.pool, [again, lost])).toEqual(new Set([lost]))
    expect(await lostAttempts(store.pool, [lost, again])).toEqual(new Set([lost]))
  })
})

describe('reported progress', () => {
  it('never falls, is fenced, and keeps when the first report came', async () => {
    const job = await claimedJob(store.pool)
    const detail = { done: 1, total: 2, unit: 'pages' }
    await writeProgress(store.pool, [{ ...job, percent: 50, detail }])
    const first = await readJob(store.pool, job.id)
    await writeProgress(store.pool, [{ ...job, percent: 20, detail: { ...detail, message: 'x\0' } }])
    await writeProgress(store.pool, [{ ...job, leaseId: randomUUID(), percent: 90, detail }])
    await writeProgress(store.pool, [{ ...job, percent: Number.NaN, detail }])
    const second = await readJob(store.pool, job.id)
    expect(second.progress).toBe(50)
    const held = await store.session()
    await held.query('begin')
    await held.query('select from rowbeat.scheduled_jobs where id = $1 for update', [job.id])
    const free = await claimedJob(store.pool)
    const both = [job, free].map((one) => ({ ...one, percent: 70, detail }))
    // Whoever holds a row keeps no other report waiting.
    await writeProgress(store.pool, both)
    expect((await readJob(store.pool, free.id)).progress).toBe(70)
    expect((await readJob(store.pool, job.id)).progress).toBe(50)
    await held.query('rollback')
    const since = (row: Record<string, unknown>): unknown =>
      (row.progress_detail as Record<string, unknown>).reported_since
    expect(since(second)).toBe(since(first))
    expect(typeof since(first)).toBe('string')
  })
})
