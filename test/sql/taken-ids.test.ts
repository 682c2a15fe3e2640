import { beforeEach, describe, expect, it } from 'vitest'
import { startApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { createProducer } from '../../src/engine/producer.ts'
import { fireSchedule } from '../../src/store/schedule-firing.ts'
import { refusalOf, useSql } from './staging.ts'

const sql = useSql()

const TAKE_60 = `insert into rowbeat.scheduled_jobs (id, job_type) overriding system value
  select s.last_value + n, 'work' from rowbeat.scheduled_jobs_id_seq s cross join generate_series(1, 60) n`
const QUIET = { PORT: '0', LOG_LEVEL: 'silent' }

describe('an application that takes the next 60 ids', () => {
  it('is refused, and told to leave the column out', async () => {
    const refused = await refusalOf(sql.hand(TAKE_60))
    expect(refused.code).toBe('RB003')
    expect(refused.hint).toContain('Leave the column id out')
    expect(await sql.hand('select from rowbeat.scheduled_jobs')).toEqual([])
  })

  it('may insert ids that it had from the sequence', async () => {
    await sql.hand(`insert into rowbeat.scheduled_jobs (id, job_type) overriding system value
      values (nextval('rowbeat.scheduled_jobs_id_seq'), 'work')`)
    expect(await sql.hand('select from rowbeat.scheduled_jobs')).toHaveLength(1)
  })
})

describe('when the next 60 ids are taken', () => {
  // By the owner, or a member of rowbeat_daemon, whom the guard lets pass.
  beforeEach(() => sql.engine.query(TAKE_60))

  it('enqueue adds a job', async () => {
    const { id } = await sql.one(`select rowbeat.enqueue('work') as id`)
    expect((await sql.job(String(id))).status).toBe('pending')
  })

  it('a producer adds jobs', async () => {
    const producer = createProducer(sql.engine, () => undefined)
    const ids = await producer.add([{ jobType: 'work' }, { jobType: 'work' }])
    expect(new Set(ids).size).toBe(2)
    await producer.stop()
  })

  it('a schedule fires, by the clock and by hand', async () => {
    await sql.engine.query(
      `insert into rowbeat.schedules (name, cron, job_type, missed_policy, accounted_until)
        values ('each', '* * * * *', 'work', 'latest', now() - interval '10 minutes')`,
    )
    expect((await fireSchedule(sql.engine, 'each'))?.runs.map((run) => run.outcome)).toContain('fired')
    await sql.engine.query(`update rowbeat.scheduled_jobs set status = 'cancelled', finished_at = now()`)
    await sql.engine.query(TAKE_60)
    const { id } = await sql.one(`select rowbeat.fire_schedule('each', 'again') as id`)
    expect((await sql.job(String(id))).status).toBe('pending')
  })

  it.each([
    ['', {}],
    [' with an Idempotency-Key', { 'idempotency-key': 'once' }],
  ])('a POST%s starts an audit', async (_what, headers) => {
    const app = await startApp(readConfig({ ...QUIET, DATABASE_URL: sql.url }), { api: true, poller: false })
    try {
      await sql.engine.query(TAKE_60)
      const answer = await fetch(`${app.url}/api/v1/sites/example.org/audit`, {
        method: 'POST',
        headers,
      })
      expect([answer.status, await answer.text()]).toEqual([202, expect.stringContaining('execution_id')])
    } finally {
      await app.stop(0)
    }
  })

  it('the fix that doctor() gives moves the sequence on, and later there is nothing to do', async () => {
    const { fix } = await sql.one(`select fix from rowbeat.doctor() where code = 'sequence_behind'`)
    const [moved] = await sql.hand(String(fix))
    expect(moved).toEqual({ skip_taken_ids: expect.stringMatching(/^\d+$/) })
    expect(await sql.hand(String(fix))).toEqual([{ skip_taken_ids: null }])
    await sql.hand(`insert into rowbeat.scheduled_jobs (job_type) values ('work')`)
  })
})
