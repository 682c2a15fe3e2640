/** A Postgres of our own that can be stopped as hard as one likes, and started again on the same port. */
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { findPlace, type Place } from '../../src/store/embedded/place.ts'
import { launchPostmaster, readPostmaster, stopPostmaster } from '../../src/store/embedded/postmaster.ts'
import { isRunning } from '../../src/store/embedded/processes.ts'
import { type EmbeddedPostgres, startEmbedded } from '../../src/store/embedded.ts'
import { waitFor } from './clock.ts'
import { withClient } from './ledger.ts'

export interface ChaosServer {
  /** A superuser's URL of its first database. */
  readonly url: string
  readonly port: number
  pid(): number
  isUp(): Promise<boolean>
  /** Ends it as a crash does: every process at once, nothing written. */
  crash(): Promise<void>
  /** Starts it again after a crash; resolves when it accepts connections. */
  start(): Promise<void>
  stop(): Promise<void>
}

/**
 * Commits reach the kernel before they are acknowledged, which is all that a crash of processes can take; only a
 * crash of the machine needs more, and that is not tested here.
 */
export const SETTINGS: Readonly<Record<string, string>> = {
  fsync: 'off',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  max_connections: '200',
  shared_buffers: '64MB',
}

const READY_MS = 60_000
const CRASH_MS = 15_000

/** Starts a server whose data goes with this process. `parent` is where its files are put. */
export async function startServer(
  log: (line: string) => void,
  options: { readonly parent?: string; readonly settings?: Readonly<Record<string, string>> } = {},
): Promise<ChaosServer> {
  const dataDir = join(options.parent ?? tmpdir(), `rowbeat-chaos-${randomBytes(6).toString('hex')}`)
  const settings = { ...SETTINGS, ...options.settings }
  const embedded = await startEmbedded({ dataDir, settings, temporary: true, log })
  const place = await findPlace(dataDir, log)
  return control(embedded, place, settings)
}

function control(
  embedded: EmbeddedPostgres,
  place: Place,
  settings: Readonly<Record<string, string>>,
): ChaosServer {
  let { pid } = embedded
  const port = Number(new URL(embedded.url).port)
  return {
    url: embedded.url,
    port,
    pid: () => pid,
    isUp: () => isRunning(pid),
    crash: () => crashPostmaster(pid),
    start: async () => {
      pid = await launch(place, port, settings)
    },
    stop: async () => {
      if (pid !== embedded.pid) await stopPostmaster(place.cluster, pid)
      await embedded.stop()
      // The part that the first process did not know of, when it was started again meanwhile.
      await rm(place.cluster, { recursive: true, force: true })
    },
  }
}

/** Immediate shutdown: the postmaster and all its children end at once. */
export async function crashPostmaster(pid: number): Promise<void> {
  if (!(await isRunning(pid))) return
  process.kill(pid, 'SIGQUIT')
  if (await waitFor(async () => !(await isRunning(pid)), CRASH_MS)) return
  process.kill(pid, 'SIGKILL')
  await waitFor(async () => !(await isRunning(pid)), CRASH_MS)
}

/** Starts a postmaster and waits until it accepts connections; returns its process id. Throws when it ends. */
export async function launch(
  place: Place,
  port: number,
  settings: Readonly<Record<string, string>>,
): Promise<number> {
  const { child } = await launchPostmaster(place, port, settings)
  const { pid } = child
  if (pid === undefined) throw new Error('the postmaster could not be started')
  const ready = await waitFor(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return true
    const facts = await readPostmaster(place.cluster)
    return facts?.pid === pid && (facts.status === 'ready' || facts.status === 'standby')
  }, READY_MS)
  if (!ready || child.exitCode !== null || child.signalCode !== null) {
    throw new Error(`Postgres did not start again: see ${place.logFile}`)
  }
  return pid
}

/** Makes an empty database on the server and returns its URL. */
export async function createDatabase(serverUrl: string, name: string): Promise<string> {
  await withClient(serverUrl, (client) => client.query(`create database ${pg.escapeIdentifier(name)}`))
  return withDatabase(serverUrl, name)
}

export function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}

/** The same database through another port of loopback. */
export function withPort(url: string, port: number): string {
  const changed = new URL(url)
  changed.hostname = '127.0.0.1'
  changed.port = String(port)
  return changed.href
}
