import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type EmbeddedPostgres, startEmbedded } from '../../src/store/embedded.ts'
import { useCleanUp } from '../support/clean-up.ts'
import { createTestDatabase } from '../support/database.ts'
import { closeServer, listenOnLoopback } from '../support/loopback.ts'
import { queryOnce } from '../support/sessions.ts'
import { until } from '../support/wait.ts'
import { type GatedDemo, startGatedDemo } from './gate.ts'
import { awaitEnd, postAudit, type Rowbeat, readStatus, startRowbeat, stepOf, stopAll } from './rowbeat.ts'
import { readStored } from './stored.ts'

const CLIENT = 'atelier-velo.test'
/** How long the database is away, and how long work may then take to go on. */
const OUTAGE_MS = 10_000
const RETURN_MS = 30_000

const cleanUp = useCleanUp('all')
afterAll(stopAll)

interface Outage {
  /** Takes the database away. */
  begin(): Promise<void>
  end(): Promise<void>
}

/** Waits until the process says of itself that it is ready, or that it is not. */
async function awaitReadiness(rowbeat: Rowbeat, wanted: number, timeoutMs: number): Promise<void> {
  const asWanted = async (): Promise<boolean> => {
    const answer = await fetch(`${rowbeat.url}/health/ready`, { signal: AbortSignal.timeout(8_000) })
    if (answer.status !== wanted) throw new Error(await answer.text())
    return true
  }
  await until(asWanted, { timeoutMs, what: `readiness to answer ${wanted}`, everyMs: 100 })
}

/** Runs an audit, takes the database away in the middle of it, and sees what becomes of both. */
async function runThrough(
  outage: Outage,
  urls: { readonly rowbeat: string; readonly direct: string },
  gated: GatedDemo,
): Promise<void> {
  const rowbeat = await startRowbeat({ ...gated.settings, DATABASE_URL: urls.rowbeat })
  const executionId = await postAudit(rowbeat.url, CLIENT)
  await until(() => gated.held() > 0, { timeoutMs: 90_000, what: 'the audit to be in the middle' })
  const before = await readStatus(rowbeat.url, CLIENT, executionId)
  expect(stepOf(before, 'client_scraping').status).toBe('running')

  await outage.begin()
  const gone = performance.now()
  await awaitReadiness(rowbeat, 503, 10_000)
  const asked = await fetch(`${rowbeat.url}/api/v1/sites/${CLIENT}/audit`)
  expect(asked.status).toBe(503)
  expect(asked.headers.get('retry-after')).not.toBeNull()
  expect(await asked.json()).toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
  expect((await fetch(`${rowbeat.url}/health/live`)).status).toBe(200)
  // The work goes on while the database is away, and cannot be written.
  gated.open()
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, OUTAGE_MS - (performance.now() - gone))))
  await outage.end()

  const back = performance.now()
  await awaitReadiness(rowbeat, 200, RETURN_MS)
  const goesOn = async (): Promise<boolean> => {
    const step = stepOf(await readStatus(rowbeat.url, CLIENT, executionId), 'client_scraping')
    return step.status === 'completed' || (step.status === 'running' && step.attempt > 1)
  }
  await until(goesOn, { timeoutMs: RETURN_MS, what: 'the work to go on', everyMs: 100 })
  expect(performance.now() - back).toBeLessThan(RETURN_MS)
  const status = await awaitEnd(rowbeat.url, CLIENT, executionId, 90_000)
  expect(status.overall_status).toBe('completed')
  const stored = await readStored(urls.direct, CLIENT)
  expect(stored).toMatchObject({ profiles: 1, trendRuns: 1, executions: ['completed'] })
  expect(stored.steps).toHaveLength(5)
  expect(stored.articleRows).toBe(stored.articles.length)
  await until(async () => (await queryOnce(urls.direct, 'select from rowbeat.leases')).length === 0, {
    timeoutMs: RETURN_MS,
    what: 'every lease to be given back',
    everyMs: 100,
  })
}

/** Holds the audit in the middle of scraping the client. */
async function holdScraping(): Promise<GatedDemo> {
  const gated = await startGatedDemo(
    ({ host, path, openings }) => host === CLIENT && openings === 2 && /^\/blog\/[m-z]/.test(path),
  )
  cleanUp.push(() => gated.close())
  return gated
}

/**
 * A way to the database that can be cut without a word, as when a firewall between forgets its connections: what is
 * sent is swallowed, nothing is closed, and a connection that met this stays dumb when the way is whole again.
 */
async function startWay(target: URL): Promise<{ port: number; swallow(on: boolean): void }> {
  const pairs = new Set<Pair>()
  let swallows = false
  const server = createServer((near) => {
    const pair: Pair = { near, far: connect(Number(target.port), target.hostname), isDumb: swallows }
    pairs.add(pair)
    passOn(pair, near, pair.far)
    passOn(pair, pair.far, near)
  })
  const port = await listenOnLoopback(server)
  cleanUp.push(async () => {
    for (const { near, far } of pairs) {
      near.destroy()
      far.destroy()
    }
    await closeServer(server)
  })
  return {
    port,
    swallow: (on) => {
      swallows = on
      if (on) for (const pair of pairs) pair.isDumb = true
    },
  }
}

interface Pair {
  readonly near: Socket
  readonly far: Socket
  isDumb: boolean
}

function passOn(pair: Pair, from: Socket, to: Socket): void {
  from.on('data', (bytes) => {
    if (!pair.isDumb && !to.destroyed) to.write(bytes)
  })
  from.on('error', () => undefined)
  from.on('close', () => {
    if (!pair.isDumb) to.destroy()
  })
}

describe('a database that is away for ten seconds in the middle of an audit', { timeout: 240_000 }, () => {
  it.concurrent('costs the audit nothing when Postgres was stopped', async () => {
    const gated = await holdScraping()
    const dataDir = join(tmpdir(), `rowbeat-outage-${randomBytes(6).toString('hex')}`)
    const start = () => startEmbedded({ dataDir, guard: true })
    let server: EmbeddedPostgres = await start()
    cleanUp.push(async () => {
      await server.stop()
      for (const suffix of ['', '.password', '.port', '.owner', '.log']) {
        await rm(`${server.dataDir}${suffix}`, { recursive: true, force: true })
      }
    })
    const url = server.url
    const outage: Outage = {
      begin: () => server.stop(),
      end: async () => {
        server = await start()
        expect(server.url).toBe(url)
      },
    }
    await runThrough(outage, { rowbeat: url, direct: url }, gated)
  })

  it.concurrent('costs the audit nothing when the network swallowed everything', async () => {
    const gated = await holdScraping()
    const database = await createTestDatabase()
    cleanUp.push(() => database.drop())
    const target = new URL(database.url)
    const way = await startWay(target)
    const url = new URL(database.url)
    url.host = `127.0.0.1:${way.port}`
    const outage: Outage = {
      begin: async () => way.swallow(true),
      end: async () => way.swallow(false),
    }
    await runThrough(outage, { rowbeat: url.href, direct: database.url }, gated)
  })
})
