/** What the tests of the operators' SQL share: an engine's pool, a person's connection, and work to look at. */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import type { JobStatus } from '../../src/core/states.ts'
import { claimJobs } from '../../src/store/claims.ts'
import { claimFairly } from '../../src/store/fair-claims.ts'
import { registerPoller } from '../../src/store/pollers.ts'
import { useTestPool } from '../support/database.ts'
import { openSession } from '../support/sessions.ts'

export type Row = Record<string, unknown>

export interface Sql {
  readonly url: string
  /** As the engine: the guard does not look at its statements. */
  readonly engine: pg.Pool
  /** As a person in psql. */
  readonly person: pg.Client
  /** Runs a statement as the person. */
  hand(text: string, values?: readonly unknown[]): Promise<Row[]>
  /** The first row of it; throws when there is none. */
  one(text: string, values?: readonly unknown[]): Promise<Row>
  job(id: string): Promise<Row>
  execution(id: string): Promise<Row>
  /** Statuses of the steps of an execution by name. */
  steps(executionId: string): Promise<Record<string, string>>
}

const EMPTIED = [
  'scheduled_jobs',
  'workflow_executions',
  'leases',
  'pollers',
  'claim_floors',
  'suspects',
  'backdated_jobs',
  'queues',
  'job_type_rates',
  'rate_starts',
  'schedules',
  'job_counts',
  'action_log',
]

/** A migrated database for the tests of a file, its tables emptied before each. */
export function useSql(): Sql {
  const database = useTestPool(4)
  let client: pg.Client | null = null
  const person = (): pg.Client => {
    if (client === null) throw new Error('the session exists only while hooks and tests run')
    return client
  }
  beforeAll(async () => {
    client = await openSession(database.url, { application_name: 'psql', options: '-c jit=off' })
  })
  beforeEach(async () => {
    // Faster than TRUNCATE, which makes new files, and the tables hold a few rows.
    await database.pool.query(EMPTIED.map((table) => `delete from rowbeat.${table}`).join('; '))
  })
  afterAll(async () => {
    await client?.end()
  })
  const hand = async (text: string, values: readonly unknown[] = []): Promise<Row[]> =>
    (await person().query<Row>(text, [...values])).rows
  const one = async (text: string, values: readonly unknown[] = []): Promise<Row> => {
    const [row] = await hand(text, values)
    if (row === undefined) throw new Error(`no row of: ${text}`)
    return row
  }
  return {
    get url() {
      return database.url
    },
    get engine() {
      return database.pool
    },
    get person() {
      return person()
    },
    hand,
    one,
    job: (id) => one('select * from rowbeat.scheduled_jobs where id = $1', [id]),
    execution: (id) => one('select * from rowbeat.workflow_executions where execution_id = $1', [id]),
    steps: async (executionId) => {
      const rows = await hand(
        'select step, status from rowbeat.scheduled_jobs where parent_execution_id = $1 order by sequence_index',
        [executionId],
      )
      return Object.fromEntries(rows.map((row) => [String(row.step), String(row.status)]))
    },
  }
}

/** Inserts a job as the engine would and returns its id. `more` are columns with values. */
export async function addJob(engine: pg.Pool, more: Row = {}): Promise<string> {
  const columns = { job_type: 'work', ...more }
  const names = Object.keys(columns)
  const { rows } = await engine.query<{ id: string }>(
    `insert into rowbeat.scheduled_jobs (${names.join(', ')})
     values (${names.map((_, index) => `$${index + 1}`).join(', ')})
     returning id`,
    Object.values(columns),
  )
  if (rows[0] === undefined) throw new Error('no job was inserted')
  return rows[0].id
}

/** Inserts a job that ended as `status`. */
export async function addEnded(engine: pg.Pool, status: string, more: Row = {}): Promise<string> {
  return addJob(engine, { status, finished_at: new Date(), ...more })
}

export interface StepPlan {
  readonly after?: readonly string[]
  readonly needs?: readonly string[]
  readonly critical?: boolean
  readonly status?: string
}

