/** Hand-written changes of queues, rates, schedules and pollers, and of what belongs to the pollers alone. */
import { describe, expect, it } from 'vitest'
import { reapDeadPollers } from '../../src/store/pollers.ts'
import { addJob, addPoller, claim, hear, type Row, refusalOf, useSql } from './staging.ts'

const sql = useSql()

async function actions(): Promise<Row[]> {
  return sql.hand(
    'select action, target, old_status, new_status, changes, reason from rowbeat.action_log order by id',
  )
}

describe('a queue by hand', () => {
  it('is paused and resumed whole, logged and told to the pollers', async () => {
    await sql.hand(`select rowbeat.set_queue_limits('mail', 'a test', max_running => 2)`)
    await sql.engine.query('delete from rowbeat.action_log')
    const wakes = await hear(sql.url, 'rowbeat_wake')
    await sql.hand('begin')
    await sql.hand(`set local rowbeat.reason = 'the provider is down'`)
    await sql.hand(`update rowbeat.queues set paused_at = now() where name = 'mail'`)
    await sql.hand('commit')
    const paused = await sql.one('select *, session_user::text as me from rowbeat.queues')
    expect(paused).toMatchObject({
      paused_reason: 'the provider is down',
      paused_by: paused.me,
      max_running: 2,
    })
    await sql.hand('update rowbeat.queues set paused_at = null')
    await wakes.stop()
    expect(await sql.one('select paused_reason, paused_until, paused_by from rowbeat.queues')).toEqual({
      paused_reason: null,
      paused_until: null,
      paused_by: null,
    })
    expect(await actions()).toMatchObject([
      { action: 'update', target: 'mail', new_status: 'paused', reason: 'the provider is down' },
      { action: 'update', target: 'mail', old_status: 'paused', new_status: null },
    ])
    expect(wakes.heard).toEqual(['*', '*'])
  })

  it('has its limits set, also as a new row, and the first claim under them looks afresh', async () => {
    const wakes = await hear(sql.url, 'rowbeat_wake')
    await sql.hand(`insert into rowbeat.queues (name, max_running, limits_fresh) values ('mail', 1, false)`)
    await sql.engine.query('update rowbeat.queues set limits_fresh = false')
    await sql.hand('update rowbeat.queues set max_running = 5')
    expect((await sql.one('select limits_fresh from rowbeat.queues')).limits_fresh).toBe(true)
    await sql.hand('delete from rowbeat.queues')
    await wakes.stop()
    expect(await actions()).toMatchObject([
      { action: 'insert', target: 'mail', changes: { max_running: [null, 1] } },
      { action: 'update', target: 'mail', changes: { max_running: [1, 5] } },
      { action: 'delete', target: 'mail', changes: { max_running: [5, null] } },
    ])
    expect(Object.keys(((await actions())[0]?.changes ?? {}) as object)).toEqual(['max_running'])
    expect(wakes.heard).toEqual(['*', '*', '*'])
  })

  it.each([
    [`set name = 'other'`, 'RB002', 'rowbeat.set_queue_limits'],
    ['set limits_fresh = false', 'RB002', 'rowbeat.set_queue_limits'],
    [`set paused_reason = 'no pause'`, 'RB002', 'rowbeat.pause_queue'],
    [`set paused_until = now() + interval '1 day'`, 'RB002', 'rowbeat.pause_queue'],
    [`set paused_at = 'infinity'`, 'RB010', 'rowbeat.pause_queue'],
    [`set paused_at = now() + interval '1 day'`, 'RB010', 'rowbeat.pause_queue'],
    [`set paused_at = now(), paused_until = '2000-01-01'`, 'RB010', 'rowbeat.resume_queue'],
    ['set max_running = -1', '23514', ''],
    ['set rate_max = 3', '23514', ''],
  ])('is not changed as in: %s', async (assignment, code, hint) => {
    await sql.hand(`insert into rowbeat.queues (name) values ('mail')`)
    const refusal = await refusalOf(sql.hand(`update rowbeat.queues ${assignment}`))
    expect(refusal.code).toBe(code)
    expect(refusal.hint).toContain(hint)
  })

  it('has its functions logged once, from a session by hand too', async () => {
    await sql.hand(`select rowbeat.pause_queue('mail', 'one')`)
    await sql.hand(`select rowbeat.resume_queue('mail', 'two')`)
    await sql.hand(`select rowbeat.set_queue_limits('mail', 'three', max_running => 1)`)
    await sql.hand(`select rowbeat.set_job_type_rate('work', 'four', 1, 60)`)
    expect((await actions()).map((row) => `${row.action}: ${row.reason}`)).toEqual([
      'pause_queue: one',
      'resume_queue: two',
      'set_queue_limits: three',
      'set_job_type_rate: four',
    ])
  })
})

