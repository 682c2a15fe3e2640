/** Plans of prepared statements that were made when the table of jobs was nearly empty, and kept while it grew. */
import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { type ClaimedJob, claimJobs, exchange } from '../../src/store/claims.ts'
import { completeJobs, lostAttempts, settle, writeProgress } from '../../src/store/settlements.ts'
import { useTestPool } from '../support/database.ts'
import { jobsRead } from '../support/plans.ts'
import { addPoller, claimOf, endAttempts, endingOf } from './fixtures.ts'

const database = useTestPool(1)
const LIMIT = 16
/** More often than the server plans anew before it keeps a plan. */
const TIMES = 8

beforeAll(async () => {
  await database.pool.query('alter table rowbeat.scheduled_jobs set (autovacuum_enabled = off)')
  await addPoller(database.pool)
})

async function add(count: number): Promise<void> {
  await database.pool.query(
    "insert into rowbeat.scheduled_jobs (job_type) select 'work' from generate_series(1, $1::integer)",
    [count],
  )
}

/** Everything that is done to a job while it runs, once for each of the jobs claimed. */
async function everyStatement(): Promise<void> {
  const { pool } = database
  const { rows } = await pool.query<{ now: number }>(
    "select date_part('epoch', now() - interval '1 second') as now",
  )
  const floor = { at: rows[0]?.now ?? 0, id: '0' }
  const claimed = async (): Promise<ClaimedJob[]> => {
    await add(1)
    const jobs = await claimJobs(pool, claimOf({ limit: LIMIT, floor, leaseId: randomUUID() }))
    expect(jobs.length).toBeGreaterThan(0)
    return jobs
  }
  const first = await claimed()
  expect((await lostAttempts(pool, first)).size).toBe(0)
  await writeProgress(
    pool,
    first.map((job) => ({ ...job, percent: 1, detail: {} })),
  )
  await add(1)
  const second = await exchange(pool, claimOf({ limit: LIMIT, floor, leaseId: randomUUID() }), first, [])
  expect((await completeJobs(pool, second.claimed)).size).toBe(second.claimed.length)
  await endAttempts(
    pool,
    (await claimed()).map((job) => endingOf(job, { result: 1 })),
  )
  await settle(pool, { completions: await claimed(), endings: [], executionIds: [] })
}

describe('plans made when the table was empty', () => {
  it('do not read the whole table when it has grown', async () => {
    await database.pool.query('vacuum (analyze) rowbeat.scheduled_jobs')
    for (let time = 0; time < TIMES; time++) await everyStatement()
    await database.pool.query(
      `insert into rowbeat.scheduled_jobs (job_type, scheduled_at, status, finished_at)
       select 'work', now() - interval '1 hour', 'completed', now() from generate_series(1, 20000)`,
    )
    expect(await jobsRead(database.pool, everyStatement)).toBeLessThanOrEqual(1_000)
  })
})
