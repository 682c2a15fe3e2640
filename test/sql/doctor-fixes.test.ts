/** Every finding of doctor() is provoked, and the SQL that it prints as the fix is run as the role it is meant for. */
import { describe, expect, it } from 'vitest'
import { stepsOf, useLogins } from './advice.ts'
import { addEnded, addJob, addPoller, claim, type Row, useSql } from './staging.ts'

const sql = useSql()
const logins = useLogins(sql)

const LONG_AGO = new Date(Date.now() - 900_000)

async function listen(): Promise<void> {
  await sql.engine.query('update rowbeat.pollers set listening = true')
}

/** What is wrong with rows of ours: how it comes about. */
const WORK: Readonly<Record<string, () => Promise<unknown>>> = {
  no_poller: () => addJob(sql.engine),
  unknown_job_type: async () => {
    await addPoller(sql.engine, ['other'])
    await addJob(sql.engine)
  },
  stuck: async () => {
    const pollerId = await addPoller(sql.engine)
    await addJob(sql.engine)
    await claim(sql.engine, pollerId)
    await sql.engine.query(`update rowbeat.scheduled_jobs set started_at = now() - interval '1 hour'`)
  },
  queue_lags: async () => {
    await addPoller(sql.engine)
    await addJob(sql.engine, { scheduled_at: LONG_AGO })
    await addJob(sql.engine, { queue: 'full', scheduled_at: LONG_AGO })
    await sql.hand(`select rowbeat.set_queue_limits('full', 'a test', max_running => 0)`)
  },
  queue_paused: async () => {
    await addJob(sql.engine, { queue: 'mail' })
    await sql.hand(`select rowbeat.pause_queue('mail', 'a test')`)
  },
  failures: async () => {
    for (let n = 0; n < 10; n++)
      await addEnded(sql.engine, 'failed', { last_error: `no route to 10.0.0.${n}` })
  },
  schedule_problem: () =>
    sql.engine.query(`insert into rowbeat.schedules (name, cron, timezone, job_type, problem) values
      ('bad', 'nonsense', 'UTC', 'work', 'cron "nonsense" is malformed'),
      ('nowhere', '@daily', 'UTC', 'work', 'time zone "Nowhere/Land" is not known'),
      ('refused', '@daily', 'UTC', 'work', 'not on my watch')`),
  schedule_overdue: () =>
    sql.engine.query(`insert into rowbeat.schedules (name, cron, job_type, next_fire_at, look_at) values
      ('late', '@daily', 'work', now() - interval '1 hour', now())`),
  pollers_died: async () => {
    for (const _ of [1, 2]) await addPoller(sql.engine)
    await sql.engine.query(`update rowbeat.pollers set status = 'lost', ended_at = clock_timestamp()`)
    const job = await addJob(sql.engine)
    await sql.engine.query('insert into rowbeat.suspects (job_id, deaths) values ($1, 2)', [job])
  },
  not_listening: async () => {
    await addPoller(sql.engine)
    await sql.engine.query(`update rowbeat.pollers set started_at = now() - interval '1 hour'`)
  },
  versions_differ: async () => {
    for (const _ of [1, 2]) await addPoller(sql.engine)
    await sql.engine.query('update rowbeat.pollers set version = poller_id::text')
  },
  floors_stand_still: async () => {
    await addPoller(sql.engine)
    await sql.engine.query(`update rowbeat.claim_horizon set safe_at = now() - interval '20 minutes'`)
  },
  invalid_index: async () => {
    await sql.engine.query('create index broken on rowbeat.step_durations (finished_at)')
    await sql.engine.query(
      `update pg_index set indisvalid = false where indexrelid = 'rowbeat.broken'::regclass`,
    )
  },
  open_functions: () => sql.engine.query('grant execute on function rowbeat.cancel_job to public'),
  lost_rights: () => sql.engine.query('revoke usage on schema rowbeat from rowbeat_reader'),
  sequence_behind: async () => {
    await addJob(sql.engine)
    await sql.engine.query(`insert into rowbeat.scheduled_jobs (id, job_type) overriding system value
      select last_value + 10, 'work' from rowbeat.scheduled_jobs_id_seq`)
  },
  horizon_of_another_cluster: () =>
    sql.engine.query(`update rowbeat.claim_horizon set probed_xid = '9000000000000'`),
}

