/** What the tests of schedules share: a database, rows as somebody in psql would write them, and counts. */
import type pg from 'pg'
import { beforeEach } from 'vitest'
import type { Firing } from '../../src/store/schedule-firing.ts'
import { useTestPool } from '../support/database.ts'

export interface ScheduleStore {
  readonly url: string
  readonly pool: pg.Pool
  rows<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>
  /** The first row; throws when there is none. */
  one<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row>
  /**
   * Inserts a schedule, as if nothing had looked at it for `since`; returns its name. Without a cron it fires every
   * hour, half an hour away from now, so that no fire time is on time by chance.
   */
  insert(since: string, settings?: Record<string, unknown>): Promise<string>
  jobCount(): Promise<number>
}

/** A migrated database for the tests of a file, without schedules and jobs before each. */
export function useSchedules(): ScheduleStore {
  const database = useTestPool(8)
  beforeEach(async () => {
    await database.pool.query('delete from rowbeat.schedules')
    await database.pool.query('delete from rowbeat.scheduled_jobs')
  })

  const rows = async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> =>
    (await database.pool.query<Row>(text, values)).rows
  const one = async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row> => {
    const [row] = await rows<Row>(text, values)
    if (row === undefined) throw new Error(`no row: ${text}`)
    return row
  }
  const hourly = async (): Promise<string> => {
    const { minute } = await one<{ minute: number }>(
      "select ((extract(minute from now() at time zone 'UTC')::int + 30) % 60) as minute",
    )
    return `${minute} * * * *`
  }

  return {
    get url() {
      return database.url
    },
    get pool() {
      return database.pool
    },
    rows,
    one,
    insert: async (since, settings = {}) => {
      const given = { name: 'reports', cron: await hourly(), job_type: 'report', ...settings }
      const columns = Object.keys(given)
      await rows(
        `insert into rowbeat.schedules (${columns.join(', ')}, accounted_until)
         values (${columns.map((_, at) => `$${at + 1}`).join(', ')}, clock_timestamp() - $${columns.length + 1}::interval)`,
        [...Object.values(given), since],
      )
      return given.name
    },
    jobCount: async () =>
      (await one<{ count: number }>('select count(*)::int as count from rowbeat.scheduled_jobs')).count,
  }
}

/** Fire times of a firing, counted by outcome. */
export function outcomes(firing: Firing | null): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const run of firing?.runs ?? []) counts[run.outcome] = (counts[run.outcome] ?? 0) + run.fireTimes
  return counts
}
