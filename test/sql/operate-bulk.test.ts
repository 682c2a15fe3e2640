import { describe, expect, it } from 'vitest'
import { addEnded, addExecution, addJob, type Row, refusalOf, useSql } from './staging.ts'

const sql = useSql()

async function call(expression: string, values: readonly unknown[] = []): Promise<Row[]> {
  return sql.hand(`select * from rowbeat.${expression}`, values)
}

async function actions(): Promise<Row[]> {
  return sql.hand('select action, job_id, old_status, new_status, reason from rowbeat.action_log order by id')
}

describe('retry_failed', () => {
  it('is a dry run unless told otherwise, and filters by type, queue and time', async () => {
    const wanted = await addEnded(sql.engine, 'failed', { queue: 'mail' })
    await addEnded(sql.engine, 'failed', { queue: 'other' })
    await addEnded(sql.engine, 'failed', { queue: 'mail', job_type: 'rest' })
    await addEnded(sql.engine, 'failed', { queue: 'mail', finished_at: new Date(Date.now() - 90_000_000) })
    const filter = `'deploy mended', job_type => 'work', queue => 'mail'`
    expect(await call(`retry_failed(${filter})`)).toMatchObject([
      { job_id: wanted, note: 'dry run: nothing was changed' },
    ])
    expect((await sql.job(wanted)).status).toBe('failed')
    expect(await call(`retry_failed(${filter}, dry_run => false)`)).toMatchObject([
      { job_id: wanted, new_status: 'pending' },
    ])
    expect((await sql.job(wanted)).status).toBe('pending')
    expect((await actions()).length).toBe(1)
  })

  it('retries the oldest first up to max_rows, and tells why one is left out', async () => {
    const minutesAgo = (n: number): Date => new Date(Date.now() - n * 60_000)
    const oldest = await addEnded(sql.engine, 'failed', { finished_at: minutesAgo(9), dedupe_key: 'k' })
    const next = await addEnded(sql.engine, 'failed', { finished_at: minutesAgo(8) })
    const newest = await addEnded(sql.engine, 'failed', { finished_at: minutesAgo(7) })
    await addJob(sql.engine, { dedupe_key: 'k' })
    const returned = await call(`retry_failed('again', dry_run => false, max_rows => 2)`)
    expect(returned).toMatchObject([
      { job_id: oldest, new_status: 'failed' },
      { job_id: next, new_status: 'pending' },
    ])
    expect(returned[0]?.note).toContain('dedupe_key')
    expect((await sql.job(newest)).status).toBe('failed')
  })

  it('takes a dry run that is null for one, and wants a time', async () => {
    const id = await addEnded(sql.engine, 'failed')
    await call(`retry_failed('again', dry_run => null)`)
    expect((await sql.job(id)).status).toBe('failed')
    expect((await refusalOf(call(`retry_failed('again', since => null)`))).code).toBe('RB010')
  })

  it.each([0, 10_001, null])('refuses max_rows of %s', async (most) => {
    expect((await refusalOf(call(`retry_failed('again', max_rows => $1)`, [most]))).code).toBe('RB010')
  })
})

