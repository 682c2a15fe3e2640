import { describe, expect, it } from 'vitest'
import { settle } from '../../src/store/settlements.ts'
import { addEnded, addExecution, addJob, claim, hear, type Row, refusalOf, useSql } from './staging.ts'

const sql = useSql()

async function call(expression: string, values: readonly unknown[] = []): Promise<Row[]> {
  return sql.hand(`select * from rowbeat.${expression}`, values)
}

async function actions(): Promise<Row[]> {
  return sql.hand('select action, job_id, old_status, new_status, reason from rowbeat.action_log order by id')
}

describe('every function that changes something', () => {
  it.each([
    'cancel_job(1, $1)',
    'retry_job(1, $1)',
    'retry_failed($1)',
    'run_now(1, $1)',
    'reschedule(1, now(), $1)',
    'set_priority(1, 1, $1)',
    'cancel_execution(gen_random_uuid(), $1)',
    'advance_execution(gen_random_uuid(), $1)',
    `purge(interval '1 day', $1)`,
    `pause_queue('default', $1)`,
    `resume_queue('default', $1)`,
    `set_queue_limits('default', $1)`,
    `set_job_type_rate('work', $1, 1, 60)`,
    `pause_schedule('nightly', $1)`,
    `resume_schedule('nightly', $1)`,
    `fire_schedule('nightly', $1)`,
    `set_schedule('nightly', $1)`,
    `remove_schedule('nightly', $1)`,
    'drain_poller(gen_random_uuid(), $1)',
  ])('wants a reason: %s', async (expression) => {
    for (const empty of ['', '  ', null]) {
      const { code, hint } = await refusalOf(call(expression, [empty]))
      expect(code).toBe('RB006')
      expect(hint).toContain('rowbeat.action_log')
    }
  })

  it.each([
    'cancel_job(404, $1)',
    'retry_job(404, $1)',
    'run_now(404, $1)',
    'cancel_execution(gen_random_uuid(), $1)',
  ])('says when there is no such thing: %s', async (expression) => {
    const { code, hint } = await refusalOf(call(expression, ['a test']))
    expect(code).toBe('RB007')
    expect(hint).toContain('rowbeat.')
  })

  it('works the same from a session that calls itself an engine', async () => {
    const { id, steps } = await addExecution(sql.engine, { a: {}, b: { after: ['a'] } })
    await sql.engine.query(`select rowbeat.cancel_job($1, 'from the API')`, [steps.a])
    expect(await sql.steps(id)).toEqual({ a: 'cancelled', b: 'pending' })
    await sql.engine.query(`select rowbeat.cancel_execution($1, 'from the API')`, [id])
    expect(await sql.steps(id)).toEqual({ a: 'cancelled', b: 'cancelled' })
    expect(await sql.hand('select * from rowbeat.assert_invariants()')).toEqual([])
    expect((await actions()).map((row) => row.action)).toEqual([
      'cancel_job',
      'cancel_execution',
      'cancel_execution',
    ])
  })

  it('leaves the guard as it was, also inside a transaction', async () => {
    const id = await addJob(sql.engine)
    await sql.hand('begin')
    await call(`set_priority($1, 3, 'urgent')`, [id])
    await sql.hand('savepoint s')
    const { code } = await refusalOf(
      sql.hand('update rowbeat.scheduled_jobs set attempt = 9 where id = $1', [id]),
    )
    expect(code).toBe('RB002')
    await sql.hand('rollback')
  })
})

