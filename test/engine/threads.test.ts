import { describe, expect, it } from 'vitest'
import { SkipSignal } from '../../src/core/outcome.ts'
import type { ThreadTask } from '../../src/core/ports.ts'
import { createThreads, type ThreadLimits } from '../../src/engine/threads.ts'
import { until } from '../support/wait.ts'

const { signal } = new AbortController()

function task(name: string, limitSeconds = 30): ThreadTask {
  return {
    module: new URL('./thread-tasks.ts', import.meta.url),
    name,
    limitSeconds,
    limitCode: 'NO_CONTENT',
  }
}

const threads = (over: Partial<ThreadLimits> = {}) =>
  createThreads({ most: 2, heapMaxMb: 64, idleSeconds: 0.001, ...over })

describe('a call in a thread', () => {
  it('gives the result of the function, and reports on the way', async () => {
    const pool = threads()
    const reports: unknown[] = []
    expect(await pool.run(task('double'), 21, { signal })).toBe(42)
    const onReport = (report: unknown) => void reports.push(report)
    expect(await pool.run(task('count'), 100_000, { signal, onReport })).toBe('counted')
    expect(reports[0]).toBe(1)
    expect(reports.at(-1)).toBe(100_000)
    // However often the function reports, the main loop hears of it 20 times a second.
    expect(reports.length).toBeLessThan(100)
  })

  it('throws what the function throws, with its code, and the thread works on', async () => {
    const pool = threads({ most: 1, idleSeconds: 30 })
    await expect(pool.run(task('refuse'), 'slow down', { signal })).rejects.toMatchObject({
      name: 'RowbeatError',
      code: 'RATE_LIMIT_EXCEEDED',
      message: 'slow down',
      retryAfterSeconds: 7,
    })
    await expect(pool.run(task('stumble'), null, { signal })).rejects.toMatchObject({
      code: 'INTERNAL_ERROR',
      message: 'not a code of ours',
      cause: expect.stringContaining('stumble'),
    })
    await expect(pool.run(task('nothingToDo'), null, { signal })).rejects.toBeInstanceOf(SkipSignal)
    await expect(pool.run(task('later'), 9, { signal })).rejects.toMatchObject({ seconds: 9 })
    await expect(pool.run(task('missing'), null, { signal })).rejects.toThrow('missing is no function')
    expect(await pool.run(task('double'), 4, { signal })).toBe(8)
    expect(pool.size()).toBe(1)
  })

  it('says clearly that what goes in or comes out cannot be copied, and the thread works on', async () => {
    const pool = threads({ most: 1, idleSeconds: 30 })
    const wrong = 'must be plain data'
    for (const [name, input, message] of [
      ['notCloneable', null, `what notCloneable gives ${wrong}: () => undefined could not be cloned.`],
      ['notCloneableReport', null, 'could not be cloned'],
      ['double', () => 1, `what double is given ${wrong}: () => 1 could not be cloned.`],
    ] as const) {
      await expect(pool.run(task(name), input, { signal })).rejects.toMatchObject({
        code: 'INTERNAL_ERROR',
        message: expect.stringContaining(message),
      })
    }
    expect(await pool.run(task('double'), 4, { signal })).toBe(8)
    expect(pool.size()).toBe(1)
  })

  it('fails when whoever hears its reports throws', async () => {
    const pool = threads({ most: 1 })
    const onReport = (): never => {
      throw new Error('not like this')
    }
    await expect(pool.run(task('count'), 3, { signal, onReport })).rejects.toThrow('not like this')
  })

  it('is ended with the code of its task when it computes too long, and leaves the main loop free', async () => {
    const pool = threads({ most: 1 })
    let turns = 0
    const beat = setInterval(() => {
      turns += 1
    }, 10)
    const [long, next] = await Promise.allSettled([
      pool.run(task('spin', 0.3), null, { signal }),
      pool.run(task('double'), 5, { signal }),
    ])
    clearInterval(beat)
    expect(long).toMatchObject({ reason: { code: 'NO_CONTENT', message: 'spin takes more than 0.3 s' } })
    expect(next).toMatchObject({ value: 10 })
    expect(turns).toBeGreaterThan(2)
  })

  it('is ended with the code of its task when it takes too much memory', async () => {
    const pool = threads({ most: 1, heapMaxMb: 16 })
    await expect(pool.run(task('hoard'), null, { signal })).rejects.toMatchObject({
      code: 'NO_CONTENT',
      message: 'hoard needs more than 16 MiB of memory',
    })
    expect(await pool.run(task('double'), 6, { signal })).toBe(12)
  })

  it('is ended as well when the memory it takes is outside of the heap', async () => {
    const pool = threads({ most: 1, heapMaxMb: 64 })
    const greedy: ThreadTask = { ...task('hoardBuffers'), memoryCode: 'OUT_OF_MEMORY' }
    await expect(pool.run(greedy, null, { signal })).rejects.toMatchObject({
      code: 'OUT_OF_MEMORY',
      message: 'hoardBuffers needs more than 64 MiB of memory',
    })
  })

  it('fails alone when its thread dies', async () => {
    const pool = threads({ most: 1 })
    await expect(pool.run(task('leave'), null, { signal })).rejects.toThrow('ended early with code 3')
    expect(await pool.run(task('double'), 7, { signal })).toBe(14)
  })

  it('ends with its signal, whether it runs or waits', async () => {
    const pool = threads({ most: 1 })
    const [running, waiting] = [new AbortController(), new AbortController()]
    const calls = Promise.allSettled([
      pool.run(task('spin'), null, { signal: running.signal }),
      pool.run(task('double'), 1, { signal: waiting.signal }),
      pool.run(task('double'), 2, { signal }),
    ])
    waiting.abort(new Error('no longer wanted'))
    running.abort(new Error('cancelled'))
    expect(await calls).toMatchObject([
      { reason: { message: 'cancelled' } },
      { reason: { message: 'no longer wanted' } },
      { value: 4 },
    ])
    await expect(pool.run(task('double'), 1, { signal: running.signal })).rejects.toThrow('cancelled')
  })
})

