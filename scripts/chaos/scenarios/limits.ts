/** Limits of queues while pollers die and sleep. */
import {
  checkHandlerRate,
  checkHandlers,
  checkLimits,
  checkRate,
  type Limits,
  type Rate,
} from '../checker-limits.ts'
import { sleep } from '../clock.ts'
import { withClient } from '../ledger.ts'
import { createRandom, type Random } from '../random.ts'
import { NotHere, type Scenario, type Stage } from '../scenario.ts'
import { killAgainAndAgain, stopAgainAndAgain } from './kills.ts'

export const LIMITS: Limits = { queue: 'limited', maxRunning: 6, maxPerKey: 2 }
const OFTEN: Rate = { queue: 'rated', max: 20, seconds: 2 }
const PER_MINUTE: Rate = { queue: 'per_minute', max: 10, seconds: 60 }
const KEYS = ['red', 'green', 'blue', 'grey', 'pink']
/** What is left of these when the load ends must end in time: so many minutes after it at most. */
const MINUTES_LEFT = 1

export const limitsKept: Scenario = {
  name: 'limits',
  guarantee:
    'No more run at any moment, in all and per key, and no more start in any window than a queue allows, over all pollers, also while these are killed and sleep past their leases.',
  load: { perSecond: 4 },
  run: async (stage) => {
    await setLimits(stage.url)
    for (const rate of [OFTEN, PER_MINUTE])
      stage.fault(`${rate.queue}: at most ${rate.max} in ${rate.seconds} s`)
    stage.fault(`${LIMITS.queue}: at most ${LIMITS.maxRunning}, ${LIMITS.maxPerKey} per key`)
    const lane = (purpose: string): Random => createRandom(stage.random.int(0, 2 ** 31), purpose)
    await Promise.all([
      killAgainAndAgain(stage, lane('kills'), [500, 4_000]),
      stopAgainAndAgain(stage, lane('stops')),
      addLimited(stage, lane('jobs')),
    ])
  },
  inspect: ({ stage, history: { jobMoves }, effects }) => {
    const claims = (queue: string): number =>
      jobMoves.filter((move) => move.queue === queue && move.to === 'running').length
    stage.fact(
      [LIMITS, OFTEN, PER_MINUTE].map(({ queue }) => `${claims(queue)} claims of ${queue}`).join(', '),
    )
    return [
      ...checkLimits(jobMoves, LIMITS),
      ...checkHandlers(effects, jobMoves, LIMITS),
      ...[OFTEN, PER_MINUTE].flatMap((rate) => [
        ...checkRate(jobMoves, rate),
        ...checkHandlerRate(effects, jobMoves, rate),
      ]),
    ]
  },
}

async function addLimited({ load, leftMs, seconds }: Stage, random: Random): Promise<void> {
  const plans = (count: number, ms: number) => Array.from({ length: count }, () => load.plan({ ms }))
  // More than the limit lets through, for there must always be some that it holds back; no retries, which would
  // need slots of their own after the load.
  const slots = PER_MINUTE.max * (1 + Math.floor(seconds / PER_MINUTE.seconds) + MINUTES_LEFT)
  const minutely = Array.from({ length: slots }, () =>
    load.plan({ ms: random.int(0, 50), snoozes: 0, failures: 0, end: 'plain' }),
  )
  await load.add(minutely, { queue: PER_MINUTE.queue })
  while (leftMs() > 0) {
    await load.add(plans(random.int(1, 6), random.int(50, 600)), { queue: LIMITS.queue, keys: KEYS })
    await load.add(plans(random.int(1, 8), 0), { queue: OFTEN.queue })
    await sleep(random.int(200, 900))
  }
}

/** Jobs of the limited queue until the time of faults is over: more than it may run at once. */
export async function addToLimited({ load, leftMs }: Stage, random: Random): Promise<void> {
  while (leftMs() > 0) {
    const plans = Array.from({ length: random.int(1, 6) }, () => load.plan({ ms: random.int(50, 600) }))
    await load.add(plans, { queue: LIMITS.queue, keys: KEYS })
    await sleep(random.int(200, 900))
  }
}

const COLUMNS = `select from information_schema.columns
  where table_schema = 'rowbeat' and table_name = 'queues'
    and column_name in ('max_running', 'max_per_key', 'rate_max', 'rate_seconds')`

/** Writes the limits; throws {@link NotHere} when the database of this build has none. */
export async function setLimits(url: string): Promise<void> {
  await withClient(url, async (client) => {
    const { rows } = await client.query(COLUMNS)
    if (rows.length < 4) throw new NotHere('queues have no limits in this build')
    await client.query('insert into rowbeat.queues (name, max_running, max_per_key) values ($1, $2, $3)', [
      LIMITS.queue,
      LIMITS.maxRunning,
      LIMITS.maxPerKey,
    ])
    for (const { queue, max, seconds } of [OFTEN, PER_MINUTE])
      await client.query('insert into rowbeat.queues (name, rate_max, rate_seconds) values ($1, $2, $3)', [
        queue,
        max,
        seconds,
      ])
  })
}
