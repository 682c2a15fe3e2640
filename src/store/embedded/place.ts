/**
 * Decides as whom the embedded server runs and where its files are. An ordinary user runs it as itself in the
 * directory it named. Postgres refuses to run as root, so root runs it as the user `postgres`, and moves what
 * that user cannot reach (a private home such as /root) to a shared directory.
 */
import { createHash } from 'node:crypto'
import { lstat, mkdir, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { type Binaries, findBinaries, reachableBinaries } from './binaries.ts'
import { type Account, runProgram } from './processes.ts'

/** Files of one embedded server. All but `cluster` are siblings of it, named after it. */
export interface Place {
  /** Postgres' own data directory. */
  readonly cluster: string
  /** Password of the database superuser; mode 0600. */
  readonly passwordFile: string
  /** Port used last. */
  readonly portFile: string
  /** Which process has to stop the server. */
  readonly ownerFile: string
  readonly logFile: string
  readonly binaries: Binaries
  /** Whom the server runs as; null for ourselves. */
  readonly account: Account | null
}

/** Where root puts what user `postgres` must be able to reach. */
const SHARED_DIR = '/var/lib/rowbeat'

/**
 * Finds programs, account and directory for `dataDir`, creating the parent of the directory and, as root, the
 * user `postgres` when missing. Every surprise is told to `log`. Throws with a sentence that says what to do.
 */
export async function findPlace(
  dataDir: string,
  log: (line: string) => void,
  sharedDir: string = SHARED_DIR,
): Promise<Place> {
  const wanted = resolve(dataDir)
  const account = process.getuid?.() === 0 ? await postgresAccount(log) : null
  const shared = (): Promise<string> => ensureSharedDir(sharedDir)
  const binaries = await reachableBinaries(await findBinaries(), account, shared, log)
  await mkdir(dirname(wanted), { recursive: true }).catch((cause: Error) => {
    throw new Error(
      `The directory ${dirname(wanted)} cannot be created (${cause.message}): point ROWBEAT_DATA_DIR at a directory that can be written.`,
      { cause },
    )
  })
  const cluster = account === null ? wanted : await reachableCluster(wanted, account, shared, log)
  return {
    cluster,
    passwordFile: `${cluster}.password`,
    portFile: `${cluster}.port`,
    ownerFile: `${cluster}.owner`,
    logFile: `${cluster}.log`,
    binaries,
    account,
  }
}

async function reachableCluster(
  wanted: string,
  account: Account,
  shared: () => Promise<string>,
  log: (line: string) => void,
): Promise<string> {
  const parent = dirname(wanted)
  const entered = await runProgram('/bin/sh', ['-c', 'cd -- "$0"', parent], { account, timeoutMs: 10_000 })
  if (entered.code === 0) return wanted
  const name = `data-${createHash('sha256').update(wanted).digest('hex').slice(0, 12)}`
  const cluster = join(await shared(), name)
  log(`User ${account.name} cannot reach ${parent}: the data of Postgres is in ${cluster}`)
  return cluster
}

/** The shared directory, or its stand-in under the temporary directory where that one cannot be created. */
async function ensureSharedDir(path: string): Promise<string> {
  for (const candidate of [path, join(tmpdir(), 'rowbeat-root')]) {
    const made = await mkdir(candidate, { recursive: true, mode: 0o755 }).then(
      () => true,
      () => false,
    )
    if (!made) continue
    const facts = await lstat(candidate)
    // Programs are run from here and passwords kept here: a directory prepared by somebody else is no place for them.
    if (!facts.isDirectory() || facts.uid !== 0 || (facts.mode & 0o022) !== 0) {
      throw new Error(
        `${candidate} must be a directory that only root can write: remove it, or run Rowbeat as an ordinary user.`,
      )
    }
    return candidate
  }
  throw new Error(
    `Neither ${path} nor ${tmpdir()} can be written: run Rowbeat as an ordinary user, or set DATABASE_URL.`,
  )
}

async function postgresAccount(log: (line: string) => void): Promise<Account> {
  const known = await lookUpAccount()
  if (known !== null) return known
  log('Postgres does not run as root: creating the system user postgres for it')
  const failures: string[] = []
  for (const [program, ...args] of [
    ['groupadd', '--system', '--force', 'postgres'],
    [
      'useradd',
      '--system',
      '--gid',
      'postgres',
      '--no-create-home',
      '--shell',
      '/usr/sbin/nologin',
      'postgres',
    ],
  ] as const) {
    const ended = await runProgram(program, args, { timeoutMs: 15_000 })
    if (ended.code !== 0) failures.push(`${program}: ${ended.startError?.message ?? ended.output.trim()}`)
  }
  const made = await lookUpAccount()
  if (made !== null) return made
  throw new Error(
    `Postgres does not run as root and the user postgres cannot be created (${failures.join('; ')}): create it by hand, run Rowbeat as an ordinary user, or set DATABASE_URL.`,
  )
}

async function lookUpAccount(): Promise<Account | null> {
  const ids: number[] = []
  for (const flag of ['-u', '-g']) {
    const { code, output } = await runProgram('id', [flag, 'postgres'], { timeoutMs: 10_000 })
    if (code !== 0 || !/^\d+$/.test(output.trim())) return null
    ids.push(Number(output.trim()))
  }
  const [uid, gid] = ids
  return uid === undefined || gid === undefined ? null : { name: 'postgres', uid, gid }
}

/** True when there is something at `path`. */
export async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null
}
