import { randomBytes, randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { claimJobs, exchange } from '../../src/store/claims.ts'
import { connect } from '../../src/store/database.ts'
import { raiseClaimFloors } from '../../src/store/floors.ts'
import { enqueueJobs } from '../../src/store/jobs.ts'
import { look } from '../../src/store/look.ts'
import { beat, reapDeadPollers, registerPoller, trimPollers } from '../../src/store/pollers.ts'
import { readSnapshot } from '../../src/store/reports.ts'
import { settle } from '../../src/store/settlements.ts'
import { triage } from '../../src/store/upkeep.ts'
import { openSession } from '../support/sessions.ts'
import { addEnded, addExecution, addJob, type Row, refusalOf, useSql } from './staging.ts'

const sql = useSql()

const ROLES = ['reader', 'operator', 'producer', 'daemon', 'owner', 'stranger'] as const
type Role = (typeof ROLES)[number]

/** Roles belong to the whole server, so these logins get names that nobody else uses, and go with the tests. */
const suffix = randomBytes(4).toString('hex')
const logins = new Map<Role, pg.Client>()

const loginOf = (role: Role): string => `rowbeat_test_${role}_${suffix}`

function urlOf(role: Role): string {
  const url = new URL(sql.url)
  url.username = loginOf(role)
  url.password = suffix
  return url.href
}

beforeAll(async () => {
  for (const role of ROLES) {
    await sql.engine.query(`create role ${loginOf(role)} login password '${suffix}'`)
    if (role !== 'stranger') await sql.engine.query(`grant rowbeat_${role} to ${loginOf(role)}`)
    logins.set(role, await openSession(urlOf(role), { application_name: 'psql' }))
  }
})

afterAll(async () => {
  for (const client of logins.values()) await client.end()
  for (const role of ROLES) {
    await sql.engine.query(`drop owned by ${loginOf(role)}`)
    await sql.engine.query(`drop role ${loginOf(role)}`)
  }
})

/** Runs a statement as a role; true when it was allowed, whatever else it said. */
async function may(role: Role, statement: string): Promise<boolean> {
  const client = logins.get(role)
  if (client === undefined) throw new Error(`nobody is logged in as ${role}`)
  await client.query('begin')
  try {
    await client.query(statement)
    return true
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === '42501') return false
    if (error instanceof pg.DatabaseError && /^RB/.test(error.code ?? '')) return true
    throw error
  } finally {
    await client.query('rollback')
  }
}

