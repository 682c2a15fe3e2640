import { readFile } from 'node:fs/promises'
import type pg from 'pg'
import { describe, expect, it } from 'vitest'
import type { ScheduleSeed } from '../../src/core/schedule.ts'
import { fireSchedule } from '../../src/store/schedule-firing.ts'
import {
  readDueSchedules,
  readOverdueSchedules,
  readUndefinedSchedules,
  seedSchedule,
} from '../../src/store/schedules.ts'
import { openSession } from '../support/sessions.ts'
import { outcomes, useSchedules } from './schedule-fixtures.ts'

const store = useSchedules()
const { insert, one, rows } = store

const SEED: ScheduleSeed = {
  name: 'nightly',
  cron: '30 2 * * *',
  timezone: 'Europe/Paris',
  jobType: 'clean',
  queue: 'default',
  priority: 0,
  payload: { days: 30 },
  maxRetries: 2,
  missedPolicy: 'latest',
  missedCap: 10,
  overlapPolicy: 'allow',
  jitterSeconds: 0,
}

describe('seeding', () => {
  it('inserts a definition, leaves it when nothing changed, and follows the code when it did', async () => {
    expect(await seedSchedule(store.pool, SEED)).toBe('inserted')
    expect(await seedSchedule(store.pool, SEED)).toBe('unchanged')
    expect(await seedSchedule(store.pool, { ...SEED, cron: '0 3 * * *', payload: null })).toBe('followed')
    expect(await one('select cron, payload, job_type, max_retries from rowbeat.schedules')).toEqual({
      cron: '0 3 * * *',
      payload: null,
      job_type: 'clean',
      max_retries: 2,
    })
  })

  it('keeps an edited row until the edit is taken back', async () => {
    await seedSchedule(store.pool, SEED)
    await store.pool.query("update rowbeat.schedules set payload = '{\"days\": 7}', cron = '0 4 * * *'")
    expect(await seedSchedule(store.pool, { ...SEED, priority: 5 })).toBe('kept')
    expect(await one('select cron, payload, priority from rowbeat.schedules')).toEqual({
      cron: '0 4 * * *',
      payload: { days: 7 },
      priority: 0,
    })
    await store.pool.query('update rowbeat.schedules set payload = $1, cron = $2', [SEED.payload, SEED.cron])
    expect(await seedSchedule(store.pool, { ...SEED, priority: 5 })).toBe('followed')
  })

  it('keeps a row that was made by hand, and does not take a pause or a firing for an edit', async () => {
    await insert('1 hour', { name: 'nightly' })
    expect(await seedSchedule(store.pool, SEED)).toBe('kept')
    await store.pool.query('delete from rowbeat.schedules')
    await seedSchedule(store.pool, SEED)
    await fireSchedule(store.pool, 'nightly')
    await store.pool.query('update rowbeat.schedules set paused_at = now()')
    expect(await seedSchedule(store.pool, SEED)).toBe('unchanged')
    expect(await one('select paused_at is not null as paused from rowbeat.schedules')).toEqual({
      paused: true,
    })
  })

  it('by several processes at once inserts one row', async () => {
    const results = await Promise.all(Array.from({ length: 5 }, () => seedSchedule(store.pool, SEED)))
    expect(results.toSorted()).not.toContain('followed')
    expect(await rows('select name from rowbeat.schedules')).toEqual([{ name: 'nightly' }])
  })

  it('does not wait for a transaction that holds a row which stays as it is', async () => {
    await seedSchedule(store.pool, SEED)
    const other = await store.pool.connect()
    try {
      await other.query('begin')
      await other.query('select 1 from rowbeat.schedules for update')
      expect(await seedSchedule(store.pool, SEED)).toBe('unchanged')
    } finally {
      await other.query('rollback')
      other.release()
    }
  })

  it('names what code once seeded and does not know any more', async () => {
    await seedSchedule(store.pool, SEED)
    await insert('1 hour')
    expect(await readUndefinedSchedules(store.pool, [])).toEqual(['nightly'])
    expect(await readUndefinedSchedules(store.pool, ['nightly'])).toEqual([])
  })
})

