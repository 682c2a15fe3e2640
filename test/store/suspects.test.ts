import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { type ClaimedJob, claimJobs } from '../../src/store/claims.ts'
import { createExecution, readExecution } from '../../src/store/executions.ts'
import { type Reaped, reapDeadPollers } from '../../src/store/pollers.ts'
import { completeJobs } from '../../src/store/settlements.ts'
import { markAlone, readSuspects, trimSuspects } from '../../src/store/suspects.ts'
import { addJobs, addPoller, claimOf, readJob, rowsOf, useStore, workflowOf } from './fixtures.ts'

const store = useStore()

/** Claims everything on a new poller, which dies: after it has begun `alone` in the slot for suspects. */
async function die(alone?: string, jobTypes: readonly string[] = ['work']): Promise<Reaped> {
  const pollerId = randomUUID()
  await addPoller(store.pool, pollerId)
  await store.pool.query(`update rowbeat.scheduled_jobs set scheduled_at = now() where status = 'pending'`)
  const jobs = await claimJobs(store.pool, claimOf({ pollerId, jobTypes }))
  const culprit = jobs.find((job) => job.id === alone)
  if (culprit !== undefined) expect(await markAlone(store.pool, culprit)).toBe(true)
  await store.pool.query(
    `update rowbeat.pollers set beat_at = clock_timestamp() - interval '11 seconds' where poller_id = $1`,
    [pollerId],
  )
  return reapDeadPollers(store.pool)
}

async function invariants(): Promise<unknown[]> {
  return rowsOf(store.pool, 'select * from rowbeat.assert_invariants()')
}

it('a job that was on one lost poller is no suspect, on two it is one', async () => {
  const [id = '', other = ''] = await addJobs(store.pool, [-2, -1])
  await die()
  expect(await readSuspects(store.pool, [id, other])).toEqual(new Map())
  await die()
  expect(await readSuspects(store.pool, [id, other, '999'])).toEqual(
    new Map([
      [id, 0],
      [other, 0],
    ]),
  )
})

it('only the suspect that ran alone is charged, and the second time it fails with POISON', async () => {
  const [poison = '', innocent = ''] = await addJobs(store.pool, [-2, -1])
  await store.pool.query('update rowbeat.scheduled_jobs set max_retries = 0')
  await die()
  await die()
  expect(await die(poison)).toMatchObject({ retried: 2, failed: 0 })
  expect(await readSuspects(store.pool, [poison, innocent])).toEqual(
    new Map([
      [poison, 1],
      [innocent, 0],
    ]),
  )
  // Claimed again and not begun: the mark of the attempt before means nothing.
  expect(await die()).toMatchObject({ retried: 2, failed: 0 })
  expect(await die(poison)).toMatchObject({ retried: 1, failed: 1 })
  expect(await readJob(store.pool, poison)).toMatchObject({ status: 'failed', last_error_code: 'POISON' })
  expect(await readJob(store.pool, innocent)).toMatchObject({ status: 'pending', retry_count: 0 })
  expect(await invariants()).toEqual([])
})

it('a step that is poison fails with all that follows for its run', async () => {
  const walk = workflowOf({ vital: { critical: true, retry: { delays: [] } }, rest: { after: ['vital'] } })
  const { executionId } = await createExecution(store.pool, { workflow: walk, input: {} })
  const [step] = await rowsOf(store.pool, `select id from rowbeat.scheduled_jobs where step = 'vital'`)
  const id = String(step?.id)
  await die(id, ['vital'])
  const reaped = await die(id, ['vital'])
  expect(reaped.advanced).toMatchObject([{ executionId, status: 'failed', closed: true }])
  const view = await readExecution(store.pool, executionId)
  expect(view?.steps.map((one) => one.status)).toEqual(['failed', 'cancelled'])
  expect(await invariants()).toEqual([])
})

it('an attempt that is not ours any more is not begun as the one that runs alone', async () => {
  const [id = ''] = await addJobs(store.pool, [-1])
  await die()
  await store.pool.query('update rowbeat.scheduled_jobs set scheduled_at = now()')
  const [job] = (await claimJobs(store.pool, claimOf())) as [ClaimedJob]
  await completeJobs(store.pool, [job])
  expect(await markAlone(store.pool, { id, leaseId: job.leaseId })).toBe(false)
})

it('jobs that have ended are forgotten, and those that for a day no poller was lost with', async () => {
  const [ended = '', old = '', kept = ''] = await addJobs(store.pool, [-3, -2, -1])
  await die()
  await store.pool.query(
    `update rowbeat.suspects set last_death_at = now() - interval '2 days' where job_id = $1`,
    [old],
  )
  await store.pool.query(
    `update rowbeat.scheduled_jobs set status = 'cancelled', finished_at = now(), updated_at = now() where id = $1`,
    [ended],
  )
  await trimSuspects(store.pool)
  expect(await rowsOf(store.pool, 'select job_id from rowbeat.suspects')).toEqual([{ job_id: kept }])
})
