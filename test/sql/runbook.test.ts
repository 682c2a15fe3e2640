import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openSession } from '../support/sessions.ts'
import { addEnded, addExecution, addJob, addPoller, claim, type Row, useSql } from './staging.ts'

interface Section {
  readonly title: string
  readonly blocks: readonly string[]
}

const text = await readFile(new URL('../../docs/runbook.md', import.meta.url), 'utf8')

function sectionsOf(markdown: string): Section[] {
  return markdown.split(/^## /m).map((part, index) => ({
    title: index === 0 ? 'Where to look first' : (part.split('\n')[0] ?? ''),
    blocks: [...part.matchAll(/^```sql\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? ''),
  }))
}

/** Puts values in the place of psql's `:name` and `:'name'`; throws for a name without one. */
function fillIn(block: string, values: Readonly<Record<string, string>>): string {
  return block.replaceAll(/(?<!:):('?)([a-z_]+)\1/g, (_, quote: string, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`the incident gives no ${name} for: ${block}`)
    return quote === '' ? value : pg.escapeLiteral(value)
  })
}

const sql = useSql()
const login = `rowbeat_test_runbook_${randomBytes(4).toString('hex')}`
let operator: pg.Client

beforeAll(async () => {
  await sql.engine.query(`create role ${login} login password '${login}'`)
  await sql.engine.query(`grant rowbeat_operator to ${login}`)
  const url = new URL(sql.url)
  url.username = login
  url.password = login
  operator = await openSession(url.href, { application_name: 'psql', options: '-c jit=off' })
})

afterEach(async () => {
  await operator.query('rollback')
})

afterAll(async () => {
  await operator.end()
  await sql.engine.query(`drop role ${login}`)
})

interface Incident {
  /** Makes it happen; returns what the variables of the section stand for. */
  stage(): Promise<Record<string, string>>
  /** Asked before, it returns rows; asked after the section, none. Null where the section only looks. */
  readonly symptom: string | null
}

const hoursAgo = (n: number): Date => new Date(Date.now() - n * 3_600_000)

const INCIDENTS: Readonly<Record<string, Incident>> = {
  'Where to look first': {
    stage: async () => {
      await addJob(sql.engine)
      return {}
    },
    symptom: null,
  },
  'Stuck jobs': {
    stage: async () => {
      const pollerId = await addPoller(sql.engine)
      const id = await addJob(sql.engine)
      await claim(sql.engine, pollerId)
      await sql.engine.query(`update rowbeat.scheduled_jobs set started_at = now() - interval '1 hour'`)
      return { job_id: id }
    },
    symptom: 'select from rowbeat.stuck',
  },
  'Growing queue': {
    stage: async () => {
      await addPoller(sql.engine)
      for (let n = 0; n < 20; n++) await addJob(sql.engine, { queue: 'bulk', scheduled_at: hoursAgo(1) })
      await sql.engine.query(
        `insert into rowbeat.job_counts values (date_trunc('minute', now()), 'bulk', 'work', 'completed', 9)`,
      )
      return { job_id: await addJob(sql.engine), queue: 'bulk' }
    },
    symptom: `select from rowbeat.pending_jobs where queue = 'default' and priority < 50`,
  },
  'Zombie storm': {
    stage: async () => {
      const dead = await addPoller(sql.engine)
      await addPoller(sql.engine)
      await addJob(sql.engine)
      await claim(sql.engine, dead)
      await sql.engine.query(
        `update rowbeat.pollers set beat_at = now() - interval '1 minute' where poller_id = $1`,
        [dead],
      )
      await addJob(sql.engine, { retry_count: 1, last_error_code: 'POLLER_LOST' })
      return { queue: 'default' }
    },
    symptom: null,
  },
  'Missed cron': {
    stage: async () => {
      await sql.engine.query(
        `insert into rowbeat.schedules (name, cron, job_type) values ('nightly_report', '0 2 * * *', 'work')`,
      )
      await sql.engine.query(
        `insert into rowbeat.schedule_runs (schedule, fire_at, outcome) values ('nightly_report', now(), 'missed')`,
      )
      return {}
    },
    symptom: null,
  },
  'Poison job': {
    stage: async () => {
      const id = await addJob(sql.engine, {
        retry_count: 3,
        last_error: 'boom',
        errors: '[{"code":"INTERNAL_ERROR"}]',
      })
      return { job_id: id }
    },
    symptom: 'select from rowbeat.retrying',
  },
  'Bad deploy': {
    stage: async () => {
      const poller_id = await addPoller(sql.engine)
      for (let n = 0; n < 3; n++) await addEnded(sql.engine, 'failed', { last_error: `cannot read ${n}` })
      await addExecution(
        sql.engine,
        { a: { status: 'failed' }, b: { needs: ['a'], status: 'skipped' } },
        { status: 'failed', end_time: new Date() },
      )
      return { queue: 'default', poller_id, job_type: 'work' }
    },
    symptom: 'select from rowbeat.failures',
  },
  Failover: {
    stage: async () => {
      const id = await addJob(sql.engine)
      await claim(sql.engine)
      await sql.engine.query('delete from rowbeat.leases')
      return { job_id: id }
    },
    symptom: null,
  },
  'Full disk': {
    stage: async () => {
      await addEnded(sql.engine, 'completed', {
        created_at: hoursAgo(24 * 40),
        finished_at: hoursAgo(24 * 40),
      })
      return {}
    },
    symptom: `select from rowbeat.jobs where finished_at < now() - interval '30 days'`,
  },
}

const sections = sectionsOf(text).filter((section) => section.blocks.length > 0)

describe('the runbook', () => {
  it('has an incident for every section with SQL, and a section for every incident', () => {
    expect(sections.map((section) => section.title).sort()).toEqual(Object.keys(INCIDENTS).sort())
  })

  it.each(sections)('works as an operator: $title', async ({ title, blocks }) => {
    const incident = INCIDENTS[title]
    if (incident === undefined) throw new Error(`no incident for ${title}`)
    const values = await incident.stage()
    await operator.query('begin')
    const symptoms = async (): Promise<number> =>
      incident.symptom === null ? 0 : ((await operator.query(incident.symptom)).rowCount ?? 0)
    if (incident.symptom !== null) expect(await symptoms()).toBeGreaterThan(0)
    for (const [index, block] of blocks.entries()) {
      const answers = await operator.query<Row>(fillIn(block, values))
      const results = Array.isArray(answers) ? (answers as pg.QueryResult[]) : [answers]
      // The first question of a section finds the incident.
      if (index === 0) expect([block, (results[0]?.rowCount ?? 0) > 0]).toEqual([block, true])
    }
    expect(await symptoms()).toBe(0)
  })

  it('lists every SQLSTATE that the functions raise, and no other', async () => {
    const { rows } = await sql.engine.query<{ code: string }>(
      `select distinct m[1] as code from pg_proc p
       cross join lateral regexp_matches(p.prosrc, 'errcode = ''(RB...)''', 'g') m
       where p.pronamespace = 'rowbeat'::regnamespace order by 1`,
    )
    const listed = [...text.matchAll(/^\| `(RB\d{3})` \|/gm)].map((match) => match[1])
    expect(listed).toEqual(rows.map((row) => row.code))
  })
})
