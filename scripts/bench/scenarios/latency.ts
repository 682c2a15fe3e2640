/**
 * Pick-up latency: one idle poller in a process of its own, and a producer in another that adds a job every 10 ms
 * whatever became of the earlier ones (see `producePaced`). Two readings per job: from the acknowledged commit to
 * the start of the handler, and from the time at which the job was due to be sent, which also holds every delay
 * of the producer and of the insert.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench, Scenario } from '../bench.ts'
import { startChild, withChildren } from '../children.ts'
import { monotonicMs } from '../clock.ts'
import type { Mark } from '../messages.ts'
import { settleDatabase } from '../server.ts'
import { percentile } from '../statistics.ts'
import { systemNamed } from '../systems/index.ts'

const NAMES = ['rowbeat', 'pg-boss', 'graphile-worker'] as const
const EVERY_MS = 10
const CONNECTIONS = 8
/** Lets a worker come to rest after its start. */
const SETTLE_MS = 1_000
/** How long after the last job the handlers may still begin. */
const TAIL_MS = 10_000

export const latencyScenario: Scenario = {
  name: 'latency',
  run: async (bench, round) => {
    for (const system of NAMES) await measure(bench, round, system)
  },
}

async function measure(bench: Bench, round: number, system: string): Promise<void> {
  const url = await bench.databaseOf(system)
  const count = Math.round((bench.sizes.latencySeconds * 1000) / EVERY_MS)
  await systemNamed(system).clear(url)
  await settleDatabase(url)
  const work = () => startChild(system, url, { kind: 'work', mode: 'latency' })
  const add = () =>
    startChild(system, url, { kind: 'paced', count, everyMs: EVERY_MS, connections: CONNECTIONS })
  await withChildren([work, add], async ([worker, producer]) => {
    if (worker === undefined || producer === undefined) throw new Error('a child did not start')
    await worker.start()
    await sleep(SETTLE_MS)
    const done = await producer.finish(bench.sizes.latencySeconds * 1000 + 60_000)
    const begun = await begunJobs(() => worker.marks(), count)
    const read = (metric: string, value: number): void =>
      bench.read({ scenario: 'latency', system, metric, round, value })
    const waits = differences(done.acknowledged, begun)
    const whole = differences(done.due, begun)
    if (waits.length === 0) throw new Error(`${system} began none of ${count} jobs`)
    if (whole.length < count)
      bench.note(`latency: ${system} began ${whole.length} of ${count} jobs in round ${round}.`)
    read('p50 ms', percentile(waits, 0.5))
    read('p99 ms', percentile(waits, 0.99))
    read('p50 ms, from due to be sent', percentile(whole, 0.5))
    read('p99 ms, from due to be sent', percentile(whole, 0.99))
  })
}

async function begunJobs(marks: () => Promise<readonly Mark[]>, count: number): Promise<readonly Mark[]> {
  const untilMs = monotonicMs() + TAIL_MS
  for (;;) {
    const seen = (await marks()).filter(([number]) => number > 0)
    if (seen.length >= count || monotonicMs() > untilMs) return seen
    await sleep(100)
  }
}

/** Milliseconds from a number's first time to its second, for all that have both. */
export function differences(from: readonly Mark[], to: readonly Mark[]): number[] {
  const times = new Map(to)
  return from.flatMap(([number, atMs]) => {
    const laterMs = times.get(number)
    return laterMs === undefined ? [] : [laterMs - atMs]
  })
}