describe('edits in SQL', () => {
  it('of the cron take effect from now on, and what was due before is written down', async () => {
    const name = await insert('10 minutes')
    await fireSchedule(store.pool, name)
    await store.pool.query(
      "update rowbeat.schedules set accounted_until = now() - interval '5 hours', next_fire_at = date_trunc('hour', now()) - interval '4 hours'",
    )
    await store.pool.query("update rowbeat.schedules set cron = '*/5 * * * *', timezone = 'America/New_York'")
    expect(await one('select next_fire_at, look_at::text from rowbeat.schedules')).toEqual({
      next_fire_at: null,
      look_at: '-infinity',
    })
    expect((await fireSchedule(store.pool, name))?.runs).toEqual([])
    expect(await rows('select outcome, note from rowbeat.schedule_runs')).toEqual([
      { outcome: 'missed', note: expect.stringMatching(/^the cron was changed from ".*" \(UTC\) before/) },
    ])
    expect(
      await one("select next_fire_at - now() <= interval '5 minutes' as soon from rowbeat.schedules"),
    ).toEqual({ soon: true })
  })

  it('with an unknown time zone are refused with a hint', async () => {
    const name = await insert('1 hour')
    const edit = store.pool.query("update rowbeat.schedules set timezone = 'Europe/Pari' where name = $1", [
      name,
    ])
    await expect(edit).rejects.toMatchObject({
      message: 'time zone "Europe/Pari" is not known',
      hint: expect.stringContaining('pg_timezone_names'),
    })
    await expect(insert('1 hour', { name: 'other', timezone: '' })).rejects.toThrow()
  })

  it.each([
    ['name', 'Not a name'],
    ['missed_policy', 'sometimes'],
    ['missed_cap', 0],
    ['priority', 101],
    ['jitter_seconds', -1],
    ['accounted_until', 'infinity'],
  ])('of %s to %s are refused', async (column, value) => {
    await insert('1 hour')
    await expect(store.pool.query(`update rowbeat.schedules set ${column} = $1`, [value])).rejects.toThrow(
      /check constraint/,
    )
  })

  it('with a malformed cron set a problem that stops nobody else and ends with the next edit', async () => {
    const bad = await insert('1 hour', { name: 'bad', cron: '61 * * * *' })
    const good = await insert('1 hour', { name: 'good' })
    expect((await readDueSchedules(store.pool)).due.toSorted()).toEqual([bad, good])
    expect(await fireSchedule(store.pool, bad)).toMatchObject({
      runs: [],
      problem: 'cron "61 * * * *" is malformed: Invalid value for minute: 61',
    })
    expect(outcomes(await fireSchedule(store.pool, good))).toEqual({ fired: 1 })
    expect(await readOverdueSchedules(store.pool)).toMatchObject([
      { name: bad, nextFireAt: null, problem: expect.stringContaining('malformed') },
    ])
    // Tried again in a minute; the same problem is no news then.
    expect((await readDueSchedules(store.pool)).due).toEqual([])
    await store.pool.query("update rowbeat.schedules set look_at = now() where name = 'bad'")
    expect(await fireSchedule(store.pool, bad)).toMatchObject({ problem: null })
    await store.pool.query("update rowbeat.schedules set cron = '0 * * * *' where name = 'bad'")
    expect((await readDueSchedules(store.pool)).due).toEqual([bad])
    expect(await fireSchedule(store.pool, bad)).toMatchObject({ runs: [], problem: null })
    expect(
      await one("select problem, next_fire_at > now() as ahead from rowbeat.schedules where name = 'bad'"),
    ).toEqual({ problem: null, ahead: true })
  })

  it('that leave no fire time are a problem, as is a job that the database refuses', async () => {
    const never = await insert('1 hour', { cron: '0 0 31 2 *' })
    expect(await fireSchedule(store.pool, never)).toMatchObject({
      problem: 'cron "0 0 31 2 *" never fires: it names a date that does not exist',
    })
    const refused = await insert('3 hours', { name: 'refused', missed_policy: 'all' })
    await store.pool.query(`create function refuse() returns trigger language plpgsql as
      $$ begin raise exception 'not on my watch'; end $$;
      create trigger refuse before insert on rowbeat.scheduled_jobs execute function refuse()`)
    try {
      expect(await fireSchedule(store.pool, refused)).toMatchObject({ runs: [], problem: 'not on my watch' })
    } finally {
      await store.pool.query('drop function refuse cascade')
    }
    await store.pool.query("update rowbeat.schedules set look_at = now() where name = 'refused'")
    expect(outcomes(await fireSchedule(store.pool, refused))).toEqual({ fired: 3 })
    expect(await one("select problem from rowbeat.schedules where name = 'refused'")).toEqual({
      problem: null,
    })
  })
})

