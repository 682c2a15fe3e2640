/** Connections: one pool per process, its settings, and what a statement is. */
import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely'
import pg from 'pg'
import { nameSessions } from '../core/database-url.ts'
import { isDatabaseOutage, noteDatabaseError } from '../core/errors.ts'
import type { Database } from '../core/ports.ts'
import { giveUpTheSilent } from './silence.ts'

/** Anything that runs a statement: the pool (each statement its own transaction) or one client of it. */
export type Queryable = Pick<pg.Pool, 'query'>

export interface Connections {
  readonly pool: pg.Pool
  readonly db: Database
  close(): Promise<void>
}

/** Milliseconds that a connection attempt may take. */
const CONNECT_TIMEOUT_MS = 5_000
/**
 * Milliseconds that a statement may take, seen from here. A connection whose other end vanished without a word
 * is given up after this, so it bounds how long work can stand still after the network has healed. What works
 * through a whole batch needs it; a question that is cheap says less: {@link within}.
 */
export const QUERY_TIMEOUT_MS = 15_000
/** Milliseconds that a cheap question of a background service may take. */
export const QUESTION_TIMEOUT_MS = 5_000
/**
 * How much longer than here a statement may take on the server, ms. By then nobody waits for it; what it would still
 * lock or write would be in the way of its own repetition.
 */
const SERVER_MARGIN_MS = 5_000
/** Idle connections are closed after this: one that was cut off unnoticed is seldom met. */
const IDLE_TIMEOUT_MS = 10_000
/** A connection that is silent for this long is probed by the kernel. */
const KEEP_ALIVE_MS = 5_000

/**
 * What a role, a database or the shell may have set otherwise, and our statements or their answers depend on: how times
 * are written, what a statement sees of others' work, what an unqualified name and a text literal mean.
 */
const SESSION = {
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  default_transaction_isolation: 'read committed',
  standard_conforming_strings: 'on',
  bytea_output: 'hex',
  search_path: '"$user", public',
}

/**
 * How the server plans our statements, on connections of our own. A prepared statement keeps the plan that was made when
 * its table was nearly empty until the table is next analyzed, and then would read all of it each time: so never
 * whole tables, unless there is no other way. Up to version 17 that setting makes what must read whole tables look so
 * dear that it would be compiled, which takes longer than any of our statements. Behind a pooler each execution is
 * planned anew, for the table as it is, but for what functions do: these say it themselves.
 */
const PLANNING = { enable_seqscan: 'off', jit: 'off' }

const BEGIN = 'begin isolation level read committed'
/**
 * How a transaction begins on connections that something shares out among clients, see {@link isPooled}: with the
 * server's limits, for what is set for a session would be left to the next client.
 */
const beginPooled = new WeakMap<pg.ClientBase, string>()

/**
 * Opens a pool. Nothing connects until the first statement. A connection that breaks while idle is dropped
 * silently and replaced at the next use; whoever runs a statement sees its error. One that does not answer within
 * `queryTimeoutMs` (default {@link QUERY_TIMEOUT_MS}) is given up with all that may have been cut off with it. Behind
 * a pooler statements run without their names: see {@link isPooled}.
 */
export function connect(options: {
  readonly url: string
  readonly max: number
  readonly applicationName: string
  readonly queryTimeoutMs?: number
}): Connections {
  const queryTimeoutMs = options.queryTimeoutMs ?? QUERY_TIMEOUT_MS
  const named = nameSessions(options.url, options.applicationName)
  const pool = new pg.Pool({
    connectionString: named.url,
    max: options.max,
    application_name: named.name,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    query_timeout: queryTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    onConnect: async (client) => {
      const greeted = await greet(client)
      if (greeted.isPooled) {
        refuseSettings(greeted)
        const values = { ...serverLimits(queryTimeoutMs), TimeZone: SESSION.TimeZone }
        beginPooled.set(client, `${BEGIN}; ${setting('transaction', values)}`)
        dropNames(client)
      } else {
        const text = setting('session', { ...serverLimits(queryTimeoutMs), ...PLANNING, ...SESSION })
        await client.query(within(CONNECT_TIMEOUT_MS, { text }))
      }
    },
  })
  giveUpTheSilent(pool)
  // Without a listener the error of an idle connection would end the process; the next use reports it anyway.
  pool.on('error', () => undefined)
  // Without one on the client, an error between two statements of a transaction would do the same.
  pool.on('connect', (client) => {
    client.on('error', () => undefined)
  })
  const kysely = new Kysely<Record<never, never>>({ dialect: new PostgresDialect({ pool: noting(pool) }) })
  const close = async (): Promise<void> => {
    // Kysely ends the pool only when it has used it; a pool that is left open keeps the process alive.
    await kysely.destroy()
    if (!pool.ending) await pool.end()
  }
  return { pool, db: kysely, close }
}