/** Every name of the manual with its arguments, as psql shows them. */
const MANUAL: Readonly<Record<string, string>> = {
  advance_execution: 'execution_id uuid, reason text',
  assert_invariants: '',
  cancel_execution: 'execution_id uuid, reason text',
  cancel_job: 'job_id bigint, reason text',
  doctor: `patience interval DEFAULT '00:05:00'::interval, budget interval DEFAULT '00:00:10'::interval`,
  drain_poller: 'poller_id uuid, reason text',
  enqueue: `job_type text, payload jsonb DEFAULT '{}'::jsonb, queue text DEFAULT 'default'::text, priority integer DEFAULT 0, scheduled_at timestamp with time zone DEFAULT now(), max_retries integer DEFAULT 3, timeout_seconds integer DEFAULT NULL::integer, deadline_at timestamp with time zone DEFAULT NULL::timestamp with time zone, dedupe_key text DEFAULT NULL::text, concurrency_key text DEFAULT NULL::text`,
  explain_job: 'job_id bigint',
  fire_schedule: 'name text, reason text',
  pause_queue:
    'queue text, reason text, until timestamp with time zone DEFAULT NULL::timestamp with time zone',
  pause_schedule: 'name text, reason text',
  purge: `older_than interval, reason text, queue text DEFAULT NULL::text, job_type text DEFAULT NULL::text, dry_run boolean DEFAULT true, max_rows integer DEFAULT 1000`,
  remove_schedule: 'name text, reason text',
  reschedule: 'job_id bigint, due_at timestamp with time zone, reason text',
  resume_queue: 'queue text, reason text',
  resume_schedule: 'name text, reason text',
  retry_failed: `reason text, job_type text DEFAULT NULL::text, queue text DEFAULT NULL::text, since timestamp with time zone DEFAULT (now() - '24:00:00'::interval), dry_run boolean DEFAULT true, max_rows integer DEFAULT 1000`,
  retry_job: 'job_id bigint, reason text',
  run_now: 'job_id bigint, reason text',
  set_job_type_rate: 'job_type text, reason text, rate_max integer, rate_seconds integer',
  set_priority: 'job_id bigint, priority integer, reason text',
  set_schedule: `name text, reason text, cron text DEFAULT NULL::text, job_type text DEFAULT NULL::text, timezone text DEFAULT NULL::text, payload jsonb DEFAULT NULL::jsonb, queue text DEFAULT NULL::text, priority integer DEFAULT NULL::integer, max_retries integer DEFAULT NULL::integer, missed_policy text DEFAULT NULL::text, missed_cap integer DEFAULT NULL::integer, overlap_policy text DEFAULT NULL::text, jitter_seconds integer DEFAULT NULL::integer`,
  set_queue_limits: `queue text, reason text, max_running integer DEFAULT NULL::integer, max_per_key integer DEFAULT NULL::integer, rate_max integer DEFAULT NULL::integer, rate_seconds integer DEFAULT NULL::integer`,
}

describe('the functions of the manual', () => {
  it('take ids first and then the reason, and bulk ones are dry runs unless told otherwise', async () => {
    const rows = await sql.hand(
      `select p.proname::text as name, pg_get_function_arguments(p.oid) as arguments, p.proretset as is_set,
              split_part(pg_get_function_result(p.oid), ' ', 1) as result
       from pg_proc p where p.pronamespace = 'rowbeat'::regnamespace and p.proname = any ($1) order by 1`,
      [Object.keys(MANUAL)],
    )
    expect(Object.fromEntries(rows.map((row) => [row.name, row.arguments]))).toEqual(MANUAL)
    expect(rows).toHaveLength(Object.keys(MANUAL).length)
    const bulk = rows.filter((row) => String(row.arguments).includes('dry_run'))
    expect(bulk.map((row) => [row.name, row.is_set, row.result])).toEqual([
      ['purge', true, 'SETOF'],
      ['retry_failed', true, 'SETOF'],
    ])
  })

  it('stand beside views for everything that operators look at', async () => {
    const views = await sql.hand(
      `select relname::text as name from pg_class where relnamespace = 'rowbeat'::regnamespace and relkind = 'v' order by 1`,
    )
    expect(views.map((row) => row.name)).toEqual([
      'blocked',
      'execution_progress',
      'executions',
      'failures',
      'jobs',
      'lanes',
      'overview',
      'pending_jobs',
      'pollers_live',
      'queue_lag',
      'retrying',
      'running_jobs',
      'schedule_history',
      'schedule_status',
      'stuck',
      'table_health',
      'throughput',
    ])
  })
})

describe('enqueue', () => {
  it('adds a job in the transaction of the caller and wakes at commit', async () => {
    const wakes = await hear(sql.url, 'rowbeat_wake')
    await sql.hand('begin')
    const { enqueue: id } = await sql.one(
      `select rowbeat.enqueue('work', '{"a":1}', queue => 'mail', priority => 7, max_retries => 1)`,
    )
    expect((await sql.engine.query('select from rowbeat.scheduled_jobs')).rowCount).toBe(0)
    await sql.hand('commit')
    await wakes.stop()
    expect(await sql.job(String(id))).toMatchObject({
      queue: 'mail',
      priority: 7,
      payload: { a: 1 },
      max_retries: 1,
    })
    expect(wakes.heard).toEqual(['7||mail'])
  })

  it('returns the open job that has the dedupe key, and a new one when that has ended', async () => {
    const enqueue = async (): Promise<string> =>
      String((await sql.one(`select rowbeat.enqueue('work', dedupe_key => 'k') as id`)).id)
    const first = await enqueue()
    expect(await enqueue()).toBe(first)
    await call(`cancel_job($1, 'done with')`, [first])
    expect(await enqueue()).not.toBe(first)
  })

  it('refuses what the table refuses', async () => {
    expect((await refusalOf(call(`enqueue('', '{}')`))).code).toBe('23514')
    expect((await refusalOf(call(`enqueue('work', priority => 1000)`))).code).toBe('23514')
    expect((await refusalOf(call(`enqueue('work', scheduled_at => 'infinity')`))).code).toBe('RB010')
  })
})

