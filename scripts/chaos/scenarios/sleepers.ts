/** Pollers that fall asleep exactly while a statement is under way. */
import { sleep, waitFor } from '../clock.ts'
import { startProxy } from '../proxy.ts'
import type { Scenario, Stage } from '../scenario.ts'
import { DECISIVE } from './network.ts'

/** Long enough that others take the work back and settle it: once short of the limit of a statement, once beyond. */
const SLEEPS_MS = [14_500, 17_000] as const

export const sleepInFlight: Scenario = {
  name: 'sleep-in-flight',
  guarantee:
    'A poller that falls asleep between a statement and its answer starts nothing that others have done since.',
  daemons: 3,
  load: { perSecond: 12 },
  run: async (stage) => {
    do {
      // One at a time: when many beats stop at once, nothing is taken back for a while.
      await sleepOnce(stage)
    } while (stage.leftMs() > 0)
  },
}

async function sleepOnce(stage: Stage): Promise<void> {
  const proxy = await startProxy(stage.server.port)
  stage.onEnd(() => proxy.close())
  const sleeper = await stage.startDaemon({ port: proxy.port })
  await sleep(stage.random.int(200, 1_500))
  const { what, pattern } = stage.random.pick(DECISIVE)
  const ms = stage.random.pick(SLEEPS_MS)
  let asleep = false
  proxy.cutWhen((packet) => {
    // The packet goes on: the server does its part, and the answer waits in the sleeper's socket.
    if (!asleep && pattern.test(packet)) {
      asleep = true
      sleeper.pause()
    }
    return null
  })
  const came = await waitFor(() => asleep, 8_000, 5)
  proxy.cutWhen(null)
  if (!came) return
  stage.fault(`SIGSTOP of ${sleeper.name} while ${what} is under way, for ${ms} ms`)
  await sleep(ms)
  sleeper.resume()
  stage.fault(`SIGCONT of ${sleeper.name}`)
}
