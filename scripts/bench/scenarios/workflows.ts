/** Five-step workflows from their creation to their end, counted in the database. */
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { Bench, Scenario } from '../bench.ts'
import { type Child, startChild, withChildren } from '../children.ts'
import { monotonicMs } from '../clock.ts'
import { readWalBytes, settleDatabase, withClient } from '../server.ts'
import { DBOS_FACTS } from '../systems/dbos.ts'
import { systemNamed } from '../systems/index.ts'

const STEPS = 5
const CONNECTIONS = 8
/** Counting takes a share of a core, so not more often than the rate's error needs. */
const CHECK_EVERY_MS = 100

interface Run {
  readonly workflows: number
  readonly seconds: number
  readonly walBytes: number
}

export const workflowsScenario: Scenario = {
  name: 'workflows',
  run: async (bench, round) => {
    const { workflows, flowWorkflows, dbosWorkflows } = bench.sizes
    report(bench, round, 'rowbeat', await runQueued(bench, 'rowbeat', workflows), workflows)
    report(bench, round, 'pg-boss', await runQueued(bench, 'pg-boss', flowWorkflows), flowWorkflows)
    report(bench, round, DBOS_FACTS.name, await runDbos(bench, dbosWorkflows), dbosWorkflows)
  },
}

function report(bench: Bench, round: number, system: string, run: Run, asked: number): void {
  const read = (metric: string, value: number): void =>
    bench.read({ scenario: 'workflows', system, metric, round, value })
  read('workflows/s', run.workflows / run.seconds)
  read('steps/s', (run.workflows * STEPS) / run.seconds)
  read('WAL bytes per workflow', run.walBytes / Math.max(1, run.workflows))
  if (run.workflows < asked) {
    bench.note(
      `workflows: ${system} ended ${run.workflows} of ${asked} within ${bench.sizes.workflowSeconds} s in round ${round}; its rate is what it ended by then.`,
    )
  }
}

/** Workers run while a second process creates the workflows from eight connections. */
async function runQueued(bench: Bench, system: string, count: number): Promise<Run> {
  const url = await bench.databaseOf(system)
  const { endedWorkflowsSql, clear } = systemNamed(system)
  if (endedWorkflowsSql === null) throw new Error(`${system} has no workflows`)
  await clear(url)
  await settleDatabase(url)
  const seconds = bench.sizes.workflowSeconds
  const work = () => startChild(system, url, { kind: 'work', mode: 'workflows' })
  const create = () =>
    startChild(system, url, { kind: 'workflows', count, seconds, connections: CONNECTIONS })
  return withChildren([work, create], ([worker, creator]) =>
    withClient(url, async (client) => {
      if (worker === undefined || creator === undefined) throw new Error('a child did not start')
      await worker.start()
      return timeRun(client, creator, { count, seconds, endedSql: endedWorkflowsSql })
    }),
  )
}

async function timeRun(
  client: pg.Client,
  creator: Child,
  limits: { readonly count: number; readonly seconds: number; readonly endedSql: string },
): Promise<Run> {
  const walBefore = await readWalBytes(client)
  const begunMs = monotonicMs()
  const deadlineMs = begunMs + limits.seconds * 1000
  const created = creator.finish((limits.seconds + 60) * 1000)
  created.catch(() => undefined)
  let endedMs = begunMs
  let workflows = 0
  do {
    await sleep(CHECK_EVERY_MS)
    endedMs = monotonicMs()
    workflows = await countEnded(client, limits.endedSql)
  } while (workflows < limits.count && monotonicMs() < deadlineMs)
  await created
  return {
    workflows,
    seconds: (endedMs - begunMs) / 1000,
    walBytes: (await readWalBytes(client)) - walBefore,
  }
}

async function runDbos(bench: Bench, count: number): Promise<Run> {
  const url = await bench.databaseFor('bench_dbos', async () => undefined)
  const seconds = bench.sizes.workflowSeconds
  const run = () => startChild(DBOS_FACTS.name, url, { kind: 'dbos', count, seconds })
  return withChildren([run], ([runner]) =>
    withClient(url, async (client) => {
      if (runner === undefined) throw new Error('the runner did not start')
      await settleDatabase(url)
      const before = await countEnded(client, DBOS_FACTS.endedWorkflowsSql)
      const walBefore = await readWalBytes(client)
      const done = await runner.finish((seconds + 60) * 1000)
      const workflows = (await countEnded(client, DBOS_FACTS.endedWorkflowsSql)) - before
      return { workflows, seconds: done.seconds, walBytes: (await readWalBytes(client)) - walBefore }
    }),
  )
}

async function countEnded(client: pg.Client, endedSql: string): Promise<number> {
  const { rows } = await client.query<{ ended: number }>(endedSql)
  return rows[0]?.ended ?? 0
}