const UNDONE: Readonly<Record<string, string>> = {
  floors_stand_still: `update rowbeat.claim_horizon set safe_at = '-infinity'`,
  horizon_of_another_cluster: `update rowbeat.claim_horizon set probed_xid = '3'`,
  invalid_index: 'drop index rowbeat.broken',
  open_functions: 'revoke execute on function rowbeat.cancel_job from public',
  lost_rights: 'grant usage on schema rowbeat to rowbeat_reader',
}

/** What is wrong with the server: which part finds it, and what stands for the catalogue. */
const SERVER: Readonly<Record<string, { part: string; catalogue: Readonly<Record<string, string>> }>> = {
  vacuum_held_by_backend: {
    part: 'vacuum',
    catalogue: {
      pg_stat_activity: `select -1 as pid, 'app'::name as usename, ''::text as application_name, 'idle in transaction'::text as state,
        now() - interval '2 hours' as xact_start, '1'::xid as backend_xid, '1'::xid as backend_xmin,
        'client backend'::text as backend_type, current_database() as datname, 'select 1'::text as query`,
    },
  },
  vacuum_held_by_slot: {
    part: 'vacuum',
    catalogue: { pg_replication_slots: slot(`'3'::xid`, 'null::pg_lsn') },
  },
  vacuum_held_by_prepared_transaction: {
    part: 'vacuum',
    catalogue: {
      pg_prepared_xacts: `select 'forgotten'::text as gid, 'app'::name as owner, now() - interval '1 day' as prepared, current_database() as database`,
    },
  },
  vacuum_held_by_standby: {
    part: 'vacuum',
    catalogue: {
      pg_stat_replication: `select 'standby'::text as application_name, 1 as pid, '3'::xid as backend_xmin`,
    },
  },
  dead_rows: { part: 'server', catalogue: { table_health: health(`'scheduled_jobs'`, 200_000, 99) } },
  updates_touch_indexes: {
    part: 'server',
    catalogue: {
      table_health: health(`'scheduled_jobs'`, 0, 10),
      pg_stat_all_tables: `select 'rowbeat'::name as schemaname, 'scheduled_jobs'::name as relname, 200000::bigint as n_tup_upd`,
    },
  },
  autovacuum_off: {
    part: 'server',
    catalogue: {
      'function current_setting(text)': `select case $1 when 'autovacuum' then 'off' else '100' end`,
    },
  },
  wraparound: {
    part: 'server',
    catalogue: { pg_database: `select current_database() as datname, '3'::xid as datfrozenxid` },
  },
  connections: {
    part: 'server',
    catalogue: {
      pg_stat_activity: `select 'client backend'::text as backend_type from generate_series(1, 9999)`,
    },
  },
  isolation_level: {
    part: 'server',
    catalogue: {
      pg_settings: `select 'default_transaction_isolation'::text as name, 'serializable'::text as reset_val`,
    },
  },
  wal_kept_by_slot: {
    part: 'server',
    catalogue: { pg_replication_slots: slot('null::xid', `'0/0'::pg_lsn`) },
  },
}

function slot(xmin: string, restartLsn: string): string {
  return `select 'gone'::name as slot_name, ${xmin} as xmin, null::xid as catalog_xmin, false as active, ${restartLsn} as restart_lsn`
}

function health(table: string, dead: number, hot: number): string {
  return `select ${table}::text as table_name, ${dead}::bigint as dead_rows, 10::bigint as live_rows, ${hot}::numeric as hot_percent, null::timestamptz as last_vacuum_at`
}

