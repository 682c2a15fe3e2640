/**
 * Total throughput with more and more pollers, and how often they waited for each other's locks. Each process reads
 * and compiles the same code when it begins, on the cores that all share: the rate is that of the jobs after the
 * first third, and the one over all jobs is printed beside it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench, Scenario } from '../bench.ts'
import { drain } from '../draining.ts'
import { withClient } from '../server.ts'

const SAMPLE_EVERY_MS = 50
const WARM_UP = 1 / 3

export const pollersScenario: Scenario = {
  name: 'pollers',
  run: async (bench, round) => {
    for (const count of bench.sizes.pollerCounts) await measure(bench, round, count)
  },
}

async function measure(bench: Bench, round: number, count: number): Promise<void> {
  const url = await bench.databaseOf('rowbeat')
  const sampler = sampleWaits(bench.server.watchUrl, new URL(url).pathname.slice(1))
  const request = {
    system: 'rowbeat',
    url,
    jobs: bench.sizes.drainJobs,
    workers: count,
    clear: true,
    snapshot: false,
    warmUp: WARM_UP,
  }
  const drained = await drain(request).finally(() => sampler.stop())
  const waits = await sampler.result
  const system = `rowbeat × ${count}`
  const read = (metric: string, value: number): void =>
    bench.read({ scenario: 'pollers', system, metric, round, value })
  read('jobs/s', drained.steady)
  read('jobs/s, start-up counted', drained.ended / drained.seconds)
  read('samples with a lock wait', waits.locks)
  read('waiting backends per sample, light-weight locks', waits.lightLocks / Math.max(1, waits.samples))
}

interface Waits {
  samples: number
  /** Samples in which at least one worker waited for a row, transaction or object lock. */
  locks: number
  /** Sum over the samples of workers that waited for an internal lock of the server. */
  lightLocks: number
}

/** Looks at pg_stat_activity from another database until stopped. */
function sampleWaits(url: string, database: string): { stop(): void; readonly result: Promise<Waits> } {
  let stopped = false
  const result = withClient(url, async (client) => {
    const waits: Waits = { samples: 0, locks: 0, lightLocks: 0 }
    while (!stopped) {
      const { rows } = await client.query<{ locks: number; light: number; active: number }>(
        `select count(*) filter (where wait_event_type = 'Lock')::integer as locks,
       count(*) filter (where wait_event_type = 'LWLock')::integer as light,
       count(*) filter (where state = 'active')::integer as active
from pg_stat_activity
where datname = $1
  and application_name = 'rowbeat-bench-engine'`,
        [database],
      )
      const row = rows[0]
      if (row !== undefined && row.active > 0) {
        waits.samples += 1
        waits.locks += row.locks > 0 ? 1 : 0
        waits.lightLocks += row.light
      }
      await sleep(SAMPLE_EVERY_MS)
    }
    return waits
  })
  result.catch(() => undefined)
  return {
    stop: () => {
      stopped = true
    },
    result,
  }
}
