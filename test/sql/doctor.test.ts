import { describe, expect, it } from 'vitest'
import { raiseClaimFloors } from '../../src/store/floors.ts'
import { openSession } from '../support/sessions.ts'
import { addEnded, addExecution, addJob, addPoller, claim, type Row, useSql } from './staging.ts'

const sql = useSql()

async function findings(patience = '5 minutes'): Promise<Row[]> {
  return sql.hand('select * from rowbeat.doctor($1)', [patience])
}

async function codes(): Promise<unknown[]> {
  return (await findings()).map((row) => `${row.severity} ${row.code}`)
}

describe('doctor', () => {
  it('finds nothing when all is well', async () => {
    await addPoller(sql.engine)
    await addJob(sql.engine)
    await sql.engine.query('update rowbeat.pollers set listening = true')
    expect(await findings()).toEqual([])
  })

  it('names what a restore lost: rights, a sequence left behind, the horizon of another cluster', async () => {
    await addPoller(sql.engine)
    await addJob(sql.engine)
    await sql.engine.query('update rowbeat.pollers set listening = true')
    const client = await sql.engine.connect()
    try {
      await client.query('begin')
      await client.query(`grant execute on function rowbeat.cancel_job to public;
        revoke usage on schema rowbeat from rowbeat_daemon;
        update rowbeat.claim_horizon set probed_xid = '9000000000000';
        insert into rowbeat.scheduled_jobs (id, job_type) overriding system value
          select last_value + 10, 'work' from rowbeat.scheduled_jobs_id_seq`)
      const { rows } = await client.query<Row>('select code, fix from rowbeat.doctor()')
      expect(rows.map((row) => row.code).sort()).toEqual([
        'horizon_of_another_cluster',
        'lost_rights',
        'open_functions',
        'sequence_behind',
      ])
      expect(rows.find((row) => row.code === 'sequence_behind')?.fix).toBe('select rowbeat.skip_taken_ids()')
    } finally {
      await client.query('rollback')
      client.release()
    }
  })

  it('finds due work without a poller, and work that no poller knows', async () => {
    await addJob(sql.engine)
    expect(await codes()).toEqual(['critical no_poller'])
    await addPoller(sql.engine, ['other'])
    const found = await findings()
    expect(found.map((row) => row.code)).toEqual(['unknown_job_type'])
    expect(found[0]?.evidence).toContain('type work')
  })

  it('finds what is stuck, slow, paused and failing, the worst first', async () => {
    const pollerId = await addPoller(sql.engine)
    await addJob(sql.engine)
    await claim(sql.engine, pollerId)
    await sql.engine.query(`update rowbeat.scheduled_jobs set started_at = now() - interval '1 hour'`)
    await addJob(sql.engine, { scheduled_at: new Date(Date.now() - 900_000) })
    await addJob(sql.engine, { queue: 'mail' })
    await sql.hand(`select rowbeat.pause_queue('mail', 'a test')`)
    for (let n = 0; n < 10; n++)
      await addEnded(sql.engine, 'failed', { last_error: `no route to 10.0.0.${n}` })
    expect(await codes()).toEqual([
      'critical stuck',
      'warning failures',
      'warning queue_lags',
      'notice queue_paused',
    ])
  })

  it('finds pollers that do not listen, and versions side by side', async () => {
    await addPoller(sql.engine)
    await addPoller(sql.engine)
    await sql.engine.query(
      `update rowbeat.pollers set started_at = now() - interval '1 hour', version = poller_id::text`,
    )
    expect(await codes()).toEqual([
      'warning not_listening',
      'warning not_listening',
      'notice versions_differ',
    ])
  })

  it('finds that pollers died, and which jobs are suspects; explain_job says that such a one runs alone', async () => {
    await addPoller(sql.engine)
    const lost = await addPoller(sql.engine)
    await sql.engine.query('update rowbeat.pollers set listening = true')
    await sql.engine.query(
      `update rowbeat.pollers set status = 'lost', ended_at = clock_timestamp() where poller_id = $1`,
      [lost],
    )
    const job = await addJob(sql.engine)
    const other = await addJob(sql.engine)
    await sql.engine.query('insert into rowbeat.suspects (job_id, deaths) values ($1, 1)', [other])
    expect(await findings()).toEqual([])
    await sql.engine.query('insert into rowbeat.suspects (job_id, deaths, alone_deaths) values ($1, 3, 1)', [
      job,
    ])
    const [found, ...more] = await findings()
    expect(more).toEqual([])
    expect(found).toMatchObject({ severity: 'warning', code: 'pollers_died' })
    expect(found?.evidence).toBe(
      `lost in the last hour: 1 poller; suspects that run alone: job ${job} (work: 3 deaths, 1 alone)`,
    )
    const fix = String(found?.fix).split('; when its process dies of it: ')
    const reasons = await sql.hand(String(fix[0]))
    expect(reasons.map((row) => row.code)).toContain('suspect')
    await sql.hand(String(fix[1]))
    expect(await findings()).toEqual([])
  })

  it('names the backend that holds back vacuum, and how to end it', async () => {
    const client = await openSession(sql.url, { application_name: 'forgotten' })
    try {
      await client.query('begin isolation level repeatable read')
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
      const found = (await findings('0')).filter((row) => row.code === 'vacuum_held_by_backend')
      const mine = found.find((row) => String(row.evidence).includes(`backend ${rows[0]?.pid} `))
      expect(mine?.evidence).toContain('(forgotten) is idle in transaction')
      expect(mine?.fix).toContain(`pg_terminate_backend(${rows[0]?.pid})`)
    } finally {
      await client.end()
    }
  })

  it('names the prepared transaction that holds back vacuum, where the server allows any', async (context) => {
    const { max_prepared_transactions: most } = await sql.one('show max_prepared_transactions')
    if (most === '0') context.skip('max_prepared_transactions is 0')
    await sql.hand('begin')
    await sql.hand('create table forgotten ()')
    await sql.hand(`prepare transaction 'forgotten'`)
    const found = (await findings('0')).filter((row) => row.code === 'vacuum_held_by_prepared_transaction')
    await sql.hand(`rollback prepared 'forgotten'`)
    expect(found).toHaveLength(1)
    expect(found[0]?.fix).toContain(`rollback prepared 'forgotten'`)
  })

  it('finds schedules that cannot fire, and those that nobody looks at', async () => {
    await sql.engine.query(`insert into rowbeat.schedules (name, cron, job_type, problem, next_fire_at, look_at) values
      ('bad', 'nonsense', 'work', 'the cron is malformed', null, now()),
      ('late', '@daily', 'work', null, now() - interval '1 hour', now()),
      ('fine', '@daily', 'work', null, now() + interval '1 hour', now())`)
    expect(await codes()).toEqual(['warning schedule_overdue', 'warning schedule_problem'])
    expect((await findings())[1]?.evidence).toBe('schedule bad cannot fire: the cron is malformed')
  })

  it('says when it is the limit that a queue waits for', async () => {
    await addPoller(sql.engine)
    await sql.engine.query('update rowbeat.pollers set listening = true')
    const id = await addJob(sql.engine, { scheduled_at: new Date(Date.now() - 900_000) })
    expect((await findings())[0]?.fix).toContain(`select * from rowbeat.explain_job(${id})`)
    await sql.hand(`select rowbeat.set_queue_limits('default', 'closed', max_running => 0)`)
    expect((await findings())[0]?.fix).toContain('its limit of 0 is used up')
  })

  it('finds a default isolation level under which limits cannot be kept', async () => {
    await sql.engine.query(
      `do $$ begin execute format('alter database %I set default_transaction_isolation = ''repeatable read''', current_database()); end $$`,
    )
    const client = await openSession(sql.url, { application_name: 'psql' })
    try {
      const { rows } = await client.query<Row>('select code, fix from rowbeat.doctor()')
      const found = rows.find((row) => row.code === 'isolation_level')
      expect(found?.fix).toContain(`default_transaction_isolation = 'read committed'`)
    } finally {
      await client.end()
      await sql.engine.query(
        `do $$ begin execute format('alter database %I reset default_transaction_isolation', current_database()); end $$`,
      )
    }
  })

  it('finds claim floors that stand still', async () => {
    await addPoller(sql.engine)
    await sql.engine.query(`update rowbeat.pollers set listening = true`)
    await sql.engine.query(`update rowbeat.claim_horizon set safe_at = now() - interval '20 minutes'`)
    expect(await codes()).toEqual(['warning floors_stand_still'])
    await sql.engine.query(`update rowbeat.claim_horizon set safe_at = '-infinity'`)
  })

  it('finds an index that a broken build left behind', async () => {
    await sql.engine.query('create unique index broken on rowbeat.scheduled_jobs (job_type)')
    await sql.engine.query(
      `update pg_index set indisvalid = false where indexrelid = 'rowbeat.broken'::regclass`,
    )
    const found = await findings()
    await sql.engine.query('drop index rowbeat.broken')
    expect(found.map((row) => row.fix)).toContain(
      'as an administrator: reindex index concurrently rowbeat.broken',
    )
  })
})

