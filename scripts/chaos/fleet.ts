/** All daemons of a scenario: started again when the database was away, stopped together at the end. */
import { sleep, waitFor } from './clock.ts'
import { type Daemon, spawnDaemon, untilReady } from './daemons.ts'
import type { DaemonOptions, Problem } from './scenario.ts'
import { withPort } from './server.ts'
import type { Arena } from './stage.ts'

export interface Fleet {
  readonly daemons: readonly Daemon[]
  start(options: DaemonOptions): Promise<Daemon>
  /** SIGTERM to all that run; what does not end in time and with code 0 is a problem. */
  stopAll(problems: Problem[]): Promise<void>
  killAll(): Promise<void>
}

export const POOL_MAX = 8
export const DRAIN_MS = 6_000
/** The longest job of the load is shorter than the drain, its settlement and the last words need a little more. */
const STOP_MS = DRAIN_MS + 12_000
const CONCURRENCY = 24
const START_TRIES = 20

export function createFleet(options: {
  readonly arena: Arena
  readonly url: string
  readonly run: string
}): Fleet {
  const { arena, url, run } = options
  const daemons: Daemon[] = []

  const spawnOne = (given: DaemonOptions): Daemon => {
    const databaseUrl = given.port === undefined ? url : withPort(url, given.port)
    const daemon = spawnDaemon(
      {
        root: given.root ?? arena.root,
        name: `d${daemons.length + 1}`,
        run,
        databaseUrl,
        listenUrl:
          given.listens === false
            ? null
            : given.listenPort === undefined
              ? databaseUrl
              : withPort(url, given.listenPort),
        ledgerUrl: arena.ledgerUrl,
        concurrency: CONCURRENCY,
        poolMax: POOL_MAX,
        drainMs: DRAIN_MS,
        failpoints: given.failpoints ?? [],
        culprits: given.culprits ?? false,
      },
      given.surroundings,
    )
    if ((given.failpoints ?? []).length > 0) daemon.doom()
    daemons.push(daemon)
    return daemon
  }

  return {
    daemons,
    start: async (given) => {
      for (let tries = 1; ; tries++) {
        const daemon = spawnOne(given)
        // One that is to die at a statement of its start never works.
        if ((await untilReady(daemon)) || daemon.isDoomed()) return daemon
        if (tries >= START_TRIES) throw new Error(`no daemon starts: ${daemon.output().slice(-600)}`)
        daemon.end('SIGKILL')
        await sleep(500)
      }
    },
    stopAll: async (problems) => {
      const running = daemons.filter((one) => one.ended() === null)
      for (const daemon of running) daemon.end('SIGTERM')
      await waitFor(() => running.every((one) => one.ended() !== null), STOP_MS)
      for (const daemon of running) {
        const ended = daemon.ended()
        if (ended?.code === 0) continue
        const how =
          ended === null ? `does not end within ${STOP_MS / 1_000} s` : `ended with ${JSON.stringify(ended)}`
        problems.push({
          check: 'SIGTERM ends with 0',
          row: `${daemon.name} ${how} ${daemon.output().slice(-300)}`,
        })
      }
    },
    killAll: async () => {
      const running = daemons.filter((one) => one.ended() === null)
      for (const daemon of running) daemon.end('SIGKILL')
      await Promise.all(running.map((one) => one.exited))
    },
  }
}
