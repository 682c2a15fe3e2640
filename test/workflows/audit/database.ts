/** A migrated database of its own for a test file, as the audit is handed it. */
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll } from 'vitest'
import type { Database } from '../../../src/core/ports.ts'
import { createTestDatabase } from '../../support/database.ts'

export interface AuditTestDatabase {
  readonly db: Database
  readonly pool: pg.Pool
}

/** SQLSTATE of a connection that the server ends. */
const ADMIN_SHUTDOWN = '57P01'

/** Opens it before the tests of a file and drops it after them. `statements` counts what was sent. */
export function useAuditDatabase(): AuditTestDatabase & { statements(): number } {
  let open: (AuditTestDatabase & { close(): Promise<void> }) | null = null
  let statements = 0
  beforeAll(async () => {
    const database = await createTestDatabase()
    const pool = new pg.Pool({ connectionString: database.url, max: 4 })
    // The drop of the database may reach a connection that is just being closed; the client and its pool both tell.
    const allowDrop = (error: Error): void => {
      if (!('code' in error) || error.code !== ADMIN_SHUTDOWN) throw error
    }
    pool.on('error', allowDrop)
    pool.on('connect', (client) => {
      client.on('error', allowDrop)
    })
    const db = new Kysely<Record<never, never>>({
      dialect: new PostgresDialect({ pool }),
      log: () => {
        statements += 1
      },
    })
    open = {
      db,
      pool,
      close: async () => {
        await db.destroy()
        await database.drop()
      },
    }
  })
  afterAll(async () => {
    await open?.close()
  })
  const opened = (): AuditTestDatabase => {
    if (open === null) throw new Error('the test database exists only while hooks and tests run')
    return open
  }
  return {
    get db() {
      return opened().db
    },
    get pool() {
      return opened().pool
    },
    statements: () => statements,
  }
}
