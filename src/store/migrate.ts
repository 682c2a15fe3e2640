/**
 * Brings the database to this build's shape: numbered SQL files once, in order, then the function files whenever
 * their text changed.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import { databaseCode, liftServerLimits, transaction, within } from './database.ts'
import {
  accessDiffers,
  describeHolder,
  mayMend,
  mendSequences,
  noteAccess,
  refuseForeign,
} from './migrate-access.ts'

export interface Migration {
  /** File name without `.sql`, for instance `0001_create_engine`. */
  readonly name: string
  readonly sql: string
  readonly checksum: string
  /** False when the first line is `-- no-transaction`. */
  readonly transaction: boolean
}

/** Any fixed number that nothing else uses; two daemons that start at once take turns on it. */
const MIGRATION_LOCK = 190_470_001
/** Rest between two tries to get the lock. */
const LOCK_REST_MS = 100
/** After which it is said who holds the lock. */
const LOCK_PATIENCE_MS = 5_000
/** A day of tries. */
const LOCK_TRIES = 864_000
/** Times that a deadlock with daemons at work is tried again. */
const DEADLOCKS_MAX = 5

/** Oldest Postgres this runs on, as `server_version_num`. */
const POSTGRES_MIN = 150_000

const MIGRATIONS_DIR = fileURLToPath(new URL('../../migrations/', import.meta.url))

/**
 * Applies what is missing and returns the names applied: all of it in one transaction, so that an upgrade happens
 * whole or not at all. Safe to call from many processes at once, also through a pooler in transaction mode with a
 * single server connection.
 * Throws when the server is older than Postgres 15, when an applied file was changed since, or when the database
 * was migrated by a newer build, and when another role has put anything into the schema.
 *
 * Roles, owners, rights and sequences are looked at each time, and mended by whoever may: a dump that is restored
 * brings the ledger along and not all of these.
 *
 * The lock may be held by anybody: after `patienceMs` (5 s) `notice` is told by whom, and when nothing is missing the
 * call returns without it.
 *
 * A user that may only read the ledger, such as one with the role rowbeat_daemon, may call it too, and fails when
 * something is missing. `notice` is told what the files raise as notices: what they could not do, and the SQL to run.
 *
 * A file whose first line is `-- no-transaction` runs outside of one, between two such transactions, and takes a
 * second connection of the pool. It must hold one statement, for Postgres makes one transaction of several sent
 * together, and must bear to be run again after a crash.
 */
export async function migrate(
  pool: pg.Pool,
  options: {
    readonly log?: (line: string) => void
    readonly notice?: (line: string) => void
    readonly directory?: string
    readonly patienceMs?: number
  } = {},
): Promise<{ applied: string[] }> {
  const directory = options.directory ?? MIGRATIONS_DIR
  const numbered = await readMigrations(directory)
  const functions = await readMigrations(join(directory, 'functions'))
  const applied: string[] = []
  // A set: after a deadlock the files are read again.
  const notices = new Set<string>()
  const hear: Hear = (line) => notices.add(line)
  let outside: Migration | null = null
  let deadlocks = 0
  const begun = performance.now()
  let told = false
  for (let tries = 0; tries < LOCK_TRIES; tries++) {
    try {
      const turn: Turn | null = await (outside === null
        ? takeTurn(pool, { numbered, functions, reread: applied.length > 0 }, hear)
        : applyOutside(pool, outside, hear))
      if (turn !== null) {
        applied.push(...turn.applied)
        outside = turn.outside
        if (!turn.done) continue
        for (const name of applied) options.log?.(`applied ${name}`)
        for (const line of notices) options.notice?.(line)
        return { applied }
      }
      if (!told && performance.now() - begun >= (options.patienceMs ?? LOCK_PATIENCE_MS)) {
        told = true
        const holder = await describeHolder(pool, MIGRATION_LOCK)
        if (holder !== null) options.notice?.(holder)
        if (applied.length === 0 && (await isCurrent(pool, numbered, functions))) return { applied }
      }
    } catch (error) {
      // Daemons of the version before may be at work on the tables, and lock them in another order.
      if (!isDeadlock(error) || ++deadlocks > DEADLOCKS_MAX) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, LOCK_REST_MS))
  }
  throw new Error('another process has held the lock of migrations for a day: find and end it')
}

/** True when the ledger has every file as this build has it. */
function isCurrent(
  pool: pg.Pool,
  numbered: readonly Migration[],
  functions: readonly Migration[],
): Promise<boolean> {
  return transaction(pool, async (client) => {
    await refuseForeign(client)
    if (!(await findSchema(client)).ledger) return false
    const done = await readLedger(client)
    return (
      numbered.every((one) => done.get(one.name) === one.checksum) &&
      functions.every((one) => done.get(`functions/${one.name}`) === one.checksum)
    )
  })
}

type Hear = (line: string) => void

/** What was done while the lock was held. */
interface Turn {
  readonly applied: readonly string[]
  /** The next file, when that must run outside of a transaction. */
  readonly outside: Migration | null
  readonly done: boolean
}

