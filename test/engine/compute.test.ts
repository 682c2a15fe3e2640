import { describe, expect, it } from 'vitest'
import type { ThreadPool, ThreadTask } from '../../src/core/ports.ts'
import { createCompute } from '../../src/engine/compute.ts'

const { signal } = new AbortController()
const common: ThreadPool = { name: 'common', most: 1, heapMaxMb: 64 }
const apart: ThreadPool = { name: 'apart', most: 1, heapMaxMb: 64 }

function task(name: string, pool?: ThreadPool): ThreadTask {
  return {
    module: new URL('./thread-tasks.ts', import.meta.url),
    name,
    limitSeconds: 30,
    limitCode: 'STEP_TIMEOUT',
    ...(pool === undefined ? {} : { pool }),
  }
}

describe('the threads of a process', () => {
  it('are shared by the tasks of a pool, and by no other pool', async () => {
    const compute = createCompute({ common })
    const stopping = new AbortController()
    const spinning = compute.run(task('spin'), null, { signal: stopping.signal })
    const waiting = compute.run<number>(task('double'), 1, { signal })
    expect(await compute.run<number>(task('double', apart), 2, { signal })).toBe(4)
    expect(compute.size()).toBe(2)
    stopping.abort(new Error('enough'))
    await expect(spinning).rejects.toThrow('enough')
    expect(await waiting).toBe(2)
    await compute.close()
  })

  it('are none before the first call, and all ended when they are closed', async () => {
    const compute = createCompute({ common })
    expect(compute.size()).toBe(0)
    await compute.run(task('double'), 1, { signal })
    const spinning = expect(compute.run(task('spin', apart), null, { signal })).rejects.toMatchObject({
      code: 'POLLER_LOST',
    })
    expect(compute.size()).toBe(2)
    await compute.close()
    await spinning
    expect(compute.size()).toBe(0)
    await expect(compute.run(task('double'), 1, { signal })).rejects.toMatchObject({ code: 'POLLER_LOST' })
  })

  it('refuse a pool without sense, one that contradicts itself, and pools without end', async () => {
    const compute = createCompute({ common })
    const call = (pool: ThreadPool) => compute.run(task('double', pool), 1, { signal })
    await expect(call({ ...apart, most: 0 })).rejects.toThrow('"apart" must have 1 to 64 threads')
    await expect(call({ ...common, most: 2 })).resolves.toBe(2)
    await expect(call(common)).rejects.toThrow('"common" is declared twice')
    const many = Array.from({ length: 15 }, (_, at) => ({ ...apart, name: `pool ${at}` }))
    const stopped = AbortSignal.abort(new Error('not now'))
    for (const pool of many) {
      await expect(compute.run(task('double', pool), 1, { signal: stopped })).rejects.toThrow('not now')
    }
    await expect(call(apart)).rejects.toThrow('one pool of threads too many')
    await compute.close()
  })
})