/** Who may do it, of reader, operator, producer, daemon, owner and stranger. */
const MATRIX: readonly (readonly [statement: string, allowed: readonly Role[]])[] = [
  ['select * from rowbeat.overview', ['reader', 'operator', 'daemon', 'owner']],
  ['select payload from rowbeat.jobs', ['reader', 'operator', 'daemon', 'owner']],
  ['select * from rowbeat.failures', ['reader', 'operator', 'daemon', 'owner']],
  ['select * from rowbeat.action_log', ['reader', 'operator', 'daemon', 'owner']],
  ['select payload from rowbeat.scheduled_jobs', ['daemon', 'owner']],
  ['select input_data from rowbeat.workflow_executions', ['daemon', 'owner']],
  ['select * from rowbeat.articles', ['daemon', 'owner']],
  [`select rowbeat.enqueue('work')`, ['operator', 'producer', 'daemon', 'owner']],
  [`select rowbeat.cancel_job(404, 'why')`, ['operator', 'daemon', 'owner']],
  [`select rowbeat.retry_failed('why')`, ['operator', 'daemon', 'owner']],
  [`select rowbeat.pause_queue('default', 'why')`, ['operator', 'daemon', 'owner']],
  [`select rowbeat.purge('1 day', 'why')`, ['operator', 'daemon', 'owner']],
  [`select rowbeat.set_job_type_rate('work', 'why', 1, 60)`, ['operator', 'daemon', 'owner']],
  [`select rowbeat.set_queue_limits('default', 'why', max_running => 1)`, ['operator', 'daemon', 'owner']],
  [`select rowbeat.set_schedule('nobody', 'why')`, ['operator', 'daemon', 'owner']],
  [`select rowbeat.remove_schedule('nobody', 'why')`, ['operator', 'daemon', 'owner']],
  [`select rowbeat.fire_schedule('nobody', 'why')`, ['operator', 'daemon', 'owner']],
  [`select rowbeat.drain_poller(gen_random_uuid(), 'why')`, ['operator', 'daemon', 'owner']],
  ['select * from rowbeat.job_type_rates', ['reader', 'operator', 'daemon', 'owner']],
  ['select * from rowbeat.rate_starts', ['reader', 'operator', 'daemon', 'owner']],
  ['select * from rowbeat.schedule_status', ['reader', 'operator', 'daemon', 'owner']],
  ['select * from rowbeat.schedules', ['daemon', 'owner']],
  ['update rowbeat.queues set max_running = 1', ['daemon', 'owner']],
  ['select * from rowbeat.explain_job(404)', ['operator', 'daemon', 'owner']],
  ['select * from rowbeat.doctor()', ['operator', 'daemon', 'owner']],
  ['select * from rowbeat.assert_invariants()', ['operator', 'daemon', 'owner']],
  [`select rowbeat.advance_executions('{}')`, ['daemon', 'owner']],
  [`select rowbeat.log_action('forged', null, null, null, null, null, null, null)`, ['daemon', 'owner']],
  [`insert into rowbeat.scheduled_jobs (job_type) values ('work')`, ['producer', 'daemon', 'owner']],
  [
    `insert into rowbeat.scheduled_jobs (job_type, payload) values ('work', '{}') returning id`,
    ['producer', 'daemon', 'owner'],
  ],
  [
    `insert into rowbeat.scheduled_jobs (id, job_type) overriding system value values (404, 'work')`,
    ['daemon', 'owner'],
  ],
  [`insert into rowbeat.scheduled_jobs (job_type, status) values ('work', 'running')`, ['daemon', 'owner']],
  ['update rowbeat.action_log set reason = null', ['owner']],
  ['select rowbeat.trim_action_log()', ['daemon', 'owner']],
  ['delete from rowbeat.legal_moves', ['owner']],
  [`update rowbeat.legal_moves set made_by = 'anyone'`, ['owner']],
  ['delete from rowbeat.schema_migrations', ['owner']],
  [`update rowbeat.scheduled_jobs set priority = 1`, ['daemon', 'owner']],
  ['delete from rowbeat.workflow_executions', ['daemon', 'owner']],
  ['delete from rowbeat.action_log', ['owner']],
  ['truncate rowbeat.leases', ['owner']],
  ['create table rowbeat.mine ()', ['owner']],
  ['drop view rowbeat.overview cascade', ['owner']],
  ['alter table rowbeat.scheduled_jobs disable trigger guard_job_update', ['owner']],
]

const OPERATOR_FUNCTIONS = [
  'enqueue',
  'retry_job',
  'retry_failed',
  'cancel_job',
  'cancel_execution',
  'cancel_pending',
  'advance_execution',
  'run_now',
  'reschedule',
  'set_priority',
  'skip_taken_ids',
  'pause_queue',
  'resume_queue',
  'set_queue_limits',
  'set_job_type_rate',
  'set_schedule',
  'remove_schedule',
  'pause_schedule',
  'resume_schedule',
  'fire_schedule',
  'drain_poller',
  'purge',
  'explain',
  'explain_job',
  'explain_page',
  'doctor_page',
  'page',
  'fold',
  'doctor',
  'assert_invariants',
]

const OPEN_TABLES = [
  'action_log',
  'backdated_jobs',
  'claim_floors',
  'claim_horizon',
  'job_counts',
  'job_type_rates',
  'leases',
  'legal_moves',
  'pollers',
  'queues',
  'rate_starts',
  'schedule_runs',
  'schema_migrations',
  'step_durations',
  'step_estimates',
  'suspects',
]

