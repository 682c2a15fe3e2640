/** Schedules while everything around them breaks. */
import { sleep } from '../clock.ts'
import type { Daemon } from '../daemons.ts'
import { createRandom, type Random } from '../random.ts'
import type { Scenario, Stage } from '../scenario.ts'
import { addSchedule, type ChaosSchedule, checkSchedules, endSchedules } from '../schedules.ts'
import { findLibrary, shifted } from './clocks.ts'
import { killAgainAndAgain, stopAgainAndAgain } from './kills.ts'
import { COMMIT, proxyOf, throughProxy } from './network.ts'

const EVERY_SECOND = '* * * * * *'
const SCHEDULES: readonly ChaosSchedule[] = [
  { name: 'each_second', cron: EVERY_SECOND, everySeconds: 1 },
  // Every second job of it would begin while the one before works.
  { name: 'never_two', cron: EVERY_SECOND, everySeconds: 1, overlapPolicy: 'skip', ms: 1_400 },
  { name: 'spread', cron: '*/2 * * * * *', everySeconds: 2, jitterSeconds: 3, missedPolicy: 'all' },
]
const POLICIES = ['skip', 'latest', 'all'] as const

/** `library` is libfaketime when it is in no usual place; null: look there. */
export function cron(library: string | null): Scenario {
  return {
    name: 'cron',
    guarantee:
      'Each fire time makes one job at most and is never lost without a word, and what was missed follows its policy, with daemons killed, stopped, cut off in COMMIT and with wrong clocks.',
    daemons: 1,
    load: { perSecond: 5 },
    skewed: ['d2', 'd3'],
    prepare: throughProxy,
    run: async (stage) => {
      for (const schedule of SCHEDULES) await addSchedule(stage.url, schedule)
      const spared = await startOthers(stage, library)
      const lane = (purpose: string): Random => createRandom(stage.random.int(0, 2 ** 31), purpose)
      cutCommits(stage, lane('cuts'))
      await Promise.all([
        killAgainAndAgain(stage, lane('kills'), [500, 4_000], spared),
        stopAgainAndAgain(stage, lane('stops')),
        addOverdue(stage, lane('overdue')),
      ])
      const proxy = proxyOf(stage)
      proxy.cutWhen(null)
      proxy.resetAll()
      await endSchedules(stage)
    },
    inspect: ({ stage, history }) => checkSchedules(stage.url, history),
  }
}

/** Two daemons five minutes off where libfaketime is there, else two like the first. */
async function startOthers(stage: Stage, library: string | null): Promise<readonly Daemon[]> {
  const found = await findLibrary(library)
  if (found === null) stage.fact('skipped: wrong clocks, for libfaketime is not installed')
  const others: Daemon[] = []
  for (const by of ['+300', '-300']) {
    const more = found === null ? {} : { surroundings: shifted(found, by) }
    const daemon = await stage.startDaemon(more)
    others.push(daemon)
    if (found !== null) stage.fault(`the clock of ${daemon.name} is ${by} s off`)
  }
  return found === null ? [] : others
}

function cutCommits(stage: Stage, random: Random): void {
  let quietUntil = 0
  proxyOf(stage).cutWhen((packet) => {
    const now = performance.now()
    if (now < quietUntil || !COMMIT.test(packet) || !random.chance(0.3)) return null
    const cut = random.pick(['before', 'after', 'answer'] as const)
    quietUntil = now + random.int(300, 1_500)
    stage.fault(`cut COMMIT: ${cut}`)
    return cut
  })
}

/** Schedules that nothing has looked at for minutes, one policy after the other: all daemons fall upon them. */
async function addOverdue(stage: Stage, random: Random): Promise<void> {
  for (let number = 1; stage.leftMs() > 0; number++) {
    const missedPolicy = POLICIES[number % POLICIES.length] ?? 'all'
    const overdueMinutes = random.int(3, 20)
    await addSchedule(stage.url, {
      name: `overdue_${missedPolicy}_${number}`,
      cron: '* * * * *',
      everySeconds: 60,
      missedPolicy,
      missedCap: random.int(1, 8),
      overlapPolicy: random.chance(0.3) ? 'skip' : 'allow',
      overdueMinutes,
    })
    stage.fault(`a schedule with policy ${missedPolicy} that nothing looked at for ${overdueMinutes} min`)
    await sleep(random.int(400, 2_500))
  }
}
