import { describe, expect, it } from 'vitest'
import { type Firing, fireSchedule } from '../../src/store/schedule-firing.ts'
import { readDueSchedules } from '../../src/store/schedules.ts'
import { outcomes, useSchedules } from './schedule-fixtures.ts'

const store = useSchedules()
const { insert, jobCount, one, rows } = store

describe('firing', () => {
  it('inserts one job with the settings of the schedule, writes down which, and goes on to the next fire time', async () => {
    const name = await insert('1 hour', {
      payload: '{"kind": "weekly"}',
      queue: 'slow',
      priority: 3,
      max_retries: 1,
    })
    const firing = await fireSchedule(store.pool, name)
    const job = await one<{ id: string }>(
      'select id, job_type, queue, priority, max_retries, payload, status from rowbeat.scheduled_jobs',
    )
    expect(job).toMatchObject({
      job_type: 'report',
      queue: 'slow',
      priority: 3,
      max_retries: 1,
      payload: { kind: 'weekly' },
      status: 'pending',
    })
    expect(firing).toMatchObject({
      schedule: name,
      queue: 'slow',
      priority: 3,
      problem: null,
      runs: [{ outcome: 'fired', jobId: job.id }],
    })
    expect(await one('select outcome, job_id from rowbeat.schedule_runs')).toEqual({
      outcome: 'fired',
      job_id: job.id,
    })
    expect(
      await one(`select last_job_id, last_fire_at = next_fire_at - interval '1 hour' as hourly, look_at = next_fire_at as looks,
        next_fire_at > now() as ahead from rowbeat.schedules`),
    ).toEqual({ last_job_id: job.id, hourly: true, looks: true, ahead: true })
    expect(await fireSchedule(store.pool, name)).toBeNull()
  })

  it('keeps 9007199254740993 of a payload, which JavaScript would round to …992', async () => {
    await fireSchedule(store.pool, await insert('1 hour', { payload: '{"id": 9007199254740993, "a": 1.10}' }))
    expect(await one('select payload::text as payload from rowbeat.scheduled_jobs')).toEqual({
      payload: '{"a": 1.10, "id": 9007199254740993}',
    })
  })

  it.each([2, 5])('by %i daemons at once makes exactly one job per fire time', async (daemons) => {
    const names = await Promise.all(
      ['a', 'b', 'c'].map((name) => insert('6 hours', { name, missed_policy: 'all' })),
    )
    const firings = await Promise.all(
      Array.from({ length: daemons }, async () => {
        const done: (Firing | null)[] = []
        for (const name of names) done.push(await fireSchedule(store.pool, name))
        return done
      }),
    )
    expect(firings.flat().filter((firing) => firing !== null)).toHaveLength(3)
    expect(await jobCount()).toBe(18)
    expect(
      await rows(
        'select schedule, count(distinct job_id)::int as jobs from rowbeat.schedule_runs group by 1 order by 1',
      ),
    ).toEqual(names.map((schedule) => ({ schedule, jobs: 6 })))
  })

  it.each([
    ['skip', {}, { missed: 6 }],
    ['latest', {}, { missed: 5, fired: 1 }],
    ['all', {}, { fired: 6 }],
    ['all', { missed_cap: 2 }, { missed: 4, fired: 2 }],
  ])('after six hours with the policy %s %j leaves %j', async (missedPolicy, more, expected) => {
    const name = await insert('6 hours', { missed_policy: missedPolicy, ...more })
    expect(outcomes(await fireSchedule(store.pool, name))).toEqual(expected)
    expect(await rows('select 1 from rowbeat.schedule_runs')).toHaveLength(6)
    expect(await jobCount()).toBe('fired' in expected ? expected.fired : 0)
  })

  it('that is cut off by the database loses nothing', async () => {
    const name = await insert('3 hours', { missed_policy: 'all' })
    await store.pool.query(`create function cut() returns trigger language plpgsql as
      $$ begin raise exception 'cut' using errcode = 'admin_shutdown'; end $$;
      create trigger cut after update on rowbeat.schedules execute function cut()`)
    try {
      await expect(fireSchedule(store.pool, name)).rejects.toThrow('cut')
      expect(await jobCount()).toBe(0)
      expect(await rows('select 1 from rowbeat.schedule_runs')).toEqual([])
    } finally {
      await store.pool.query('drop function cut cascade')
    }
    expect(outcomes(await fireSchedule(store.pool, name))).toEqual({ fired: 3 })
  })

  it('does not fire a fire time again when accounted_until is moved back by hand', async () => {
    const name = await insert('3 hours', { missed_policy: 'all' })
    await fireSchedule(store.pool, name)
    await store.pool.query(
      "update rowbeat.schedules set accounted_until = now() - interval '4 hours', look_at = now()",
    )
    expect(outcomes(await fireSchedule(store.pool, name))).toEqual({ fired: 1 })
    expect(await jobCount()).toBe(4)
  })

  it('of a schedule of every second after a week makes few rows', async () => {
    const name = await insert('7 days', {
      cron: '* * * * * *',
      missed_policy: 'all',
      missed_cap: 20,
      job_type: 'tick',
    })
    const firing = await fireSchedule(store.pool, name)
    expect(outcomes(firing).missed).toBeGreaterThan(2_000)
    expect(await rows("select note from rowbeat.schedule_runs where outcome = 'missed'")).toEqual([
      {
        note: expect.stringMatching(
          /^nothing looked at the schedule in time: at least \d+ fire times from .* to /,
        ),
      },
    ])
    expect(await jobCount()).toBeGreaterThanOrEqual(80)
    expect(await jobCount()).toBeLessThan(120)
  })

  it('keeps the newest 1,000 rows of history', async () => {
    const name = await insert('1 hour')
    await store.pool.query(
      `insert into rowbeat.schedule_runs (schedule, fire_at, outcome)
       select $1, now() - make_interval(days => n), 'missed' from generate_series(1, 1200) n`,
      [name],
    )
    await fireSchedule(store.pool, name)
    expect(
      await one(
        "select count(*)::int as kept, bool_or(outcome = 'fired') as newest from rowbeat.schedule_runs",
      ),
    ).toEqual({
      kept: 1_000,
      newest: true,
    })
  })
})

