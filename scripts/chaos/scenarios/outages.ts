/** The database goes away, whole or in parts. */
import { sleep } from '../clock.ts'
import { withClient } from '../ledger.ts'
import type { Scenario } from '../scenario.ts'
import { startServer } from '../server.ts'

export const restarts: Scenario = {
  name: 'postgres-restarts',
  guarantee:
    'Postgres may crash every few seconds under load: what was acknowledged stays, and work goes on.',
  crashesServer: true,
  ownServer: (log) => startServer(log),
  load: { perSecond: 12 },
  run: async (stage) => {
    do {
      await stage.server.crash()
      stage.fault('Postgres stopped at once (immediate)')
      await sleep(stage.random.int(0, 1_500))
      await stage.server.start()
      stage.fault('Postgres accepts connections again')
      await sleep(stage.random.int(1_000, 6_000))
    } while (stage.leftMs() > 0)
  },
}

const BACKENDS = `select pid, application_name as name
  from pg_stat_activity
  where datname = current_database() and application_name like 'rowbeat %' and pid <> pg_backend_pid()
  order by state = 'active' desc, pid`

export const backendKilled: Scenario = {
  name: 'backend-killed',
  guarantee: 'A backend that is terminated, or killed so that Postgres recovers from a crash, costs nothing.',
  crashesServer: true,
  ownServer: (log) => startServer(log),
  load: { perSecond: 12 },
  run: async (stage) => {
    do {
      const hard = stage.random.chance(0.35)
      try {
        await withClient(stage.url, async (client) => {
          const { rows } = await client.query<{ pid: number; name: string }>(BACKENDS)
          if (rows.length === 0) return
          const backend = stage.random.pick(rows)
          if (hard) process.kill(backend.pid, 'SIGKILL')
          else await client.query('select pg_terminate_backend($1)', [backend.pid])
          stage.fault(`${hard ? 'kill -9 of' : 'terminated'} a backend of ${backend.name}`)
        })
      } catch (error) {
        // Our own connection goes with the others when one backend is killed.
        stage.fact(
          `the nemesis lost its connection: ${error instanceof Error ? error.message : String(error)}`,
        )
      }
      await sleep(hard ? stage.random.int(2_000, 6_000) : stage.random.int(50, 700))
    } while (stage.leftMs() > 0)
  },
}

export const listenLost: Scenario = {
  name: 'listen-lost',
  guarantee: 'Without LISTEN work is found by looking, and LISTEN comes back by itself.',
  load: { perSecond: 8 },
  run: async (stage) => {
    do {
      const { rowCount } = await withClient(stage.url, (client) =>
        client.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and application_name = 'rowbeat-listen'`,
        ),
      )
      stage.fault(`terminated ${rowCount} connections that listen`)
      await sleep(stage.random.int(100, 2_000))
    } while (stage.leftMs() > 0)
    const { listened, silent } = await waitForListening(stage.url)
    if (silent > 0) stage.problem('LISTEN comes back', `${silent} pollers listen no more, ${listened} do`)
  },
}

async function waitForListening(url: string): Promise<{ listened: number; silent: number }> {
  let seen = { listened: 0, silent: 1 }
  for (let tries = 0; tries < 120 && seen.silent > 0; tries++) {
    await sleep(250)
    seen = await withClient(url, async (client) => {
      const { rows } = await client.query<{ listened: number; silent: number }>(
        `select (count(*) filter (where listening))::integer as listened,
                (count(*) filter (where not listening))::integer as silent
         from rowbeat.pollers where status = 'live'`,
      )
      return rows[0] ?? { listened: 0, silent: 1 }
    })
  }
  return seen
}
