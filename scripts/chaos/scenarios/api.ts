/** The whole program, and what its API says while the database goes away and servers die. */
import { startDemo } from '../../../demo/start.ts'
import { type App, startApp } from '../apps.ts'
import { type Asker, startAsker } from '../asker.ts'
import { checkFinal, checkReadiness, type Loss, type StoredExecution } from '../checker-answers.ts'
import { sleep, waitFor } from '../clock.ts'
import { withClient } from '../ledger.ts'
import { startProxy, type Wire } from '../proxy.ts'
import { createRandom, type Random } from '../random.ts'
import type { Problem, Scenario, Stage } from '../scenario.ts'
import { withPort } from '../server.ts'

/** A server of the API with its own way to the database. */
interface Seat {
  readonly wire: Wire
  readonly settings: Readonly<Record<string, string>>
  app: App
}

interface Scene {
  readonly asker: Asker
  readonly losses: readonly Loss[]
}

const scenes = new WeakMap<Stage, Scene>()

const SEATS = 2
/** Audits of sites that do not answer: short, and they fail, as they should say. */
const DEAD_SITES = 40
/** Beyond the ten seconds after which readiness must say it. */
const LOSS_MS = [11_500, 16_000] as const
const ENDED_MS = 90_000
const READY_AGAIN_MS = 31_000
const STOP_MS = 20_000

export const api: Scenario = {
  name: 'api',
  guarantee:
    'Ready is false within 10 s of losing the database and true within 30 s of its return; no answer goes back; every acknowledged audit ends and says so, on all servers, also when these are killed.',
  daemons: 1,
  load: { perSecond: 3 },
  run: async (stage) => {
    const demo = await startDemo()
    stage.onEnd(() => demo.close())
    const dead = Array.from({ length: DEAD_SITES }, (_, at) => `dead-${at}.test`)
    const settings = {
      OUTBOUND_HOST_MAP: [demo.hostMap, ...dead.map((host) => `${host}=127.0.0.1:9`)].join(','),
      SEARCH_PROVIDER: 'searxng',
      SEARXNG_URL: demo.searxngUrl,
      MAX_SCRAPING_RETRIES: '2',
      SCRAPING_RETRY_WAIT_MIN: '1',
      SCRAPING_RETRY_WAIT_MAX: '1',
      ROWBEAT_SHUTDOWN_SECONDS: '3',
    }
    const seats: Seat[] = []
    for (let number = 1; number <= SEATS; number++) seats.push(await takeSeat(stage, number, settings))
    const asker = startAsker(() => seats.map((seat) => seat.app))
    stage.onEnd(() => asker.stop())
    const losses: Loss[] = []
    scenes.set(stage, { asker, losses })
    const lane = (purpose: string): Random => createRandom(stage.random.int(0, 2 ** 31), purpose)
    await Promise.all([
      orderAudits(stage, lane('audits'), asker, demo.clientDomain, dead),
      breakSeats(stage, lane('faults'), seats, losses),
    ])
    await awaitEnds(stage, asker, losses)
    await asker.stop()
    for (const problem of asker.problems) stage.problem(problem.check, problem.row)
    stage.fact(
      `${asker.acknowledged.size} audits acknowledged, ${asker.count()} statuses and ${asker.readiness.length} answers about readiness read`,
    )
    for (const { app } of seats) await endApp(stage, app)
  },
  inspect: async ({ stage }) => {
    const scene = scenes.get(stage)
    return scene === undefined ? [] : inspectScene(stage.url, scene)
  },
}

async function takeSeat(stage: Stage, number: number, more: Readonly<Record<string, string>>): Promise<Seat> {
  const wire = await startProxy(stage.server.port)
  stage.onEnd(() => wire.close())
  const settings = { ...more, DATABASE_URL: withPort(stage.url, wire.port) }
  const app = await startApp(`server ${number}`, settings)
  const seat: Seat = { wire, settings, app }
  stage.onEnd(async () => {
    seat.app.end('SIGKILL')
    await seat.app.exited
  })
  return seat
}

async function orderAudits(
  stage: Stage,
  random: Random,
  asker: Asker,
  client: string,
  dead: readonly string[],
): Promise<void> {
  for (const host of dead) {
    if (stage.leftMs() <= 0) return
    await asker.order(host)
    if (random.chance(0.3)) await asker.order(client)
    await sleep(random.int(200, 1_200))
  }
}