describe('purge', () => {
  it('removes what ended long ago, executions whole, and says what', async () => {
    const long = new Date(Date.now() - 40 * 86_400_000)
    const old = await addEnded(sql.engine, 'completed', { created_at: long, finished_at: long })
    const young = await addEnded(sql.engine, 'completed')
    const open = await addJob(sql.engine, { created_at: long })
    const run = await addExecution(
      sql.engine,
      { a: { status: 'completed' }, b: { status: 'failed' } },
      { status: 'partial', end_time: long, created_at: long },
    )
    const dry = await call(`purge(interval '30 days', 'space')`)
    expect(dry.map((row) => row.job_id)).toEqual([old, run.steps.a, run.steps.b])
    expect(await sql.hand('select from rowbeat.scheduled_jobs')).toHaveLength(5)
    await call(`purge(interval '30 days', 'space', dry_run => false)`)
    const left = await sql.hand('select id from rowbeat.scheduled_jobs order by id')
    expect(left.map((row) => row.id)).toEqual([young, open])
    expect(await sql.hand('select from rowbeat.workflow_executions')).toEqual([])
    expect(await call(`purge(interval '30 days', 'space', dry_run => false)`)).toEqual([])
  })

  it('takes a dry run that is null for one, and refuses an age that cannot be', async () => {
    const long = new Date(Date.now() - 40 * 86_400_000)
    await addEnded(sql.engine, 'completed', { created_at: long, finished_at: long })
    expect(await call(`purge(interval '30 days', 'space', dry_run => null)`)).toMatchObject([
      { note: 'dry run: nothing was removed' },
    ])
    expect(await sql.hand('select from rowbeat.scheduled_jobs')).toHaveLength(1)
    for (const age of ['null', `'-1 day'`, `'1000000 years'`])
      expect((await refusalOf(call(`purge(${age}, 'space')`))).code).toBe('RB010')
  })

  it('goes on past jobs that say they are from the future', async () => {
    const long = new Date(Date.now() - 40 * 86_400_000)
    await addJob(sql.engine, { created_at: 'infinity' })
    await sql.engine.query(
      `insert into rowbeat.scheduled_jobs (job_type, created_at)
      select 'work', $1 from generate_series(1, 5000)`,
      [long],
    )
    const last = await addEnded(sql.engine, 'completed', { created_at: long, finished_at: long })
    expect(await call(`purge(interval '30 days', 'space')`)).toMatchObject([{ job_id: last }])
  })

  it('stops after max_rows and goes on with the next call', async () => {
    const long = new Date(Date.now() - 40 * 86_400_000)
    for (let n = 0; n < 5; n++)
      await addEnded(sql.engine, 'completed', { created_at: long, finished_at: long })
    const purge = `purge(interval '30 days', 'space', dry_run => false, max_rows => 2)`
    expect([(await call(purge)).length, (await call(purge)).length, (await call(purge)).length]).toEqual([
      2, 2, 1,
    ])
  })

  it('refuses a negative age', async () => {
    expect((await refusalOf(call(`purge(interval '-1 day', 'space')`))).code).toBe('RB010')
  })
})

describe('cancel_pending', () => {
  it('is a dry run unless told otherwise, and filters by queue and type', async () => {
    const wanted = await addJob(sql.engine, { queue: 'mail' })
    const other = await addJob(sql.engine, { queue: 'mail', job_type: 'rest' })
    const dry = await call(`cancel_pending('mail', 'work', 'wrong list')`)
    expect(dry).toMatchObject([{ job_id: wanted, note: 'dry run: nothing was changed' }])
    expect((await sql.job(wanted)).status).toBe('pending')
    expect(await call(`cancel_pending('mail', 'work', 'wrong list', false)`)).toMatchObject([
      { job_id: wanted, new_status: 'cancelled' },
    ])
    expect((await sql.job(wanted)).last_error).toContain('wrong list')
    expect((await sql.job(other)).status).toBe('pending')
    expect(await actions()).toMatchObject([
      { action: 'cancel_pending', job_id: wanted, reason: 'wrong list' },
    ])
    expect(await call(`cancel_pending('mail', null, 'all of it', dry_run => false)`)).toHaveLength(1)
    expect((await refusalOf(call(`cancel_pending(null, null, 'x')`))).code).toBe('RB010')
  })

  it('advances executions, passes over what somebody holds, and says so', async () => {
    const { id: executionId, steps } = await addExecution(sql.engine, { a: {}, b: { after: ['a'] } })
    const held = await addJob(sql.engine)
    const free = await addJob(sql.engine)
    const holder = await sql.engine.connect()
    try {
      await holder.query('begin')
      await holder.query('select from rowbeat.scheduled_jobs where id = $1 for update', [held])
      const returned = await call(`cancel_pending('default', null, 'stop', dry_run => false, max_rows => 10)`)
      const notes = Object.fromEntries(returned.map((row) => [String(row.job_id), row.new_status]))
      expect(notes).toEqual({ [String(steps.a)]: 'cancelled', [free]: 'cancelled', [held]: 'pending' })
    } finally {
      await holder.query('rollback')
      holder.release()
    }
    expect(await sql.steps(executionId)).toMatchObject({ a: 'cancelled', b: 'pending' })
  })
})
