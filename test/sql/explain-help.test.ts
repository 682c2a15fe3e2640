/** Every reason of explain_job() and explain() is provoked, and the SQL that it prints as help is run as an operator. */
import { describe, expect, it } from 'vitest'
import { openSession } from '../support/sessions.ts'
import { until } from '../support/wait.ts'
import { stepsOf, useLogins } from './advice.ts'
import { addEnded, addExecution, addJob, addPoller, claim, claimKeyed, useSql } from './staging.ts'

const sql = useSql()
const logins = useLogins(sql)

/** One job, or none, for each code that explain_job and explain can return. */
const EXPLAINED: Readonly<Record<string, () => Promise<unknown>>> = {
  no_such_job: async () => '404',
  no_such_execution: async () => '00000000-0000-4000-8000-000000000000',
  not_found: async () => 'no-such.example',
  execution_ended: async () => {
    const { steps } = await addExecution(sql.engine, { a: {} }, { status: 'failed', end_time: new Date() })
    return steps.a
  },
  deadline_passed: () => addJob(sql.engine, { deadline_at: new Date(Date.now() - 1000) }),
  suspect: async () => {
    const id = await addJob(sql.engine)
    await sql.engine.query('insert into rowbeat.suspects (job_id, deaths) values ($1, 2)', [id])
    return id
  },
  due: async () => {
    await addPoller(sql.engine)
    return addJob(sql.engine)
  },
  waits_for_step: async () => (await addExecution(sql.engine, { a: {}, b: { after: ['a'] } })).steps.b,
  not_advanced: async () =>
    (await addExecution(sql.engine, { a: { status: 'completed' }, b: { after: ['a'] } })).steps.b,
  no_lease: async () => {
    const id = await addJob(sql.engine)
    await claim(sql.engine, await addPoller(sql.engine))
    await sql.engine.query('delete from rowbeat.leases')
    return id
  },
  poller_dead: async () => {
    const id = await addJob(sql.engine)
    await claim(sql.engine)
    return id
  },
  past_time_limit: async () => {
    const id = await addJob(sql.engine)
    await claim(sql.engine, await addPoller(sql.engine))
    await sql.engine.query(`update rowbeat.scheduled_jobs set started_at = now() - interval '1 hour'`)
    return id
  },
  runs: async () => {
    const id = await addJob(sql.engine)
    await claim(sql.engine, await addPoller(sql.engine))
    return id
  },
  no_poller: () => addJob(sql.engine),
  unknown_job_type: async () => {
    await addPoller(sql.engine, ['other'])
    return addJob(sql.engine)
  },
  pollers_full: async () => {
    await addPoller(sql.engine)
    await sql.engine.query('update rowbeat.pollers set running = concurrency')
    return addJob(sql.engine)
  },
  jobs_ahead: async () => {
    await addJob(sql.engine)
    return addJob(sql.engine)
  },
  takes_turns: async () => {
    await addPoller(sql.engine)
    await addJob(sql.engine, { concurrency_key: 'k' })
    return addJob(sql.engine, { concurrency_key: 'k' })
  },
  backs_off: () => addJob(sql.engine, { retry_count: 1, scheduled_at: new Date(Date.now() + 60_000) }),
  not_due: () => addJob(sql.engine, { scheduled_at: new Date(Date.now() + 60_000) }),
  below_floor: async () => {
    await sql.engine.query(
      `insert into rowbeat.claim_floors values ('default', 0, now() + interval '1 minute')`,
    )
    return addJob(sql.engine)
  },
  queue_paused: async () => {
    await sql.hand(`select rowbeat.pause_queue('default', 'a test')`)
    return addJob(sql.engine)
  },
  queue_limit: async () => {
    await sql.hand(`select rowbeat.set_queue_limits('default', 'a test', max_running => 0)`)
    return addJob(sql.engine)
  },
  key_limit: async () => {
    await addJob(sql.engine, { concurrency_key: 'k' })
    await sql.engine.query(`update rowbeat.scheduled_jobs set scheduled_at = now() - interval '1 minute'`)
    await claimKeyed(sql.engine)
    await sql.hand(`select rowbeat.set_queue_limits('default', 'a test', max_per_key => 1)`)
    return addJob(sql.engine, { concurrency_key: 'k' })
  },
  queue_rate: async () => {
    await sql.hand(`select rowbeat.set_queue_limits('default', 'a test', rate_max => 1, rate_seconds => 60)`)
    await sql.engine.query(`insert into rowbeat.rate_starts values ('queue', 'default', now(), now(), 1)`)
    return addJob(sql.engine)
  },
  job_type_rate: async () => {
    await sql.hand(`select rowbeat.set_job_type_rate('work', 'a test', 1, 60)`)
    await sql.engine.query(`insert into rowbeat.rate_starts values ('job_type', 'work', now(), now(), 1)`)
    return addJob(sql.engine)
  },
  completed: () => addEnded(sql.engine, 'completed'),
  failed: () => addEnded(sql.engine, 'failed'),
  skipped: () => addEnded(sql.engine, 'skipped'),
  cancelled: () => addEnded(sql.engine, 'cancelled'),
}

describe('the reasons of explain', () => {
  it('are all provoked here: a new one needs its incident, and its help a run', async () => {
    const sources = await sql.hand(
      `select prosrc as text from pg_proc where pronamespace = 'rowbeat'::regnamespace and proname ~ '^explain'`,
    )
    const codes = sources.flatMap((row) =>
      [
        ...String(row.text).matchAll(
          /select (?:n, |1, |1::bigint, left\(wanted, 80\), |'execution ' \|\| id, )?'([a-z_]+)'/g,
        ),
      ].map((match) => match[1] ?? ''),
    )
    const ends = ['completed', 'failed', 'skipped', 'cancelled']
    expect([...new Set([...codes, 'row_locked', ...ends])].toSorted()).toEqual(
      [...Object.keys(EXPLAINED), 'row_locked'].toSorted(),
    )
  })

  it.each(Object.entries(EXPLAINED))('%s: the help is run as an operator', async (code, stage) => {
    const what = String(await stage())
    const isJob = /^\d+$/.test(what)
    const asked = isJob ? `rowbeat.explain_job(${what})` : `rowbeat.explain('${what}')`
    const found = await logins.as('operator', `select * from ${asked}`)
    expect(found.map((row) => row.code)).toContain(code)
    for (const row of found) await logins.follow(String(row.help))
    if (isJob)
      for (const row of await logins.as('operator', `select * from rowbeat.explain('${what}')`))
        stepsOf(String(row.help))
  })

  it('row_locked: the help is for an administrator, and lets the row go', async () => {
    await addPoller(sql.engine)
    const id = await addJob(sql.engine)
    const holder = await openSession(sql.url, { application_name: 'forgotten' })
    try {
      await holder.query('begin')
      await holder.query('select from rowbeat.scheduled_jobs where id = $1 for update', [id])
      const [reason] = await logins.as('operator', `select * from rowbeat.explain_job(${id})`)
      expect(reason?.code).toBe('row_locked')
      expect(stepsOf(String(reason?.help)).map((step) => step.byAdministrator)).toEqual([true, true])
      await logins.follow(String(reason?.help))
      await until(
        async () =>
          (await logins.as('operator', `select code from rowbeat.explain_job(${id})`))[0]?.code === 'due',
        {
          what: 'the row to be let go',
        },
      )
    } finally {
      await holder.end()
    }
  })
})