async function breakSeats(
  stage: Stage,
  random: Random,
  seats: readonly Seat[],
  losses: Loss[],
): Promise<void> {
  await sleep(1_000)
  for (let number = 1; stage.leftMs() > 0; number++) {
    const seat = random.pick(seats)
    // Both kinds of loss come in every run that is long enough.
    const kind = (['silence', 'refusal', 'kill'] as const)[number % 3] ?? 'kill'
    if (kind === 'kill') await killSeat(stage, seat, `server ${SEATS + number}`)
    else await loseDatabase(stage, random, seat, kind, losses)
    await sleep(random.int(500, 3_000))
  }
}

async function killSeat(stage: Stage, seat: Seat, name: string): Promise<void> {
  stage.fault(`kill -9 of ${seat.app.name}`)
  seat.app.end('SIGKILL')
  await seat.app.exited
  seat.app = await startApp(name, seat.settings)
  stage.fault(`${name} in its place`)
}

async function loseDatabase(
  stage: Stage,
  random: Random,
  { wire, app }: Seat,
  kind: 'silence' | 'refusal',
  losses: Loss[],
): Promise<void> {
  const ms = random.int(...LOSS_MS)
  // The worst moment: in the middle of an answer about readiness.
  if (kind === 'silence') await swallowAt(wire, /schema_migrations/)
  const fromMs = performance.now()
  if (kind === 'refusal') {
    // Nothing listens at the discard port.
    wire.retarget(9)
    wire.resetAll()
  }
  stage.fault(`${app.name} cannot reach its database (${kind}) for ${ms} ms`)
  await sleep(ms)
  losses.push({ server: app.name, fromMs, toMs: performance.now() })
  if (kind === 'silence') wire.swallow(false)
  else wire.retarget(stage.server.port)
  stage.fault(`${app.name} can reach it again`)
}

/** Lets nothing pass from the first packet on that matches; from now on when there is none for a while. */
async function swallowAt(wire: Wire, pattern: RegExp): Promise<void> {
  let swallows = false
  wire.cutWhen((packet) => {
    if (swallows || !pattern.test(packet)) return null
    swallows = true
    wire.swallow(true)
    return null
  })
  await waitFor(() => swallows, 3_000, 5)
  wire.cutWhen(null)
  wire.swallow(true)
}

/** Waits until every audit has ended and every server had its time to be ready again. */
async function awaitEnds(stage: Stage, asker: Asker, losses: readonly Loss[]): Promise<void> {
  const begun = performance.now()
  const over = (): boolean =>
    [...asker.acknowledged.keys()].every((id) => asker.answers.get(id)?.hasEnded === true)
  await waitFor(over, ENDED_MS, 200)
  stage.fact(`every audit had ended ${((performance.now() - begun) / 1_000).toFixed(1)} s after the faults`)
  const lastMs = Math.max(0, ...losses.map((loss) => loss.toMs))
  const settled = (): boolean => {
    const last = new Map(asker.readiness.map((one) => [one.server, one]))
    const isReady = (loss: Loss): boolean => {
      const one = last.get(loss.server)
      return one?.status === 200 && one.askedMs > loss.toMs
    }
    return losses.every(isReady)
  }
  await waitFor(() => settled() || performance.now() > lastMs + READY_AGAIN_MS, READY_AGAIN_MS, 200)
}

async function endApp(stage: Stage, app: App): Promise<void> {
  app.end('SIGTERM')
  const ended = await Promise.race([app.exited, sleep(STOP_MS)])
  if (ended?.code !== 0)
    stage.problem(
      'SIGTERM ends with 0',
      `${app.name} ended with ${JSON.stringify(ended)}: ${app.output().slice(-300)}`,
    )
}

async function inspectScene(url: string, { asker, losses }: Scene): Promise<readonly Problem[]> {
  const stored = await withClient(url, async (client) => {
    const { rows } = await client.query<StoredExecution & { subject: string }>(
      `select e.execution_id as id, e.subject, e.status,
              (select coalesce(jsonb_agg(jsonb_build_object('status', j.status, 'critical', j.critical)), '[]')
               from rowbeat.scheduled_jobs j where j.parent_execution_id = e.execution_id) as steps
       from rowbeat.workflow_executions e
       where e.workflow_type = 'audit_orchestrator'`,
    )
    return rows
  })
  const answers = new Map([...asker.acknowledged.keys()].map((id) => [id, asker.answers.get(id) ?? null]))
  // Each of these was ordered once, with one key however often it was asked.
  const twice = stored
    .filter((one) => one.subject.startsWith('dead-'))
    .filter((one, at, all) => all.findIndex((other) => other.subject === one.subject) !== at)
    .map((one) => ({ check: 'asking again makes no second one', row: `a second audit of ${one.subject}` }))
  return [...checkReadiness(asker.readiness, losses), ...checkFinal(answers, stored), ...twice]
}
