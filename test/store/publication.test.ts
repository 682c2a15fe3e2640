import { expect, it } from 'vitest'
import { useTestPool } from '../support/database.ts'

const database = useTestPool(2)

it('a publication for all tables finds what identifies each row: every table has a primary key', async () => {
  const { rows } = await database.pool.query(
    `select c.relname from pg_class c
     where c.relnamespace = 'rowbeat'::regnamespace
       and c.relkind in ('r', 'p')
       and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)`,
  )
  expect(rows).toEqual([])
})

it('with a publication for all tables, rates are counted and durations trimmed', async () => {
  await database.pool.query('create publication everything for all tables')
  await database.pool.query(
    `insert into rowbeat.rate_starts (scope, name, first_at, started_at, starts) values ('queue', 'q', now(), now(), 1)`,
  )
  await database.pool.query('update rowbeat.rate_starts set starts = 2')
  await database.pool.query(
    `insert into rowbeat.step_durations (job_type, duration_seconds) values ('work', 1)`,
  )
  await database.pool.query('delete from rowbeat.step_durations')
  const { rows } = await database.pool.query('select starts from rowbeat.rate_starts')
  expect(rows).toEqual([{ starts: 2 }])
})
