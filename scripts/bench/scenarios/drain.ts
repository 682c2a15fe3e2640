/** Draining a full queue: plain, under a held snapshot, and in a table of finished and future rows. */
import type { Bench, Scenario } from '../bench.ts'
import { drain } from '../draining.ts'
import { fillTable } from '../filling.ts'
import type { ScenarioName } from '../options.ts'
import { SYSTEMS } from '../systems/index.ts'

export const drainScenario: Scenario = {
  name: 'drain',
  run: async (bench, round) => {
    for (const system of SYSTEMS) await plainDrain(bench, round, system.name)
  },
}

export const snapshotScenario: Scenario = {
  name: 'snapshot',
  run: async (bench, round) => {
    for (const system of SYSTEMS) {
      await plainDrain(bench, round, system.name)
      await drainAndRead(bench, round, { scenario: 'snapshot', system: system.name, snapshot: true })
    }
  },
}

export const fullTableScenario: Scenario = {
  name: 'full-table',
  run: async (bench, round) => {
    await plainDrain(bench, round, 'rowbeat')
    const url = await bench.databaseFor('bench_rowbeat_full', (made) =>
      fillTable(made, bench.sizes, bench.say),
    )
    await drainAndRead(bench, round, { scenario: 'full-table', system: 'rowbeat', url })
  },
}

/** The yardstick of other scenarios: measured once in a round, whoever asks first. */
async function plainDrain(bench: Bench, round: number, system: string): Promise<void> {
  if (bench.find({ scenario: 'drain', system, metric: 'jobs/s', round }) !== undefined) return
  await drainAndRead(bench, round, { scenario: 'drain', system })
}

async function drainAndRead(
  bench: Bench,
  round: number,
  what: {
    readonly scenario: ScenarioName
    readonly system: string
    readonly snapshot?: boolean
    readonly url?: string
  },
): Promise<void> {
  const { scenario, system } = what
  const drained = await drain({
    system,
    url: what.url ?? (await bench.databaseOf(system)),
    jobs: bench.sizes.drainJobs,
    workers: 1,
    clear: what.url === undefined,
    snapshot: what.snapshot ?? false,
  })
  const read = (metric: string, value: number): void => bench.read({ scenario, system, metric, round, value })
  read('jobs/s', drained.ended / drained.seconds)
  read('WAL bytes per job', drained.walBytes / Math.max(1, drained.ended))
  read('ms from start to first handler', drained.startMs)
  if (!drained.finished)
    bench.note(`${scenario}: ${system} had not finished at its time limit in round ${round}.`)
}
