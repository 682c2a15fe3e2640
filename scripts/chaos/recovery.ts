/** What must be true again after the faults have ended, and within which time. */
import { hostname } from 'node:os'
import { sleep, waitFor } from './clock.ts'
import { POOL_MAX } from './fleet.ts'
import { withClient } from './ledger.ts'
import type { Problem, Stage } from './scenario.ts'

/** Work must go on, and every daemon that lived through the fault must beat, within this. */
export const HEAL_MS = 30_000
/** How long all that is left may take, with back-offs and leases that must lapse first. */
const DRAIN_MS = 90_000
const LEASES_MS = 60_000
/** For both, when nothing goes on anyway. */
const STUCK_MS = 5_000
const PROBES = 6
const MEMORY_MAX_MIB = 400

type Problems = Problem[]

/** Waits for everything, and notes what does not come in time. */
export async function afterHealing(stage: Stage, problems: Problems): Promise<void> {
  const begun = performance.now()
  const within = (): number => Math.max(0, HEAL_MS - (performance.now() - begun))
  const check = 'work goes on within 30 s of healing'
  const probes = await addProbes(stage, within)
  const done = await waitFor(() => haveEnded(stage.url, probes), within(), 100)
  const seconds = ((performance.now() - begun) / 1_000).toFixed(1)
  if (probes.length === 0 || !done)
    problems.push({ check, row: `jobs added after healing have not ended in ${seconds} s` })
  else stage.fact(`work went on ${seconds} s after healing`)
  const deaf = await silentDaemons(stage, within)
  for (const row of deaf) problems.push({ check, row })
  await stage.load.stop()
  await drain(stage, done ? DRAIN_MS : STUCK_MS)
  await waitFor(
    async () => (await countOf(stage.url, 'select count(*)::integer as count from rowbeat.leases')) === 0,
    done ? LEASES_MS : STUCK_MS,
    200,
  )
  problems.push(...(await unbounded(stage)))
}

async function addProbes(stage: Stage, within: () => number): Promise<readonly string[]> {
  let probes: readonly string[] = []
  await waitFor(async () => {
    const plans = Array.from({ length: PROBES }, () =>
      stage.load.plan({ ms: 0, failures: 0, snoozes: 0, end: 'plain' }),
    )
    probes = await stage.load.add(plans)
    return true
  }, within())
  return probes
}

async function haveEnded(url: string, ids: readonly string[]): Promise<boolean> {
  return (
    (await countOf(
      url,
      'select count(*)::integer as count from rowbeat.scheduled_jobs where id = any ($1) and finished_at is null',
      [ids],
    )) === 0
  )
}

/** Daemons that run and do not beat as live and listening, although they had the time. */
async function silentDaemons(stage: Stage, within: () => number): Promise<readonly string[]> {
  const running = stage.daemons.filter((one) => one.ended() === null && one.isReady() && !one.isDoomed())
  let silent: readonly string[] = []
  await waitFor(
    async () => {
      const live = await withClient(stage.url, async (client) => {
        const { rows } = await client.query<{ name: string }>(
          `select name from rowbeat.pollers where status = 'live' and beat_at > clock_timestamp() - interval '8 seconds'`,
        )
        return rows.map((row) => row.name)
      })
      silent = running
        .filter((one) => !live.includes(`${hostname()}:${one.pid}`))
        .map((one) => `${one.name} does not beat`)
      return silent.length === 0
    },
    within(),
    200,
  )
  return silent
}

async function drain(stage: Stage, timeoutMs: number): Promise<void> {
  const open = `select (select count(*) from rowbeat.scheduled_jobs where status in ('waiting', 'pending', 'running'))
    + (select count(*) from rowbeat.workflow_executions where status in ('pending', 'running')) as count`
  const begun = performance.now()
  await waitFor(async () => Number(await countOf(stage.url, open)) === 0, timeoutMs, 250)
  stage.fact(`all had ended ${((performance.now() - begun) / 1_000).toFixed(1)} s after the load`)
}

async function unbounded(stage: Stage): Promise<Problems> {
  const problems: Problems = []
  // Connections of statements that were under way close a moment later.
  await sleep(500)
  const rows = await withClient(stage.url, async (client) => {
    const answer = await client.query<{ name: string; count: number }>(
      `select application_name as name, count(*)::integer as count
       from pg_stat_activity
       where datname = current_database() and application_name like 'rowbeat%'
       group by application_name`,
    )
    return answer.rows
  })
  const running = stage.daemons.filter((one) => one.ended() === null)
  for (const { name, count } of rows) {
    const most = name === 'rowbeat-listen' ? running.length : POOL_MAX
    if (count > most)
      problems.push({ check: 'connections are bounded', row: `${name} has ${count}, at most ${most}` })
  }
  let highest = 0
  for (const daemon of running) {
    const memory = (await daemon.memoryMiB()) ?? 0
    highest = Math.max(highest, memory)
    if (memory > MEMORY_MAX_MIB)
      problems.push({ check: 'memory is bounded', row: `${daemon.name} holds ${memory} MiB` })
  }
  stage.fact(
    `${rows.reduce((sum, row) => sum + row.count, 0)} connections at the end, largest daemon ${highest} MiB`,
  )
  return problems
}

export async function countOf(url: string, text: string, values: readonly unknown[] = []): Promise<number> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ count: number }>(text, [...values])
    return rows[0]?.count ?? 0
  })
}
