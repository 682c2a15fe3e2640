import { describe, expect, it } from 'vitest'
import { createPoliteness, type PolitenessOptions } from '../../src/outbound/politeness.ts'
import { fakeClock } from './fake-clock.ts'
import { failureOf } from './loopback.ts'

const settled = () => new Promise((resolve) => setImmediate(resolve))

function setUp(options: Partial<PolitenessOptions> = {}) {
  const clock = fakeClock()
  const politeness = createPoliteness({
    atOnce: 2,
    waitingMax: 3,
    waitMaxSeconds: 300,
    hostsKept: 10,
    clock,
    ...options,
  })
  const started: string[] = []
  const enter = (name: string, host = 'a.test', delaySeconds = 0, signal = new AbortController().signal) =>
    politeness.enter(host, { delaySeconds, signal }).then((end) => {
      started.push(name)
      return end
    })
  return { clock, politeness, started, enter }
}

describe('politeness', () => {
  it('runs at most so many requests at once per host, in the order they came', async () => {
    const { started, enter } = setUp()
    const first = await enter('1')
    await enter('2')
    const waiting = [enter('3'), enter('4')]
    await enter('other host', 'b.test')
    expect(started).toEqual(['1', '2', 'other host'])
    first()
    await waiting[0]
    await settled()
    expect(started).toEqual(['1', '2', 'other host', '3'])
  })

  it('gives one place for a turn that is ended twice', async () => {
    const { started, enter } = setUp()
    const first = await enter('1')
    await enter('2')
    const waiting = [enter('3'), enter('4')]
    first()
    first()
    await waiting[0]
    await settled()
    expect(started).toEqual(['1', '2', '3'])
  })

  it('keeps the delay of a host between starts', async () => {
    const { clock, started, enter } = setUp()
    await enter('1', 'a.test', 2)
    const second = enter('2', 'a.test', 2)
    clock.advance(1999)
    await settled()
    expect(started).toEqual(['1'])
    clock.advance(1)
    await second
    expect(started).toEqual(['1', '2'])
  })

  it('cuts a delay to 10 s and reads nonsense as none', async () => {
    const { clock, enter } = setUp({ atOnce: 5 })
    await enter('1')
    const long = enter('2', 'a.test', 86_400)
    clock.advance(10_000)
    await long
    await enter('3', 'a.test', Number.NaN)
    await enter('4', 'a.test', -5)
  })

  it('pauses a host, at most 60 s, and no other', async () => {
    const { clock, politeness, started, enter } = setUp()
    politeness.pause('a.test', 3600)
    politeness.pause('a.test', 1)
    const paused = enter('a')
    await enter('b', 'b.test')
    clock.advance(59_999)
    await settled()
    expect(started).toEqual(['b'])
    clock.advance(1)
    await paused
  })

  it('refuses more than the bounded number of waiting requests', async () => {
    const { enter } = setUp({ atOnce: 1, waitingMax: 1 })
    const end = await enter('1')
    const second = enter('2')
    expect(await failureOf(enter('3'))).toMatchObject({ code: 'RATE_LIMIT_EXCEEDED' })
    end()
    await second
  })

  it('lets nobody wait for ever', async () => {
    const { clock, enter } = setUp({ atOnce: 1 })
    await enter('1')
    const second = failureOf(enter('2'))
    clock.advance(300_000)
    expect(await second).toMatchObject({ code: 'RATE_LIMIT_EXCEEDED' })
    expect(clock.pending).toBe(0)
  })

  it('takes an aborted request out of the queue and serves the next one', async () => {
    const { clock, started, enter } = setUp({ atOnce: 1 })
    const stop = new AbortController()
    const end = await enter('1')
    const second = failureOf(enter('2', 'a.test', 10, stop.signal))
    const third = enter('3')
    const reason = new Error('job cancelled')
    stop.abort(reason)
    expect(await second).toBe(reason)
    end()
    await third
    expect(started).toEqual(['1', '3'])
    expect(clock.pending).toBe(0)
  })

  it('refuses a signal that is already aborted', async () => {
    const { enter } = setUp()
    expect(await failureOf(enter('1', 'a.test', 0, AbortSignal.abort(new Error('over'))))).toMatchObject({
      message: 'over',
    })
  })

  it('remembers a bounded number of hosts and never forgets a busy one', async () => {
    const { politeness, clock, started, enter } = setUp({ atOnce: 1 })
    const end = await enter('busy')
    for (let index = 0; index < 100; index++) (await enter('x', `h${index}.test`))()
    expect(politeness.size).toBeLessThanOrEqual(10)
    clock.advance(60_000)
    for (let index = 0; index < 20; index++) (await enter('x', `i${index}.test`))()
    expect(politeness.size).toBeLessThanOrEqual(10)
    const next = enter('next')
    await settled()
    expect(started).not.toContain('next')
    end()
    await next
  })
})
