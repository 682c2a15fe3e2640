import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readSnapshot } from '../../src/store/reports.ts'
import { openSession } from '../support/sessions.ts'
import { addJob, refusalOf, useSql } from './staging.ts'

const sql = useSql()

/** Logins belong to the whole server, so they get names that nobody else uses. */
const suffix = randomBytes(4).toString('hex')
const app = `test_app_${suffix}`
const member = `test_member_${suffix}`

function open(login: string, name: string): Promise<pg.Client> {
  const url = new URL(sql.url)
  url.username = login
  url.password = suffix
  return openSession(url.href, { application_name: name })
}

let outsider: pg.Client
let daemon: pg.Client

beforeAll(async () => {
  for (const login of [app, member]) {
    await sql.engine.query(`create role ${login} login password '${suffix}'`)
    await sql.engine.query(`grant usage on schema rowbeat to ${login}`)
    await sql.engine.query(`grant select, insert, update, delete on rowbeat.scheduled_jobs to ${login}`)
  }
  await sql.engine.query(`grant rowbeat_daemon to ${member}`)
  outsider = await open(app, 'rowbeat-web')
  daemon = await open(member, 'rowbeat')
})

afterAll(async () => {
  await outsider.end()
  await daemon.end()
  for (const login of [app, member]) {
    await sql.engine.query(`drop owned by ${login}`)
    await sql.engine.query(`drop role ${login}`)
  }
})

const byHand = async (client: pg.Client): Promise<unknown> =>
  (await client.query<{ hand: boolean }>('select rowbeat.is_by_hand() as hand')).rows[0]?.hand

describe('an application with INSERT that calls itself rowbeat-web and sets rowbeat.guard = off', () => {
  it.each([
    [
      'a running row',
      `(job_type, status, started_at, lease_id, poller_id) values ('work', 'running', now(),
      gen_random_uuid(), gen_random_uuid())`,
      'RB003',
    ],
    ['a due time without end', `(job_type, scheduled_at) values ('work', 'infinity')`, '23514'],
    ['a due time without beginning', `(job_type, scheduled_at) values ('work', '-infinity')`, '23514'],
    ['a due time that no calendar shows', `(job_type, scheduled_at) values ('work', '99999-01-01')`, 'RB010'],
    ['priority 32767', `(job_type, priority) values ('work', 32767)`, '23514'],
    ['a queue name of 100,000 characters', `(job_type, queue) values ('work', repeat('q', 2000))`, '23514'],
    ['a job type of 64 characters', `(job_type) values (repeat('q', 64))`, '23514'],
  ])('does not store %s', async (_what, row, code) => {
    await outsider.query(`set rowbeat.guard = 'off'`)
    const refused = await refusalOf(outsider.query(`insert into rowbeat.scheduled_jobs ${row}`))
    expect(refused.code).toBe(code)
    expect(await sql.hand('select from rowbeat.scheduled_jobs')).toEqual([])
  })

  it('changes nothing of a run', async () => {
    const id = await addJob(sql.engine)
    await outsider.query(`set rowbeat.guard = 'off'`)
    const { code } = await refusalOf(
      outsider.query('update rowbeat.scheduled_jobs set attempt = 9 where id = $1', [id]),
    )
    expect(code).toBe('RB002')
  })
})

describe('the guard', () => {
  it('rests for members of rowbeat_daemon that say so, and not for a superuser at psql', async () => {
    expect(await byHand(daemon)).toBe(false)
    expect(await byHand(outsider)).toBe(true)
    expect(await sql.one('select rowbeat.is_by_hand() as hand')).toEqual({ hand: true })
    await daemon.query(`set application_name = 'psql'`)
    expect(await byHand(daemon)).toBe(true)
    await daemon.query(`set rowbeat.guard = 'off'`)
    expect(await byHand(daemon)).toBe(true)
    await daemon.query(`set application_name = 'rowbeat'`)
  })

  it('rests for the owner of the schema where the roles do not exist', async () => {
    const client = await sql.engine.connect()
    await client.query('begin')
    try {
      await client.query(`alter role rowbeat_daemon rename to gone_${suffix}`)
      const { rows } = await client.query('select rowbeat.is_by_hand() as hand')
      expect(rows).toEqual([{ hand: false }])
      await client.query(`set local session authorization ${app}`)
      const other = await client.query('select rowbeat.is_by_hand() as hand')
      expect(other.rows).toEqual([{ hand: true }])
    } finally {
      await client.query('rollback')
      client.release()
    }
  })
})

describe('a due time that only the type allows', () => {
  it.each(['infinity', '-infinity'])('%s leaves the snapshot and the views readable', async (at) => {
    await sql.engine.query(
      `insert into rowbeat.scheduled_jobs (job_type, scheduled_at) values ('work', $1)`,
      [at],
    )
    const pool = new pg.Pool({ connectionString: sql.url, max: 1 })
    try {
      const snapshot = await readSnapshot(pool)
      expect(Number.isFinite(snapshot.queues[0]?.oldestReadySeconds ?? 0)).toBe(true)
    } finally {
      await pool.end()
    }
    const views = await sql.hand(`select viewname::text as name from pg_views where schemaname = 'rowbeat'`)
    for (const { name } of views) await sql.hand(`select * from rowbeat.${name}`)
    await sql.hand('select * from rowbeat.doctor()')
  })
})
