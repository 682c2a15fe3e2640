/**
 * The ledger: what handlers really did, written at once into another database, over connections that no fault
 * touches. What it holds cannot be taken back by a rollback or a crash of the database under test.
 */
import pg from 'pg'

export type Deed = 'begin' | 'end' | 'throw' | 'stop'

export interface Effect {
  readonly jobId: string
  readonly key: string
  readonly attempt: number
  readonly daemon: string
  readonly deed: Deed
  /** Clock of the daemon when its handler came by, ms since epoch. */
  readonly handlerMs: number
  /** Clock of the ledger, ms since epoch. */
  readonly atMs: number
}

export interface Ledger {
  note(effect: Omit<Effect, 'atMs' | 'daemon' | 'handlerMs'>): Promise<void>
  close(): Promise<void>
}

const CREATE = `create table if not exists effects (
  n          bigint generated always as identity primary key,
  run        text not null,
  job_id     bigint not null,
  key        text not null,
  attempt    integer not null,
  daemon     text not null,
  deed       text not null,
  handler_at double precision not null,
  at         timestamptz not null default clock_timestamp()
)`

/** Makes the ledger's table; `url` is a database that nothing else uses. */
export async function createLedger(url: string): Promise<void> {
  await withClient(url, async (client) => {
    await client.query(CREATE)
    await client.query('create index if not exists effects_run on effects (run, job_id)')
  })
}

/** Opens the ledger for one daemon; `run` keeps apart what shares it. */
export function openLedger(url: string, run: string, daemon: string): Ledger {
  const pool = new pg.Pool({ connectionString: url, max: 4, application_name: `ledger ${daemon}` })
  pool.on('error', () => undefined)
  return {
    note: async ({ jobId, key, attempt, deed }) => {
      await pool.query({
        name: 'note_effect',
        text: 'insert into effects (run, job_id, key, attempt, daemon, deed, handler_at) values ($1, $2, $3, $4, $5, $6, $7)',
        values: [run, jobId, key, attempt, daemon, deed, Date.now()],
      })
    },
    close: () => pool.end(),
  }
}

/** Every effect of a run in the order of arrival. */
export async function readLedger(url: string, run: string): Promise<Effect[]> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<Effect>(
      `select job_id as "jobId", key, attempt, daemon, deed, handler_at as "handlerMs",
              extract(epoch from at)::double precision * 1000 as "atMs"
       from effects
       where run = $1
       order by n`,
      [run],
    )
    return rows
  })
}

/** Runs `work` on one connection and closes it. */
export async function withClient<T>(
  url: string,
  work: (client: pg.Client) => Promise<T>,
  applicationName = 'chaos',
): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: 5_000,
    query_timeout: 60_000,
  })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
