/** Starts, recognises and stops the postmaster, Postgres' main process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { open, readFile, stat, truncate } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Place } from './place.ts'
import { commandLineOf, identityOf, isRunning, PROGRAM_ENV, waitUntil } from './processes.ts'

/** The part of postmaster.pid used here; its lines are documented in Postgres' pidfile.h. */
export interface PostmasterFacts {
  readonly pid: number
  readonly port: number
  /** `starting`, `ready`, `stopping` or `standby`; empty until the server has written it. */
  readonly status: string
}

const LOG_LIMIT_BYTES = 10 * 1024 * 1024
const FAST_STOP_MS = 30_000
const IMMEDIATE_STOP_MS = 10_000

/** What postmaster.pid says, whether or not that process is alive; null when there is none or it is incomplete. */
export async function readPostmaster(cluster: string): Promise<PostmasterFacts | null> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => null)
  const lines = text?.split('\n') ?? []
  const pid = Number(lines[0])
  const port = Number(lines[3])
  if (!Number.isInteger(pid) || pid <= 0 || !Number.isInteger(port) || port <= 0) return null
  return { pid, port, status: lines[7]?.trim() ?? '' }
}

/** The live postmaster of a data directory; null when there is none, also when its process id is another's now. */
export async function findPostmaster(cluster: string): Promise<PostmasterFacts | null> {
  const facts = await readPostmaster(cluster)
  if (facts === null || !(await isRunning(facts.pid))) return null
  const commandLine = await commandLineOf(facts.pid)
  return commandLine === null || commandLine.includes('postgres') ? facts : null
}

/** A started postmaster; `logStart` is where its log begins in the log file, in bytes. */
export interface Launched {
  readonly child: ChildProcess
  readonly logStart: number
}

/**
 * Spawns a postmaster on 127.0.0.1:`port`, without a Unix socket. It leads a session of its own, so that Ctrl-C in
 * the terminal reaches us and not the server: the daemon drains first and stops the server last.
 */
export async function launchPostmaster(
  place: Place,
  port: number,
  settings: Readonly<Record<string, string>>,
): Promise<Launched> {
  const logStart = await boundLog(place.logFile)
  const chosen = {
    ...settings,
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
  }
  const args = Object.entries(chosen).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const log = openSync(place.logFile, 'a', 0o600)
  try {
    const child = spawn(place.binaries.postgres, ['-D', place.cluster, ...args], {
      ...identityOf(place.account),
      cwd: '/',
      env: PROGRAM_ENV,
      detached: true,
      stdio: ['ignore', log, log],
    })
    child.unref()
    return { child, logStart }
  } finally {
    closeSync(log)
  }
}

/** Empties a log longer than 10 MB; returns its length. */
async function boundLog(path: string): Promise<number> {
  const size = (await stat(path).catch(() => null))?.size ?? 0
  if (size <= LOG_LIMIT_BYTES) return size
  await truncate(path, 0)
  return 0
}

/** What was written to the log from `start` on, at most its last 16 KiB. */
export async function readLog(path: string, start: number): Promise<string> {
  const file = await open(path, 'r').catch(() => null)
  if (file === null) return ''
  try {
    const { size } = await file.stat()
    const from = Math.max(start, size - 16 * 1024)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(0, size - from)), 0, undefined, from)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}

/**
 * Ends a postmaster: fast shutdown (SIGINT: sessions are closed, data is written) with 30 s to finish, then
 * immediate shutdown (SIGQUIT: the next start recovers), then SIGKILL. Returns when it is gone.
 */
export async function stopPostmaster(cluster: string, pid: number): Promise<void> {
  // Not the end of postmaster.pid: it is removed a moment before the port is free.
  const gone = async (): Promise<boolean> => !(await isRunning(pid))
  if ((await readPostmaster(cluster))?.pid !== pid) return
  for (const [signal, timeoutMs] of [
    ['SIGINT', FAST_STOP_MS],
    ['SIGQUIT', IMMEDIATE_STOP_MS],
    ['SIGKILL', IMMEDIATE_STOP_MS],
  ] as const) {
    if (await gone()) return
    process.kill(pid, signal)
    if (await waitUntil(gone, timeoutMs)) return
  }
  throw new Error(
    `Postgres (process ${pid}) does not end, not even when killed: look at the disk it writes to.`,
  )
}

/** True when nothing listens on 127.0.0.1:`port` and we may. */
export function isPortFree(port: number): Promise<boolean> {
  return tryListen(port).then(
    () => true,
    () => false,
  )
}

/** A port of 127.0.0.1 that is free now. */
export function findFreePort(): Promise<number> {
  return tryListen(0)
}

function tryListen(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port))
    })
  })
}
