import { describe, expect, it } from 'vitest'
import { connectionsOf } from '../support/database.ts'
import { startProxy } from '../support/proxy.ts'
import { until } from '../support/wait.ts'
import { eventsOf, gate, useEngines } from './harness.ts'

const engines = useEngines()

async function pollers(): Promise<Record<string, unknown>[]> {
  return (await engines.pool.query('select status, running from rowbeat.pollers order by started_at')).rows
}

describe('stopping', () => {
  it('waits for running jobs, claims nothing more and says goodbye', async () => {
    const door = gate()
    const started = await engines.start({ jobs: { hold: door.run }, concurrency: 2 })
    await engines.add({ jobType: 'hold' }, { jobType: 'hold' }, { jobType: 'hold' })
    started.engine.wake('default', 0)
    await until(() => door.inside() === 2, { what: 'two to be inside' })
    const stopped = started.stop(10_000)
    const draining = async (): Promise<boolean> => (await pollers())[0]?.status === 'draining'
    await until(draining, { what: 'the poller to drain' })
    started.engine.wake('default', 0)
    door.open()
    await stopped
    expect(await engines.statuses()).toEqual({ completed: 2, pending: 1 })
    expect(await pollers()).toEqual([{ status: 'stopped', running: 0 }])
    expect((await engines.pool.query('select 1 from rowbeat.leases')).rows).toEqual([])
    expect(eventsOf(started, 'poller.stopped')).toHaveLength(1)
  })

  it('hands back what does not end in time, heeding its signal or not, at no cost in retries', async () => {
    const door = gate()
    let release: (value: undefined) => void = () => undefined
    const deaf = new Promise<undefined>((resolve) => {
      release = resolve
    })
    let entered = 0
    const started = await engines.start({
      jobs: {
        heeds: door.run,
        deaf: () => {
          entered += 1
          return deaf
        },
      },
    })
    const ids = await engines.add({ jobType: 'heeds', maxRetries: 0 }, { jobType: 'deaf', maxRetries: 0 })
    started.engine.wake('default', 0)
    await until(() => door.inside() === 1 && entered === 1, { what: 'both to run' })
    await started.stop(0)
    for (const id of ids) {
      expect(await engines.read(id)).toMatchObject({
        status: 'pending',
        retry_count: 0,
        errors: null,
        attempt: 1,
      })
    }
    expect(door.reasons).toMatchObject([{ code: 'POLLER_LOST' }])
    expect(await pollers()).toEqual([{ status: 'stopped', running: 0 }])
    const next = await engines.start({ jobs: { heeds: () => undefined, deaf: () => undefined } })
    await engines.drained()
    release(undefined)
    await next.stop()
    expect(await engines.statuses()).toEqual({ completed: 2 })
  })

  it('a second time with less patience cuts the first short', async () => {
    const door = gate()
    const started = await engines.start({ jobs: { hold: door.run } })
    await engines.add({ jobType: 'hold' })
    started.engine.wake('default', 0)
    await until(() => door.inside() === 1, { what: 'the job to run' })
    const patient = started.engine.stop(3_600_000)
    await started.engine.stop(0)
    await patient
    expect(await engines.statuses()).toEqual({ pending: 1 })
  })

  it('while a claim is under way hands its jobs back instead of running them', async () => {
    let ran = 0
    const run = (): undefined => {
      ran += 1
    }
    await engines.add(...Array.from({ length: 8 }, () => ({ jobType: 'quick' })))
    const client = await engines.pool.connect()
    try {
      await client.query('begin; lock table rowbeat.leases in access exclusive mode')
      const started = await engines.start({ jobs: { quick: run } })
      const waiting = async (): Promise<boolean> => {
        const { rows } = await engines.pool.query(
          `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%with claimed%'
           and datname = current_database()`,
        )
        return rows.length > 0
      }
      await until(waiting, { what: 'the claim to wait' })
      const stopped = started.stop(5_000)
      await until(() => eventsOf(started, 'poller.draining').length === 1, { what: 'draining' })
      await client.query('commit')
      await stopped
    } finally {
      client.release()
    }
    expect(ran).toBe(0)
    expect(await engines.statuses()).toEqual({ pending: 8 })
    const { rows } = await engines.pool.query(
      'select distinct retry_count, errors from rowbeat.scheduled_jobs',
    )
    expect(rows).toEqual([{ retry_count: 0, errors: null }])
  })

  it('leaves no connection and no timer behind', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length
    const before = timers()
    const started = await engines.start({ jobs: { quick: () => undefined }, listen: true })
    await until(() => started.engine.listening(), { what: 'LISTEN' })
    await engines.add(...Array.from({ length: 20 }, () => ({ jobType: 'quick' })))
    started.engine.wake('default', 0)
    await engines.drained()
    await started.stop()
    const ours = async (): Promise<boolean> => {
      const open = await connectionsOf(engines.url)
      if (open > engines.pool.totalCount) throw new Error(`${open} connections`)
      return true
    }
    // A pooler keeps the connections that it has made.
    if (engines.url === engines.directUrl) await until(ours, { what: 'connections to close' })
    await until(() => timers() <= before, { what: 'timers to end' })
  })

  it('ends in bounded time when the database answers nothing at all', async () => {
    const proxy = await startProxy(engines.url)
    try {
      const door = gate()
      const started = await engines.start({
        jobs: { hold: door.run },
        url: proxy.url,
        listen: true,
        timing: { lastWordsMs: 300 },
      })
      await engines.add({ jobType: 'hold' })
      started.engine.wake('default', 0)
      await until(() => door.inside() === 1, { what: 'the job to run' })
      proxy.blackHole()
      const begun = performance.now()
      await started.engine.stop(0)
      expect(performance.now() - begun).toBeLessThan(10_000)
      const told = started.events.length
      proxy.refuse()
      await new Promise((resolve) => setImmediate(resolve))
      expect(eventsOf(started, 'poller.stopped')).toHaveLength(1)
      expect(started.events.slice(told).filter((event) => event.type === 'jobs.claimed')).toEqual([])
    } finally {
      await proxy.close()
    }
  })

  it('before it started is harmless', async () => {
    const started = await engines.start({ jobs: { quick: () => undefined } })
    await started.stop()
    await started.engine.stop(0)
    expect(await pollers()).toHaveLength(1)
  })
})
