/** What eight pollers ask of the database while there is nothing to do. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench, Scenario } from '../bench.ts'
import { startChild, withChildren } from '../children.ts'
import { settleDatabase, withClient } from '../server.ts'
import { systemNamed } from '../systems/index.ts'

const POLLERS = 8
/** Start-up has its own statements. */
const SETTLE_MS = 5_000

export const idleScenario: Scenario = {
  name: 'idle',
  run: async (bench, round) => {
    for (const system of ['rowbeat', 'pg-boss', 'graphile-worker']) await measure(bench, round, system)
  },
}

async function measure(bench: Bench, round: number, system: string): Promise<void> {
  const url = await bench.databaseOf(system)
  const database = new URL(url).pathname.slice(1)
  await systemNamed(system).clear(url)
  await settleDatabase(url)
  await withClient(bench.server.watchUrl, async (client) => {
    await client.query('create extension if not exists pg_stat_statements')
    // Read by connections as they open: only those of the workers below count their statements.
    await client.query(`alter database ${database} set pg_stat_statements.track = 'top'`)
    const start = () => startChild(system, url, { kind: 'work', mode: 'idle' })
    try {
      await withChildren(
        Array.from({ length: POLLERS }, () => start),
        async (children) => {
          await Promise.all(children.map((child) => child.start()))
          await sleep(SETTLE_MS)
          await client.query('select pg_stat_statements_reset()')
          await sleep(bench.sizes.idleSeconds * 1000)
          const { rows } = await client.query<{ calls: number }>(
            `select coalesce(sum(s.calls), 0)::double precision as calls
from pg_stat_statements s
join pg_database d on d.oid = s.dbid
where d.datname = $1`,
            [database],
          )
          const value = (rows[0]?.calls ?? 0) / bench.sizes.idleSeconds
          bench.read({
            scenario: 'idle',
            system: `${system} × ${POLLERS}`,
            metric: 'queries/s',
            round,
            value,
          })
        },
      )
    } finally {
      await client.query(`alter database ${database} reset pg_stat_statements.track`)
    }
  })
}