describe('the threads', () => {
  it('are started when they are needed and end when they rest', async () => {
    const pool = threads()
    expect(pool.size()).toBe(0)
    const calls = [1, 2, 3, 4].map((input) => pool.run(task('double'), input, { signal }))
    expect(pool.size()).toBe(2)
    expect(await Promise.all(calls)).toEqual([2, 4, 6, 8])
    await until(() => pool.size() === 0, { what: 'the threads to end', everyMs: 1 })
    expect(await pool.run(task('double'), 5, { signal })).toBe(10)
  })

  it('are one as long as calls follow each other', async () => {
    const pool = threads({ idleSeconds: 30 })
    for (const input of [1, 2, 3]) await pool.run(task('double'), input, { signal })
    expect(pool.size()).toBe(1)
  })

  it('refuse more calls than may wait', async () => {
    const pool = threads({ most: 1, waitingMax: 1 })
    const call = () => pool.run<number>(task('double'), 1, { signal })
    const ended = await Promise.allSettled([call(), call(), call()])
    expect(ended).toMatchObject([{ value: 2 }, { value: 2 }, { reason: { code: 'INTERNAL_ERROR' } }])
  })

  it('are never more than they may be, not even while one of them is being ended', async () => {
    const pool = threads({ most: 1 })
    const stopping = new AbortController()
    const spinning = pool.run(task('spin'), null, { signal: stopping.signal })
    const next = pool.run(task('double'), 1, { signal })
    stopping.abort(new Error('enough'))
    const most: number[] = []
    const watch = setInterval(() => most.push(pool.size()), 1)
    await expect(spinning).rejects.toThrow('enough')
    expect(await next).toBe(2)
    clearInterval(watch)
    expect(Math.max(...most)).toBe(1)
  })

  it('end when they are closed, and then refuse what waits and what comes', async () => {
    const pool = threads({ most: 1, idleSeconds: 30 })
    const calls = [task('spin'), task('double')].map((one) => pool.run(one, 1, { signal }))
    const ended = Promise.allSettled(calls)
    await pool.close()
    expect(pool.size()).toBe(0)
    calls.push(pool.run(task('double'), 1, { signal }))
    const refused = { reason: { code: 'POLLER_LOST' } }
    expect([...(await ended), ...(await Promise.allSettled(calls.slice(2)))]).toMatchObject([
      refused,
      refused,
      refused,
    ])
  })
})
