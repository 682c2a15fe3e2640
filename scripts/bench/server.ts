/** The one server that all systems are measured on, freshly made for the run. */
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { startEmbedded } from '../../src/store/embedded.ts'

/** Durable, and with room enough that no checkpoint falls into a timed part. */
export const SETTINGS = {
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  shared_buffers: '1GB',
  max_wal_size: '8GB',
  checkpoint_timeout: '15min',
  jit: 'off',
  max_connections: '100',
  // Loaded for the idle scenario and tracking nothing elsewhere: no statement is counted unless a database asks.
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.track': 'none',
} as const

const CONNECT_TIMEOUT_MS = 10_000
/** The longest single statement is one batch of the table of finished rows. */
const STATEMENT_TIMEOUT_MS = 900_000

export interface Server {
  readonly version: string
  /** Makes an empty database and returns its URL. */
  createDatabase(name: string): Promise<string>
  /** URL of a database that nobody works in, to look at the others from. */
  readonly watchUrl: string
  stop(): Promise<void>
}

export async function startServer(log: (line: string) => void): Promise<Server> {
  const dataDir = join(tmpdir(), `rowbeat-bench-${randomBytes(6).toString('hex')}`)
  const embedded = await startEmbedded({ dataDir, settings: SETTINGS, temporary: true, log })
  return {
    version: embedded.version,
    watchUrl: withDatabase(embedded.url, 'postgres'),
    createDatabase: async (name) => {
      await withClient(embedded.url, (client) => client.query(`create database ${pg.escapeIdentifier(name)}`))
      return withDatabase(embedded.url, name)
    },
    stop: () => embedded.stop(),
  }
}

/** Runs `work` on one connection and closes it. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'rowbeat-bench',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: STATEMENT_TIMEOUT_MS,
  })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Vacuums and analyses everything, then writes it out: each timed part starts from the same rest. */
export async function settleDatabase(url: string): Promise<void> {
  await withClient(url, async (client) => {
    await client.query('vacuum (analyze)')
    await client.query('checkpoint')
  })
}

/** Bytes of WAL written so far by the whole server. */
export async function readWalBytes(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as bytes`,
  )
  return Number(rows[0]?.bytes ?? 0)
}

/** Opens a repeatable-read transaction in the database; returns a function that ends it. */
export async function holdSnapshot(url: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: url, application_name: 'rowbeat-bench-snapshot' })
  client.on('error', () => undefined)
  await client.connect()
  await client.query('begin isolation level repeatable read')
  await client.query('select count(*) from pg_class')
  return async () => {
    await client.query('rollback')
    await client.end()
  }
}

/** Server settings as they are in effect, in the order of {@link SETTINGS}, and a few that matter besides. */
export async function readSettings(url: string): Promise<Record<string, string>> {
  const names = [
    ...Object.keys(SETTINGS),
    'wal_level',
    'wal_compression',
    'wal_buffers',
    'autovacuum',
    'work_mem',
  ]
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ name: string; value: string }>(
      `select name, current_setting(name) as value
from unnest($1::text[]) with ordinality as wanted (name, position)
order by position`,
      [names],
    )
    return Object.fromEntries(rows.map((row) => [row.name, row.value]))
  })
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}