describe('the rate of a job type by hand', () => {
  it('is logged and told to the pollers', async () => {
    const wakes = await hear(sql.url, 'rowbeat_wake')
    await sql.hand(`insert into rowbeat.job_type_rates values ('work', 1, 60)`)
    await sql.hand('update rowbeat.job_type_rates set rate_max = 2')
    await sql.hand('delete from rowbeat.job_type_rates')
    await wakes.stop()
    expect(await actions()).toMatchObject([
      { action: 'insert', target: 'work', changes: { rate_max: [null, 1], rate_seconds: [null, 60] } },
      { action: 'update', target: 'work', changes: { rate_max: [1, 2] } },
      { action: 'delete', target: 'work', changes: { rate_max: [2, null], rate_seconds: [60, null] } },
    ])
    expect(wakes.heard).toEqual(['*', '*', '*'])
  })
})

describe('a poller by hand', () => {
  it('is drained and called back, and every change is logged', async () => {
    const id = await addPoller(sql.engine)
    await sql.hand(`update rowbeat.pollers set status = 'draining'`)
    await sql.hand(`update rowbeat.pollers set status = 'live'`)
    expect(await actions()).toMatchObject([
      { action: 'update', target: id, old_status: 'live', new_status: 'draining' },
      { action: 'update', target: id, old_status: 'draining', new_status: 'live' },
    ])
  })

  it('is declared lost: its jobs are taken back', async () => {
    const id = await addPoller(sql.engine)
    const job = await addJob(sql.engine)
    await claim(sql.engine, id)
    await sql.hand(`update rowbeat.pollers set status = 'lost' where poller_id = $1`, [id])
    expect((await sql.one('select ended_at from rowbeat.pollers')).ended_at).not.toBeNull()
    await reapDeadPollers(sql.engine)
    expect(await sql.job(job)).toMatchObject({ status: 'pending', last_error_code: 'POLLER_LOST' })
    await sql.hand('delete from rowbeat.pollers')
    expect(await sql.hand('select from rowbeat.pollers')).toEqual([])
  })

  it.each([
    [`update rowbeat.pollers set status = 'stopped'`, 'RB001', 'rowbeat.drain_poller'],
    [`update rowbeat.pollers set beat_at = 'infinity'`, 'RB002', 'rowbeat.drain_poller'],
    [`update rowbeat.pollers set status = 'lost', concurrency = 99`, 'RB002', 'rowbeat.drain_poller'],
    ['delete from rowbeat.pollers', 'RB004', 'rowbeat.drain_poller'],
    ['truncate rowbeat.pollers', 'RB005', 'rowbeat.drain_poller'],
    [
      `insert into rowbeat.pollers (poller_id, name, version, job_types, concurrency) values (gen_random_uuid(), 'x', '1', '{}', 1)`,
      'RB003',
      'rowbeat.pollers_live',
    ],
  ])('is not changed as in: %s', async (statement, code, hint) => {
    await addPoller(sql.engine)
    const refusal = await refusalOf(sql.hand(statement))
    expect(refusal.code).toBe(code)
    expect(refusal.hint).toContain(hint)
  })

  it('stays while it has leases, or nobody would find them', async () => {
    const id = await addPoller(sql.engine)
    await addJob(sql.engine)
    await claim(sql.engine, id)
    await sql.hand(`update rowbeat.pollers set status = 'lost'`)
    expect((await refusalOf(sql.hand('delete from rowbeat.pollers'))).code).toBe('RB004')
    expect((await refusalOf(sql.hand(`update rowbeat.pollers set status = 'live'`))).code).toBe('RB001')
  })
})

