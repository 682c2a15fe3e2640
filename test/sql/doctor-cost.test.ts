/** What doctor() reads when 100,000 steps have just been added and no statistics exist, and what it does not wait for. */
import type pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { connect } from '../../src/store/database.ts'
import { useCleanUp } from '../support/clean-up.ts'
import { useTestDatabase } from '../support/database.ts'
import { jobsRead } from '../support/plans.ts'

const database = useTestDatabase()
const cleanUp = useCleanUp()

const STEPS = 100_000

/** The one connection to the database, so that what it reads is what is counted. */
function open(): pg.Pool {
  const { pool, close } = connect({ url: database.url, max: 1, applicationName: 'rowbeat' })
  cleanUp.push(close)
  return pool
}

beforeAll(async () => {
  const { pool, close } = connect({ url: database.url, max: 1, applicationName: 'rowbeat' })
  // Autovacuum would analyze them in the middle of it.
  await pool.query(`alter table rowbeat.scheduled_jobs set (autovacuum_enabled = false);
    alter table rowbeat.workflow_executions set (autovacuum_enabled = false);
    insert into rowbeat.workflow_executions (execution_id, workflow_type, subject, deadline_at)
      select gen_random_uuid(), 'walk', 'site ' || n, now() + interval '1 hour' from generate_series(1, 10000) n;
    insert into rowbeat.scheduled_jobs (parent_execution_id, job_type, step, sequence_index, status, depends_on)
      select e.execution_id, 'work', 's' || n, n, case n when 1 then 'pending' else 'waiting' end,
             case n when 1 then '{}'::text[] else array['s' || (n - 1)] end
      from rowbeat.workflow_executions e cross join generate_series(1, 5) n;
    insert into rowbeat.workflow_executions (execution_id, workflow_type, subject, deadline_at)
      values ('00000000-0000-4000-8000-000000000000', 'march', 'far', now() + interval '1 hour');
    insert into rowbeat.scheduled_jobs (parent_execution_id, job_type, step, sequence_index, status, depends_on)
      select '00000000-0000-4000-8000-000000000000', 'work', 's' || n, n, case n when 1 then 'pending' else 'waiting' end,
             case n when 1 then '{}'::text[] else array['s' || (n - 1)] end
      from generate_series(1, ${STEPS / 2}) n;
    insert into rowbeat.schedules (name, cron, job_type, last_job_id, problem)
      select 'schedule_' || n, '@daily', 'work', n, 'a test' from generate_series(1, 20) n;
    insert into rowbeat.suspects (job_id, deaths) select n, 2 from generate_series(1, 20) n`)
  await close()
}, 300_000)

describe('doctor on 100,000 steps that nobody has analyzed', () => {
  it.each([
    ['pollers', 100],
    ['schedules', 100],
    ['vacuum', 10],
    ['server', 10],
    ['schema', 10],
    ['failures', 10],
    // The first 10,000 of a lane.
    ['queues', 10_100],
    // Each step, and for each that waits one that it waits for.
    ['stuck', 2 * STEPS + 100],
  ])('looks up what it needs: %s reads at most %i rows of jobs', async (part, most) => {
    const pool = open()
    // As doctor() sets it for its parts.
    const ask = `begin; set local enable_seqscan = off; set local jit = off;
      select * from rowbeat.doctor_${part}('5 minutes', clock_timestamp() + interval '10 minutes'); commit`
    expect(await jobsRead(pool, () => pool.query(ask))).toBeLessThanOrEqual(most)
  })

  it('reads few blocks for each step as a whole, and the view stuck does not more', async () => {
    const pool = open()
    for (const what of [`rowbeat.doctor(budget => '10 minutes')`, 'rowbeat.stuck', 'rowbeat.overview']) {
      const { rows } = await pool.query(`explain (analyze, buffers, format json) select * from ${what}`)
      const plan = rows[0]['QUERY PLAN'][0].Plan
      expect([what, (plan['Shared Hit Blocks'] + plan['Shared Read Blocks']) / STEPS < 12]).toEqual([
        what,
        true,
      ])
    }
  })
})

describe('doctor with little time', () => {
  const ask = async (pool: pg.Pool, of: string): Promise<{ code: string; evidence: string; fix: string }[]> =>
    (await pool.query(`select code, evidence, fix from ${of}`)).rows

  it('says what it did not look at, and how to look longer', async () => {
    const pool = open()
    const found = await ask(pool, `rowbeat.doctor(budget => '0')`)
    expect(found.map((row) => row.code)).toEqual(['not_looked_at'])
    expect(found[0]?.evidence).toBe(
      'the time was up before these parts: pollers, schedules, vacuum, server, schema, failures, queues, stuck',
    )
    expect(found[0]?.fix).toContain(`select * from rowbeat.doctor(budget => '1 minute')`)
  })

  it.each(['queues', 'stuck'])('stops in the middle of %s, and says so', async (part) => {
    const found = await ask(open(), `rowbeat.doctor_${part}('5 minutes', clock_timestamp())`)
    expect(found.map((row) => row.code)).toContain('not_looked_at')
  })

  it('does not wait for a table that somebody holds: that part is named, the others are looked at', async () => {
    const holder = open()
    const client = await holder.connect()
    try {
      await client.query('begin; lock table rowbeat.schedules in access exclusive mode')
      const found = await ask(open(), 'rowbeat.doctor()')
      const left = found.filter((row) => row.code === 'not_looked_at')
      expect(left.map((row) => row.evidence)).toEqual([
        'the part schedules could not be looked at: canceling statement due to lock timeout',
      ])
      expect(found.map((row) => row.code)).toContain('no_poller')
    } finally {
      await client.query('rollback')
      client.release()
    }
  })
})