describe('the overlap policy skip', () => {
  it('records a fire time while the previous job is open, and fires when it has ended', async () => {
    const name = await insert('1 hour', { overlap_policy: 'skip', missed_policy: 'all' })
    expect(outcomes(await fireSchedule(store.pool, name))).toEqual({ fired: 1 })
    const again = "update rowbeat.schedules set accounted_until = $1::timestamptz, look_at = '-infinity'"
    const { back } = await one<{ back: Date }>(
      "select accounted_until - interval '2 hours' as back from rowbeat.schedules",
    )
    await store.pool.query(again, [back])
    expect(outcomes(await fireSchedule(store.pool, name))).toEqual({ overlapped: 1 })
    await store.pool.query("update rowbeat.scheduled_jobs set status = 'completed', finished_at = now()")
    await store.pool.query(again, [new Date(back.getTime() - 3_600_000)])
    expect(outcomes(await fireSchedule(store.pool, name))).toEqual({ fired: 1 })
  })

  it('holds when the job was made by hand', async () => {
    const name = await insert('1 hour', { overlap_policy: 'skip' })
    await store.pool.query('select rowbeat.fire_schedule($1, $2)', [name, 'a customer asked'])
    expect(outcomes(await fireSchedule(store.pool, name))).toEqual({ overlapped: 1 })
    await expect(store.pool.query('select rowbeat.fire_schedule($1, $2)', [name, 'again'])).rejects.toThrow(
      /is still open/,
    )
  })
})

describe('a pause', () => {
  it('stops the firing, and its fire times are recorded in one row when it ends', async () => {
    const name = await insert('6 hours', { missed_policy: 'all' })
    await store.pool.query('select rowbeat.pause_schedule($1, $2)', [name, 'migration of the shop'])
    expect(await readDueSchedules(store.pool)).toEqual({ due: [], nextInMs: null })
    expect(await fireSchedule(store.pool, name)).toBeNull()
    await store.pool.query("update rowbeat.schedules set paused_at = now() - interval '4 hours'")
    await store.pool.query('select rowbeat.resume_schedule($1, $2)', [name, 'migration done'])
    expect(outcomes(await fireSchedule(store.pool, name))).toEqual({ fired: 2, paused: 4 })
    expect(await rows("select fire_times, note from rowbeat.schedule_runs where outcome = 'paused'")).toEqual(
      [{ fire_times: 4, note: expect.stringMatching(/^the schedule was paused: 4 fire times from/) }],
    )
    expect(await one('select pause_began_at, pause_ended_at, paused_reason from rowbeat.schedules')).toEqual({
      pause_began_at: null,
      pause_ended_at: null,
      paused_reason: null,
    })
  })

  it('by a plain update says who, and is undone by one', async () => {
    const name = await insert('1 hour')
    await store.pool.query('update rowbeat.schedules set paused_at = now()')
    expect(await one('select paused_reason from rowbeat.schedules')).toEqual({
      paused_reason: expect.stringMatching(/^paused by \w+/),
    })
    await store.pool.query('update rowbeat.schedules set paused_at = null')
    expect((await readDueSchedules(store.pool)).due).toEqual([name])
  })
})