/** Inserts an execution with steps; returns its id and the ids of the steps by name. */
export async function addExecution(
  engine: pg.Pool,
  plan: Readonly<Record<string, StepPlan>>,
  more: Row = {},
): Promise<{ id: string; steps: Record<string, string> }> {
  const id = randomUUID()
  const columns = {
    execution_id: id,
    workflow_type: 'walk',
    subject: 'here',
    deadline_at: new Date(Date.now() + 600_000),
    ...more,
  }
  await engine.query(
    `insert into rowbeat.workflow_executions (${Object.keys(columns).join(', ')})
     values (${Object.keys(columns)
       .map((_, index) => `$${index + 1}`)
       .join(', ')})`,
    Object.values(columns),
  )
  const steps: Record<string, string> = {}
  for (const [index, [step, { after = [], needs = [], critical = false, status }]] of Object.entries(
    plan,
  ).entries()) {
    const waits = [...new Set([...after, ...needs])]
    const planned = status ?? (waits.length === 0 ? 'pending' : 'waiting')
    steps[step] = await addJob(engine, {
      parent_execution_id: id,
      step,
      sequence_index: index + 1,
      status: planned,
      critical,
      depends_on: waits,
      needs,
      finished_at: ['completed', 'failed', 'skipped', 'cancelled'].includes(planned) ? new Date() : null,
    })
  }
  return { id, steps }
}

/** Adds a poller that beats and knows the types; returns its id. */
export async function addPoller(engine: pg.Pool, jobTypes: readonly string[] = ['work']): Promise<string> {
  const pollerId = randomUUID()
  await registerPoller(engine, { pollerId, name: 'host:1', version: '1', jobTypes, concurrency: 4 })
  return pollerId
}

/** Claims due jobs of lane default/0; returns the lease. */
export async function claim(
  engine: pg.Pool,
  pollerId: string = randomUUID(),
  queue = 'default',
): Promise<string> {
  const leaseId = randomUUID()
  await claimJobs(engine, {
    lane: { queue, priority: 0 },
    floor: { at: Number.NEGATIVE_INFINITY, id: '0' },
    limit: 16,
    leaseId,
    pollerId,
    jobTypes: ['work'],
  })
  return leaseId
}

/** Claims due jobs of lane default/0 that have a concurrency key. */
export async function claimKeyed(engine: pg.Pool): Promise<void> {
  await claimFairly(engine, {
    lane: { queue: 'default', priority: 0, keyed: true, ratedType: null },
    floor: { at: Number.NEGATIVE_INFINITY, id: '0' },
    until: null,
    afterKey: null,
    limit: 16,
    leaseId: randomUUID(),
    pollerId: randomUUID(),
    jobTypes: ['work'],
  })
}

/** What a statement was refused with; throws when it was not. */
export async function refusalOf(
  statement: Promise<unknown>,
): Promise<{ code: string; message: string; hint: string }> {
  try {
    await statement
  } catch (error) {
    if (error instanceof pg.DatabaseError) {
      return { code: error.code ?? '', message: error.message, hint: error.hint ?? '' }
    }
    throw error
  }
  throw new Error('the statement was not refused')
}

/** Collects notifications on a connection of its own until `stop`. */
export async function hear(
  url: string,
  channel: string,
): Promise<{ heard: string[]; stop(): Promise<void> }> {
  const client = await openSession(url, { application_name: 'rowbeat-test' })
  const heard: string[] = []
  client.on('notification', (message) => heard.push(message.payload ?? ''))
  await client.query(`listen ${pg.escapeIdentifier(channel)}`)
  return {
    heard,
    stop: async () => {
      // The answer comes after every notification of transactions committed before the question.
      await client.query('select 1')
      await client.end()
    },
  }
}

/** A job of its own in a status; waiting ones are steps. */
export async function addJobThatIs(engine: pg.Pool, status: JobStatus): Promise<string> {
  if (status === 'waiting') {
    const { steps } = await addExecution(engine, { a: {}, b: { after: ['a'] } }, { subject: randomUUID() })
    return steps.b ?? ''
  }
  if (status === 'running') {
    const id = await addJob(engine)
    await claim(engine)
    return id
  }
  return status === 'pending' ? addJob(engine) : addEnded(engine, status)
}
