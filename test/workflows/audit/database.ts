/** A migrated database of its own for a test file, as the audit is handed it. */
import { Kysely, PostgresDialect } from 'kysely'
import type pg from 'pg'
import { afterAll, beforeAll } from 'vitest'
import type { Database } from '../../../src/core/ports.ts'
import { connect } from '../../../src/store/database.ts'
import { createTestDatabase } from '../../support/database.ts'

export interface AuditTestDatabase {
  readonly db: Database
  readonly pool: pg.Pool
}

/** Opens it before the tests of a file and drops it after them. `statements` counts what was sent. */
export function useAuditDatabase(): AuditTestDatabase & { statements(): number } {
  let open: (AuditTestDatabase & { close(): Promise<void> }) | null = null
  let statements = 0
  beforeAll(async () => {
    const database = await createTestDatabase()
    const { pool, close } = connect({ url: database.url, max: 4, applicationName: 'rowbeat' })
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
        await close()
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