describe('cancel_job', () => {
  it('ends a running job: fenced, stopped, logged, with its reason', async () => {
    const id = await addJob(sql.engine)
    const leaseId = await claim(sql.engine)
    const stops = await hear(sql.url, 'rowbeat_stop')
    const returned = await call(`cancel_job($1, 'wrong domain')`, [id])
    await stops.stop()
    expect(returned).toMatchObject([{ job_id: id, old_status: 'running', new_status: 'cancelled' }])
    expect(stops.heard).toEqual([id])
    expect(await actions()).toEqual([
      {
        action: 'cancel_job',
        job_id: id,
        old_status: 'running',
        new_status: 'cancelled',
        reason: 'wrong domain',
      },
    ])
    const settled = await settle(sql.engine, {
      completions: [{ id, leaseId }],
      endings: [],
      executionIds: [],
    })
    expect(settled.settled).toEqual(new Set())
    expect((await sql.job(id)).last_error).toMatch(/^Cancelled by .+: wrong domain$/)
  })

  it('says that an ended job has ended', async () => {
    const id = await addEnded(sql.engine, 'completed')
    expect(await refusalOf(call(`cancel_job($1, 'late')`, [id]))).toMatchObject({
      code: 'RB001',
      message: `job ${id} has ended already: it is completed`,
    })
  })

  it('waits for the engine instead of giving up', async () => {
    const { id, steps } = await addExecution(sql.engine, { a: {} })
    const engine = await sql.engine.connect()
    await engine.query('begin')
    await engine.query('select from rowbeat.workflow_executions where execution_id = $1 for no key update', [
      id,
    ])
    const cancelled = call(`cancel_job($1, 'patient')`, [steps.a])
    await engine.query('select from rowbeat.scheduled_jobs where id = $1 for no key update', [steps.a])
    await engine.query('commit')
    engine.release()
    expect((await cancelled)[0]?.new_status).toBe('cancelled')
  })
})

describe('retry_job', () => {
  it('runs a failed job again with all its retries', async () => {
    const id = await addEnded(sql.engine, 'failed', { retry_count: 3 })
    const wakes = await hear(sql.url, 'rowbeat_wake')
    await call(`retry_job($1, 'the site is back')`, [id])
    await wakes.stop()
    expect(await sql.job(id)).toMatchObject({ status: 'pending', retry_count: 0, finished_at: null })
    expect(wakes.heard).toEqual(['0||default'])
  })

  it('opens an ended execution again: what completed is kept, what did not run waits again', async () => {
    const { id, steps } = await addExecution(
      sql.engine,
      {
        a: { status: 'completed' },
        b: { after: ['a'], critical: true, status: 'failed' },
        c: { needs: ['b'], status: 'cancelled' },
        d: { after: ['a'], status: 'failed' },
      },
      {
        status: 'failed',
        end_time: new Date(),
        error_code: 'STEP_TIMEOUT',
        deadline_at: new Date(Date.now() - 1000),
      },
    )
    const returned = await call(`retry_job($1, 'mended')`, [steps.b])
    expect(returned.map((row) => `${row.step}: ${row.old_status} → ${row.new_status}`)).toEqual([
      'b: failed → pending',
      'c: cancelled → waiting',
    ])
    expect(await sql.steps(id)).toEqual({ a: 'completed', b: 'pending', c: 'waiting', d: 'failed' })
    const execution = await sql.execution(id)
    expect(execution).toMatchObject({ status: 'running', end_time: null, error_code: null })
    expect(await sql.hand('select * from rowbeat.assert_invariants()')).toEqual([])
  })

  it('does not begin a step before those that run again with it', async () => {
    const { id, steps } = await addExecution(
      sql.engine,
      { a: { critical: true, status: 'failed' }, b: { after: ['a'], status: 'cancelled' } },
      { status: 'failed', end_time: new Date() },
    )
    await call(`retry_job($1, 'mended')`, [steps.b])
    expect(await sql.steps(id)).toEqual({ a: 'pending', b: 'waiting' })
  })

  it('takes along the steps of a live execution that were skipped because of it', async () => {
    const { id, steps } = await addExecution(sql.engine, { a: {}, b: { needs: ['a'] }, c: {} })
    await sql.hand(`update rowbeat.scheduled_jobs set status = 'failed' where id = $1`, [steps.a])
    expect(await sql.steps(id)).toEqual({ a: 'failed', b: 'skipped', c: 'pending' })
    await call(`retry_job($1, 'mended')`, [steps.a])
    expect(await sql.steps(id)).toEqual({ a: 'pending', b: 'waiting', c: 'pending' })
  })

  it('lets the steps after it wait again that were freed and have not begun', async () => {
    const { id, steps } = await addExecution(sql.engine, {
      a: {},
      b: { after: ['a'] },
      c: { after: ['a'] },
      d: { needs: ['a'] },
      e: { after: ['d'] },
    })
    await call(`cancel_job($1, 'by mistake')`, [steps.a])
    expect(await sql.steps(id)).toEqual({
      a: 'cancelled',
      b: 'pending',
      c: 'pending',
      d: 'skipped',
      e: 'pending',
    })
    await sql.engine.query(
      `update rowbeat.scheduled_jobs set attempt = 1, updated_at = now() where id = $1`,
      [steps.c],
    )
    const hand = sql.hand(`update rowbeat.scheduled_jobs set status = 'pending' where id = $1`, [steps.a])
    expect((await refusalOf(hand)).hint).toContain(`rowbeat.retry_job(${steps.a}, 'why')`)
    await call(`retry_job($1, 'a mistake')`, [steps.a])
    expect(await sql.steps(id)).toEqual({
      a: 'pending',
      b: 'waiting',
      c: 'pending',
      d: 'waiting',
      e: 'waiting',
    })
    expect(await sql.hand('select * from rowbeat.assert_invariants()')).toEqual([])
  })

  it('refuses while the subject has another live execution', async () => {
    const { steps } = await addExecution(
      sql.engine,
      { a: { status: 'failed' } },
      { status: 'failed', end_time: new Date() },
    )
    const other = await addExecution(sql.engine, { a: {} })
    const { code, hint } = await refusalOf(call(`retry_job($1, 'again')`, [steps.a]))
    expect(code).toBe('RB009')
    expect(hint).toContain(other.id)
  })

  it('refuses while another open job has the dedupe key', async () => {
    const id = await addEnded(sql.engine, 'failed', { dedupe_key: 'k' })
    await addJob(sql.engine, { dedupe_key: 'k' })
    expect((await refusalOf(call(`retry_job($1, 'again')`, [id]))).code).toBe('RB009')
  })

  it.each(['completed', 'pending'])('has nothing to do for a %s job, and says what has', async (status) => {
    const id = status === 'pending' ? await addJob(sql.engine) : await addEnded(sql.engine, status)
    const { code, hint } = await refusalOf(call(`retry_job($1, 'again')`, [id]))
    expect(code).toBe('RB001')
    expect(hint).toMatch(/rowbeat\.(enqueue|explain_job)/)
  })
})

