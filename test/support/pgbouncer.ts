/** PgBouncer in transaction mode before a database server, for tests: Debian's package, when it is there. */
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, chownSync, constants } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { freePort } from './loopback.ts'
import { openSession } from './sessions.ts'
import { until } from './wait.ts'

export interface PgBouncer {
  /** The URL of a database of the server, through the pooler. */
  through(url: string): string
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>
  /** Starts it again on the same port. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** Where system programs are that the PATH of an ordinary user leaves out. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin']
/** It refuses to run as root: then it runs as nobody, whose number is the same on all Linux systems. */
const NOBODY = 65_534

/** The program's path; null when it is not installed. */
export function findPgBouncer(path: string = process.env.PATH ?? ''): string | null {
  const folders = [...path.split(delimiter), ...SYSTEM_FOLDERS].filter((folder) => folder !== '')
  return folders.map((folder) => join(folder, 'pgbouncer')).find(isProgram) ?? null
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    // Not there or not to be run: both mean that there is none.
    return false
  }
}

/**
 * Starts a pooler on a free port of loopback before the server of `url`, in transaction mode, with at most
 * `poolSize` server connections per database. Everybody is let in, with the user of `url`. It ends with this
 * process, however that ends.
 */
export async function startPgBouncer(url: string, poolSize: number): Promise<PgBouncer> {
  const program = findPgBouncer()
  if (program === null) throw new Error('there is no pgbouncer on this machine')
  const directory = await mkdtemp(join(tmpdir(), 'pgbouncer-'))
  const settings = join(directory, 'pgbouncer.ini')
  const port = await freePort()
  await writeFile(settings, settingsOf(new URL(url), port, poolSize), { mode: 0o600 })
  if (process.getuid?.() === 0) for (const path of [directory, settings]) chownSync(path, NOBODY, NOBODY)
  const through = (target: string): string => {
    const changed = new URL(target)
    changed.hostname = '127.0.0.1'
    changed.port = String(port)
    return changed.href
  }
  let child = await launch(program, settings, through(url))
  return {
    through,
    kill: () => end(child),
    restart: async () => {
      child = await launch(program, settings, through(url))
    },
    close: async () => {
      await end(child)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function settingsOf(server: URL, port: number, poolSize: number): string {
  const quoted = (text: string): string => `'${decodeURIComponent(text).replaceAll("'", "''")}'`
  const password = server.password === '' ? '' : ` password=${quoted(server.password)}`
  return `[databases]
* = host=${server.hostname} port=${server.port || 5432} user=${quoted(server.username)}${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 500
query_wait_timeout = 30
log_connections = 0
log_disconnections = 0
`
}

/** The shell outlives us only until its input ends; it then takes the pooler with it. */
const LEASH = '"$0" -q "$1" 2>&1 & child=$!; read -r line; exec 2>/dev/null; kill -9 $child; wait $child'

async function launch(program: string, settings: string, url: string): Promise<ChildProcess> {
  const identity = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  const child = spawn('/bin/sh', ['-c', LEASH, program, settings], {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...identity,
  })
  let said = ''
  child.stdout.on('data', (bytes) => {
    said = `${said}${bytes}`.slice(-2_000)
  })
  const answers = async (): Promise<boolean> => {
    const client = await openSession(url, { connectionTimeoutMillis: 1_000 })
    try {
      await client.query('select 1')
      return true
    } finally {
      await client.end()
    }
  }
  try {
    await until(answers, { what: 'pgbouncer to answer' })
  } catch (error) {
    await end(child)
    throw new Error(`pgbouncer does not answer; it said: ${said}`, { cause: error })
  }
  return child
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.stdin?.end()
  await ended
}
