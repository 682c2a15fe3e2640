import { describe, expect, it } from 'vitest'
import { inThread } from '../../src/core/in-thread.ts'
import type { Compute, JobContext, ProgressReport, ThreadTask } from '../../src/core/ports.ts'

const module = new URL('./crunch.ts', import.meta.url)
const { signal } = new AbortController()

/** Runs the handler with a compute that sends these reports and gives its task and input as result. */
function run(sent: readonly unknown[] = []) {
  const progress: ProgressReport[] = []
  const calls: { readonly task: ThreadTask; readonly input: unknown; readonly signal: AbortSignal }[] = []
  const compute: Compute = {
    run: async <Output>(...[task, input, options]: Parameters<Compute['run']>) => {
      calls.push({ task, input, signal: options.signal })
      for (const report of sent) options.onReport?.(report)
      return 'crunched' as Output
    },
  }
  const context = {
    compute,
    input: { n: 1 },
    signal,
    progress: (report: ProgressReport) => progress.push(report),
  } as unknown as JobContext
  const pool = { name: 'crunching', most: 1, heapMaxMb: 64 }
  return { calls, progress, pool, result: inThread({ module, name: 'crunch', pool })(context) }
}

describe('a step in a thread', () => {
  it('hands over its input and signal, and gives the result', async () => {
    const { calls, pool, result } = run()
    expect(await result).toBe('crunched')
    expect(calls).toEqual([
      {
        task: {
          module,
          name: 'crunch',
          pool,
          limitSeconds: 604_800,
          limitCode: 'STEP_TIMEOUT',
          memoryCode: 'OUT_OF_MEMORY',
        },
        input: { n: 1 },
        signal,
      },
    ])
  })

  it('passes its reports on as progress', async () => {
    const reports = [
      { done: 1, total: 2, unit: 'pages' },
      { done: 2, total: 2, unit: 'pages', message: 'done' },
    ]
    const { progress, result } = run(reports)
    await result
    expect(progress).toEqual(reports)
  })

  it.each([undefined, null, 5, 'half', { done: 1 }, { done: '1', total: 2, unit: 'pages' }])(
    'fails clearly when it reports %j',
    async (report) => {
      await expect(run([report]).result).rejects.toThrow('crunch must report done, total and unit')
    },
  )
})