/** The pool as handlers use it: what its connections throw is known as ours afterwards. */
function noting(pool: pg.Pool): PostgresPool {
  const rethrow = (error: unknown): never => {
    throw noteDatabaseError(error)
  }
  const noted = new WeakMap<pg.PoolClient, PostgresPoolClient>()
  const note = (client: pg.PoolClient): PostgresPoolClient => {
    const query = (text: string, values?: readonly unknown[]) =>
      client.query(text, values === undefined ? undefined : [...values]).catch(rethrow)
    const release = (destroy?: boolean): void => client.release(destroy)
    const processID = 'processID' in client ? Number(client.processID) : undefined
    // Cursors, the other thing to be asked for, are made only by a dialect that is given their class.
    const made = {
      query: query as unknown as PostgresPoolClient['query'],
      release,
      ...(processID && { processID }),
    }
    noted.set(client, made)
    return made
  }
  return {
    options: pool.options,
    connect: async () => {
      const client = await pool.connect().catch(rethrow)
      return noted.get(client) ?? note(client)
    },
    end: () => pool.end(),
  }
}

/** The statement with a time limit of its own, ms. The connection of one that runs into it is given up. */
export function within<Statement extends pg.QueryConfig>(ms: number, statement: Statement): Statement {
  return { ...statement, query_timeout: ms }
}

/**
 * How long the server goes on by itself. Without it, a transaction whose client vanished would keep its locks until
 * the kernel notices, which may take hours, and hold up everybody that the client left.
 */
function serverLimits(queryTimeoutMs: number): Readonly<Record<string, string>> {
  return {
    statement_timeout: String(queryTimeoutMs + SERVER_MARGIN_MS),
    idle_in_transaction_session_timeout: String(queryTimeoutMs),
  }
}

/** One statement for all of them: each connection is greeted with it. */
function setting(scope: 'session' | 'transaction', values: Readonly<Record<string, string>>): string {
  const isLocal = scope === 'transaction'
  return `select ${Object.entries(values)
    .map(([name, value]) => `set_config('${name}', '${value}', ${isLocal})`)
    .join(', ')}`
}

/** For a connection that is to be closed after use: its statements may take as long as they need. */
export async function liftServerLimits(client: pg.ClientBase): Promise<void> {
  // Behind a pooler nothing was set, and the next statement may run in another session.
  if (!beginPooled.has(client)) await client.query('set statement_timeout = 0')
}

interface Greeting {
  readonly isPooled: boolean
  readonly dateStyle: string
  readonly isolation: string
  readonly literals: string
  /** Quoted, as SQL takes it. */
  readonly role: string
}

/**
 * The first question on a connection, one statement. `isPooled` is true when something between us and Postgres shares
 * the server's connections, such as PgBouncer: the server process that answers is not the one that greeted us, for a
 * pooler greets with a number of its own. Nothing to configure. It does not tell the mode: a pooler in session mode, or
 * one that keeps track of named statements, is treated like the others and only loses their plans.
 */
async function greet(client: pg.ClientBase): Promise<Greeting> {
  const text = `select pg_backend_pid() as pid, current_setting('DateStyle') as "dateStyle",
  current_setting('default_transaction_isolation') as isolation,
  current_setting('standard_conforming_strings') as literals, quote_ident(session_user) as role`
  const { rows } = await client.query<Omit<Greeting, 'isPooled'> & { pid: number }>(
    within(CONNECT_TIMEOUT_MS, { text }),
  )
  const [row] = rows
  if (row === undefined) throw new Error('the server did not answer the greeting')
  return { ...row, isPooled: !('processID' in client) || row.pid !== client.processID }
}

