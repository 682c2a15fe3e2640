/** Daemons that die. */
import { sleep, waitFor } from '../clock.ts'
import { type Daemon, runCreator } from '../daemons.ts'
import { describeFailpoint, type Failpoint, MOMENTS, NAMED_STATEMENTS } from '../failpoints.ts'
import { withClient } from '../ledger.ts'
import { quietWalk } from '../load.ts'
import type { Random } from '../random.ts'
import type { Scenario, Stage } from '../scenario.ts'

/** Daemons of `stage` that run and may be killed. */
export function victims({ daemons }: Pick<Stage, 'daemons'>): Daemon[] {
  return daemons.filter((one) => one.ended() === null && !one.isDoomed())
}

export const killStorm: Scenario = {
  name: 'kill-storm',
  guarantee: 'Work of a poller that is killed at any moment is neither lost nor settled twice.',
  load: { perSecond: 12 },
  run: async (stage) => {
    while (stage.leftMs() > 0) {
      const victim = stage.random.pick(victims(stage))
      victim.end('SIGKILL')
      stage.fault(`kill -9 of ${victim.name}`)
      await sleep(stage.random.int(0, 400))
      await stage.startDaemon()
      await sleep(stage.random.int(50, 1_200))
    }
  },
}

export const failpoints: Scenario = {
  name: 'failpoints',
  guarantee: 'A poller may die before, during or after any statement, and each COMMIT counts once.',
  daemons: 1,
  load: { perSecond: 12, longShare: 0.1 },
  run: async (stage) => {
    const points = drawPoints(stage)
    const lane = async (): Promise<void> => {
      for (const point of points) {
        if (stage.leftMs() <= 0) return
        await dieAt(stage, point)
      }
    }
    await Promise.all([lane(), lane(), lane()])
  },
}

/** Starts a daemon that dies at `point`; kills it when it does not get there. */
async function dieAt(stage: Stage, point: Failpoint): Promise<void> {
  const doomed = await stage.startDaemon({ failpoints: [point] })
  // Statements of upkeep come seldom, and some only when another poller was lost.
  if (await waitFor(() => doomed.ended() !== null, Math.max(0, Math.min(15_000, stage.leftMs())))) {
    stage.fault(`died ${describeFailpoint(point)}`)
    return
  }
  doomed.end('SIGKILL')
  stage.fault(`kill -9, not reached: ${describeFailpoint(point)}`)
}

/** Every statement and moment in a drawn order, again and again with later runs of the statement. */
function* drawPoints({ random }: Stage): Generator<Failpoint> {
  for (let round = 0; round < 20; round++) {
    const points = NAMED_STATEMENTS.flatMap((statement) => MOMENTS.map((moment) => ({ statement, moment })))
    while (points.length > 0) {
      const [point] = points.splice(random.int(0, points.length - 1), 1)
      if (point !== undefined) yield { ...point, nth: random.int(1, 3 + 5 * round) }
    }
  }
}

export const creatorKilled: Scenario = {
  name: 'creator-killed',
  guarantee:
    'An execution whose creator died around COMMIT exists whole or not at all; asking again makes no second one.',
  daemons: 2,
  load: { perSecond: 3 },
  run: async (stage) => {
    const root = new URL('../../../', import.meta.url).href
    for (let number = 1; stage.leftMs() > 0 && number <= 200; number++) {
      const subject = `creator ${number}`
      const point: Failpoint = {
        statement: stage.random.pick(['create_execution', 'commit']),
        moment: stage.random.pick(MOMENTS),
        nth: 1,
      }
      const inTransaction = point.statement === 'commit'
      const task = { root, databaseUrl: stage.url, subjects: [subject], inTransaction }
      const first = await runCreator({ ...task, failpoints: [point] }, 20_000)
      const second = await runCreator({ ...task, failpoints: [] }, 20_000)
      stage.fault(`creator died ${describeFailpoint(point)}`)
      const id = second.get(subject)
      if (first.size > 0)
        stage.problem('a failpoint is reached', `the creator survived ${describeFailpoint(point)}`)
      if (id === undefined) stage.problem('asking again succeeds', `no execution for ${subject}`)
      else stage.load.acknowledged.executions.set(id, quietWalk(subject))
    }
  },
}

export const sigstop: Scenario = {
  name: 'sigstop',
  guarantee: 'A poller that slept past its lease changes nothing when it wakes, and works on as a new one.',
  load: { perSecond: 10, longShare: 0.15 },
  run: (stage) => stopAgainAndAgain(stage, stage.random),
}

/** One daemon after the other sleeps past its lease and wakes, until the time of faults is over. */
export async function stopAgainAndAgain(stage: Stage, random: Random): Promise<void> {
  do {
    const sleeper = random.pick(victims(stage))
    const ms = random.int(11_500, 14_000)
    sleeper.pause()
    stage.fault(`SIGSTOP of ${sleeper.name} for ${ms} ms`)
    await sleep(ms)
    sleeper.resume()
    stage.fault(`SIGCONT of ${sleeper.name}`)
    await sleep(random.int(200, 1_500))
  } while (stage.leftMs() > 0)
}

/** Kills a daemon and starts another every so often, until the time of faults is over; never one of `spared`. */
export async function killAgainAndAgain(
  stage: Stage,
  random: Random,
  everyMs: readonly [least: number, most: number],
  spared: readonly Daemon[] = [],
): Promise<void> {
  while (stage.leftMs() > 0) {
    await sleep(Math.min(stage.leftMs(), random.int(...everyMs)))
    const victim = random.pick(victims(stage).filter((one) => !spared.includes(one)))
    victim.end('SIGKILL')
    stage.fault(`kill -9 of ${victim.name}`)
    await stage.startDaemon()
  }
}

export const sigterm: Scenario = {
  name: 'sigterm',
  guarantee: 'SIGTERM with work in hand ends with code 0, hands the work back, and costs no retry.',
  load: { perSecond: 10, longShare: 0.2 },
  run: async (stage) => {
    // Work that is certainly longer than the drain, so that some of it must be handed back.
    const slow = Array.from({ length: 12 }, () =>
      stage.load.plan({ ms: 9_000, snoozes: 0, failures: 0, end: 'result' }),
    )
    const ids = await stage.load.add(slow)
    do {
      await stage.startDaemon()
      const leaver = stage.random.pick(victims(stage))
      leaver.end('SIGTERM')
      stage.fault(`SIGTERM to ${leaver.name}`)
      const ended = await Promise.race([leaver.exited, sleep(20_000)])
      if (ended?.code !== 0)
        stage.problem('SIGTERM ends with 0', `${leaver.name} ended with ${JSON.stringify(ended)}`)
      await sleep(stage.random.int(200, 2_000))
    } while (stage.leftMs() > 0)
    await checkNoCost(stage, ids)
  },
}

async function checkNoCost(stage: Stage, ids: readonly string[]): Promise<void> {
  const { rows } = await withClient(stage.url, (client) =>
    client.query<{ id: string; retry_count: number }>(
      `select id, retry_count from rowbeat.scheduled_jobs
       where (id = any ($1) and retry_count > 0) or last_error_code = 'POLLER_LOST'`,
      [ids],
    ),
  )
  for (const row of rows)
    stage.problem('SIGTERM costs no retry', `job ${row.id} has ${row.retry_count} retries`)
}
