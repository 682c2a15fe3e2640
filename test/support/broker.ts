/**
 * Hands out databases to the test files of a run, which live in other processes. The server is started at the
 * first request, so that a run without database tests starts none. Requests are served one after another:
 * Postgres copies a template only while nobody else uses it.
 */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import pg from 'pg'
import { closeServer, listenOnLoopback } from './loopback.ts'
import { startOldServer } from './old-server.ts'
import { type PgBouncer, startPgBouncer } from './pgbouncer.ts'
import { startTestServer, type TestServer } from './server.ts'
import { queryOnce } from './sessions.ts'

export interface Broker {
  /** `POST` makes a database and answers `{ url, directUrl, name, outlivesRun }`, `POST ?pooled` with a `url` that
   * leads through PgBouncer in transaction mode, `POST ?major=` one on an older server; `DELETE ?name=` drops it. */
  readonly url: string
  close(): Promise<void>
}

interface Ready {
  readonly server: TestServer
  readonly template: string
}

/** Server connections per database: more than the tests of one file hold in transactions at once. */
const POOL_SIZE = 24

/** Starts the broker on a free port of loopback; the path is secret, for its answers hold a password. */
export async function startBroker(
  environment: NodeJS.ProcessEnv,
  log: (line: string) => void,
): Promise<Broker> {
  const run = `rowbeat_test_${process.pid}_${randomBytes(3).toString('hex')}`
  const secret = randomBytes(16).toString('hex')
  const ready = new Map<string | null, Promise<Ready>>()
  let pooler: PgBouncer | null = null
  let made = 0
  let queue: Promise<unknown> = Promise.resolve()

  const serve = async (request: IncomingMessage): Promise<Record<string, unknown>> => {
    const target = new URL(request.url ?? '/', 'http://broker')
    if (target.pathname !== `/${secret}`) throw new Error('unknown path')
    const major = target.searchParams.get('major')
    const preparing =
      ready.get(major) ??
      prepare(major === null ? startTestServer(environment, log) : startOld(Number(major)), `${run}_template`)
    ready.set(major, preparing)
    const { server, template } = await preparing
    const name = target.searchParams.get('name') ?? `${run}_${++made}`
    if (!name.startsWith(run)) throw new Error(`${name} is not a database of this run`)
    if (request.method === 'DELETE') {
      await queryOnce(server.url, `drop database if exists ${name} with (force)`)
      return {}
    }
    await queryOnce(server.url, `create database ${name} template ${template}`)
    const directUrl = withDatabase(server.url, name)
    if (target.searchParams.has('pooled')) pooler ??= await startPgBouncer(server.url, POOL_SIZE)
    const url = target.searchParams.has('pooled') ? pooler?.through(directUrl) : directUrl
    return { url, directUrl, name, outlivesRun: server.outlivesRun }
  }

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    request.resume()
    const turn = queue.then(() => serve(request))
    queue = turn.catch(() => undefined)
    turn.then(
      (body) => response.end(JSON.stringify(body)),
      (error: Error) => {
        response.statusCode = 500
        response.end(JSON.stringify({ error: error.stack ?? error.message }))
      },
    )
  }

  const http = createServer(answer)
  const port = await listenOnLoopback(http)

  return {
    url: `http://127.0.0.1:${port}/${secret}`,
    close: async () => {
      http.closeAllConnections()
      await closeServer(http)
      await queue
      await pooler?.close()
      for (const one of ready.values()) {
        const started = await one.catch(() => null)
        if (started === null) continue
        const { server, template } = started
        if (server.outlivesRun) {
          await queryOnce(server.url, `drop database if exists ${template} with (force)`)
        }
        await server.stop()
      }
    },
  }
}

async function startOld(major: number): Promise<TestServer> {
  const server = await startOldServer(major)
  if (server === null) throw new Error(`the programs of Postgres ${major} are not installed`)
  return { ...server, kind: `Postgres ${major}`, outlivesRun: false }
}

/** Makes the template on a server that starts: an empty database, migrated once. */
async function prepare(starting: Promise<TestServer>, template: string): Promise<Ready> {
  const server = await starting
  try {
    await queryOnce(server.url, `create database ${template}`)
    await migrateTemplate(withDatabase(server.url, template))
    return { server, template }
  } catch (error) {
    await queryOnce(server.url, `drop database if exists ${template} with (force)`)
    await server.stop()
    throw error
  }
}

async function migrateTemplate(url: string): Promise<void> {
  // Loaded here and not above: a run without database tests does not need it.
  const { migrate } = await import('../../src/store/migrate.ts')
  const pool = new pg.Pool({ connectionString: url, max: 2, connectionTimeoutMillis: 10_000 })
  pool.on('error', () => undefined)
  try {
    await migrate(pool)
  } finally {
    await pool.end()
  }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}
