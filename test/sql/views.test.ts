import { describe, expect, it } from 'vitest'
import { addEnded, addExecution, addJob, addPoller, claim, useSql } from './staging.ts'

const sql = useSql()

describe('what operators look at', () => {
  it('gives everything at a glance', async () => {
    const pollerId = await addPoller(sql.engine)
    await addJob(sql.engine)
    await claim(sql.engine, pollerId)
    await addJob(sql.engine, { retry_count: 1 })
    await addJob(sql.engine, { scheduled_at: new Date(Date.now() + 60_000) })
    await addEnded(sql.engine, 'failed')
    await addExecution(sql.engine, { a: {} })
    expect(await sql.one('select * from rowbeat.overview')).toMatchObject({
      due: '2',
      later: '1',
      running: '1',
      retrying: '1',
      stuck: '0',
      failed_last_hour: '1',
      live_executions: '1',
      pollers: '1',
      slots: '4',
      paused_queues: '0',
    })
  })

  it('shows the lag of each queue, also of one that only has a switch', async () => {
    await addJob(sql.engine, { scheduled_at: new Date(Date.now() - 60_000) })
    await sql.hand(`select rowbeat.pause_queue('idle', 'a test')`)
    const [def, idle] = await sql.hand('select * from rowbeat.queue_lag order by queue')
    expect(def).toMatchObject({ queue: 'default', due: '1', running: '0', paused: false })
    expect(Number(def?.oldest_due_seconds)).toBeGreaterThan(55)
    expect(idle).toMatchObject({ queue: 'idle', due: '0', paused: true, paused_reason: 'a test' })
  })

  it('shows what is stuck and why', async () => {
    const pollerId = await addPoller(sql.engine)
    await addJob(sql.engine, { timeout_seconds: 10 })
    await claim(sql.engine, pollerId)
    const reasons = async (): Promise<unknown[]> =>
      (await sql.hand('select reason from rowbeat.stuck order by reason')).map((row) => row.reason)
    expect(await reasons()).toEqual([])
    await sql.engine.query(`update rowbeat.scheduled_jobs set started_at = now() - interval '2 minutes'`)
    expect(await reasons()).toEqual(['it is past its time limit'])
    await sql.engine.query('delete from rowbeat.pollers')
    expect(await reasons()).toEqual(['its poller has ended'])
    await addExecution(sql.engine, { a: { status: 'completed' }, b: { after: ['a'] } })
    expect(await reasons()).toEqual(['all steps it waits for have ended', 'its poller has ended'])
  })

  it('groups failures by cause', async () => {
    await addEnded(sql.engine, 'failed', {
      last_error_code: 'DNS_FAILURE',
      last_error: 'no address for "a.example" (try 1)',
    })
    await addEnded(sql.engine, 'failed', {
      last_error_code: 'DNS_FAILURE',
      last_error: 'no address for "b.example" (try 27)',
    })
    const newest = await addEnded(sql.engine, 'failed', {
      last_error: 'https://a.example/x?y=1 answered 500 to 0f8fad5b-d9cb-469f-a165-70867728950e',
    })
    await addEnded(sql.engine, 'failed', { finished_at: new Date(Date.now() - 90_000_000) })
    const groups = await sql.hand(
      'select fingerprint, jobs, newest_job_id from rowbeat.failures order by jobs desc',
    )
    expect(groups).toMatchObject([
      { fingerprint: 'DNS_FAILURE: no address for <text> (try <n>)', jobs: '2' },
      { fingerprint: 'unknown: <url> answered <n> to <id>', jobs: '1', newest_job_id: newest },
    ])
  })

  it('shows how far live executions are and what blocks their steps', async () => {
    const { id, steps } = await addExecution(sql.engine, {
      a: { status: 'completed' },
      b: {},
      c: { after: ['a', 'b'] },
    })
    await addExecution(
      sql.engine,
      { a: { status: 'failed' } },
      { subject: 'there', status: 'failed', end_time: new Date() },
    )
    await claim(sql.engine)
    await sql.engine.query('update rowbeat.scheduled_jobs set progress = 50 where id = $1', [steps.b])
    expect(
      await sql.hand(
        'select execution_id, steps, ended, running, percent, current_steps from rowbeat.execution_progress',
      ),
    ).toEqual([
      { execution_id: id, steps: '3', ended: '1', running: '1', percent: '50.0', current_steps: 'b' },
    ])
    expect(await sql.hand('select step, waits_for_step, waits_for_status from rowbeat.blocked')).toEqual([
      { step: 'c', waits_for_step: 'b', waits_for_status: 'running' },
    ])
  })

  it('adds up throughput per minute', async () => {
    await sql.engine.query(`insert into rowbeat.job_counts values
      (date_trunc('minute', now()), 'default', 'work', 'completed', 5),
      (date_trunc('minute', now()), 'default', 'work', 'retried', 2),
      (date_trunc('minute', now()), 'default', 'work', 'snoozed', 1),
      (date_trunc('minute', now()) - interval '2 days', 'default', 'work', 'completed', 9)`)
    expect(await sql.hand('select completed, failed, retried, other from rowbeat.throughput')).toEqual([
      { completed: '5', failed: '0', retried: '2', other: '1' },
    ])
  })

  it('shows the health of each table', async () => {
    const tables = (await sql.hand('select table_name from rowbeat.table_health')).map(
      (row) => row.table_name,
    )
    expect(tables).toContain('scheduled_jobs')
    expect(tables).toContain('queues')
  })

  it('hides what payloads hold', async () => {
    await addJob(sql.engine, { payload: '{"domain":"secret.example","limits":[1,2],"n":1}' })
    expect(await sql.one('select payload from rowbeat.jobs')).toEqual({
      payload: { domain: 'string', limits: 'array', n: 'number' },
    })
    await addExecution(sql.engine, { a: {} }, { input_data: '{"domain":"secret.example"}' })
    expect(await sql.one('select input_data from rowbeat.executions')).toEqual({
      input_data: { domain: 'string' },
    })
  })
})