describe('what pollers alone write', () => {
  it.each([
    ['delete from rowbeat.leases', 'rowbeat.cancel_job'],
    ['truncate rowbeat.leases', 'rowbeat.cancel_job'],
    ['update rowbeat.leases set poller_id = gen_random_uuid()', `status = 'lost'`],
    [`insert into rowbeat.suspects (job_id, deaths) values (1, 1)`, 'rowbeat.cancel_job'],
    [`insert into rowbeat.claim_floors values ('default', 0, 'infinity')`, 'rowbeat.run_now'],
    [`update rowbeat.claim_horizon set safe_at = 'infinity'`, 'rowbeat.run_now'],
    ['delete from rowbeat.backdated_jobs', 'rowbeat.run_now'],
    ['delete from rowbeat.rate_starts', 'rowbeat.set_queue_limits'],
  ])('is refused: %s', async (statement, hint) => {
    const refusal = await refusalOf(sql.hand(statement))
    expect(refusal.code).toBe('RB011')
    expect(refusal.hint).toContain(hint)
  })

  it('does not get in the way of a job with an old due time', async () => {
    await sql.hand(
      `insert into rowbeat.scheduled_jobs (job_type, scheduled_at) values ('work', now() - interval '1 day')`,
    )
    expect(await sql.hand('select from rowbeat.backdated_jobs')).toHaveLength(1)
  })
})

describe('a schedule by hand', () => {
  it('takes its pause, its settings and a new look, and logs them', async () => {
    await sql.hand(
      `insert into rowbeat.schedules (name, cron, job_type) values ('nightly', '0 2 * * *', 'work')`,
    )
    await sql.hand('begin')
    await sql.hand(`set local rowbeat.reason = 'quiet'`)
    await sql.hand('update rowbeat.schedules set paused_at = now()')
    await sql.hand('commit')
    expect((await sql.one('select paused_reason from rowbeat.schedules')).paused_reason).toBe('quiet')
    await sql.hand('update rowbeat.schedules set paused_at = null, priority = 3')
    await sql.hand('update rowbeat.schedules set next_fire_at = null')
    expect((await actions()).map((row) => row.action)).toEqual(['insert', 'update', 'update'])
  })

  it.each([
    `set paused_reason = 'no pause'`,
    `set paused_at = '-infinity'`,
    `set paused_at = now() + interval '1 day'`,
    `set next_fire_at = 'infinity'`,
    `set look_at = 'infinity'`,
    `set accounted_until = '8000-01-01'`,
    'set last_job_id = 4711',
    'set last_fire_at = now()',
    `set seeded = '{}'`,
    `set problem = 'none of mine'`,
    'set pause_began_at = now(), pause_ended_at = now()',
  ])('is not changed where the daemons write: %s', async (assignment) => {
    await sql.hand(
      `insert into rowbeat.schedules (name, cron, job_type) values ('nightly', '0 2 * * *', 'work')`,
    )
    const refusal = await refusalOf(sql.hand(`update rowbeat.schedules ${assignment}`))
    expect(refusal.code).toBe('RB002')
    expect(refusal.hint).toContain(`rowbeat.pause_schedule('nightly', 'why')`)
  })

  it('is not inserted with what daemons write, and the table is not emptied', async () => {
    const insert = `insert into rowbeat.schedules (name, cron, job_type, look_at) values ('n', '@daily', 'work', 'infinity')`
    expect((await refusalOf(sql.hand(insert))).code).toBe('RB002')
    expect((await refusalOf(sql.hand('truncate rowbeat.schedules cascade'))).hint).toContain(
      'rowbeat.pause_schedule',
    )
  })
})
