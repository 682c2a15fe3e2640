/** Who did what by hand or through a function; see migrations/0004_guard_tables.sql. */
import type { Queryable } from './database.ts'

/** Forgets entries older than 90 days, some at a time. */
export async function trimActionLog(db: Queryable): Promise<void> {
  await db.query({
    name: 'trim_action_log',
    text: 'select rowbeat.trim_action_log()',
  })
}