/**
 * Takes the lock for this transaction; false when another process has it. It is asked for and never waited for: who
 * waits holds a snapshot, which `create index concurrently` waits for, and behind a pooler a server connection,
 * which the one that works may need. It ends with the transaction, as a pooler gives the session to somebody else.
 */
async function tryLock(client: pg.PoolClient): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_xact_lock($1) as locked', [
    MIGRATION_LOCK,
  ])
  return rows[0]?.locked === true
}

/** Applies what the ledger lacks, up to the next file that must run outside; null when it is not our turn. */
function takeTurn(
  pool: pg.Pool,
  files: {
    readonly numbered: readonly Migration[]
    readonly functions: readonly Migration[]
    readonly reread: boolean
  },
  hear: Hear,
): Promise<Turn | null> {
  return transaction(pool, async (client) => {
    await requireServer(client)
    if (!(await tryLock(client))) return null
    await client.query('set local statement_timeout = 0')
    await refuseForeign(client)
    await createLedger(client)
    const done = await readLedger(client)
    refuseNewer(done, files.numbered)
    refuseChanged(done, files.numbered)
    const applied: string[] = []
    for (const migration of files.numbered) {
      if (done.has(migration.name)) continue
      if (!migration.transaction) return { applied, outside: migration, done: false }
      await apply(client, migration, hear)
      applied.push(migration.name)
    }
    // A new table may be what a function's text means by a name: after any change all of them are read again.
    const reread = files.reread || applied.length > 0
    for (const file of files.functions) {
      const name = `functions/${file.name}`
      const changed = done.get(name) !== file.checksum
      if (!changed && !reread) continue
      await apply(client, { ...file, name }, hear)
      if (changed) applied.push(name)
    }
    await mend(client, files, { done, given: reread || applied.length > 0 }, hear)
    return { applied, outside: null, done: true }
  })
}

/** The files that make the roles and give them their rights; both bear to be run again. */
const MAKES_ROLES = ['0008_create_roles', '0019_create_producer_role']
const GIVES_RIGHTS = 'zz_grant_roles'

/** Roles, rights and sequences, by whoever may mend them. `given`: the functions were just applied, rights included. */
async function mend(
  client: pg.PoolClient,
  files: { readonly numbered: readonly Migration[]; readonly functions: readonly Migration[] },
  state: { readonly done: ReadonlyMap<string, string>; readonly given: boolean },
  hear: Hear,
): Promise<void> {
  if (!(await mayMend(client))) return
  await mendSequences(client)
  if (!state.given && !(await accessDiffers(client, state.done))) return
  const makes = files.numbered.filter((one) => MAKES_ROLES.includes(one.name))
  const gives = files.functions.find((one) => one.name === GIVES_RIGHTS)
  if (!state.given && gives !== undefined) {
    for (const one of makes) await apply(client, one, hear)
    await apply(client, { ...gives, name: `functions/${gives.name}` }, hear)
  }
  await noteAccess(client)
}

/** Applies one file on a connection without a transaction, while another holds the lock; null: not our turn. */
function applyOutside(pool: pg.Pool, migration: Migration, hear: Hear): Promise<Turn | null> {
  return transaction(pool, async (holder) => {
    if (!(await tryLock(holder))) return null
    // It idles for as long as the file takes; were it ended, the lock would be free too soon.
    await holder.query('set local idle_in_transaction_session_timeout = 0')
    if ((await readLedger(holder)).has(migration.name)) return { applied: [], outside: null, done: false }
    const worker = await pool.connect()
    try {
      await liftServerLimits(worker)
      await apply(worker, migration, hear)
    } finally {
      // Its limits are no longer those of the pool.
      worker.release(true)
    }
    return { applied: [migration.name], outside: null, done: false }
  })
}

function isDeadlock(error: unknown): boolean {
  return error instanceof Error && databaseCode(error.cause) === '40P01'
}

/** Names of numbered migrations that this build has and the database lacks; empty when current. */
export async function missingMigrations(
  db: Pick<pg.Pool, 'query'>,
  names?: readonly string[],
): Promise<string[]> {
  const numbered = names ?? (await migrationNames())
  if (!(await findSchema(db)).ledger) return [...numbered]
  const done = await readLedger(db)
  return numbered.filter((name) => !done.has(name))
}

/** Names of the numbered migrations of this build, oldest first. */
export async function migrationNames(): Promise<string[]> {
  return (await readMigrations(MIGRATIONS_DIR)).map((one) => one.name)
}

/** Name of the newest numbered migration of this build. */
export async function newestMigration(): Promise<string> {
  return (await readMigrations(MIGRATIONS_DIR)).at(-1)?.name ?? ''
}

/** Reads the `.sql` files of a folder in the order of their names. */
export async function readMigrations(directory: string): Promise<Migration[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.sql')).sort()
  return Promise.all(
    files.map(async (file) => {
      const sql = await readFile(join(directory, file), 'utf8')
      return {
        name: basename(file, '.sql'),
        sql,
        checksum: createHash('sha256').update(sql.replaceAll('\r\n', '\n')).digest('hex'),
        transaction: !sql.startsWith('-- no-transaction'),
      }
    }),
  )
}

