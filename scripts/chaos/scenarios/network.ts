/** The way to the database breaks. */
import { sleep } from '../clock.ts'
import { CUTS, startProxy, type Wire } from '../proxy.ts'
import type { DaemonOptions, Scenario, Stage } from '../scenario.ts'

/** Wire of each stage: its scenario is prepared and run by two functions. */
const proxies = new WeakMap<Stage, Wire>()

/** Puts a proxy of the stage's own between its daemons and the server. */
export async function throughProxy(stage: Stage): Promise<DaemonOptions> {
  const proxy = await startProxy(stage.server.port)
  proxies.set(stage, proxy)
  stage.onEnd(() => proxy.close())
  return { port: proxy.port }
}

/** The proxy that {@link throughProxy} started. */
export function proxyOf(stage: Stage): Wire {
  const proxy = proxies.get(stage)
  if (proxy === undefined) throw new Error('the stage has no proxy')
  return proxy
}

export const COMMIT = /Q[\s\S]{4}commit\0/

/** Packets whose fate decides whether something was committed, as they look on the wire. */
export const DECISIVE: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: 'COMMIT', pattern: COMMIT },
  { what: 'an exchange', pattern: /exchange_\d+\0/ },
  { what: 'a claim', pattern: /claim_\d+\0/ },
  { what: 'a settlement', pattern: /(complete|end_attempts|settle_attempts)\0/ },
]

export const cutInCommit: Scenario = {
  name: 'cut-in-commit',
  guarantee: 'A connection cut around COMMIT leaves open whether it counted; it counts once either way.',
  load: { perSecond: 12 },
  prepare: throughProxy,
  run: async (stage) => {
    const proxy = proxyOf(stage)
    let cuts = 0
    let quietUntil = 0
    proxy.cutWhen((packet) => {
      const decisive = DECISIVE.find(({ pattern }) => pattern.test(packet))
      const now = performance.now()
      // Cut after cut, nothing would ever get done that could be broken.
      if (decisive === undefined || now < quietUntil || !stage.random.chance(0.5)) return null
      const cut = stage.random.pick(CUTS)
      quietUntil = now + stage.random.int(100, 900)
      cuts += 1
      stage.fault(`cut ${decisive.what}: ${cut}`)
      return cut
    })
    await sleep(Math.max(0, stage.leftMs()))
    proxy.cutWhen(null)
    proxy.resetAll()
    if (cuts === 0) stage.problem('faults happen', 'no connection was cut')
  },
}

export const halfOpen: Scenario = {
  name: 'half-open',
  guarantee:
    'When packets vanish without a word, pollers notice, drop their work in time, and come back by themselves.',
  load: { perSecond: 8, longShare: 0.15 },
  prepare: throughProxy,
  run: async (stage) => {
    const proxy = proxyOf(stage)
    do {
      const ms = stage.random.pick([3_000, 9_000, 16_000, 22_000])
      proxy.swallow(true)
      stage.fault(`everything is swallowed for ${ms} ms`)
      await sleep(ms)
      proxy.swallow(false)
      stage.fault('packets pass again')
      await sleep(stage.random.int(1_000, 4_000))
    } while (stage.leftMs() > 0)
  },
}

export const badNetwork: Scenario = {
  name: 'bad-network',
  guarantee: 'A slow way to the database, with resets at any byte, costs speed and nothing else.',
  load: { perSecond: 8 },
  prepare: throughProxy,
  run: async (stage) => {
    const proxy = proxyOf(stage)
    do {
      const ms = stage.random.pick([0, 5, 30, 120])
      proxy.setLatency(ms)
      stage.fault(`latency ${ms} ms`)
      await sleep(stage.random.int(200, 1_500))
      if (stage.random.chance(0.5)) stage.fault(`reset ${proxy.resetAll()} connections`)
    } while (stage.leftMs() > 0)
    proxy.setLatency(0)
  },
}
