/** A database of its own for every test file, copied from a migrated template. */
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, inject } from 'vitest'

export interface TestDatabase {
  readonly url: string
  /** The same, past the pooler; equal to `url` where there is none. */
  readonly directUrl: string
  /** Drops it, closing what is still connected; keeps it for a look when a test failed on a server of yours. */
  drop(): Promise<void>
}

let anyFailed = false
beforeEach(({ onTestFailed }) => {
  onTestFailed(() => {
    anyFailed = true
  })
})

/** Makes a migrated database; the first call of a run starts the server, which takes a few seconds. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const broker = inject('databaseBroker')
  const major = inject('oldServer')
  const where = major === null ? (inject('pooled') ? '?pooled' : '') : `?major=${major}`
  const made = await ask(`${broker}${where}`, 'POST')
  const { url, directUrl, name, outlivesRun } = made
  if (typeof url !== 'string' || typeof directUrl !== 'string' || typeof name !== 'string')
    throw new Error('the broker made no database')
  return {
    url,
    directUrl,
    drop: async () => {
      if (anyFailed && outlivesRun === true)
        process.stderr.write(`A test failed: its database ${name} is kept\n`)
      else await ask(`${broker}?name=${name}${major === null ? '' : `&major=${major}`}`, 'DELETE')
    },
  }
}

/**
 * Makes a database before the tests of a file or `describe` and drops it after them. Call it at their top;
 * read its URLs in hooks and tests.
 */
export function useTestDatabase(): Pick<TestDatabase, 'url' | 'directUrl'> {
  let database: TestDatabase | null = null
  beforeAll(async () => {
    database = await createTestDatabase()
  })
  afterAll(async () => {
    await database?.drop()
  })
  const existing = (): TestDatabase => {
    if (database === null) throw new Error('the test database exists only while hooks and tests run')
    return database
  }
  return {
    get url(): string {
      return existing().url
    },
    get directUrl(): string {
      return existing().directUrl
    },
  }
}

/**
 * How many clients are connected to the database of `url` now, this question not counted. For a leak check:
 * `await until(async () => (await connectionsOf(url)) === 0, { timeoutMs: 2_000, what: 'connections to close' })`.
 */
export async function connectionsOf(url: string): Promise<number> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    query_timeout: 5_000,
  })
  client.on('error', () => undefined)
  await client.connect()
  try {
    const { rows } = await client.query<{ count: number }>(
      `select count(*)::int as count
       from pg_stat_activity
       where datname = current_database()
         and backend_type = 'client backend'
         and pid <> pg_backend_pid()`,
    )
    return rows[0]?.count ?? 0
  } finally {
    await client.end()
  }
}

async function ask(url: string, method: 'POST' | 'DELETE'): Promise<Record<string, unknown>> {
  const answer = await fetch(url, { method, signal: AbortSignal.timeout(150_000) })
  const body = (await answer.json()) as Record<string, unknown>
  if (!answer.ok) throw new Error(`No test database: ${String(body.error)}`)
  return body
}
