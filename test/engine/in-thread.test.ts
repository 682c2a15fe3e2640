import { describe, expect, it } from 'vitest'
import { inThread } from '../../src/core/in-thread.ts'
import { until } from '../support/wait.ts'
import { eventsOf, type Started, useEngines } from './harness.ts'

const engines = useEngines()
const soon = { timeoutMs: 5_000 }
const threads = { common: { name: 'common', most: 1, heapMaxMb: 64 } }

const run = (name: string) => inThread({ module: new URL('./thread-tasks.ts', import.meta.url), name })

const busy = (started: Started) =>
  until(() => started.compute.size() > 0 && started.engine.running() > 0, { ...soon, what: 'a thread' })

/** What can be seen of the poller and the two jobs at one moment. */
async function glance(spinning: string, quick: string) {
  const { rows } = await engines.pool.query<{ beat: string; spinning: string; quick: string }>(
    `select (select max(beat_at)::text from rowbeat.pollers) as beat,
       (select status from rowbeat.scheduled_jobs where id = $1) as spinning,
       (select status from rowbeat.scheduled_jobs where id = $2) as quick`,
    [spinning, quick],
  )
  return rows[0]
}

describe('a job in a thread', () => {
  it('is ended at its time limit though it never yields; beats and other jobs go on meanwhile', async () => {
    const started = await engines.start({
      jobs: { spin: { retry: { delays: [3_600] }, run: run('spin') }, quick: () => undefined },
      threads,
    })
    const [spinning = ''] = await engines.add({ jobType: 'spin', timeoutSeconds: 1, maxRetries: 1 })
    await busy(started)
    const [quick = ''] = await engines.add({ jobType: 'quick' })
    const beats = new Set<string>()
    let quickEnded = false
    const retried = async (): Promise<boolean> => {
      const seen = await glance(spinning, quick)
      if (seen?.spinning !== 'running') return seen?.spinning === 'pending'
      beats.add(seen.beat)
      quickEnded ||= seen.quick === 'completed'
      return false
    }
    await until(retried, { ...soon, what: 'the time limit' })
    expect(quickEnded).toBe(true)
    expect(beats.size).toBeGreaterThan(2)
    expect(await engines.read(spinning)).toMatchObject({
      attempt: 1,
      retry_count: 1,
      last_error_code: 'STEP_TIMEOUT',
      last_error: 'stopped at its time limit: the attempt exceeded 1 s',
    })
    expect(started.compute.size()).toBe(0)
    expect(eventsOf(started, 'poller.fenced')).toEqual([])
  })

  it('is ended when its cancellation is told, and not at the next regular question', async () => {
    const jobs = { spin: run('spin') }
    const started = await engines.start({ jobs, threads, listen: true, timing: { watchMs: 600_000 } })
    await until(() => started.engine.listening(), { what: 'the engine to listen' })
    const [id = ''] = await engines.add({ jobType: 'spin' })
    await busy(started)
    await engines.pool.query(`select rowbeat.cancel_job($1, 'not needed')`, [id])
    await until(() => started.compute.size() === 0, { ...soon, what: 'the thread to end' })
    expect(await engines.read(id)).toMatchObject({ status: 'cancelled' })
  })

  it('is handed back at shutdown at no cost, and its thread ended', async () => {
    const started = await engines.start({ jobs: { spin: run('spin') }, threads })
    const [id = ''] = await engines.add({ jobType: 'spin', maxRetries: 0 })
    await busy(started)
    await started.stop(0)
    expect(started.compute.size()).toBe(0)
    expect(await engines.read(id)).toMatchObject({ status: 'pending', retry_count: 0, errors: null })
  })

  it('stores what its function reports and returns', async () => {
    await engines.start({ jobs: { sum: run('sum') }, threads })
    const [id = ''] = await engines.add({ jobType: 'sum', payload: [1, 2, 39] })
    await engines.drained()
    expect(await engines.read(id)).toMatchObject({
      status: 'completed',
      result: { sum: 42 },
      progress: 100,
      progress_detail: { done: 3, total: 3, unit: 'numbers' },
    })
  })

  it('fails alone and clearly: too much memory, no such function, nothing that can be copied', async () => {
    const jobs = {
      hoard: run('hoard'),
      missing: run('missing'),
      closure: run('notCloneable'),
      vague: run('reportNothing'),
      skipped: run('nothingToDo'),
      sum: run('sum'),
    }
    await engines.start({ jobs, threads })
    const types = ['hoard', 'missing', 'closure', 'vague', 'skipped', 'sum']
    const ids = await engines.add(...types.map((jobType) => ({ jobType, payload: [1] })))
    await engines.drained()
    const ends = await Promise.all(ids.map((id) => engines.read(id)))
    const told = (text: string) => expect.stringContaining(text)
    expect(ends).toMatchObject([
      { status: 'failed', last_error_code: 'OUT_OF_MEMORY', last_error: told('more than 64 MiB') },
      { status: 'failed', last_error_code: 'INTERNAL_ERROR', last_error: told('missing is no function') },
      { status: 'failed', last_error_code: 'INTERNAL_ERROR', last_error: told('must be plain data') },
      { status: 'failed', last_error_code: 'INTERNAL_ERROR', last_error: told('must report done') },
      { status: 'skipped', last_error_code: 'NO_CONTENT' },
      { status: 'completed', result: { sum: 1 } },
    ])
  })
})
