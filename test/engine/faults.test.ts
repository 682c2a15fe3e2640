import { describe, expect, it } from 'vitest'
import { useProxy } from '../support/proxy.ts'
import { until } from '../support/wait.ts'
import { eventsOf, gate, type Run, useEngines } from './harness.ts'

const engines = useEngines()
const proxy = useProxy(engines)

const quick = (): undefined => undefined

describe('an engine', () => {
  it('does not begin what it claimed before it slept past its lease', async () => {
    const attempts: number[] = []
    const work: Run = async ({ attempt }) => void attempts.push(attempt)
    const timing = { lookMs: 60_000, beatTtlSeconds: 1 }
    const started = await engines.start({ jobs: { work }, timing })
    await engines.add({ jobType: 'work' })
    started.engine.wake('default', 0)
    await until(() => attempts.length === 1, { what: 'the lane to be known' })
    await engines.add({ jobType: 'work' })
    await new Promise<void>((resolve) => {
      // In a timer, so that the answer to the claim is read before the timers that are late by then.
      setTimeout(() => {
        started.engine.wake('default', 0)
        let ticks = 0
        const sleep = (): void => {
          ticks += 1
          if (ticks < 50) {
            process.nextTick(sleep)
            return
          }
          const untilMs = performance.now() + 1_500
          while (performance.now() < untilMs);
          resolve()
        }
        process.nextTick(sleep)
      })
    })
    await until(() => eventsOf(started, 'poller.fenced').length === 1, { what: 'its work to be dropped' })
    await until(
      () => {
        started.engine.wake('default', 0)
        return attempts.length === 2
      },
      { what: 'the job to be run' },
    )
    expect(attempts).toEqual([1, 2])
  })

  it('survives that all its connections are ended by the server', async () => {
    const started = await engines.start({ jobs: { quick }, listen: true })
    await until(() => started.engine.listening(), { what: 'LISTEN' })
    for (let round = 0; round < 3; round++) {
      await engines.add(...Array.from({ length: 50 }, () => ({ jobType: 'quick' })))
      started.engine.wake('default', 0)
      await engines.pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()`,
      )
      await engines.drained()
    }
    expect(await engines.statuses()).toEqual({ completed: 150 })
    await until(() => started.engine.listening(), { what: 'LISTEN to come back' })
    expect(eventsOf(started, 'poller.fenced')).toEqual([])
  })

  it('survives a database that refuses connections for a while', async () => {
    const started = await engines.start({ jobs: { quick }, url: proxy().url, listen: true })
    proxy().refuse()
    const [id = ''] = await engines.add({ jobType: 'quick' })
    await until(() => eventsOf(started, 'service.failed').length > 3, {
      what: 'the outage to be felt',
    })
    expect((await engines.read(id)).status).toBe('pending')
    proxy().heal()
    await engines.drained()
    await until(() => started.engine.listening(), { what: 'LISTEN to come back' })
    await until(() => eventsOf(started, 'service.recovered').length > 0, {
      what: 'recovery to be told',
    })
  })

  it('settles once although the answer to its settlement was lost', async () => {
    const door = gate()
    const started = await engines.start({ jobs: { hold: door.run }, url: proxy().url })
    const [id = ''] = await engines.add({ jobType: 'hold' })
    started.engine.wake('default', 0)
    await until(() => door.inside() === 1, { what: 'the job to run' })
    proxy().loseAnswerTo('complete')
    door.open()
    await until(() => eventsOf(started, 'job.ended').length === 1, { what: 'the end to be told' })
    expect(proxy().lost()).toBe(1)
    expect(eventsOf(started, 'job.ended')).toMatchObject([{ outcome: 'completed' }])
    expect(await engines.read(id)).toMatchObject({ status: 'completed', attempt: 1 })
  })

  it.each([
    { what: 'a plain completion', text: "set status = 'completed'", result: undefined },
    { what: 'an end with a result', text: 'end_attempts', result: { n: 1 } },
  ])('settles once although the network swallowed the answer to $what', async ({ text, result }) => {
    const door = gate()
    const hold: Run = async (context) => {
      await door.run(context)
      return result
    }
    const started = await engines.start({
      jobs: { hold },
      url: proxy().url,
      queryTimeoutMs: 500,
      timing: { upkeepMs: 60_000 },
    })
    const [id = ''] = await engines.add({ jobType: 'hold' })
    started.engine.wake('default', 0)
    await until(() => door.inside() === 1, { what: 'the job to run' })
    proxy().swallowAnswerTo(text)
    door.open()
    await until(() => eventsOf(started, 'job.ended').length === 1, { what: 'the end to be told' })
    expect(proxy().lost()).toBe(1)
    expect(eventsOf(started, 'job.ended')).toMatchObject([{ outcome: 'completed' }])
    expect(await engines.read(id)).toMatchObject({ status: 'completed', attempt: 1, result: result ?? null })
    expect(eventsOf(started, 'poller.fenced')).toEqual([])
  })

  it('gives back a claim whose answer was lost', async () => {
    const started = await engines.start({ jobs: { quick }, url: proxy().url })
    proxy().loseAnswerTo('insert into rowbeat.leases')
    const ids = await engines.add({ jobType: 'quick' }, { jobType: 'quick' })
    started.engine.wake('default', 0)
    await engines.drained()
    expect(proxy().lost()).toBe(1)
    for (const id of ids) {
      expect(await engines.read(id)).toMatchObject({ status: 'completed', retry_count: 0, attempt: 2 })
    }
  })

  it('that is told in vain of its first registration registers again', async () => {
    proxy().loseAnswerTo('insert into rowbeat.pollers')
    await expect(engines.start({ jobs: { quick }, url: proxy().url })).rejects.toThrow()
    const started = await engines.start({ jobs: { quick }, url: proxy().url, timing: { beatTtlSeconds: 2 } })
    proxy().refuse()
    await until(() => eventsOf(started, 'poller.fenced').length === 1, { what: 'the fence' })
    proxy().loseAnswerTo('insert into rowbeat.pollers')
    proxy().heal()
    await until(() => proxy().lost() === 2, { what: 'the answer to be lost' })
    await engines.add({ jobType: 'quick' })
    await engines.drained()
  })
})

describe('a wake-up', () => {
  it('by another process is heard long before the next look', async () => {
    const slow = { lookMs: 60_000, lookListeningMs: 60_000 }
    const ran: string[] = []
    const note = ({ jobId }: { jobId: string }): undefined => {
      ran.push(jobId)
    }
    const listening = await engines.start({ jobs: { note }, listen: true, timing: slow })
    const deaf = await engines.start({ jobs: { other: quick }, timing: slow })
    await until(() => listening.engine.listening(), { what: 'LISTEN' })
    const [first] = await engines.add({ jobType: 'note' })
    deaf.engine.wake('default', 0)
    await until(() => ran.length === 1, { what: 'the first job' })
    const [second] = await engines.add({ jobType: 'note' })
    deaf.engine.wake('default', 0)
    await until(() => ran.length === 2, { what: 'the second job' })
    expect(ran).toEqual([first, second])
  })
})
