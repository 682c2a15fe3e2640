/** Jobs at the head of the queue that cannot run now must not slow down the others. */
import type { Bench, Scenario } from '../bench.ts'
import { drain } from '../draining.ts'
import { withClient } from '../server.ts'
import { HOLD_TYPE, JOB_TYPE, rowbeat } from '../systems/rowbeat.ts'

/** A type that no poller knows. */
const UNKNOWN_TYPE = 'bench_unknown'
const KEY = 'bench_key'

export const blockedHeadScenario: Scenario = {
  name: 'blocked-head',
  run: async (bench, round) => {
    const { headJobs } = bench.sizes
    await measure(bench, round, 'clear head')
    await measure(bench, round, 'unknown type at the head', (url) =>
      addHead(
        url,
        `insert into rowbeat.scheduled_jobs (job_type) select '${UNKNOWN_TYPE}' from generate_series(1, ${headJobs})`,
      ),
    )
    await measure(bench, round, 'key at its limit at the head', (url) => addKeyAtLimit(url, headJobs))
  },
}

/** A database of its own: the limit stays on its queue, and other scenarios measure a queue without one. */
function databaseOf(bench: Bench): Promise<string> {
  return bench.databaseFor('bench_rowbeat_blocked', (url) => rowbeat.prepare(url))
}

/** The first job takes the key and keeps it: it runs until its poller stops. */
async function addKeyAtLimit(url: string, headJobs: number): Promise<void> {
  await addHead(
    url,
    `insert into rowbeat.queues (name, max_per_key) values ('default', 1)
on conflict (name) do update set max_per_key = 1`,
    `insert into rowbeat.scheduled_jobs (job_type, concurrency_key) values ('${HOLD_TYPE}', '${KEY}')`,
    `insert into rowbeat.scheduled_jobs (job_type, concurrency_key)
select '${JOB_TYPE}', '${KEY}' from generate_series(1, ${headJobs})`,
  )
}

async function addHead(url: string, ...statements: readonly string[]): Promise<void> {
  await withClient(url, async (client) => {
    for (const statement of statements) await client.query(statement)
  })
}

async function measure(
  bench: Bench,
  round: number,
  head: string,
  before?: (url: string) => Promise<void>,
): Promise<void> {
  const drained = await drain({
    system: 'rowbeat',
    url: await databaseOf(bench),
    jobs: bench.sizes.otherJobs,
    workers: 1,
    clear: true,
    snapshot: false,
    ...(before === undefined ? {} : { before }),
  })
  const value = drained.ended / drained.seconds
  bench.read({ scenario: 'blocked-head', system: 'rowbeat', metric: `jobs/s, ${head}`, round, value })
}
