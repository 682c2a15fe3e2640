/** Limits of queues while pollers die. */
import { sleep } from '../clock.ts'
import type { History, JobMove } from '../history.ts'
import { withClient } from '../ledger.ts'
import { NotHere, type Problem, type Scenario, type Stage } from '../scenario.ts'

export interface Limits {
  readonly queue: string
  readonly maxRunning: number
  readonly maxPerKey: number
}

export interface Rate {
  readonly queue: string
  readonly max: number
  readonly seconds: number
}

const LIMITS: Limits = { queue: 'limited', maxRunning: 6, maxPerKey: 2 }
const RATE: Rate = { queue: 'rated', max: 20, seconds: 2 }
const KEYS = ['red', 'green', 'blue', 'grey', 'pink']
/** Between the decision of a claim and the note of our trigger, on a busy machine. */
const RATE_SLACK_MS = 500

const CHECK = 'limits are kept'

/**
 * Moments at which more jobs ran than allowed, by the committed history. An end is noted before its commit and a
 * claim after it saw who runs, so a claim that kept the limit is never counted as one too many.
 */
export function checkLimits(moves: readonly JobMove[], limits: Limits): Problem[] {
  const running = new Map<string, string | null>()
  const problems: Problem[] = []
  const inOrder = moves.filter((move) => move.queue === limits.queue).sort((a, b) => a.atMs - b.atMs)
  for (const { jobId, key, to } of inOrder) {
    if (to !== 'running') {
      running.delete(jobId)
      continue
    }
    running.set(jobId, key)
    const ofKey = [...running.values()].filter((other) => other === key).length
    if (running.size > limits.maxRunning)
      problems.push({
        check: CHECK,
        row: `job ${jobId} made ${running.size} of ${limits.maxRunning} running`,
      })
    if (key !== null && ofKey > limits.maxPerKey)
      problems.push({
        check: CHECK,
        row: `job ${jobId} made ${ofKey} of ${limits.maxPerKey} running for ${key}`,
      })
  }
  return problems
}

/** Windows in which more jobs started than the rate allows. */
export function checkRate(moves: readonly JobMove[], rate: Rate): Problem[] {
  const starts = moves
    .filter((move) => move.queue === rate.queue && move.from === 'pending' && move.to === 'running')
    .map((move) => move.atMs)
    .sort((a, b) => a - b)
  const windowMs = rate.seconds * 1_000 - RATE_SLACK_MS
  return starts.flatMap((startMs, at) => {
    const first = starts[at - rate.max]
    if (first === undefined || startMs - first >= windowMs) return []
    return [
      {
        check: CHECK,
        row: `${rate.max + 1} starts of ${rate.queue} within ${Math.round(startMs - first)} ms`,
      },
    ]
  })
}

export const limitsKept: Scenario = {
  name: 'limits',
  guarantee: 'Limits of a queue hold over all pollers, also while these are killed.',
  load: { perSecond: 4 },
  run: async (stage) => {
    await setLimits(stage)
    while (stage.leftMs() > 0) {
      await addLimited(stage)
      if (stage.random.chance(0.3)) {
        const alive = stage.daemons.filter((one) => one.ended() === null)
        const victim = stage.random.pick(alive)
        victim.end('SIGKILL')
        stage.fault(`kill -9 of ${victim.name}`)
        await stage.startDaemon()
      }
      await sleep(stage.random.int(200, 900))
    }
  },
  inspect: ({ jobMoves }: History) => [...checkLimits(jobMoves, LIMITS), ...checkRate(jobMoves, RATE)],
}

async function addLimited({ load, random }: Stage): Promise<void> {
  const plans = (count: number, ms: number) => Array.from({ length: count }, () => load.plan({ ms }))
  await load.add(plans(random.int(1, 6), random.int(50, 600)), { queue: LIMITS.queue, keys: KEYS })
  await load.add(plans(random.int(1, 8), 0), { queue: RATE.queue })
}

async function setLimits(stage: Stage): Promise<void> {
  await withClient(stage.url, async (client) => {
    const { rows } = await client.query(
      `select from information_schema.columns
       where table_schema = 'rowbeat' and table_name = 'queues'
         and column_name in ('max_running', 'max_per_key', 'rate_max', 'rate_seconds')`,
    )
    if (rows.length < 4) throw new NotHere('queues have no limits in this build')
    await client.query('insert into rowbeat.queues (name, max_running, max_per_key) values ($1, $2, $3)', [
      LIMITS.queue,
      LIMITS.maxRunning,
      LIMITS.maxPerKey,
    ])
    await client.query('insert into rowbeat.queues (name, rate_max, rate_seconds) values ($1, $2, $3)', [
      RATE.queue,
      RATE.max,
      RATE.seconds,
    ])
  })
  stage.fault(
    `${LIMITS.queue}: at most ${LIMITS.maxRunning}, ${LIMITS.maxPerKey} per key; ${RATE.queue}: ${RATE.max} in ${RATE.seconds} s`,
  )
}
