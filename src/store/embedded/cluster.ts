/** Makes the data directory of the embedded server, once, and reads what belongs to it. */
import { randomBytes } from 'node:crypto'
import { chmod, chown, link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { programFailure } from './failures.ts'
import { exists, type Place } from './place.ts'
import { isAlive, runProgram } from './processes.ts'

/** Superuser of the embedded server, and the name of the database made in it. */
export const OWNER_ROLE = 'rowbeat'
export const DATABASE_NAME = 'rowbeat'

/**
 * Written to postgresql.conf when the directory is made, so that edits and ALTER SYSTEM keep their meaning. Sized
 * for a small machine. `jit` costs more than it gives for short statements.
 */
const FIRST_SETTINGS: Readonly<Record<string, string>> = {
  shared_buffers: '128MB',
  max_connections: '100',
  jit: 'off',
  log_checkpoints: 'off',
  log_line_prefix: '%m [%p] %a ',
  log_timezone: 'UTC',
  timezone: 'UTC',
}

/**
 * Makes the data directory unless it is there, and returns the password of its superuser. It is made under
 * another name and renamed at the end, so a start that dies half-way leaves nothing half-made, and of two starts
 * at once one wins and the other uses its directory. Throws when it belongs to another major version, is not a
 * data directory, or initdb fails.
 */
export async function ensureCluster(
  place: Place,
  settings: Readonly<Record<string, string>>,
  log: (line: string) => void,
): Promise<string> {
  if (await exists(place.cluster)) {
    const isEmpty = await checkVersion(place)
    if (!isEmpty) return readPassword(place)
  }
  log(`Creating the database directory ${place.cluster}`)
  await makeCluster(place, await ensurePassword(place), settings)
  await checkVersion(place)
  return readPassword(place)
}

/** True when the directory is empty; throws unless it is that or a data directory of our major version. */
async function checkVersion(place: Place): Promise<boolean> {
  const found = await readFile(join(place.cluster, 'PG_VERSION'), 'utf8').catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null
      throw new Error(
        `The database directory ${place.cluster} cannot be read (${error.message}): it may belong to another user; run Rowbeat as that user, or point ROWBEAT_DATA_DIR elsewhere.`,
        { cause: error },
      )
    },
  )
  if (found?.trim() === place.binaries.major) {
    await checkOwner(place)
    return false
  }
  if (found !== null) {
    throw new Error(
      `The database directory ${place.cluster} was written by Postgres ${found.trim()}, but this Rowbeat brings Postgres ${place.binaries.major}. Move the directory away to start with an empty one, or dump it with the version that wrote it and restore it here.`,
    )
  }
  if ((await readdir(place.cluster)).length === 0) return true
  throw new Error(
    `The directory ${place.cluster} holds files but no Postgres database: point ROWBEAT_DATA_DIR elsewhere, or remove it.`,
  )
}

/** Postgres refuses a directory of another account; said here, with what to do. */
async function checkOwner(place: Place): Promise<void> {
  const { uid } = await stat(place.cluster)
  const own = place.account?.uid ?? process.getuid?.() ?? uid
  if (uid === own) return
  const who = place.account === null ? `this user (id ${own})` : `user ${place.account.name} (id ${own})`
  throw new Error(
    `The database directory ${place.cluster} belongs to the user with id ${uid}, but Postgres would run as ${who}: run Rowbeat as the user who started it first, or point ROWBEAT_DATA_DIR elsewhere.`,
  )
}

async function readPassword(place: Place): Promise<string> {
  const password = await readFile(place.passwordFile, 'utf8').catch(() => '')
  if (password.trim() !== '') return password.trim()
  throw new Error(
    `The password of the database in ${place.cluster} is not in ${place.passwordFile}: put the file back, or move the directory away to start with an empty database.`,
  )
}

/** The password kept beside the directory; a new random one (192 bits) when there is none. */
async function ensurePassword(place: Place): Promise<string> {
  const draft = `${place.passwordFile}.${process.pid}-${randomBytes(4).toString('hex')}`
  try {
    await writeFile(draft, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600, flush: true })
    if (place.account !== null) await chown(draft, place.account.uid, place.account.gid)
    // A link appears with its content, and fails when another start was first: then theirs is the password.
    await link(draft, place.passwordFile).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(draft, { force: true })
  }
  return readPassword(place)
}

async function makeCluster(
  place: Place,
  password: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  await sweepDrafts(place)
  const draft = `${place.cluster}.init-${process.pid}-${randomBytes(4).toString('hex')}`
  const passwordDraft = `${draft}.password`
  try {
    await mkdir(draft, { mode: 0o700 })
    await writeFile(passwordDraft, `${password}\n`, { mode: 0o600 })
    await giveTo(place, draft)
    // initdb runs as the account, which need not be able to enter our directory in any other way than by this file.
    await giveTo(place, passwordDraft)
    const ended = await runProgram(place.binaries.initdb, initdbArguments(draft, passwordDraft, settings), {
      account: place.account,
      timeoutMs: 120_000,
    })
    if (ended.code !== 0) throw programFailure('initdb', ended)
    await chmod(draft, 0o700)
    await rename(draft, place.cluster).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
    await rm(passwordDraft, { force: true })
  }
}

function initdbArguments(
  directory: string,
  passwordFile: string,
  settings: Readonly<Record<string, string>>,
): readonly string[] {
  return [
    `--pgdata=${directory}`,
    `--username=${OWNER_ROLE}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // Built into Postgres, hence the same order and case rules on every machine.
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    '--no-instructions',
    ...(settings.fsync === 'off' ? ['--no-sync'] : []),
    ...Object.entries(FIRST_SETTINGS).map(([name, value]) => `--set=${name}=${value}`),
  ]
}

async function giveTo(place: Place, path: string): Promise<void> {
  if (place.account !== null) await chown(path, place.account.uid, place.account.gid)
}

/** Removes what starts that died half-way left behind. */
async function sweepDrafts(place: Place): Promise<void> {
  const parent = dirname(place.cluster)
  const prefix = `${basename(place.cluster)}.init-`
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue
    const pid = Number.parseInt(name.slice(prefix.length), 10)
    if (Number.isInteger(pid) && !isAlive(pid)) await rm(join(parent, name), { recursive: true, force: true })
  }
}
