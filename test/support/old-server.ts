/** A throw-away server of an older Postgres, from the programs of the system, for as long as tests run. */
import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from './loopback.ts'
import { queryOnce } from './sessions.ts'
import { until } from './wait.ts'

const run = promisify(execFile)

export interface OldServer {
  readonly url: string
  stop(): Promise<void>
}

const binOf = (major: number): string => `/usr/lib/postgresql/${major}/bin`

/** True when the programs of this major version are installed as Debian does. */
export function hasOldServer(major: number): boolean {
  return existsSync(join(binOf(major), 'initdb'))
}

/** The shell outlives us only until its input ends; it then takes the server with it. */
const LEASH = '"$0" "$@" & child=$!; read -r line; kill -INT $child; wait $child'

/** Starts a server of this major version, which ends with this process; null when it is not installed. */
export async function startOldServer(major: number): Promise<OldServer | null> {
  if (!hasOldServer(major)) return null
  const bin = binOf(major)
  const directory = await mkdtemp(join(tmpdir(), 'old-server-'))
  const as = await whoRuns()
  if (as !== null) await chown(directory, as.uid, as.gid)
  const data = join(directory, 'data')
  const user = as === null ? {} : as
  await run(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-N'], {
    cwd: directory,
    ...user,
  })
  const port = await freePort()
  const settings = ['fsync=off', 'listen_addresses=127.0.0.1', `unix_socket_directories=${directory}`]
  const options = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])]
  const server = spawn('/bin/sh', ['-c', LEASH, join(bin, 'postgres'), ...options], {
    cwd: directory,
    stdio: ['pipe', 'ignore', 'ignore'],
    ...user,
  })
  const ended = new Promise((resolve) => server.once('exit', resolve))
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const stop = async (): Promise<void> => {
    server.stdin?.end()
    await ended
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await until(() => queryOnce(url, 'select 1'), { what: `Postgres ${major} to answer` })
  } catch (error) {
    await stop()
    throw error
  }
  return { url, stop }
}

/** Postgres refuses to run as root: then the system's own user for it runs it. */
async function whoRuns(): Promise<{ uid: number; gid: number } | null> {
  if (process.getuid?.() !== 0) return null
  const [uid, gid] = await Promise.all([run('id', ['-u', 'postgres']), run('id', ['-g', 'postgres'])])
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
}