describe('the roles', () => {
  it.each(MATRIX)('%s', async (statement, allowed) => {
    const found: Role[] = []
    for (const role of ROLES) if (await may(role, statement)) found.push(role)
    expect(found).toEqual(allowed)
  })

  it('give readers and operators the functions they call, and no other', async () => {
    const callable = async (role: string): Promise<unknown[]> => {
      const rows = await sql.hand(
        `select p.proname::text as name from pg_proc p
         where p.pronamespace = 'rowbeat'::regnamespace and has_function_privilege($1, p.oid, 'execute') order by 1`,
        [role],
      )
      return rows.map((row) => row.name)
    }
    // What the views call, with the rights of whoever reads them.
    const ofReaders = [
      'error_fingerprint',
      'is_by_hand',
      'mask',
      'pending_in_lane',
      'stuck_in_execution',
      'stuck_running',
    ]
    expect(await callable('rowbeat_reader')).toEqual(ofReaders)
    expect(await callable('rowbeat_operator')).toEqual([...ofReaders, ...OPERATOR_FUNCTIONS].toSorted())
  })

  it('give readers and operators every view, tables without payloads, and nothing to write', async () => {
    const rights = await sql.hand(`select r.role, c.relname::text as name, c.relkind = 'v' as is_view,
        has_table_privilege(r.role, c.oid, 'select') as reads,
        has_table_privilege(r.role, c.oid, 'insert, update, delete, truncate, references, trigger') as writes
      from pg_class c cross join (values ('rowbeat_reader'), ('rowbeat_operator')) r (role)
      where c.relnamespace = 'rowbeat'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
      order by 1, 2`)
    expect(rights.filter((row) => row.writes)).toEqual([])
    expect(rights.filter((row) => row.is_view && !row.reads)).toEqual([])
    for (const role of ['rowbeat_reader', 'rowbeat_operator']) {
      const tables = rights.filter((row) => row.role === role && row.is_view === false && row.reads === true)
      expect(tables.map((row) => row.name)).toEqual(OPEN_TABLES)
    }
  })

  it('show a reader and an operator nothing of what payloads hold', async () => {
    const secret = { customer: 'swordfish' }
    const job = await addEnded(sql.engine, 'completed', { payload: secret, result: secret })
    await addJob(sql.engine, { payload: secret, retry_count: 1, concurrency_key: 'k' })
    await addExecution(sql.engine, { a: {} }, { input_data: secret, output_data: secret })
    await sql.hand(
      `insert into rowbeat.schedules (name, cron, job_type, payload) values ('nightly', '@daily', 'work', $1)`,
      [secret],
    )
    await sql.hand(`update rowbeat.schedules set payload = '{"customer":"swordfish two"}'`)
    await sql.hand(`update rowbeat.scheduled_jobs set payload = $1 where status = 'pending'`, [
      { customer: 'swordfish three' },
    ])
    const relations = await sql.hand(`select c.relname::text as name, c.relname as view from pg_class c
      where c.relnamespace = 'rowbeat'::regnamespace and has_table_privilege('rowbeat_reader', c.oid, 'select') and c.relkind in ('r', 'v')`)
    expect(relations.length).toBeGreaterThan(25)
    for (const role of ['reader', 'operator'] as const) {
      for (const { name } of relations) {
        const { rows } = await (logins.get(role) as pg.Client).query(`select * from rowbeat.${name}`)
        expect([role, name, JSON.stringify(rows).includes('swordfish')]).toEqual([role, name, false])
      }
    }
    const { rows } = await (logins.get('operator') as pg.Client).query(
      'select * from rowbeat.explain_job($1)',
      [job],
    )
    expect(JSON.stringify(rows)).not.toContain('swordfish')
  })

  it('leave no function to everybody but the one that constraints ask in the name of whoever writes', async () => {
    const open = await sql.hand(`select p.oid::regprocedure::text as name from pg_proc p
      where p.pronamespace = 'rowbeat'::regnamespace
        and exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0)`)
    expect(open).toEqual([{ name: 'is_by_hand()' }])
  })

  it('own everything by one role that nobody logs in as', async () => {
    const others = await sql.hand(`select c.relname from pg_class c
      where c.relnamespace = 'rowbeat'::regnamespace and c.relkind in ('r', 'v') and c.relowner <> 'rowbeat_owner'::regrole
      union all select p.proname from pg_proc p
      where p.pronamespace = 'rowbeat'::regnamespace and p.proowner <> 'rowbeat_owner'::regrole`)
    expect(others).toEqual([])
    expect(
      await sql.one(`select rolcanlogin, rolsuper from pg_roles where rolname = 'rowbeat_owner'`),
    ).toEqual({
      rolcanlogin: false,
      rolsuper: false,
    })
  })
})

