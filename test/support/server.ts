/** Finds or starts the Postgres server of a test run. */
import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbedded } from '../../src/store/embedded.ts'

export interface TestServer {
  /** A superuser's URL of any database on it. */
  readonly url: string
  /** What it is, for people. */
  readonly kind: string
  /** True when the server outlives the run, so that the database of a failed test can be looked at. */
  readonly outlivesRun: boolean
  stop(): Promise<void>
}

/** A crash of the machine may lose test data; nobody minds, and tests run several times faster. */
const FAST = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '200' }
const CONTAINER_TIMEOUT_MS = 120_000

/**
 * The server at TEST_DATABASE_URL; else one in a container when a Docker engine answers; else the embedded one in
 * a temporary directory, which goes with this process however that ends.
 */
export async function startTestServer(
  environment: NodeJS.ProcessEnv,
  log: (line: string) => void,
): Promise<TestServer> {
  const url = environment.TEST_DATABASE_URL
  if (url !== undefined && url !== '') {
    return { url, kind: 'TEST_DATABASE_URL', outlivesRun: true, stop: async () => undefined }
  }
  if (await dockerAnswers(environment.DOCKER_HOST ?? 'unix:///var/run/docker.sock', 1_000)) {
    try {
      return await startContainer()
    } catch (error) {
      log(`The Docker engine answers but starts no Postgres (${String(error)}): using the embedded one`)
    }
  }
  return startTemporary(log)
}

async function startTemporary(log: (line: string) => void): Promise<TestServer> {
  // No directory around it: the watchdog removes what it knows, also when this process is killed.
  const dataDir = join(tmpdir(), `rowbeat-test-${randomBytes(6).toString('hex')}`)
  const server = await startEmbedded({ dataDir, settings: FAST, temporary: true, log })
  return {
    url: server.url,
    kind: `embedded Postgres ${server.version}`,
    outlivesRun: false,
    stop: () => server.stop(),
  }
}

async function startContainer(): Promise<TestServer> {
  const { PostgreSqlContainer } = await import('@testcontainers/postgresql')
  const settings = Object.entries(FAST).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const container = await new PostgreSqlContainer('postgres:18')
    .withCommand(['postgres', ...settings])
    .withStartupTimeout(CONTAINER_TIMEOUT_MS)
    .start()
  return {
    url: container.getConnectionUri(),
    kind: 'a container of postgres:18',
    outlivesRun: false,
    stop: async () => {
      await container.stop()
    },
  }
}

/** True when a Docker engine answers a ping at `host` (`unix://…` or `tcp://…`) within `timeoutMs`. */
export function dockerAnswers(host: string, timeoutMs: number): Promise<boolean> {
  const target = host.startsWith('unix://')
    ? { socketPath: host.slice('unix://'.length) }
    : {
        host: URL.canParse(host) ? new URL(host).hostname : '',
        port: URL.canParse(host) ? new URL(host).port : '',
      }
  return new Promise((resolve) => {
    const ping = request({ ...target, path: '/_ping', timeout: timeoutMs }, (answer) => {
      answer.resume()
      resolve(answer.statusCode === 200)
    })
    const giveUp = setTimeout(() => ping.destroy(), timeoutMs)
    ping.once('error', () => resolve(false))
    ping.once('close', () => {
      clearTimeout(giveUp)
      resolve(false)
    })
    ping.end()
  })
}
