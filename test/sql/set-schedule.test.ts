/** set_schedule and remove_schedule: what an operator, who may not touch the table, does to schedules. */
import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fireSchedule } from '../../src/store/schedule-firing.ts'
import { seedSchedule } from '../../src/store/schedules.ts'
import { openSession } from '../support/sessions.ts'
import { addExecution, addPoller, type Row, refusalOf, useSql } from './staging.ts'

const sql = useSql()
const login = `rowbeat_test_schedules_${randomBytes(4).toString('hex')}`
let session: pg.Client

beforeAll(async () => {
  await sql.engine.query(`create role ${login} login password '${login}' in role rowbeat_operator`)
  const url = new URL(sql.url)
  url.username = login
  url.password = login
  session = await openSession(url.href, { application_name: 'psql' })
})

afterAll(async () => {
  await session.end()
  await sql.engine.query(`drop role ${login}`)
})

async function operator(text: string): Promise<Row[]> {
  return (await session.query<Row>(text)).rows
}

async function set(more: string): Promise<Row> {
  const [row] = await operator(`select * from rowbeat.set_schedule(${more})`)
  return row ?? {}
}

const settings = (): Promise<Row> =>
  sql.one('select rowbeat.schedule_settings(s) as now from rowbeat.schedules s').then((row) => row.now as Row)

describe('an operator who may not touch the table of schedules', () => {
  it('makes one, changes it, says the same again, and all but the last is in the log with a reason', async () => {
    await addPoller(sql.engine)
    const made = await set(
      `'nightly', 'asked by sales', cron => '0 3 * * *', job_type => 'work', timezone => 'Europe/Paris', payload => '{"secret": 9007199254740993}'`,
    )
    expect(made).toMatchObject({ schedule: 'nightly', outcome: 'created' })
    expect(made.note).not.toContain('no living poller')
    expect(await sql.one('select payload::text as text from rowbeat.schedules')).toEqual({
      text: '{"secret": 9007199254740993}',
    })
    const changed = await set(`'nightly', 'too early', cron => '0 5 * * *'`)
    expect(changed).toMatchObject({ outcome: 'changed', changes: { cron: ['0 3 * * *', '0 5 * * *'] } })
    expect(await settings()).toMatchObject({ cron: '0 5 * * *', timezone: 'Europe/Paris', job_type: 'work' })
    expect(await set(`'nightly', 'once more', cron => '0 5 * * *'`)).toMatchObject({ outcome: 'unchanged' })
    const log = await sql.hand(
      'select action, target, reason, changes, session_user_name::text as who from rowbeat.action_log order by id',
    )
    expect(log).toMatchObject([
      { action: 'set_schedule', target: 'nightly', reason: 'asked by sales', who: login },
      { action: 'set_schedule', target: 'nightly', reason: 'too early', who: login },
    ])
    expect(JSON.stringify([log, made, changed])).not.toContain('9007199254740993')
    expect(await fireSchedule(sql.engine, 'nightly')).toMatchObject({ problem: null })
  })

  it('sets every setting there is', async () => {
    await set(`'all', 'a test', cron => '@daily', job_type => 'work', timezone => 'UTC', payload => '[1]', queue => 'mail',
      priority => 7, max_retries => 0, missed_policy => 'all', missed_cap => 5, overlap_policy => 'skip', jitter_seconds => 60`)
    expect(await settings()).toEqual({
      cron: '@daily',
      timezone: 'UTC',
      job_type: 'work',
      payload: [1],
      queue: 'mail',
      priority: 7,
      max_retries: 0,
      missed_policy: 'all',
      missed_cap: 5,
      overlap_policy: 'skip',
      jitter_seconds: 60,
    })
  })

  it('removes one, and learns that code brings its own back', async () => {
    await set(`'mine', 'a test', cron => '@daily', job_type => 'work'`)
    const [removed] = await operator(`select * from rowbeat.remove_schedule('mine', 'not wanted any more')`)
    expect(removed).toMatchObject({ schedule: 'mine', outcome: 'removed', changes: { cron: '@daily' } })
    expect(removed?.note).not.toContain('code')
    expect(await sql.hand('select from rowbeat.schedules')).toEqual([])
    expect((await refusalOf(operator(`select rowbeat.remove_schedule('mine', 'again')`))).code).toBe('RB007')
    await seedSchedule(sql.engine, {
      name: 'ours',
      cron: '@daily',
      timezone: 'UTC',
      jobType: 'work',
      queue: 'default',
      priority: 0,
      payload: {},
      maxRetries: 3,
      missedPolicy: 'latest',
      missedCap: 10,
      overlapPolicy: 'allow',
      jitterSeconds: 0,
    })
    expect((await set(`'ours', 'a test', cron => '@hourly'`)).note).toContain('no longer follows the code')
    expect((await set(`'ours', 'a test', cron => '@daily'`)).note).toContain('follows the code again')
    const [seeded] = await operator(`select * from rowbeat.remove_schedule('ours', 'a test')`)
    expect(seeded?.note).toContain('rowbeat.pause_schedule')
  })

  it.each([
    [`'', 'why', cron => '@daily', job_type => 'work'`, 'RB010', 'characters', '\\d+ rowbeat.schedules'],
    [`'Bad name', 'why', cron => '@daily', job_type => 'work'`, 'RB010', 'match', '\\d+ rowbeat.schedules'],
    [`null, 'why', cron => '@daily', job_type => 'work'`, 'RB010', 'match', '\\d+ rowbeat.schedules'],
    [`'new', 'why', cron => '61 * * * *', job_type => 'work'`, 'RB010', '61', '0 to 59'],
    [`'new', 'why', cron => '@daily', job_type => ''`, 'RB010', 'job_type', '\\d+ rowbeat.schedules'],
    [`'new', 'why', cron => '@daily'`, 'RB007', 'job_type', `cron => '0 3 * * *'`],
    [`'new', ' ', cron => '@daily', job_type => 'work'`, 'RB006', 'reason', 'rowbeat.action_log'],
    [
      `'new', 'why', cron => '@daily', job_type => 'work', timezone => 'europe/paris'`,
      '22023',
      'europe/paris',
      'Did you mean Europe/Paris?',
    ],
    [
      `'new', 'why', cron => '@daily', job_type => 'work', timezone => 'New York'`,
      '22023',
      'New York',
      'Did you mean America/New_York?',
    ],
    [`'new', 'why', cron => '@daily', job_type => 'work', timezone => 'Factory'`, '22023', 'Factory', 'IANA'],
    [
      `'new', 'why', cron => '@daily', job_type => 'work', missed_policy => 'never'`,
      'RB010',
      'skip, latest or all',
      'rowbeat.schedules',
    ],
    [
      `'new', 'why', cron => '@daily', job_type => 'work', priority => 99999`,
      'RB010',
      '-100 to 100',
      'rowbeat.schedules',
    ],
    [
      `'new', 'why', cron => '@daily', job_type => 'work', jitter_seconds => -1`,
      'RB010',
      '86400',
      'rowbeat.schedules',
    ],
  ])('is refused with a hint: %s', async (given, code, words, advice) => {
    const { message, hint, ...refusal } = await refusalOf(set(given))
    expect([refusal.code, message, hint]).toEqual([
      code,
      expect.stringContaining(words),
      expect.stringContaining(advice),
    ])
    expect(await sql.hand('select from rowbeat.schedules')).toEqual([])
  })

  it('sees nothing of the payload in what pause_schedule and resume_schedule return', async () => {
    await set(
      `'nightly', 'a test', cron => '@daily', job_type => 'work', payload => '{"customer": "swordfish"}'`,
    )
    for (const action of ['pause_schedule', 'resume_schedule']) {
      const [row] = await operator(`select * from rowbeat.${action}('nightly', 'a test')`)
      expect(row?.payload).toEqual({ customer: 'string' })
    }
    expect((await settings()).payload).toEqual({ customer: 'swordfish' })
  })
})