describe('the functions', () => {
  it('fire one job now, also while paused, and write the reason down', async () => {
    const name = await insert('1 minute')
    await store.pool.query('select rowbeat.pause_schedule($1, $2)', [name, 'quiet'])
    const { id } = await one<{ id: string }>('select rowbeat.fire_schedule($1, $2) as id', [
      name,
      'a customer asked',
    ])
    expect(await one('select id, status, job_type from rowbeat.scheduled_jobs')).toEqual({
      id,
      status: 'pending',
      job_type: 'report',
    })
    expect(await one('select outcome, job_id, note from rowbeat.schedule_runs')).toEqual({
      outcome: 'fired',
      job_id: id,
      note: 'fired by hand: a customer asked',
    })
  })

  it.each(['pause_schedule', 'resume_schedule', 'fire_schedule'])(
    '%s wants a reason and a schedule that exists',
    async (action) => {
      const name = await insert('1 hour')
      await expect(store.pool.query(`select rowbeat.${action}($1, ' ')`, [name])).rejects.toMatchObject({
        code: 'RB006',
        message: `${action} needs a reason`,
        hint: expect.stringContaining('rowbeat.action_log'),
      })
      await expect(store.pool.query(`select rowbeat.${action}('nobody', 'x')`)).rejects.toMatchObject({
        code: 'RB007',
        message: 'there is no schedule "nobody"',
        hint: expect.stringContaining('rowbeat.schedule_status'),
      })
      await expect(store.pool.query(`select rowbeat.${action}(null, 'x')`)).rejects.toMatchObject({
        code: 'RB007',
      })
    },
  )

  it('say that a schedule is not paused, and that its job is still open', async () => {
    const name = await insert('1 hour', { overlap_policy: 'skip' })
    await expect(store.pool.query(`select rowbeat.resume_schedule($1, 'x')`, [name])).rejects.toMatchObject({
      code: 'RB007',
      message: `schedule "${name}" is not paused`,
    })
    const { id } = await one<{ id: string }>(`select rowbeat.fire_schedule($1, 'x') as id`, [name])
    await expect(store.pool.query(`select rowbeat.fire_schedule($1, 'x')`, [name])).rejects.toMatchObject({
      code: 'RB009',
      hint: expect.stringContaining(`rowbeat.cancel_job(${id}, 'why')`),
    })
  })

  it('work in a session that writes by hand: each call is one entry of the log, with the reason trimmed', async () => {
    const name = await insert('1 hour')
    await store.pool.query('delete from rowbeat.action_log')
    const psql = await openSession(store.url, { application_name: 'psql' })
    try {
      await psql.query('select rowbeat.pause_schedule($1, $2)', [name, '  quiet '])
      await psql.query('select rowbeat.fire_schedule($1, $2)', [name, 'asked for'])
      await psql.query('select rowbeat.resume_schedule($1, $2)', [name, 'done'])
    } finally {
      await psql.end()
    }
    expect(
      await rows('select action, reason, old_status, new_status from rowbeat.action_log order by id'),
    ).toEqual([
      { action: 'pause_schedule', reason: 'quiet', old_status: null, new_status: 'paused' },
      { action: 'fire_schedule', reason: 'asked for', old_status: null, new_status: 'pending' },
      { action: 'resume_schedule', reason: 'done', old_status: 'paused', new_status: null },
    ])
  })
})

describe('what is asked every few seconds', () => {
  it('names what is due, the longest first, and says when the next one is', async () => {
    await insert('1 minute', { name: 'soon' })
    await fireSchedule(store.pool, 'soon')
    await store.pool.query("update rowbeat.schedules set look_at = now() + interval '30 seconds'")
    const idle = await readDueSchedules(store.pool)
    expect(idle.due).toEqual([])
    expect(idle.nextInMs).toBeGreaterThan(1_000)
    expect(idle.nextInMs).toBeLessThanOrEqual(30_000)
    await insert('1 hour', { name: 'due' })
    expect((await readDueSchedules(store.pool)).due).toEqual(['due'])
  })

  it('finds schedules that nobody looks at', async () => {
    await insert('1 hour')
    expect(await readOverdueSchedules(store.pool)).toEqual([])
    await store.pool.query("update rowbeat.schedules set next_fire_at = now() - interval '2 minutes'")
    expect(await readOverdueSchedules(store.pool)).toMatchObject([{ name: 'reports', problem: null }])
    await store.pool.query('update rowbeat.schedules set paused_at = now()')
    expect(await readOverdueSchedules(store.pool)).toEqual([])
  })
})