/** Throws a sentence when the server cannot hold the schema, before anything is created in it. */
async function requireServer(client: pg.PoolClient): Promise<void> {
  const { rows } = await client.query<{
    version: string
    number: number
    encoding: string
    replica: boolean
    readOnly: boolean
  }>(
    `select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
       getdatabaseencoding() as encoding, pg_is_in_recovery() as replica,
       current_setting('transaction_read_only') = 'on' as "readOnly"`,
  )
  const found = rows[0]
  if (found === undefined) throw new Error('the server did not say what it is')
  if (found.number < POSTGRES_MIN) {
    throw new Error(`Postgres ${found.version} is too old: Rowbeat needs 15 or newer`)
  }
  if (found.encoding !== 'UTF8') {
    throw new Error(
      `the database is encoded in ${found.encoding}, and Rowbeat needs UTF8: create one with "create database … encoding 'UTF8' template template0" and name it in DATABASE_URL`,
    )
  }
  if (found.replica) {
    throw new Error('the server is a replica and takes no writes: name the primary in DATABASE_URL')
  }
  if (found.readOnly) {
    throw new Error(
      'the server takes no writes: default_transaction_read_only is on for this user or database; turn it off, or name another in DATABASE_URL',
    )
  }
}

async function findSchema(db: Pick<pg.Pool, 'query'>): Promise<{ schema: boolean; ledger: boolean }> {
  const { rows } = await db.query<{ schema: boolean; ledger: boolean }>(
    `select to_regnamespace('rowbeat') is not null as schema,
       to_regclass('rowbeat.schema_migrations') is not null as ledger`,
  )
  return rows[0] ?? { schema: false, ledger: false }
}

/** Makes what is not there, and only that: "if not exists" asks for the right to create before it looks. */
async function createLedger(client: pg.PoolClient): Promise<void> {
  const found = await findSchema(client)
  if (found.ledger) return
  if (!found.schema) await client.query('create schema rowbeat')
  await client.query(`
    comment on schema rowbeat is 'Rowbeat: jobs, executions and what the workflows store.';
    create table rowbeat.schema_migrations (
      name       text        primary key,
      checksum   text        not null,
      applied_at timestamptz not null default now()
    );
    comment on table rowbeat.schema_migrations is 'Migrations that were applied.';
    comment on column rowbeat.schema_migrations.name is 'File name without .sql.';
    comment on column rowbeat.schema_migrations.checksum is 'SHA-256 of the text as applied.';
    comment on column rowbeat.schema_migrations.applied_at is 'When.';
  `)
}

async function readLedger(db: Pick<pg.Pool, 'query'>): Promise<Map<string, string>> {
  const { rows } = await db.query<{ name: string; checksum: string }>(
    'select name, checksum from rowbeat.schema_migrations',
  )
  return new Map(rows.map((row) => [row.name, row.checksum]))
}

function refuseChanged(done: ReadonlyMap<string, string>, known: readonly Migration[]): void {
  for (const { name, checksum } of known) {
    if (done.has(name) && done.get(name) !== checksum) {
      throw new Error(
        `migration ${name} was changed after it was applied: restore the file, and put the change into a new one`,
      )
    }
  }
}

function refuseNewer(done: ReadonlyMap<string, string>, known: readonly Migration[]): void {
  const newest = known.at(-1)?.name ?? ''
  const unknown = [...done.keys()].filter((name) => !name.startsWith('functions/') && name > newest)
  if (unknown.length > 0) {
    throw new Error(
      `the database was migrated by a newer Rowbeat (${unknown.join(', ')}): run that version, or restore a backup from before`,
    )
  }
}

/** Milliseconds that a migration may take: a day. */
const MIGRATION_TIMEOUT_MS = 86_400_000

/** Runs a statement that may take far longer than the pool allows others. */
async function run(client: pg.PoolClient, text: string): Promise<void> {
  await client.query(within(MIGRATION_TIMEOUT_MS, { text }))
}

/** Runs a file and enters it in the ledger, on the client as it is: in a transaction or outside of one. */
async function apply(client: pg.PoolClient, migration: Migration, hear: Hear): Promise<void> {
  // What a file says by RAISE, and not what the server remarks on "if exists" and the like.
  const onNotice = (notice: {
    readonly routine?: string | undefined
    readonly message?: string | undefined
  }): void => {
    if (notice.routine === 'exec_stmt_raise') hear(notice.message ?? '')
  }
  client.on('notice', onNotice)
  try {
    await run(client, migration.sql)
    await client.query(
      `insert into rowbeat.schema_migrations (name, checksum) values ($1, $2)
       on conflict (name) do update set checksum = excluded.checksum, applied_at = now()`,
      [migration.name, migration.checksum],
    )
  } catch (error) {
    throw new Error(`migration ${migration.name} failed: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    })
  } finally {
    client.off('notice', onNotice)
  }
}
