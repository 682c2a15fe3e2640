/** Everything through PgBouncer in transaction mode, which breaks too. */
import { findPgBouncer, type PgBouncer, startPgBouncer } from '../../../test/support/pgbouncer.ts'
import { checkHandlers, checkLimits } from '../checker-limits.ts'
import { sleep } from '../clock.ts'
import { withClient } from '../ledger.ts'
import { createRandom, type Random } from '../random.ts'
import type { Scenario, Stage } from '../scenario.ts'
import { addSchedule, checkSchedules, endSchedules } from '../schedules.ts'
import { killAgainAndAgain } from './kills.ts'
import { addToLimited, LIMITS, setLimits } from './limits.ts'

/** Server connections for all daemons together: fewer than one of them would take for itself. */
const POOL_SIZE = 6

const bouncers = new WeakMap<Stage, PgBouncer>()

function bouncerOf(stage: Stage): PgBouncer {
  const bouncer = bouncers.get(stage)
  if (bouncer === undefined) throw new Error('the stage has no pooler')
  return bouncer
}

export const pooler: Scenario = {
  name: 'pooler',
  guarantee:
    'Jobs, executions, limits and schedules work through PgBouncer in transaction mode, which may crash like everything else.',
  daemons: 2,
  load: { perSecond: 10 },
  cannotRun: async () =>
    findPgBouncer() === null ? 'pgbouncer is not installed (apt-get install pgbouncer)' : null,
  prepare: async (stage) => {
    const bouncer = await startPgBouncer(stage.url, POOL_SIZE)
    bouncers.set(stage, bouncer)
    stage.onEnd(() => bouncer.close())
    return { port: Number(new URL(bouncer.through(stage.url)).port) }
  },
  run: async (stage) => {
    await setLimits(stage.url)
    await addSchedule(stage.url, { name: 'pooled_second', cron: '* * * * * *', everySeconds: 1 })
    // The direct line for LISTEN that the manual offers.
    const hearing = await stage.startDaemon({ listenPort: stage.server.port })
    stage.fault(`${hearing.name} listens past the pooler, the others hear nothing`)
    const lane = (purpose: string): Random => createRandom(stage.random.int(0, 2 ** 31), purpose)
    await Promise.all([
      breakPooler(stage, lane('pooler')),
      killAgainAndAgain(stage, lane('kills'), [3_000, 8_000]),
      addToLimited(stage, lane('jobs')),
    ])
    await endSchedules(stage)
  },
  inspect: async ({ stage, history, effects }) => [
    ...checkLimits(history.jobMoves, LIMITS),
    ...checkHandlers(effects, history.jobMoves, LIMITS),
    ...(await checkSchedules(stage.url, history)),
  ],
}

async function breakPooler(stage: Stage, random: Random): Promise<void> {
  const bouncer = bouncerOf(stage)
  while (stage.leftMs() > 0) {
    await sleep(Math.min(stage.leftMs(), random.int(800, 4_000)))
    if (random.chance(0.5)) {
      await endServerConnection(stage, random)
      continue
    }
    const ms = random.pick([0, 500, 2_000, 6_000])
    await bouncer.kill()
    stage.fault(`the pooler was killed, and is away for ${ms} ms`)
    await sleep(ms)
    await bouncer.restart()
    stage.fault('the pooler is back')
  }
}

async function endServerConnection(stage: Stage, random: Random): Promise<void> {
  await withClient(stage.url, async (client) => {
    const { rows } = await client.query<{ pid: number; name: string }>(
      `select pid, application_name as name from pg_stat_activity
       where datname = current_database() and application_name like 'rowbeat d%'
       order by state = 'active' desc, pid`,
    )
    if (rows.length === 0) return
    const { pid, name } = random.pick(rows)
    await client.query('select pg_terminate_backend($1)', [pid])
    stage.fault(`terminated a server connection, used last by ${name}`)
  })
}
