/** Adding jobs from eight connections: one per call, and a thousand per call. */
import type { Bench, Scenario } from '../bench.ts'
import { startChild, withChildren } from '../children.ts'
import type { Task } from '../messages.ts'
import { settleDatabase } from '../server.ts'
import { systemNamed } from '../systems/index.ts'

const CONNECTIONS = 8
const TIMEOUT_MS = 300_000
const WAKING = ['rowbeat', 'pg-boss', 'graphile-worker'] as const
/** graphile-worker notifies with every job, so it has no silent form. */
const SILENT = ['rowbeat', 'pg-boss'] as const

export const enqueueScenario: Scenario = {
  name: 'enqueue',
  run: async (bench, round) => {
    const { singleRows, batchRows } = bench.sizes
    for (const system of WAKING) {
      const task: Task = { kind: 'singles', count: singleRows, connections: CONNECTIONS, wakes: true }
      await enqueue(bench, round, system, 'single rows/s, with wake-up', task)
    }
    for (const system of SILENT) {
      const task: Task = { kind: 'singles', count: singleRows, connections: CONNECTIONS, wakes: false }
      await enqueue(bench, round, system, 'single rows/s, without wake-up', task)
    }
    for (const system of WAKING) {
      const task: Task = { kind: 'batches', count: batchRows, size: 1_000, connections: CONNECTIONS }
      await enqueue(bench, round, system, 'rows/s in batches of 1,000', task)
    }
  },
}

async function enqueue(
  bench: Bench,
  round: number,
  system: string,
  metric: string,
  task: Task,
): Promise<void> {
  const url = await bench.databaseOf(system)
  await systemNamed(system).clear(url)
  await settleDatabase(url)
  const done = await withChildren([() => startChild(system, url, task)], async ([producer]) => {
    if (producer === undefined) throw new Error('the producer did not start')
    return producer.finish(TIMEOUT_MS)
  })
  bench.read({ scenario: 'enqueue', system, metric, round, value: done.count / done.seconds })
}
