/** Rows that somebody holds locked in a transaction left open. */
import type pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { defineWorkflow, step } from '../../src/core/workflow.ts'
import { claimJobs } from '../../src/store/claims.ts'
import { createExecution } from '../../src/store/executions.ts'
import { claimOf } from '../store/fixtures.ts'
import { until } from '../support/wait.ts'
import { eventsOf, gate, useEngines } from './harness.ts'

const engines = useEngines()
const soon = { timeoutMs: 8_000 }
/** Far less than the holder keeps them, and more than the wait for a lock. */
const MEANWHILE = { timeoutMs: 5_000 }

const holders: pg.PoolClient[] = []
async function hold(text: string, id: string): Promise<() => Promise<void>> {
  const client = await engines.pool.connect()
  holders.push(client)
  await client.query('begin')
  await client.query(text, [id])
  return async () => {
    holders.splice(holders.indexOf(client), 1)
    await client.query('rollback')
    client.release()
  }
}
afterEach(async () => {
  for (const client of holders.splice(0)) {
    await client.query('rollback')
    client.release()
  }
})

const status = async (id: string): Promise<unknown> => (await engines.read(id)).status

describe('a row that somebody holds locked', () => {
  it.each([
    ['with results', { done: true }],
    ['without', undefined],
  ])(
    'of a job keeps no other from being settled, %s, and is settled when it is let go',
    async (_what, result) => {
      const door = gate()
      const work = async (context: Parameters<typeof door.run>[0]) => {
        await door.run(context)
        return result
      }
      const started = await engines.start({ jobs: { work } })
      const [held = '', ...others] = await engines.add(
        ...Array.from({ length: 4 }, () => ({ jobType: 'work' })),
      )
      await until(() => door.inside() === 4, { ...soon, what: 'all to run' })
      const letGo = await hold('select from rowbeat.scheduled_jobs where id = $1 for update', held)
      door.open()
      for (const id of others)
        await until(async () => (await status(id)) === 'completed', {
          ...MEANWHILE,
          what: `job ${id} to be settled`,
        })
      const [later = ''] = await engines.add({ jobType: 'work' })
      await until(async () => (await status(later)) === 'completed', { ...MEANWHILE, what: 'a later one' })
      expect(await status(held)).toBe('running')
      await letGo()
      await engines.drained()
      expect(await engines.read(held)).toMatchObject({ status: 'completed', attempt: 1, retry_count: 0 })
      expect(eventsOf(started, 'job.ended').map((one) => one.outcome)).toEqual(Array(5).fill('completed'))
      expect(eventsOf(started, 'service.failed')).toEqual([])
    },
    30_000,
  )

  it('of an execution keeps no other from going on', async () => {
    const door = gate()
    const walk = defineWorkflow<{ name: string }>({
      name: 'walk',
      input: { parse: (value) => value as { name: string } },
      subject: (input) => input.name,
      maxDuration: 60,
      steps: {
        first: step({ title: 'First', run: door.run }),
        second: step({ title: 'Second', after: ['first'], run: () => undefined }),
      },
    })
    await engines.start({ workflows: [walk as never] })
    const ids = await Promise.all(
      ['held', 'free'].map(
        async (name) =>
          (await createExecution(engines.pool, { workflow: walk, input: { name } })).executionId,
      ),
    )
    await until(() => door.inside() === 2, { ...soon, what: 'both to run' })
    const letGo = await hold(
      'select from rowbeat.workflow_executions where execution_id = $1 for update',
      ids[0] ?? '',
    )
    door.open()
    const statuses = async (): Promise<string[]> => {
      const { rows } = await engines.pool.query<{ status: string }>(
        'select status from rowbeat.workflow_executions order by subject',
      )
      return rows.map((row) => row.status)
    }
    await until(async () => (await statuses())[0] === 'completed', {
      ...MEANWHILE,
      what: 'the free one to end',
    })
    expect((await statuses())[1]).not.toBe('completed')
    await letGo()
    await engines.drained()
    expect(await statuses()).toEqual(['completed', 'completed'])
  }, 30_000)

  it('is told as refused when the job was ended under the lock', async () => {
    const door = gate()
    const work = async (context: Parameters<typeof door.run>[0]) => {
      await door.run(context)
      return { done: true }
    }
    const started = await engines.start({ jobs: { work }, timing: { watchMs: 60_000 } })
    const [held = ''] = await engines.add({ jobType: 'work' })
    await until(() => door.inside() === 1, { ...soon, what: 'it to run' })
    const client = await engines.pool.connect()
    try {
      await client.query('begin')
      await client.query(
        `update rowbeat.scheduled_jobs set status = 'cancelled', lease_id = null, finished_at = now() where id = $1`,
        [held],
      )
      door.open()
      await until(() => started.engine.running() === 0, { ...soon, what: 'the handler to end' })
      // Longer than the wait for a lock, so that it was put aside once.
      await client.query('select pg_sleep(1.5)')
      await client.query('commit')
    } finally {
      client.release()
    }
    await until(() => eventsOf(started, 'job.ended').length === 1, { ...soon, what: 'the end' })
    expect(eventsOf(started, 'job.ended')).toMatchObject([{ outcome: 'refused' }])
    expect(await engines.read(held)).toMatchObject({ status: 'cancelled', result: null })
  }, 30_000)
})

describe('a lane that others claim from without pause', () => {
  it('is claimed from all the same by a poller whose job types only it knows', async () => {
    await engines.add({ jobType: 'other' }, { jobType: 'other' })
    // Both slots of the lane, as if there were always somebody with two claims under way.
    for (const client of [await engines.pool.connect(), await engines.pool.connect()]) {
      holders.push(client)
      await client.query('begin')
      expect(await claimJobs(client, claimOf({ limit: 1, jobTypes: ['other'] }))).toHaveLength(1)
    }
    await engines.start({ jobs: { work: async () => undefined } })
    const [id = ''] = await engines.add({ jobType: 'work' })
    await until(async () => (await status(id)) === 'completed', { what: 'the job to be claimed' })
  })
})
