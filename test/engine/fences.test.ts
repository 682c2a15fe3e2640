import { describe, expect, it } from 'vitest'
import { reapDeadPollers } from '../../src/store/pollers.ts'
import { useProxy } from '../support/proxy.ts'
import { until } from '../support/wait.ts'
import { eventsOf, gate, useEngines } from './harness.ts'

const engines = useEngines()
const proxy = useProxy(engines)

const quick = (): undefined => undefined

describe('a lease', () => {
  it('that was lost fires the signal, frees the slot, and its settlement is refused', async () => {
    const door = gate()
    const started = await engines.start({ jobs: { hold: door.run }, concurrency: 1 })
    const [id = ''] = await engines.add({ jobType: 'hold' })
    started.engine.wake('default', 0)
    await until(() => door.inside() === 1, { what: 'the job to run' })
    await engines.pool.query(
      `update rowbeat.scheduled_jobs set status = 'cancelled', lease_id = null, finished_at = now() where id = $1`,
      [id],
    )
    await until(() => door.reasons.length === 1, { what: 'the signal' })
    await until(() => eventsOf(started, 'job.ended').length === 1, { what: 'the end' })
    expect(door.reasons).toMatchObject([{ code: 'CANCELLED' }])
    expect(eventsOf(started, 'job.ended')).toMatchObject([{ outcome: 'refused' }])
    expect(await engines.read(id)).toMatchObject({ status: 'cancelled' })
    expect(started.engine.running()).toBe(0)
  })
})

describe('a poller', () => {
  it('that was declared lost drops its work and goes on under a new identity', async () => {
    const door = gate()
    const started = await engines.start({ jobs: { hold: door.run, quick }, timing: { upkeepMs: 60_000 } })
    const first = started.engine.pollerId()
    const [held = ''] = await engines.add({ jobType: 'hold' })
    started.engine.wake('default', 0)
    await until(() => door.inside() === 1, { what: 'the job to run' })
    // The poller may beat between the two statements; then they are said again.
    const reaped = async (): Promise<boolean> => {
      await engines.pool.query(`update rowbeat.pollers set beat_at = now() - interval '1 minute'`)
      const { pollers, retried } = await reapDeadPollers(engines.pool)
      return pollers === 1 && retried === 1
    }
    await until(reaped, { what: 'the poller to be declared lost' })
    await until(() => started.engine.pollerId() !== first, { what: 'a new identity' })
    expect(door.reasons).toHaveLength(1)
    expect(eventsOf(started, 'poller.fenced')).toMatchObject([{ pollerId: first }])
    door.open()
    const [next = ''] = await engines.add({ jobType: 'quick' })
    await engines.drained()
    expect((await engines.read(next)).poller_id).toBe(started.engine.pollerId())
    expect(await engines.read(held)).toMatchObject({ status: 'completed', retry_count: 0, attempt: 2 })
    const { rows } = await engines.pool.query('select status from rowbeat.pollers order by started_at')
    expect(rows.map((row) => row.status)).toEqual(['lost', 'live'])
  })

  it('that died is reaped by another, and its jobs run there', async () => {
    const door = gate()
    const dead = await engines.start({
      jobs: { hold: door.run },
      url: proxy().url,
      timing: { upkeepMs: 60_000 },
    })
    const [id = ''] = await engines.add({ jobType: 'hold' })
    dead.engine.wake('default', 0)
    await until(() => door.inside() === 1, { what: 'the job to run' })
    proxy().refuse()
    let ran = 0
    const hold = (): undefined => {
      ran += 1
    }
    const living = await engines.start({ jobs: { hold }, timing: { beatTtlSeconds: 2 } })
    await engines.drained()
    expect(ran).toBe(1)
    expect(await engines.read(id)).toMatchObject({ status: 'completed', retry_count: 0 })
    await until(() => eventsOf(living, 'pollers.reaped').length > 0, {
      what: 'the reaping to be told',
    })
  })

  it('that cannot beat drops its work before others may take it, and comes back by itself', async () => {
    const door = gate()
    const started = await engines.start({
      jobs: { hold: door.run, quick },
      url: proxy().url,
      timing: { beatTtlSeconds: 2, upkeepMs: 100 },
    })
    await engines.add({ jobType: 'hold' })
    started.engine.wake('default', 0)
    await until(() => door.inside() === 1, { what: 'the job to run' })
    proxy().refuse()
    await until(() => eventsOf(started, 'poller.fenced').length === 1, { what: 'the fence' })
    expect(door.reasons).toHaveLength(1)
    const status = await engines.pool.query(`select status from rowbeat.scheduled_jobs`)
    expect(status.rows).toEqual([{ status: 'running' }])
    proxy().heal()
    door.open()
    await engines.add({ jobType: 'quick' })
    await engines.drained()
    expect(await engines.statuses()).toEqual({ completed: 2 })
  })
})
