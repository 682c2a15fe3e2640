/** What a statement reads: by its plan, as `explain (analyze, format json)` gives it, and by the server's own counts. */
import type { Queryable } from '../../src/store/database.ts'

export interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Join Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly Plans?: readonly PlanNode[]
}

const REMOVED = [
  'Rows Removed by Filter',
  'Rows Removed by Join Filter',
  'Rows Removed by Index Recheck',
] as const

/** Rows that one node of a plan handled over all its loops, also those it threw away. */
export function rowsHandled(node: PlanNode): number {
  const removed = REMOVED.reduce((sum, reason) => sum + (node[reason] ?? 0), 0)
  return (node['Actual Rows'] + removed) * node['Actual Loops']
}

interface Reads {
  readonly whole: number
  readonly rows: number
}

async function readsSoFar(db: Queryable, table: string): Promise<Reads> {
  await db.query('select pg_stat_force_next_flush()')
  const { rows } = await db.query<Reads>(
    `select seq_scan::int as whole, coalesce(idx_tup_fetch, 0)::int as rows
     from pg_stat_user_tables where schemaname = 'rowbeat' and relname = $1`,
    [table],
  )
  return rows[0] ?? { whole: -1, rows: -1 }
}

/**
 * Rows of the table of jobs that `work` read; throws when it walked over the whole table. `db` must be the one
 * connection to the database, or what others read counts too.
 */
export function jobsRead(db: Queryable, work: () => Promise<unknown>): Promise<number> {
  return rowsRead(db, 'scheduled_jobs', work)
}

/** {@link jobsRead} of another table of the schema. */
export async function rowsRead(db: Queryable, table: string, work: () => Promise<unknown>): Promise<number> {
  const before = await readsSoFar(db, table)
  await work()
  const after = await readsSoFar(db, table)
  if (after.whole > before.whole) throw new Error(`the whole of ${table} was read`)
  return after.rows - before.rows
}
