/** How a scenario is played, and what is checked when it is over. */
import { connect } from '../../src/store/database.ts'
import { migrate } from '../../src/store/migrate.ts'
import { checkAll, type Finding } from './checker.ts'
import { editedExecutions } from './checker-executions.ts'
import { sleep } from './clock.ts'
import type { Daemon } from './daemons.ts'
import { createFleet, type Fleet } from './fleet.ts'
import { type History, installHistory, readHistory } from './history.ts'
import { readLedger } from './ledger.ts'
import { startLoad } from './load.ts'
import { createRandom } from './random.ts'
import { afterHealing } from './recovery.ts'
import type { DaemonOptions, Problem, Scenario, Stage } from './scenario.ts'
import { createDatabase } from './server.ts'
import type { Arena } from './stage.ts'
import { watchExecutions } from './watcher.ts'
import { loadCore } from './workload.ts'

/** The load runs alone for so long before the first fault, so that there is something to break. */
const WARM_UP_MS = 1_000

export interface Play {
  readonly arena: Arena
  readonly scenario: Scenario
  readonly seed: number
  readonly seconds: number
  readonly facts: string[]
  readonly noteFault: (text: string) => void
  readonly ends: (() => Promise<void>)[]
}

/** Plays a scenario to its end; returns what was found. Throws what kept it from being played. */
export async function play(given: Play): Promise<Finding[]> {
  const { scenario } = given
  const set = await setStage(given)
  const { stage, fleet, problems } = set
  const { load } = stage
  set.base = (await scenario.prepare?.(stage)) ?? {}
  for (let count = scenario.daemons ?? 3; count > 0; count--) await stage.startDaemon()
  const watcher = watchExecutions(stage.url, () => [...load.acknowledged.executions.keys()])
  stage.onEnd(async () => void (await watcher.stop()))
  await sleep(WARM_UP_MS)
  set.faultsEndMs = performance.now() + given.seconds * 1_000
  await scenario.run(stage)
  given.noteFault('healed')
  await afterHealing(stage, problems)
  const watched = await watcher.stop()
  await fleet.stopAll(problems)
  stage.fact(`daemons told: ${countTexts(fleet)}`)
  const history = await readHistory(stage.url)
  return [
    ...gather([...problems, ...crashesOf(fleet), ...untrue(watched.problems, history)]),
    ...(await judge(given, set, history, watched.answers)),
  ]
}

interface Setting {
  readonly stage: Stage
  readonly fleet: Fleet
  readonly problems: Problem[]
  readonly run: string
  /** What every daemon is started with. */
  base: DaemonOptions
  faultsEndMs: number
}

let made = 0

/** The database of the scenario, its load and an empty fleet. */
async function setStage(given: Play): Promise<Setting> {
  const { arena, scenario, facts, ends } = given
  const fact = (text: string): void => void facts.push(text)
  const onEnd = (work: () => Promise<void>): void => void ends.push(work)
  const own = await scenario.ownServer?.(arena.log)
  if (own !== undefined) onEnd(() => own.stop())
  const server = own ?? arena.server
  made += 1
  const run = `chaos_${process.pid}_${made}`
  const url = await createDatabase(server.url, run)
  await (scenario.migrate ?? migrateHere)(url, { fact, onEnd })
  await installHistory(url)
  const fleet = createFleet({ arena, url, run })
  onEnd(() => fleet.killAll())
  const load = startLoad({
    url,
    core: await loadCore(arena.root),
    random: createRandom(given.seed, `${scenario.name} load`),
    perSecond: scenario.load?.perSecond ?? 8,
    longShare: scenario.load?.longShare ?? 0.05,
  })
  onEnd(() => load.stop())
  const problems: Problem[] = []
  const stage: Stage = {
    random: createRandom(given.seed, scenario.name),
    seconds: given.seconds,
    server,
    url,
    load,
    daemons: fleet.daemons,
    startDaemon: (more) => fleet.start({ ...set.base, ...more }),
    fault: given.noteFault,
    fact,
    problem: (check, row) => void problems.push({ check, row }),
    leftMs: () => set.faultsEndMs - performance.now(),
    onEnd,
  }
  const set: Setting = { stage, fleet, problems, run, base: {}, faultsEndMs: Number.POSITIVE_INFINITY }
  return set
}

/** What the API said that went back, unless somebody took an execution back by retrying one of its steps. */
function untrue(rows: readonly string[], history: History): Problem[] {
  const edited = [...editedExecutions(history)]
  return rows
    .filter((row) => !edited.some((id) => row.includes(id)))
    .map((row) => ({ check: 'the API is truthful', row }))
}

async function judge(
  given: Play,
  { stage, run }: Setting,
  history: History,
  answers: number,
): Promise<Finding[]> {
  const { load, daemons } = stage
  const effects = await readLedger(given.arena.ledgerUrl, run)
  const repeated = effects.filter((one) => one.deed === 'begin').length
  const refused = daemons.flatMap((one) => one.texts()).filter((text) => text.startsWith('refused')).length
  given.facts.push(
    `${load.acknowledged.jobs.size} jobs and ${load.acknowledged.executions.size} executions acknowledged, ${load.doubtful()} doubtful; ${history.jobs.length} jobs in the table, ${repeated} handler runs, ${refused} late settlements refused, ${answers} answers of the API read`,
  )
  if (history.broken === null) given.facts.push('rowbeat.assert_invariants() is not in this database')
  const common = checkAll({
    history,
    effects,
    acknowledgedJobs: load.acknowledged.jobs,
    acknowledgedExecutions: load.acknowledged.executions,
    serverCrashed: given.scenario.crashesServer === true,
    skewed: new Set(given.scenario.skewed ?? []),
  })
  return [...common, ...gather((await given.scenario.inspect?.({ stage, history, effects })) ?? [])]
}

async function migrateHere(url: string): Promise<void> {
  const connections = connect({ url, max: 1, applicationName: 'rowbeat chaos migrate' })
  try {
    await migrate(connections.pool)
  } finally {
    await connections.close()
  }
}

/** Daemons that ended although nobody told them to. */
function crashesOf(fleet: Fleet): Problem[] {
  const crashed = (daemon: Daemon): boolean =>
    daemon.ended() !== null && daemon.isReady() && !daemon.isDoomed()
  return fleet.daemons.filter(crashed).map((daemon) => ({
    check: 'no daemon ends by itself',
    row: `${daemon.name} ended with ${JSON.stringify(daemon.ended())}: ${daemon.output().slice(-600)}`,
  }))
}

/** The most frequent of what the daemons told, numbers and ids left out. */
function countTexts(fleet: Fleet): string {
  const counts = new Map<string, number>()
  for (const text of fleet.daemons.flatMap((daemon) => daemon.texts())) {
    const kind = text.replaceAll(/[0-9a-f-]{36}|\d+/g, '…').slice(0, 100)
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 8)
  return most.map(([text, count]) => `${count} × ${text}`).join('; ')
}

function gather(problems: readonly Problem[]): Finding[] {
  return [...new Set(problems.map((one) => one.check))].map((check) => {
    const rows = problems.filter((one) => one.check === check).map((one) => one.row)
    return { check, count: rows.length, rows: rows.slice(0, 8) }
  })
}
