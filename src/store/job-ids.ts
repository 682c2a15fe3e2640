/** Ids of jobs that somebody took before the sequence gave them. */
import { databaseCode, type Queryable } from './database.ts'

/** A crowd may meet the same taken ids; whoever comes second finds them skipped. */
const TRIES = 3

/**
 * Does `work`, which adds jobs in a transaction of its own. When it meets ids that are taken, as after a restore or by a
 * row whose id was chosen by hand, the sequence is moved on behind them and `work` is done again. Throws what it
 * throws, and the duplicate id when that was no help.
 */
export async function withFreeIds<T>(db: Queryable, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (tries >= TRIES || !isTakenId(error)) throw error
      await db.query('select rowbeat.skip_taken_ids()')
    }
  }
}

function isTakenId(error: unknown): boolean {
  return (
    databaseCode(error) === '23505' &&
    error instanceof Error &&
    'constraint' in error &&
    error.constraint === 'scheduled_jobs_pkey'
  )
}
