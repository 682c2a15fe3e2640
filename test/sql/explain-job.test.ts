import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { useLogins } from './advice.ts'
import { addEnded, addExecution, addJob, addPoller, claim, claimKeyed, type Row, useSql } from './staging.ts'

const sql = useSql()
const logins = useLogins(sql)

async function explain(id: string | undefined): Promise<Row[]> {
  return sql.hand('select * from rowbeat.explain_job($1)', [id])
}

async function codes(id: string | undefined): Promise<unknown[]> {
  const rows = await explain(id)
  expect(rows.map((row) => row.place)).toEqual(rows.map((_, index) => index + 1))
  for (const row of rows) expect([row.code, String(row.help).length > 10]).toEqual([row.code, true])
  return rows.map((row) => row.code)
}

describe('explain_job', () => {
  it('says that a due job is about to be claimed when nothing stands in its way', async () => {
    await addPoller(sql.engine)
    expect(await codes(await addJob(sql.engine))).toEqual(['due'])
  })

  it('gives every reason of a pending job, the most decisive first, and help that works', async () => {
    await addPoller(sql.engine, ['other'])
    const id = await addJob(sql.engine, {
      scheduled_at: new Date(Date.now() + 600_000),
      retry_count: 2,
      last_error: 'no route',
      last_error_code: 'NETWORK_UNREACHABLE',
    })
    await sql.hand(`select rowbeat.pause_queue('default', 'a test')`)
    const reasons = await explain(id)
    expect(reasons.map((row) => row.code)).toEqual(['queue_paused', 'backs_off', 'unknown_job_type'])
    expect(reasons[0]?.reason).toContain('a test')
    expect(reasons[1]?.reason).toContain('NETWORK_UNREACHABLE: no route')
    for (const row of reasons.slice(0, 2)) await sql.hand(String(row.help))
    expect(await codes(id)).toEqual(['unknown_job_type'])
  })

  it('tells that no poller is alive, that all are full, and what comes before it', async () => {
    const first = await addJob(sql.engine, { priority: 1 })
    const id = await addJob(sql.engine)
    expect(await codes(id)).toEqual(['no_poller', 'jobs_ahead'])
    const pollerId = await addPoller(sql.engine)
    await sql.engine.query('update rowbeat.pollers set running = concurrency where poller_id = $1', [
      pollerId,
    ])
    expect(await codes(id)).toEqual(['pollers_full', 'jobs_ahead'])
    expect(await codes(first)).toEqual(['pollers_full'])
  })

  it('names the jobs that hold a limit', async () => {
    await addPoller(sql.engine)
    const holder = await addJob(sql.engine, { concurrency_key: 'k' })
    await claimKeyed(sql.engine)
    const id = await addJob(sql.engine, { concurrency_key: 'k' })
    await sql.hand(`select rowbeat.set_queue_limits('default', 'a test', max_running => 1, max_per_key => 1)`)
    const reasons = await explain(id)
    expect(reasons.map((row) => row.code)).toEqual(['queue_limit', 'key_limit'])
    for (const row of reasons) expect(row.reason).toContain(holder)
    await sql.hand(String(reasons[0]?.help))
    expect(await sql.one('select max_running, max_per_key from rowbeat.queues')).toEqual({
      max_running: 2,
      max_per_key: 1,
    })
    await sql.hand(String(reasons[1]?.help))
    expect(await codes(id)).toEqual(['queue_limit'])
  })

  it('tells a job with a key what takes its turn before it', async () => {
    await addPoller(sql.engine)
    const first = await addJob(sql.engine, { concurrency_key: 'k' })
    expect(await codes(first)).toEqual(['due'])
    const id = await addJob(sql.engine, { concurrency_key: 'k' })
    for (const key of ['a', 'a', 'z']) await addJob(sql.engine, { concurrency_key: key })
    await addJob(sql.engine, { concurrency_key: 'later', scheduled_at: new Date(Date.now() + 60_000) })
    const [turn] = await explain(id)
    expect(turn?.code).toBe('takes_turns')
    expect(turn?.reason).toBe(
      'Keys take turns. Due jobs of its key k before it: 1; other keys with due jobs: 2.',
    )
    await sql.hand(String(turn?.help).split(';')[0] ?? '')
    expect(await codes(id)).toEqual(['due'])
    expect((await codes(first))[0]).toBe('jobs_ahead')
  })

  it('tells that a rate is used up, and when there is room again', async () => {
    await addPoller(sql.engine)
    await sql.hand(`select rowbeat.set_queue_limits('default', 'a test', rate_max => 1, rate_seconds => 60)`)
    await sql.hand(`select rowbeat.set_job_type_rate('work', 'a test', 1, 60)`)
    const id = await addJob(sql.engine)
    expect(await codes(id)).toEqual(['due'])
    await sql.engine.query(`insert into rowbeat.rate_starts values
      ('queue', 'default', now(), now(), 1), ('job_type', 'work', now(), now(), 1)`)
    const reasons = await explain(id)
    expect(reasons.map((row) => row.code)).toEqual(['queue_rate', 'job_type_rate'])
    for (const row of reasons) expect(row.reason).toMatch(/ 1 jobs may start in 60 s.* in (60|[345]\d)\.\d s/)
    for (const row of reasons) await sql.hand(String(row.help))
    expect(await codes(id)).toEqual(['due'])
  })

  it('tells which starts use a rate up, since when and until when', async () => {
    await addPoller(sql.engine)
    await sql.hand(`select rowbeat.set_queue_limits('default', 'a test', rate_max => 9, rate_seconds => 100)`)
    // Nine of ten count: the three of 50 s ago must leave the window, those of 90 s ago are one too many.
    await sql.engine.query(`insert into rowbeat.rate_starts
      select 'queue', 'default', now() - ago, now() - ago, n
      from (values (interval '200 s', 9), ('90 s', 1), ('50 s', 3), ('40 s', 1), ('30 s', 1), ('20 s', 1), ('10 s', 2), ('5 s', 1)) v (ago, n)`)
    const [reason] = await explain(await addJob(sql.engine))
    expect(reason?.code).toBe('queue_rate')
    expect(reason?.reason).toMatch(
      /queue default 9 jobs may start in 100 s, and as many have since .*: the next may at .*, in (50|[34]\d)\.\d s\. Counted are 1 at .*, 2 at .*, 1 at .*, 1 at .*, 1 at .* and 4 before\.$/,
    )
  })

  it('can be asked on a standby and in a transaction that goes on: it holds nothing', async () => {
    await addPoller(sql.engine)
    const id = await addJob(sql.engine)
    await sql.hand(`select rowbeat.set_queue_limits('default', 'a test', rate_max => 1, rate_seconds => 60)`)
    await sql.hand('begin')
    expect(await codes(id)).toEqual(['due'])
    const free = await sql.engine.query(
      'select from rowbeat.scheduled_jobs where id = $1 for update skip locked',
      [id],
    )
    expect(free.rowCount).toBe(1)
    await sql.hand('commit')
    await sql.hand('begin read only')
    expect(await codes(id)).toEqual(['due'])
    await sql.hand('commit')
  })

  it('names the backend that holds the row', async () => {
    await addPoller(sql.engine)
    const id = await addJob(sql.engine)
    const holder = await sql.engine.connect()
    try {
      await holder.query('begin')
      const { rows } = await holder.query<{ pid: number }>(
        'select pg_backend_pid() as pid from rowbeat.scheduled_jobs where id = $1 for update',
        [id],
      )
      const [reason] = await explain(id)
      expect(reason?.code).toBe('row_locked')
      expect(reason?.reason).toContain(`backend ${rows[0]?.pid} `)
      expect(reason?.help).toContain(`pg_cancel_backend(${rows[0]?.pid})`)
    } finally {
      await holder.query('rollback')
      holder.release()
    }
  })

  it('tells that a job lies below the claim floor, and the help lifts it out', async () => {
    await addPoller(sql.engine)
    const id = await addJob(sql.engine)
    await sql.engine.query(
      `insert into rowbeat.claim_floors values ('default', 0, now() + interval '1 minute')`,
    )
    const [reason] = await explain(id)
    expect(reason?.code).toBe('below_floor')
    await sql.engine.query(`update rowbeat.claim_floors set floor_at = now() - interval '1 second'`)
    await sql.hand(String(reason?.help).split(';')[0] ?? '')
    expect(await codes(id)).toEqual(['due'])
  })

  it('tells a waiting step what it waits for', async () => {
    const { steps } = await addExecution(sql.engine, { a: {}, b: {}, c: { after: ['a', 'b'] } })
    const reasons = await explain(steps.c)
    expect(reasons.map((row) => row.code)).toEqual(['waits_for_step', 'waits_for_step'])
    expect(reasons[0]?.reason).toBe(`It waits for the step a (job ${steps.a}), which is pending.`)
  })

  it('finds a waiting step that nobody advanced, and the help advances it', async () => {
    await addPoller(sql.engine)
    const { steps } = await addExecution(sql.engine, { a: { status: 'completed' }, b: { after: ['a'] } })
    const [reason] = await explain(steps.b)
    expect(reason?.code).toBe('not_advanced')
    await sql.hand(String(reason?.help))
    expect(await codes(steps.b)).toEqual(['due'])
  })

  it('tells how a job runs, that its poller is dead, and that nobody runs it', async () => {
    const pollerId = await addPoller(sql.engine)
    const id = await addJob(sql.engine, { timeout_seconds: 60 })
    await claim(sql.engine, pollerId)
    expect(await codes(id)).toEqual(['runs'])
    await sql.engine.query(`update rowbeat.scheduled_jobs set started_at = now() - interval '2 minutes'`)
    expect(await codes(id)).toEqual(['past_time_limit'])
    await sql.engine.query(`update rowbeat.pollers set beat_at = now() - interval '1 minute'`)
    expect(await codes(id)).toEqual(['poller_dead'])
    await sql.engine.query('delete from rowbeat.leases')
    const [reason] = await explain(id)
    expect(reason?.code).toBe('no_lease')
    for (const statement of String(reason?.help).split('; ')) await sql.hand(statement)
    expect((await sql.job(id)).status).toBe('pending')
  })

  it('tells how an ended job ended, and what can be done about it', async () => {
    const failed = await addEnded(sql.engine, 'failed', {
      last_error: 'no route',
      last_error_code: 'DNS_FAILURE',
    })
    const [reason] = await explain(failed)
    expect(reason).toMatchObject({ place: 1, code: 'failed' })
    expect(reason?.reason).toContain('DNS_FAILURE no route')
    await sql.hand(String(reason?.help))
    expect((await sql.job(failed)).status).toBe('pending')
    expect(await codes(await addEnded(sql.engine, 'completed'))).toEqual(['completed'])
  })

  it('tells that an open step belongs to an ended execution, and a job to no row', async () => {
    const { steps } = await addExecution(sql.engine, { a: {} }, { status: 'failed', end_time: new Date() })
    expect((await codes(steps.a))[0]).toBe('execution_ended')
    expect(await codes('404')).toEqual(['no_such_job'])
  })

  it('knows a passed deadline', async () => {
    await addPoller(sql.engine)
    const id = await addJob(sql.engine, {
      created_at: new Date(Date.now() - 3_600_000),
      deadline_at: new Date(Date.now() - 1000),
    })
    const [reason] = await explain(id)
    expect(reason?.code).toBe('deadline_passed')
    await logins.follow(String(reason?.help), { keep: true })
    expect(await codes(id)).toEqual(['due'])
  })

  it('does not call a stranger’s lease a poller', async () => {
    const id = await addJob(sql.engine)
    await claim(sql.engine, randomUUID())
    const [reason] = await explain(id)
    expect(reason?.code).toBe('poller_dead')
  })
})