describe('a schedule whose row somebody holds', () => {
  it('makes the functions for it end with the name of the backend, after two seconds', async () => {
    await set(`'nightly', 'a test', cron => '@daily', job_type => 'work'`)
    const holder = await sql.engine.connect()
    try {
      await holder.query('begin')
      const { rows } = await holder.query<{ pid: number }>(
        'select pg_backend_pid() as pid from rowbeat.schedules for update',
      )
      for (const call of [
        `set_schedule('nightly', 'why', cron => '@hourly')`,
        `pause_schedule('nightly', 'why')`,
      ]) {
        const refusal = await refusalOf(operator(`select rowbeat.${call}`))
        expect(refusal.code).toBe('RB012')
        expect(refusal.message).toContain(`schedule "nightly" is held by backend ${rows[0]?.pid} `)
      }
    } finally {
      await holder.query('rollback')
      holder.release()
    }
  })
})

describe('a schedule with the name of a workflow for a job type', () => {
  it('is refused at once, by function and by hand, for its jobs would wait for ever', async () => {
    await addExecution(sql.engine, { a: {} }, { workflow_type: 'walk_dog' })
    const made = await refusalOf(set(`'walks', 'why', cron => '@daily', job_type => 'walk_dog'`))
    expect([made.code, made.message]).toEqual(['RB010', expect.stringContaining('"walk_dog" is a workflow')])
    const written = sql.hand(
      `insert into rowbeat.schedules (name, cron, job_type) values ('walks', '@daily', 'walk_dog')`,
    )
    expect((await refusalOf(written)).hint).toContain('job type whose handler starts the workflow')
    await addPoller(sql.engine, ['walk_dog'])
    expect(
      await set(`'walks', 'a job of that name exists', cron => '@daily', job_type => 'walk_dog'`),
    ).toMatchObject({
      outcome: 'created',
    })
  })

  it('but one that no poller knows is only told: a poller may come later', async () => {
    const { note } = await set(`'later', 'why', cron => '@daily', job_type => 'wrok'`)
    expect(note).toContain('no living poller knows the job type wrok')
  })
})
