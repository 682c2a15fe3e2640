/** What careless handlers do, at random, beside innocent work. */
import { hostname } from 'node:os'
import { connect } from '../../../src/store/database.ts'
import { enqueueJobs } from '../../../src/store/jobs.ts'
import {
  checkCulprits,
  checkDeaths,
  checkInnocents,
  checkNamed,
  type Death,
  readCulprits,
} from '../checker-culprits.ts'
import { sleep, waitFor } from '../clock.ts'
import {
  CULPRIT_RETRY,
  CULPRIT_TYPE,
  type CulpritPlan,
  HARMLESS_KINDS,
  POISON_KINDS,
  STRAY_KINDS,
} from '../culprits.ts'
import type { Daemon } from '../daemons.ts'
import { withClient } from '../ledger.ts'
import { countOf } from '../recovery.ts'
import type { Scenario, Stage } from '../scenario.ts'

const DAEMONS = 3
/** Four deaths of each poison, each noticed when the lease of its poller has lapsed, and all daemons may be down. */
const CONVICTED_MS = 240_000
const ASK_MS = 1_000
const OPEN = `select count(*)::integer as count from rowbeat.scheduled_jobs
  where job_type = $1 and finished_at is null`

interface Case {
  readonly acknowledged: Map<string, CulpritPlan>
  readonly deaths: Death[]
  /** Jobs that doctor() named as suspects. */
  readonly named: Set<string>
}

const cases = new WeakMap<Stage, Case>()

export const usersCode: Scenario = {
  name: 'users-code',
  guarantee:
    'Whatever handlers return, report, throw, leave behind or kill, who did it ends with the code for it, and innocent jobs end as if they were alone.',
  daemons: 0,
  load: { perSecond: 8 },
  prepare: () => Promise.resolve({ culprits: true }),
  run: async (stage) => {
    const found: Case = { acknowledged: new Map(), deaths: [], named: new Set() }
    cases.set(stage, found)
    let over = false
    const isOver = (): boolean => over
    const act = async (): Promise<void> => {
      await addCulprits(stage, found)
      stage.fault(`no more culprits after ${found.acknowledged.size}`)
      await waitFor(async () => (await countOf(stage.url, OPEN, [CULPRIT_TYPE])) === 0, CONVICTED_MS, 250)
    }
    const lanes = Array.from({ length: DAEMONS }, () => keepRunning(stage, found, isOver))
    const works = [act(), askDoctor(stage, found, isOver), ...lanes]
    // Whoever ends first, by its end or by an error, ends the others too.
    const ends = works.map((work) =>
      work.finally(() => {
        over = true
      }),
    )
    await Promise.all(ends)
  },
  inspect: async ({ stage, history, effects }) => {
    const found = cases.get(stage)
    if (found === undefined) throw new Error('the scenario was not run')
    const { acknowledged, deaths, named } = found
    const count = (kinds: readonly string[]): number =>
      [...acknowledged.values()].filter((plan) => kinds.includes(plan.kind)).length
    stage.fact(
      `culprits: ${count(HARMLESS_KINDS)} that hurt themselves, ${count(STRAY_KINDS)} that left something behind, ${count(POISON_KINDS)} poison; ${deaths.length} daemons ended of them`,
    )
    return [
      ...checkCulprits(await readCulprits(stage.url), acknowledged),
      ...checkInnocents(history, effects),
      ...checkDeaths(deaths),
      ...checkNamed(acknowledged, named),
    ]
  },
}

/** One place of a daemon: whatever it dies of, another takes it, as a supervisor would see to. */
async function keepRunning(stage: Stage, found: Case, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const daemon = await stage.startDaemon()
    await waitFor(() => daemon.ended() !== null || isOver(), Number.POSITIVE_INFINITY, 50)
    if (daemon.ended() !== null) found.deaths.push(await noteDeath(stage, daemon))
  }
}

async function noteDeath(stage: Stage, daemon: Daemon): Promise<Death> {
  const ended = await daemon.exited
  // Whether it was allowed to end is what the checker of deaths is for.
  daemon.doom()
  stage.fault(`${daemon.name} ended with ${JSON.stringify(ended.code ?? ended.signal)}`)
  const status = await withClient(stage.url, async (client) => {
    const { rows } = await client.query<{ status: string }>(
      'select status from rowbeat.pollers where name = $1 order by started_at desc limit 1',
      [`${hostname()}:${daemon.pid}`],
    )
    return rows[0]?.status ?? null
  })
  return { name: daemon.name, ended, texts: daemon.texts(), status }
}

/** Culprits until the time of faults is over: many that hurt only themselves, now and then one that kills. */
async function addCulprits(stage: Stage, { acknowledged }: Case): Promise<void> {
  const { random } = stage
  const connections = connect({ url: stage.url, max: 1, applicationName: 'rowbeat chaos users' })
  const add = async (kinds: readonly string[]): Promise<void> => {
    const plans = kinds.map((kind): CulpritPlan => ({ kind, key: `c${acknowledged.size} ${kind}` }))
    const ids = await enqueueJobs(
      connections.pool,
      plans.map((payload) => ({
        jobType: CULPRIT_TYPE,
        payload,
        maxRetries: CULPRIT_RETRY.delays.length,
        priority: random.pick([0, 0, 5]),
      })),
    )
    for (const [at, id] of ids.entries()) {
      const plan = plans[at]
      if (id !== null && plan !== undefined) acknowledged.set(id, plan)
    }
  }
  try {
    // Every kind once, whatever the seed; a poison at once, for it takes the longest.
    await add([...HARMLESS_KINDS, random.pick(POISON_KINDS)])
    while (stage.leftMs() > 0) {
      await sleep(random.int(300, 1_500))
      await add(Array.from({ length: random.int(1, 6) }, () => random.pick(HARMLESS_KINDS)))
      const what = random.chance(0.08) ? STRAY_KINDS : random.chance(0.06) ? POISON_KINDS : null
      if (what === null) continue
      const kind = random.pick(what)
      await add([kind])
      stage.fault(`a job of kind ${kind}`)
    }
  } finally {
    await connections.close()
  }
}

/** Asks again and again whom doctor() suspects. */
async function askDoctor(stage: Stage, { named }: Case, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const evidence = await withClient(stage.url, async (client) => {
      const { rows } = await client.query<{ evidence: string }>(
        `select evidence from rowbeat.doctor() where code = 'pollers_died'`,
      )
      return rows.map((row) => row.evidence).join('\n')
    })
    for (const [, id] of evidence.matchAll(/job (\d+) \(/g)) if (id !== undefined) named.add(id)
    await sleep(ASK_MS)
  }
}
