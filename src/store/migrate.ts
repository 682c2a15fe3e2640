/**
 * Brings the database to this build's shape: numbered SQL files once, in order, then the function files whenever
 * their text changed.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'

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

/** Oldest Postgres this runs on, as `server_version_num`. */
const POSTGRES_MIN = 150_000

const MIGRATIONS_DIR = fileURLToPath(new URL('../../migrations/', import.meta.url))

/**
 * Applies what is missing and returns the names applied. Safe to call from many processes at once.
 * Throws when the server is older than Postgres 15, when an applied file was changed since, or when the database
 * was migrated by a newer build. A file whose first line is `-- no-transaction` must hold one statement, for
 * Postgres makes one transaction of several sent together, and must bear to be run again after a crash.
 */
export async function migrate(
  pool: pg.Pool,
  options: { readonly log?: (line: string) => void; readonly directory?: string } = {},
): Promise<{ applied: string[] }> {
  const directory = options.directory ?? MIGRATIONS_DIR
  const numbered = await readMigrations(directory)
  const functions = await readMigrations(join(directory, 'functions'))
  const client = await pool.connect()
  // With the session go its lock and whatever is half done: a connection in doubt is never given back.
  let broken = true
  try {
    await requireVersion(client)
    // A session lock, because files marked no-transaction must hold it across statements.
    await run(client, 'select pg_advisory_lock($1)', [MIGRATION_LOCK])
    await createLedger(client)
    const applied = await applyMissing(client, numbered, functions)
    await client.query('select pg_advisory_unlock($1)', [MIGRATION_LOCK])
    broken = false
    for (const name of applied) options.log?.(`applied ${name}`)
    return { applied }
  } finally {
    client.release(broken)
  }
}

/** Applies what the ledger lacks; the caller holds the lock. */
async function applyMissing(
  client: pg.PoolClient,
  numbered: readonly Migration[],
  functions: readonly Migration[],
): Promise<string[]> {
  const done = await readLedger(client)
  refuseNewer(done, numbered)
  const applied: string[] = []
  for (const migration of numbered) {
    const checksum = done.get(migration.name)
    if (checksum === migration.checksum) continue
    if (checksum !== undefined) {
      throw new Error(
        `migration ${migration.name} was changed after it was applied: restore the file, and put the change into a new one`,
      )
    }
    await apply(client, migration)
    applied.push(migration.name)
  }
  // A new table may be what a function's text means by a name: after any change all of them are read again.
  const reread = applied.length > 0
  for (const file of functions) {
    const name = `functions/${file.name}`
    const changed = done.get(name) !== file.checksum
    if (!changed && !reread) continue
    await apply(client, { ...file, name })
    if (changed) applied.push(name)
  }
  return applied
}

/** Names of numbered migrations that this build has and the database lacks; empty when current. */
export async function missingMigrations(
  db: Pick<pg.Pool, 'query'>,
  names?: readonly string[],
): Promise<string[]> {
  const numbered = names ?? (await migrationNames())
  const exists = await db.query<{ found: boolean }>(
    "select to_regclass('rowbeat.schema_migrations') is not null as found",
  )
  if (exists.rows[0]?.found !== true) return [...numbered]
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

async function requireVersion(client: pg.PoolClient): Promise<void> {
  const { rows } = await client.query<{ version: string; number: number }>(
    "select current_setting('server_version') as version, current_setting('server_version_num')::int as number",
  )
  const found = rows[0]
  if (found !== undefined && found.number < POSTGRES_MIN) {
    throw new Error(`Postgres ${found.version} is too old: Rowbeat needs 15 or newer`)
  }
}

async function createLedger(client: pg.PoolClient): Promise<void> {
  await client.query(`
    create schema if not exists rowbeat;
    comment on schema rowbeat is 'Rowbeat: jobs, executions and what the workflows store.';
    create table if not exists rowbeat.schema_migrations (
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

function refuseNewer(done: ReadonlyMap<string, string>, known: readonly Migration[]): void {
  const newest = known.at(-1)?.name ?? ''
  const unknown = [...done.keys()].filter((name) => !name.startsWith('functions/') && name > newest)
  if (unknown.length > 0) {
    throw new Error(
      `the database was migrated by a newer Rowbeat (${unknown.join(', ')}): run that version, or restore a backup from before`,
    )
  }
}

/** Milliseconds that a migration may take, or the wait for another process that migrates: a day. */
const MIGRATION_TIMEOUT_MS = 86_400_000

/** Runs a statement that may take far longer than the pool allows others. */
async function run(client: pg.PoolClient, text: string, values?: unknown[]): Promise<void> {
  const statement: pg.QueryConfig & { readonly query_timeout: number } = {
    text,
    query_timeout: MIGRATION_TIMEOUT_MS,
    ...(values === undefined ? {} : { values }),
  }
  await client.query(statement)
}

async function apply(client: pg.PoolClient, migration: Migration): Promise<void> {
  const record = {
    text: `insert into rowbeat.schema_migrations (name, checksum) values ($1, $2)
           on conflict (name) do update set checksum = excluded.checksum, applied_at = now()`,
    values: [migration.name, migration.checksum],
  }
  try {
    if (migration.transaction) {
      await client.query('begin isolation level read committed')
      await run(client, migration.sql)
      await client.query(record)
      await client.query('commit')
    } else {
      await run(client, migration.sql)
      await client.query(record)
    }
  } catch (error) {
    // The connection is not used again, and with it the transaction ends.
    throw new Error(`migration ${migration.name} failed: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    })
  }
}