/** Findings of one part, with other relations in the place of those of the catalogue. */
async function findWith(part: string, catalogue: Readonly<Record<string, string>>): Promise<Row[]> {
  const { body } = await sql.one('select prosrc as body from pg_proc where proname = $1', [`doctor_${part}`])
  await sql.hand('begin; create schema stubs')
  try {
    for (const [what, query] of Object.entries(catalogue)) {
      await sql.hand(
        what.startsWith('function ')
          ? `create function stubs.${what.slice('function '.length)} returns text language sql as $stub$ ${query} $stub$`
          : `create view stubs.${what} as ${query}`,
      )
    }
    const isHealthStubbed = catalogue.table_health !== undefined
    // Ages and log positions of a young server are small: what the thresholds are compared with is made large.
    await sql.hand(`create function stubs.age(xid) returns integer language sql as 'select 2000000000';
      create function stubs.pg_wal_lsn_diff(pg_lsn, pg_lsn) returns numeric language sql as 'select 6000000000';
      set local search_path = stubs, pg_catalog`)
    const query = String(body)
      .replaceAll('rowbeat.table_health', isHealthStubbed ? 'stubs.table_health' : 'rowbeat.table_health')
      .replaceAll(/\bpatience\b/g, `interval '5 minutes'`)
    return await sql.hand(`select * from (${query}) as f (severity, code, evidence, fix)`)
  } finally {
    await sql.hand('rollback')
  }
}

/** Every code that a function of doctor can return, read from its text. */
async function codesInSource(): Promise<string[]> {
  const sources = await sql.hand(
    `select prosrc as text from pg_proc where pronamespace = 'rowbeat'::regnamespace and proname ~ '^doctor'`,
  )
  const text = sources.map((row) => row.text).join('\n')
  const severities =
    text.match(/'(?:critical|warning|notice)'(?: end)?, (?!'warning', 'notice'|'notice'\])/g) ?? []
  const codes = [...text.matchAll(/'(?:critical|warning|notice)'(?: end)?,\s+(?:'code', )?'([a-z_]+)'/g)].map(
    (match) => match[1] ?? '',
  )
  const known = codes.filter((code) => !['warning', 'notice'].includes(code))
  expect(known.length).toBe(severities.length)
  return [...new Set(known)].toSorted()
}

describe('the findings of doctor', () => {
  it('are all provoked here: a new one needs its incident, and its fix a run', async () => {
    expect(await codesInSource()).toEqual(
      [...Object.keys(WORK), ...Object.keys(SERVER), 'not_looked_at'].toSorted(),
    )
  })

  it.each(Object.entries(WORK))('%s: the fix is run as the role it is meant for', async (code, provoke) => {
    await provoke()
    if (code !== 'not_listening') await listen()
    try {
      const found = (await logins.as('operator', 'select * from rowbeat.doctor()')).filter(
        (row) => row.code === code,
      )
      expect(found.length).toBeGreaterThan(0)
      for (const row of found) await logins.follow(String(row.fix))
    } finally {
      if (UNDONE[code] !== undefined) await sql.engine.query(UNDONE[code])
    }
  })

  it.each(Object.entries(SERVER))(
    '%s: the fix is run as the role it is meant for',
    async (code, { part, catalogue }) => {
      const rows = (await findWith(part, catalogue)).filter((row) => row.code === code)
      expect(rows).toHaveLength(1)
      await logins.follow(String(rows[0]?.fix))
      await sql.engine.query(
        `do $$ begin execute format('alter database %I reset default_transaction_isolation', current_database()); end $$`,
      )
    },
  )

  it.each([`budget => '0'`])('not_looked_at: the fix is run as an operator (%s)', async (how) => {
    const [row, ...more] = await logins.as('operator', `select * from rowbeat.doctor(${how})`)
    expect(more).toEqual([])
    expect(stepsOf(String(row?.fix))).toHaveLength(1)
    await logins.follow(String(row?.fix))
  })

  it('not_looked_at for a table that is held: the fix names who holds it', async () => {
    const holder = await sql.engine.connect()
    try {
      await holder.query('begin; lock table rowbeat.schedules in access exclusive mode')
      const found = await logins.as('operator', 'select * from rowbeat.doctor()')
      const [step] = stepsOf(String(found.find((row) => row.code === 'not_looked_at')?.fix))
      const [locked] = await logins.as('operator', step?.statement ?? '')
      expect(locked).toMatchObject({ relation: 'rowbeat.schedules' })
    } finally {
      await holder.query('rollback')
      holder.release()
    }
  })
})
