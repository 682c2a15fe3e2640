/** Machines that vanish: no process is left to close its connections, and the server does not hear of it. */
import { sleep, waitFor } from '../clock.ts'
import { startProxy, type Wire } from '../proxy.ts'
import { countOf, HEAL_MS } from '../recovery.ts'
import type { Scenario, Stage } from '../scenario.ts'
import { addSchedule, checkSchedules, endSchedules } from '../schedules.ts'

/** Statements after which a transaction holds what others need, as they look on the wire. */
const HOLDING: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: 'firing a schedule', pattern: /lock_due_schedule\0/ },
  { what: 'settling steps', pattern: /lock_executions\0/ },
  { what: 'settling steps, all but COMMIT', pattern: /advance_executions\0/ },
  { what: 'taking work back', pattern: /(mark_lost_pollers|take_leases|take_back)\0/ },
]
/** Statements of the reaper come only when somebody died. */
const REACHED_MS = 8_000

export const hostLost: Scenario = {
  name: 'host-lost',
  guarantee:
    'A machine that vanishes in the middle of a transaction, its connections open for good, stops schedules, executions and the reaper for 30 s at most.',
  daemons: 2,
  load: { perSecond: 10 },
  run: async (stage) => {
    await addSchedule(stage.url, { name: 'each_second', cron: '* * * * * *', everySeconds: 1 })
    const wires: Wire[] = []
    do {
      wires.push(await loseOne(stage))
    } while (stage.leftMs() > 0)
    await endTransactions(stage)
    await endSchedules(stage)
    for (const wire of wires) await wire.close()
    stage.fault('the server learns that the machines are gone')
  },
  inspect: ({ stage, history }) => checkSchedules(stage.url, history),
}

async function loseOne(stage: Stage): Promise<Wire> {
  const proxy = await startProxy(stage.server.port)
  stage.onEnd(() => proxy.close())
  const doomed = await stage.startDaemon({ port: proxy.port })
  const { what, pattern } = stage.random.pick(HOLDING)
  let lost = false
  const vanish = (): void => {
    lost = true
    // Nothing passes any more and nothing is closed, whatever becomes of the process.
    proxy.swallow(true)
    doomed.end('SIGKILL')
  }
  let found = false
  proxy.cutWhen((packet) => {
    if (found || !pattern.test(packet)) return null
    found = true
    // The packet itself goes on: the server does as it says.
    setImmediate(vanish)
    return null
  })
  await waitFor(() => lost, REACHED_MS, 5)
  if (!lost) vanish()
  await doomed.exited
  stage.fault(`the machine of ${doomed.name} vanished, ${what}`)
  await sleep(stage.random.int(500, 3_000))
  return proxy
}

const LEFT_OPEN = `select count(*)::integer as count from pg_stat_activity
  where datname = current_database() and state like 'idle in transaction%'
    and state_change < clock_timestamp() - interval '1 second'`

/** Nobody else may end what the lost machines have begun: the server must, by itself. */
async function endTransactions(stage: Stage): Promise<void> {
  const ended = await waitFor(async () => (await countOf(stage.url, LEFT_OPEN)) === 0, HEAL_MS, 100)
  if (!ended)
    stage.problem('work goes on within 30 s of healing', 'a transaction of a lost machine is still open')
}