describe('assert_invariants', () => {
  async function broken(): Promise<unknown[]> {
    return (await sql.hand('select * from rowbeat.assert_invariants() order by invariant')).map(
      (row) => row.invariant,
    )
  }

  it('returns nothing for work that is done properly', async () => {
    const pollerId = await addPoller(sql.engine)
    await addExecution(sql.engine, { a: {}, b: { after: ['a'] } })
    await addJob(sql.engine)
    await claim(sql.engine, pollerId)
    await addEnded(sql.engine, 'completed')
    expect(await broken()).toEqual([])
  })

  it('does not take a job that waits for its turn or its rate for one below the floor', async () => {
    const old = new Date(Date.now() - 3_600_000)
    await sql.hand(`select rowbeat.set_queue_limits('default', 'a test', max_running => 0)`)
    await sql.hand(`select rowbeat.set_job_type_rate('rated', 'a test', 1, 3600)`)
    await addJob(sql.engine, { concurrency_key: 'k', scheduled_at: old })
    await addJob(sql.engine, { job_type: 'rated', scheduled_at: old })
    await addJob(sql.engine, { job_type: 'rated', queue: 'other', scheduled_at: old })
    await sql.engine.query(`update rowbeat.claim_horizon set probed_xid = '3', probed_at = now()`)
    await raiseClaimFloors(sql.engine)
    await sql.engine.query(`update rowbeat.claim_horizon set probed_xid = '3', probed_at = now()`)
    await raiseClaimFloors(sql.engine)
    const floors = await sql.hand('select floor_at from rowbeat.claim_floors order by queue')
    expect(floors).toEqual([{ floor_at: old }, { floor_at: old }])
    expect(await broken()).toEqual([])
    // The floor of the lane rises past keyed jobs, which it is not about.
    await sql.hand(
      `select rowbeat.cancel_job(id, 'a test') from rowbeat.scheduled_jobs where job_type = 'rated'`,
    )
    await sql.engine.query(`update rowbeat.claim_horizon set probed_xid = '3', probed_at = now()`)
    await raiseClaimFloors(sql.engine)
    const [plain] = await sql.hand(
      `select floor_at > $1 as is_past from rowbeat.claim_floors where queue = 'default'`,
      [old],
    )
    expect(plain).toEqual({ is_past: true })
    expect(await broken()).toEqual([])
  })

  it.each([
    ['a running job has a lease row', 'delete from rowbeat.leases'],
    [
      'no run before scheduled_at',
      `update rowbeat.scheduled_jobs set scheduled_at = now() + interval '1 hour' where status = 'running'`,
    ],
    ['no retry beyond max_retries', 'update rowbeat.scheduled_jobs set retry_count = 9'],
    ['a step has an execution', 'delete from rowbeat.workflow_executions'],
    [
      'an ended execution has no open step',
      `update rowbeat.workflow_executions set status = 'failed', end_time = now()`,
    ],
    [
      'a lease row has running jobs',
      `insert into rowbeat.leases values (gen_random_uuid(), gen_random_uuid(), 'default', '{1}', now() - interval '1 hour')`,
    ],
    [
      'a live execution has open steps',
      `insert into rowbeat.workflow_executions (execution_id, workflow_type, subject, deadline_at) values (gen_random_uuid(), 'walk', 'there', now())`,
    ],
    [
      'a step is not freed before those it waits for have ended',
      `update rowbeat.scheduled_jobs set status = 'pending' where status = 'waiting'`,
    ],
    [
      'a step waits only for open steps',
      `update rowbeat.scheduled_jobs set depends_on = '{gone}' where status = 'waiting'`,
    ],
    [
      'no pending job below its claim floor',
      `insert into rowbeat.scheduled_jobs (job_type) values ('x'); insert into rowbeat.claim_floors values ('default', 0, now() + interval '1 hour')`,
    ],
  ])('finds when it does not hold that %s', async (invariant, sabotage) => {
    await addExecution(sql.engine, { a: {}, b: { after: ['a'] } })
    await claim(sql.engine)
    await sql.engine.query(sabotage)
    expect(await broken()).toContain(invariant)
  })
})