/**
 * Behind a pooler nothing can be set for a session, for the next client would get it, and single statements run under
 * what the server gives. Throws a sentence that says what to do when answers could not be read, or limited queues
 * would stand still, under it.
 */
export function refuseSettings(found: Omit<Greeting, 'isPooled'>): void {
  const wrong = [
    found.dateStyle.startsWith('ISO') ? null : ['DateStyle', found.dateStyle, "'ISO, MDY'"],
    found.isolation === 'read committed'
      ? null
      : ['default_transaction_isolation', found.isolation, "'read committed'"],
    found.literals === 'on' ? null : ['standard_conforming_strings', found.literals, 'on'],
  ].find((one) => one !== null)
  if (wrong === undefined || wrong === null) return
  const [name, value, needed] = wrong
  throw new Error(
    `the server's ${name} is "${value}", which cannot be set through a transaction pooler: have an administrator run "alter role ${found.role} set ${name} = ${needed}", then reconnect the pooler`,
  )
}

/**
 * Makes a client prepare nothing by name: the next transaction may run on a server connection that does not know
 * the name, or knows it from somebody else. The server plans each execution anew then.
 */
function dropNames(client: pg.ClientBase): void {
  const query = client.query.bind(client) as (...given: readonly unknown[]) => unknown
  const nameless = (statement: unknown, ...rest: readonly unknown[]): unknown =>
    query(isNamed(statement) ? { ...statement, name: undefined } : statement, ...rest)
  client.query = nameless as typeof client.query
}

function isNamed(statement: unknown): statement is { readonly name: string } {
  // What can submit itself is a query object already, not a description of one; we make none.
  return (
    typeof statement === 'object' && statement !== null && 'name' in statement && !('submit' in statement)
  )
}

/**
 * Runs `work` in one transaction on one connection, READ COMMITTED whatever the default of the database: each
 * statement must see what others committed before it. A connection that broke or whose rollback fails is
 * destroyed, never given back: it could still be inside the transaction.
 */
export async function transaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query(beginPooled.get(client) ?? BEGIN)
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    // A rollback on a connection that no longer answers would only wait for its time limit a second time.
    broken = isBroken(error) ? error : await rollBack(client)
    throw error
  } finally {
    client.release(broken)
  }
}

/** Ends the transaction; returns the error when that fails. */
async function rollBack(client: pg.PoolClient): Promise<Error | undefined> {
  try {
    await client.query('rollback')
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** True when the connection itself failed, not a statement. */
function isBroken(error: unknown): error is Error {
  return isDatabaseOutage(error) && !(error instanceof pg.DatabaseError)
}

/** SQLSTATE of a database error, or the socket's code; undefined for other errors. */
export function databaseCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/**
 * True when the database, or what prepares a statement for it, refuses the data itself: data exceptions (SQLSTATE
 * 22), constraints (23, 44), limits (54) and errors raised by functions (P0). The same write would fail again.
 */
export function isRefusedData(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError) return true
  return error instanceof pg.DatabaseError && /^(22|23|44|54|P0)/.test(error.code ?? '')
}

/** True when a lock was not to be had in time: somebody else holds the row. */
export function isLockTimeout(error: unknown): boolean {
  return databaseCode(error) === '55P03'
}

/** A sentence for the operator about why the database of this setting cannot be used. */
export function explainDatabaseError(error: unknown, url: string, setting = 'DATABASE_URL'): string {
  const where = describeUrl(url, setting)
  const code = databaseCode(error)
  if (code === 'ECONNREFUSED')
    return `nothing listens at ${where}: start Postgres there or correct ${setting}`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `the host of ${where} is not known: correct ${setting}`
  if (code === '28P01' || code === '28000') return `${where} refuses the user or password: correct ${setting}`
  if (code === '3D000') return `the database of ${where} does not exist: create it or correct ${setting}`
  if (code === '42501')
    return `the user of ${where} lacks a privilege: ${error instanceof Error ? error.message : ''}`
  return `${where} cannot be used: ${error instanceof Error ? error.message || error.name : String(error)}`
}

/** Host, port and database of a connection string, without the password. */
export function describeUrl(url: string, setting = 'DATABASE_URL'): string {
  try {
    const { hostname, port, pathname } = new URL(url)
    return `postgres://${hostname}:${port || 5432}${pathname}`
  } catch {
    return `the database of ${setting}`
  }
}
