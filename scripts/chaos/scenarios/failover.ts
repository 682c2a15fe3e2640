/** The primary is lost and its standby takes over. */
import { sleep } from '../clock.ts'
import { startProxy, type Wire } from '../proxy.ts'
import type { Scenario } from '../scenario.ts'
import { findTools, type Pair, startPair } from '../standby.ts'

interface Switchable {
  readonly pair: Pair
  readonly proxy: Wire
}

/** What belongs to each server handed out; its port is that of the proxy before both. */
const switchables = new WeakMap<object, Switchable>()

export const failover: Scenario = {
  name: 'failover',
  guarantee:
    'When a synchronous standby is promoted, nothing acknowledged is lost, and work goes on without a restart.',
  crashesServer: true,
  load: { perSecond: 10 },
  cannotRun: async () =>
    (await findTools()) === null
      ? 'no Postgres 15 or newer with pg_basebackup is installed in /usr/lib/postgresql'
      : null,
  ownServer: async (log) => {
    const bin = await findTools()
    if (bin === null) throw new Error('the tools of Postgres have gone')
    const pair = await startPair(bin, log)
    const proxy = await startProxy(pair.port)
    const url = new URL(pair.url)
    url.port = String(proxy.port)
    const server = {
      ...pair,
      url: url.href,
      port: proxy.port,
      stop: async () => {
        await proxy.close()
        await pair.stop()
      },
    }
    switchables.set(server, { pair, proxy })
    return server
  },
  run: async (stage) => {
    const found = switchables.get(stage.server)
    if (found === undefined) throw new Error('the server has no standby')
    const { pair, proxy } = found
    await sleep(stage.leftMs() / 3)
    await pair.crash()
    stage.fault('the primary is lost')
    proxy.retarget(pair.standbyPort)
    proxy.resetAll()
    stage.fault('connections lead to the standby, which is read-only')
    await sleep(stage.random.int(1_000, 4_000))
    await pair.promote()
    stage.fault('the standby was promoted')
    await sleep(Math.max(1_000, stage.leftMs()))
  },
}