describe('an operator', () => {
  const operator = async (text: string, values: unknown[] = []): Promise<Row[]> =>
    (await (logins.get('operator') as pg.Client).query<Row>(text, values)).rows

  it('changes through functions what it may not touch, and is named in the log', async () => {
    const { id, steps } = await addExecution(sql.engine, { a: {}, b: { after: ['a'] } })
    await operator(`select * from rowbeat.cancel_job($1, 'wrong')`, [steps.a])
    await operator(`select * from rowbeat.retry_job($1, 'right after all')`, [steps.a])
    await operator(`select * from rowbeat.cancel_execution($1, 'enough')`, [id])
    expect(await sql.steps(id)).toEqual({ a: 'cancelled', b: 'cancelled' })
    const who = await sql.hand('select distinct session_user_name::text as name from rowbeat.action_log')
    expect(who).toEqual([{ name: loginOf('operator') }])
  })

  it('may be granted raw SQL, which is guarded', async () => {
    await sql.engine.query(`grant select, update, delete on rowbeat.scheduled_jobs to ${loginOf('operator')}`)
    const { id, steps } = await addExecution(sql.engine, { a: {}, b: { after: ['a'] } })
    await operator(`update rowbeat.scheduled_jobs set status = 'skipped' where id = $1`, [steps.a])
    expect(await sql.steps(id)).toEqual({ a: 'skipped', b: 'pending' })
    const { code } = await refusalOf(
      operator('update rowbeat.scheduled_jobs set attempt = 9 where id = $1', [steps.b]),
    )
    expect(code).toBe('RB002')
    const ended = await addEnded(sql.engine, 'failed')
    await operator('delete from rowbeat.scheduled_jobs where id = $1', [ended])
  })
})

describe('another application', () => {
  it('needs no more than INSERT on one table, also for a job that is due already', async () => {
    await sql.engine.query(`grant usage on schema rowbeat to ${loginOf('stranger')}`)
    await sql.engine.query(`grant insert on rowbeat.scheduled_jobs to ${loginOf('stranger')}`)
    const stranger = logins.get('stranger') as pg.Client
    await stranger.query(`insert into rowbeat.scheduled_jobs (job_type, payload, scheduled_at)
      values ('work', '{}', now() - interval '1 hour')`)
    expect(await sql.hand('select from rowbeat.scheduled_jobs')).toHaveLength(1)
  })
})

describe('a daemon', () => {
  it('does all the work of an engine with its role', async () => {
    const { pool, close } = connect({ url: urlOf('daemon'), max: 2, applicationName: 'rowbeat' })
    try {
      const pollerId = randomUUID()
      await registerPoller(pool, {
        pollerId,
        name: 'host:1',
        version: '1',
        jobTypes: ['work'],
        concurrency: 4,
      })
      await enqueueJobs(pool, [
        { jobType: 'work', scheduledAt: new Date(Date.now() - 60_000) },
        { jobType: 'work' },
      ])
      const { id, steps } = await addExecution(pool, { a: {}, b: { after: ['a'] } })
      expect((await look(pool, ['work'])).lanes).toHaveLength(1)
      const claim = {
        lane: { queue: 'default', priority: 0 },
        floor: { at: 0, id: '0' },
        pollerId,
        jobTypes: ['work'],
      }
      const leaseId = randomUUID()
      const claimed = await claimJobs(pool, { ...claim, limit: 8, leaseId })
      expect(claimed).toHaveLength(3)
      const plain = claimed.filter((job) => job.executionId === null)
      await exchange(pool, { ...claim, limit: 1, leaseId: randomUUID() }, plain, [])
      await settle(pool, {
        completions: [{ id: steps.a ?? '', leaseId }],
        endings: [],
        executionIds: [id],
      })
      expect(await sql.steps(id)).toEqual({ a: 'completed', b: 'pending' })
      expect((await beat(pool, pollerId, { running: 0, listening: true })).alive).toBe(true)
      await raiseClaimFloors(pool)
      await triage(pool, 10)
      await reapDeadPollers(pool)
      await trimPollers(pool)
      expect((await readSnapshot(pool)).pollers).toHaveLength(1)
      await pool.query(`select rowbeat.cancel_execution($1, 'from the API')`, [id])
    } finally {
      await close()
    }
  })

  it('may not bring the schema to another shape', async () => {
    await addJob(sql.engine)
    expect(await may('daemon', 'alter table rowbeat.scheduled_jobs add column more text')).toBe(false)
  })
})
