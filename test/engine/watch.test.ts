import type pg from 'pg'
import { describe, expect, it } from 'vitest'
import { createRegistry } from '../../src/core/registry.ts'
import type { Attempt } from '../../src/engine/attempt.ts'
import { createEvents } from '../../src/engine/events.ts'
import type { Poller } from '../../src/engine/poller.ts'
import { TIMING } from '../../src/engine/timing.ts'
import { createWatch } from '../../src/engine/watch.ts'
import { until } from '../support/wait.ts'
import { gate, useEngines } from './harness.ts'

const engines = useEngines()
const soon = { timeoutMs: 8_000 }

describe('the watch over running attempts', () => {
  it('fires signals and stores reports while somebody holds the row of one that reports', async () => {
    const [held, reporting] = [gate(), gate()]
    const reports: (() => void)[] = []
    const started = await engines.start({
      jobs: {
        hold: held.run,
        report: (context) => {
          reports.push(() => context.progress({ done: 1, total: 2, unit: 'pages' }))
          return reporting.run(context)
        },
      },
    })
    const [locked = '', free = '', cancelled = ''] = await engines.add(
      { jobType: 'report' },
      { jobType: 'report' },
      { jobType: 'hold' },
    )
    started.engine.wake('default', 0)
    await until(() => held.inside() === 1 && reporting.inside() === 2, { ...soon, what: 'all to run' })
    const client = await engines.pool.connect()
    try {
      await client.query('begin')
      await client.query('select from rowbeat.scheduled_jobs where id = $1 for update', [locked])
      for (const report of reports) report()
      await until(async () => (await engines.read(free)).progress === 50, { ...soon, what: 'the report' })
      await engines.pool.query(
        `update rowbeat.scheduled_jobs set status = 'cancelled', lease_id = null, finished_at = now()
         where id = $1`,
        [cancelled],
      )
      await until(() => held.reasons.length === 1, { timeoutMs: 2_000, what: 'the signal' })
    } finally {
      await client.query('rollback')
      client.release()
    }
    reporting.open()
    await engines.drained()
  })

  it('asks about every attempt, however many run', async () => {
    const attempts = Array.from({ length: 2_500 }, (_, at) => ({
      job: { id: String(at), leaseId: 'lease' },
      startedMs: performance.now() - 10_000,
      deadlineMs: Number.POSITIVE_INFINITY,
      progress: null,
    }))
    const asked = new Set<string>()
    let largest = 0
    const query = async ({ values }: { values: readonly unknown[] }) => {
      // However the ids are written.
      const ids = String(values[0]).match(/\d+/g) ?? []
      largest = Math.max(largest, ids.length)
      for (const id of ids) asked.add(id)
      return { rows: ids.map((id) => [id, 'lease']) }
    }
    const watch = createWatch({
      pool: { query } as unknown as pg.Pool,
      poller: { attempts: () => attempts as unknown as readonly Attempt[] } as unknown as Poller,
      registry: createRegistry({}),
      events: createEvents((error) => {
        throw error
      }),
      timing: TIMING,
    })
    watch.start()
    await until(() => asked.size === attempts.length, { timeoutMs: 3_000, what: 'all to be asked about' })
    await watch.stop()
    expect(largest).toBeLessThanOrEqual(1_000)
  })
})