describe('run_now, reschedule and set_priority', () => {
  it('change the plan of a pending job, wake and log', async () => {
    const id = await addJob(sql.engine, { scheduled_at: new Date(Date.now() + 3_600_000), retry_count: 1 })
    const wakes = await hear(sql.url, 'rowbeat_wake')
    await call(`set_priority($1, 9, 'important')`, [id])
    await call(`run_now($1, 'no time')`, [id])
    await call(`reschedule($1, now() + interval '1 day', 'tomorrow')`, [id])
    await wakes.stop()
    const job = await sql.one(
      `select priority, scheduled_at > now() + interval '23 hours' as is_late from rowbeat.scheduled_jobs where id = $1`,
      [id],
    )
    expect(job).toEqual({ priority: 9, is_late: true })
    expect(wakes.heard.map((wake) => wake.replace(/\d{13}/, 'ms'))).toEqual([
      '9|ms|default',
      '9||default',
      '9|ms|default',
    ])
    expect((await actions()).map((row) => row.action)).toEqual(['set_priority', 'run_now', 'reschedule'])
  })

  it('refuse what has no plan any more, naming what helps', async () => {
    const running = await addJob(sql.engine)
    await claim(sql.engine)
    expect((await refusalOf(call(`run_now($1, 'now')`, [running]))).hint).toContain('cancel_job')
    const failed = await addEnded(sql.engine, 'failed')
    expect((await refusalOf(call(`reschedule($1, now(), 'now')`, [failed]))).hint).toContain('retry_job')
    const { steps } = await addExecution(sql.engine, { a: {}, b: { after: ['a'] } })
    expect((await refusalOf(call(`run_now($1, 'now')`, [steps.b]))).hint).toContain('explain_job')
    expect((await refusalOf(call(`set_priority($1, 101, 'now')`, [steps.a]))).code).toBe('RB010')
    expect((await refusalOf(call(`set_priority($1, null, 'now')`, [steps.a]))).code).toBe('RB010')
    for (const never of ['null', `'infinity'`, `'-infinity'`, `'9999-12-31'`])
      expect((await refusalOf(call(`reschedule($1, ${never}, 'now')`, [steps.a]))).code).toBe('RB010')
  })
})
