/** docs/psqlrc, by a real psql, as an operator: what is printed fits the terminal, and SQL in it can be copied. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { useLogins } from './advice.ts'
import { addExecution, addJob, addPoller, claim, useSql } from './staging.ts'

const sql = useSql()
const logins = useLogins(sql)
const run = promisify(execFile)

const FILE = fileURLToPath(new URL('../../docs/psqlrc', import.meta.url))
const PSQL = '/usr/lib/postgresql/15/bin/psql'

/** What psql prints for these lines on a terminal of so many columns. */
async function type(columns: number, lines: string): Promise<string> {
  const child = run(PSQL, ['-v', 'ON_ERROR_STOP=1', '-P', `columns=${columns}`, logins.urlOf('operator')], {
    env: { PATH: process.env.PATH, PSQLRC: FILE, COLUMNS: String(columns) },
  })
  child.child.stdin?.end(lines)
  const { stdout, stderr } = await child
  expect(stderr).toBe('')
  return stdout
}

async function stageNight(): Promise<string> {
  await addPoller(sql.engine, ['other'])
  const pollerId = await addPoller(sql.engine)
  await sql.engine.query(
    `update rowbeat.pollers set started_at = now() - interval '1 hour', version = poller_id::text`,
  )
  const id = await addJob(sql.engine)
  await claim(sql.engine, pollerId)
  await sql.engine.query(`update rowbeat.scheduled_jobs set started_at = now() - interval '1 hour'`)
  await addJob(sql.engine, { job_type: 'send_quarterly_report_to_every_customer', scheduled_at: new Date(0) })
  await sql.hand(
    `select rowbeat.pause_queue('mail', 'the provider of our mail is down since this morning, and they say that it takes a day')`,
  )
  await sql.engine.query(
    `insert into rowbeat.schedules (name, cron, job_type, problem) values ('bad', 'nonsense', 'work', 'cron "nonsense" is malformed: it has 1 fields')`,
  )
  return id
}

describe.skipIf(!existsSync(PSQL))('docs/psqlrc in a terminal', () => {
  it.each([80, 120])('of %i columns: :doctor and :why fold prose and keep SQL whole', async (columns) => {
    const id = await stageNight()
    const { steps } = await addExecution(sql.engine, { a: {}, b: { after: ['a'] } })
    const shown = await type(columns, `:doctor\n\\set what ${id}\n:why\n\\set what ${steps.b}\n:why\n`)
    for (const code of [
      'stuck',
      'unknown_job_type',
      'queue_lags',
      'schedule_problem',
      'queue_paused',
      'past_time_limit',
      'jobs_ahead',
    ])
      expect(shown).toMatch(new RegExp(`  ${code}$`, 'm'))
    const lines = shown.split('\n')
    const statements = lines.filter((line) => line.startsWith('    '))
    expect(statements.length).toBeGreaterThan(5)
    for (const line of statements) expect(line).toMatch(/^ {4}(select|alter) .*;$/)
    for (const line of lines)
      if (!statements.includes(line)) expect([line, line.length <= columns]).toEqual([line, true])
    await logins.as('operator', 'begin')
    try {
      for (const statement of statements) await logins.as('operator', statement)
    } finally {
      await logins.as('operator', 'rollback')
    }
  })

  it.each([80, 120])('of %i columns: :lag and :top are tables that fit', async (columns) => {
    await stageNight()
    const shown = await type(columns, ':lag\n:top\n')
    expect(shown).toContain('waits_s')
    expect(shown).toContain('pct')
    expect(shown).not.toContain('RECORD')
    for (const line of shown.split('\n')) expect([line, line.length <= columns]).toEqual([line, true])
  })

  it('says when nothing is wrong', async () => {
    expect(await type(80, ':doctor\n')).toBe('Nothing is wrong.\n')
  })
})
