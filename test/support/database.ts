/** A database of its own for every test file, copied from a migrated template. */
import { afterAll, beforeAll, beforeEach, inject } from 'vitest'
import { type Connections, connect } from '../../src/store/database.ts'
import { useCleanUp } from './clean-up.ts'
import { openSession, queryOnce } from './sessions.ts'

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

export interface TestPool extends Pick<TestDatabase, 'url' | 'directUrl'>, Pick<Connections, 'pool' | 'db'> {}

/** {@link useTestDatabase} with a pool of at most `max` connections to it, as the daemon opens its own. */
export function useTestPool(max: number): TestPool {
  const database = useTestDatabase()
  let connections: Connections | null = null
  beforeAll(() => {
    connections = connect({ url: database.url, max, applicationName: 'rowbeat' })
  })
  afterAll(() => connections?.close())
  const opened = (): Connections => {
    if (connections === null) throw new Error('the pool exists only while hooks and tests run')
    return connections
  }
  return {
    get url(): string {
      return database.url
    },
    get directUrl(): string {
      return database.directUrl
    },
    get pool(): Connections['pool'] {
      return opened().pool
    },
    get db(): Connections['db'] {
      return opened().db
    },
  }
}

/** {@link openSession} for tests: what they open ends after each of them. */
export function useSessions(): typeof openSession {
  const cleanUp = useCleanUp()
  return async (url, settings) => {
    const client = await openSession(url, settings)
    cleanUp.push(() => client.end())
    return client
  }
}

/**
 * How many clients are connected to the database of `url` now, this question not counted. For a leak check:
 * `await until(async () => (await connectionsOf(url)) === 0, { what: 'connections to close' })`.
 */
export async function connectionsOf(url: string): Promise<number> {
  const [row] = await queryOnce<{ count: number }>(
    url,
    `select count(*)::int as count
     from pg_stat_activity
     where datname = current_database()
       and backend_type = 'client backend'
       and pid <> pg_backend_pid()`,
  )
  return row?.count ?? 0
}

async function ask(url: string, method: 'POST' | 'DELETE'): Promise<Record<string, unknown>> {
  const answer = await fetch(url, { method, signal: AbortSignal.timeout(150_000) })
  const body = (await answer.json()) as Record<string, unknown>
  if (!answer.ok) throw new Error(`No test database: ${String(body.error)}`)
  return body
}