describe('jobs with a concurrency key', () => {
  it('are counted while they are pending, beside those without, and by queue', async () => {
    await addJob(sql.engine, { queue: 'mail' })
    for (const key of ['a', 'a', 'b']) await addJob(sql.engine, { queue: 'mail', concurrency_key: key })
    await addJob(sql.engine, {
      queue: 'mail',
      concurrency_key: 'b',
      scheduled_at: new Date(Date.now() + 60_000),
    })
    await addEnded(sql.engine, 'completed', { queue: 'mail', concurrency_key: 'a' })
    await addEnded(sql.engine, 'completed', { queue: 'quiet', concurrency_key: 'a' })
    expect(await sql.hand('select queue, priority, keyed from rowbeat.lanes order by 1, 2, 3')).toEqual([
      { queue: 'mail', priority: 0, keyed: false },
      { queue: 'mail', priority: 0, keyed: true },
    ])
    expect(
      await sql.hand(
        'select concurrency_key as key, count(*) from rowbeat.pending_jobs group by 1 order by 1 nulls first',
      ),
    ).toEqual([
      { key: null, count: '1' },
      { key: 'a', count: '2' },
      { key: 'b', count: '2' },
    ])
    expect(await sql.one('select due, later, running from rowbeat.queue_lag')).toEqual({
      due: '4',
      later: '1',
      running: '0',
    })
    await sql.engine.query(`insert into rowbeat.claim_floors values ('mail', 0, now() + interval '1 hour')`)
    expect(await sql.hand('select from rowbeat.pending_jobs')).toHaveLength(4)
  })
})

/** Rows of the job table, and entries of its indexes, that a statement read, as the server counts them. */
async function jobsRead(statement: string): Promise<number> {
  const soFar = async (): Promise<number> => {
    await sql.hand('select pg_stat_force_next_flush()')
    const { reads } = await sql.one(
      `select (select seq_tup_read from pg_stat_user_tables where relid = 'rowbeat.scheduled_jobs'::regclass)
            + (select sum(idx_tup_read) from pg_stat_user_indexes where relid = 'rowbeat.scheduled_jobs'::regclass) as reads`,
    )
    return Number(reads)
  }
  const before = await soFar()
  await sql.hand(statement)
  return (await soFar()) - before
}

describe('with 200,000 finished jobs', () => {
  it('no view walks over them, nor over a long queue while statistics are old', async () => {
    await sql.engine.query('alter table rowbeat.scheduled_jobs set (autovacuum_enabled = off)')
    await sql.engine.query(`insert into rowbeat.scheduled_jobs (job_type, queue, status, scheduled_at, created_at, finished_at, concurrency_key)
      select 'work', 'q' || n % 3, case when n % 50 = 0 then 'failed' else 'completed' end,
             now() - interval '2 days', now() - interval '2 days', now() - interval '2 days', case when n % 4 = 0 then 'k' end
      from generate_series(1, 200000) n`)
    await sql.engine.query(`insert into rowbeat.claim_floors (queue, priority, floor_at)
      select 'q' || n, 0, now() - interval '1 minute' from generate_series(0, 2) n`)
    await sql.engine.query('analyze rowbeat.scheduled_jobs')
    const pollerId = await addPoller(sql.engine)
    for (let n = 0; n < 20; n++) await addJob(sql.engine, { queue: 'q0', retry_count: n % 2 })
    await claim(sql.engine, pollerId, 'q0')
    for (let n = 0; n < 5; n++) await addJob(sql.engine, { queue: 'q1', concurrency_key: `k${n}` })
    await addExecution(sql.engine, { a: { status: 'completed' }, b: { after: ['a'] }, c: { after: ['b'] } })
    expect(await sql.hand('select from rowbeat.pending_jobs')).toHaveLength(4 + 5)

    const views = await sql.hand(
      `select relname from pg_class where relnamespace = 'rowbeat'::regnamespace and relkind = 'v'
         and relname not in ('jobs', 'executions') order by 1`,
    )
    expect(views.length).toBeGreaterThan(12)
    for (const { relname } of views)
      expect([relname, (await jobsRead(`select * from rowbeat.${relname}`)) < 2_000]).toEqual([relname, true])

    await sql.engine.query(`insert into rowbeat.scheduled_jobs (job_type, queue, concurrency_key, scheduled_at)
      select 'work', 'q2', case when n % 2 = 0 then 'k' || n % 100 end, now() + make_interval(secs => n)
      from generate_series(1, 60000) n`)
    expect(await jobsRead('select from rowbeat.pending_jobs')).toBeLessThan(21_000)
    expect(await sql.hand('select from rowbeat.pending_jobs')).toHaveLength(4 + 5 + 20_000)
  })
})