describe('the log of actions', () => {
  const logged = (): Promise<pg.QueryResultRow[]> =>
    rows(
      "select action, job_id, target, changes - 'accounted_until' as changes, reason from rowbeat.action_log where action <> 'insert' order by id",
    )

  it('has the calls of functions and the edits by hand with their reasons, and nothing of the daemons', async () => {
    const name = await insert('1 hour')
    await fireSchedule(store.pool, name)
    await store.pool.query('delete from rowbeat.action_log')
    await store.pool.query('select rowbeat.pause_schedule($1, $2)', [name, ' quiet '])
    const { id } = await one<{ id: string }>('select rowbeat.fire_schedule($1, $2) as id', [
      name,
      'asked for',
    ])
    const psql = await openSession(store.url, { application_name: 'psql' })
    try {
      await psql.query(
        "begin; set local rowbeat.reason = 'too often'; update rowbeat.schedules set cron = '@daily', payload = '[1]'; commit",
      )
      await psql.query('update rowbeat.schedules set next_fire_at = null')
      await psql.query('delete from rowbeat.schedules')
    } finally {
      await psql.end()
    }
    expect(await logged()).toMatchObject([
      { action: 'pause_schedule', target: name, job_id: null, reason: 'quiet' },
      { action: 'fire_schedule', target: name, job_id: id, reason: 'asked for' },
      {
        action: 'update',
        target: name,
        changes: { cron: [expect.any(String), '@daily'], payload: null },
        reason: 'too often',
      },
      { action: 'delete', target: name, changes: null, reason: null },
    ])
  })
})

describe('the views', () => {
  it('say what state each schedule is in, and why', async () => {
    await insert('1 hour', { name: 'bad', cron: 'nonsense' })
    await insert('1 hour', { name: 'fine' })
    await insert('1 hour', { name: 'late' })
    await insert('1 hour', { name: 'off' })
    await seedSchedule(store.pool, SEED)
    for (const name of ['bad', 'fine']) await fireSchedule(store.pool, name)
    await store.pool.query(
      "update rowbeat.schedules set next_fire_at = now() - interval '2 minutes' where name = 'late'",
    )
    await store.pool.query("select rowbeat.pause_schedule('off', 'not wanted')")
    await store.pool.query("update rowbeat.schedules set priority = 7 where name = 'nightly'")
    expect(
      await rows('select name, state, why, edited, seeded from rowbeat.schedule_status order by name'),
    ).toEqual([
      {
        name: 'bad',
        state: 'problem',
        why: expect.stringContaining('malformed'),
        edited: false,
        seeded: false,
      },
      { name: 'fine', state: 'waiting', why: null, edited: false, seeded: false },
      { name: 'late', state: 'overdue', why: null, edited: false, seeded: false },
      { name: 'nightly', state: 'waiting', why: null, edited: true, seeded: true },
      { name: 'off', state: 'paused', why: 'not wanted', edited: false, seeded: false },
    ])
    expect(await rows('select schedule, outcome, job_status from rowbeat.schedule_history')).toEqual([
      { schedule: 'fine', outcome: 'fired', job_status: 'pending' },
    ])
  })

  it('and tables and functions all say in the database what they are', async () => {
    expect(
      await rows(`select c.relname, a.attname
        from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum >= 0 and not a.attisdropped
        where c.relnamespace = 'rowbeat'::regnamespace and c.relname like 'schedule%' and c.relkind in ('r', 'v')
          and (obj_description(c.oid, 'pg_class') is null or col_description(c.oid, a.attnum) is null)
        union all
        select p.proname, '' from pg_proc p
        where p.pronamespace = 'rowbeat'::regnamespace and p.proname like '%schedule%'
          and obj_description(p.oid, 'pg_proc') is null`),
    ).toEqual([])
  })
})

describe('the runbook', () => {
  it('has statements for missed cron that run', async () => {
    const text = await readFile(new URL('../../docs/runbook.md', import.meta.url), 'utf8')
    const section = text.split(/^## /m).find((part) => part.startsWith('Missed cron')) ?? ''
    const blocks = [...section.matchAll(/^```sql\n(.*?)^```/gms)].map((match) => match[1] ?? '')
    expect(blocks.length).toBeGreaterThanOrEqual(4)
    await insert('6 hours', { name: 'nightly_report' })
    await fireSchedule(store.pool, 'nightly_report')
    const client = await store.pool.connect()
    try {
      await client.query('begin')
      for (const block of blocks) {
        const results: pg.QueryResult | pg.QueryResult[] = await client.query(block)
        for (const result of [results].flat()) expect(result.rowCount).toBeGreaterThanOrEqual(1)
      }
    } finally {
      await client.query('rollback')
      client.release()
    }
  })
})
