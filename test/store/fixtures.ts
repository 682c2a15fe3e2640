/** What the tests of the store share: pools, jobs, claims and a small workflow. */
import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { beforeEach } from 'vitest'
import { defineWorkflow, type StepOptions, step, type WorkflowDefinition } from '../../src/core/workflow.ts'
import { type Claim, type ClaimedJob, claimJobs } from '../../src/store/claims.ts'
import { serialize } from '../../src/store/json.ts'
import { registerPoller } from '../../src/store/pollers.ts'
import { type Ending, settle } from '../../src/store/settlements.ts'
import { useSessions, useTestPool } from '../support/database.ts'

export interface StoreDatabase {
  readonly url: string
  readonly pool: pg.Pool
  /** A connection beside the pool, until the end of the test. */
  session(): Promise<pg.Client>
}

/** A migrated database with a pool for the tests of a file; the tables of the engine are emptied before each. */
export function useStore(): StoreDatabase {
  const database = useTestPool(12)
  const open = useSessions()
  beforeEach(async () => {
    await database.pool.query(`truncate rowbeat.scheduled_jobs, rowbeat.workflow_executions, rowbeat.leases,
      rowbeat.pollers, rowbeat.suspects, rowbeat.claim_floors, rowbeat.backdated_jobs, rowbeat.step_durations, rowbeat.step_estimates,
      rowbeat.idempotency_keys restart identity`)
  })
  return {
    get url() {
      return database.url
    },
    get pool() {
      return database.pool
    },
    session: () => open(database.url, { application_name: 'rowbeat test' }),
  }
}

export const POLLER = '00000000-0000-4000-8000-000000000001'

/** A claim of lane `default`/0 from the beginning. */
export function claimOf(more: Partial<Claim> = {}): Claim {
  return {
    lane: { queue: 'default', priority: 0 },
    floor: { at: Number.NEGATIVE_INFINITY, id: '0' },
    limit: 16,
    leaseId: randomUUID(),
    pollerId: POLLER,
    jobTypes: ['work'],
    ...more,
  }
}

export async function addPoller(pool: pg.Pool, pollerId: string = POLLER): Promise<void> {
  await registerPoller(pool, { pollerId, name: 'test', version: '0', jobTypes: ['work'], concurrency: 1 })
}

/** Inserts jobs of type `work`; `dueInSeconds` for each. Returns their ids. */
export async function addJobs(
  pool: Pick<pg.Pool, 'query'>,
  dueInSeconds: readonly number[],
): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `insert into rowbeat.scheduled_jobs (job_type, scheduled_at)
     select 'work', now() + make_interval(secs => due) from unnest($1::double precision[]) with ordinality as d (due, n)
     order by n
     returning id`,
    [dueInSeconds],
  )
  return rows.map((row) => row.id)
}

/** Adds one job that is due, and claims it. */
export async function claimedJob(pool: pg.Pool, more: Partial<Claim> = {}): Promise<ClaimedJob> {
  await addJobs(pool, [-0.001])
  const [job] = await claimJobs(pool, claimOf({ limit: 1, ...more }))
  if (job === undefined) throw new Error('nothing was claimed')
  return job
}

/** Claims everything due of job types, over all lanes that hold any. */
export async function claimAll(pool: pg.Pool, jobTypes: readonly string[]): Promise<ClaimedJob[]> {
  return claimJobs(pool, claimOf({ jobTypes, limit: 512 }))
}

export function endingOf(
  job: Pick<ClaimedJob, 'id' | 'leaseId'>,
  more: Partial<Omit<Ending, 'result'>> & { readonly result?: unknown } = {},
): Ending {
  return {
    id: job.id,
    leaseId: job.leaseId,
    status: 'completed',
    failure: false,
    retried: false,
    delaySeconds: null,
    code: null,
    message: null,
    ...more,
    result: serialize(more.result),
  }
}

/** Settles attempts that belong to no execution; returns the ids that took effect. */
export async function endAttempts(
  db: Pick<pg.Pool, 'query'>,
  endings: readonly Ending[],
): Promise<Set<string>> {
  const { settled } = await settle(db, { completions: [], endings, executionIds: [] })
  return new Set(endings.map((one) => one.id).filter((id) => settled.has(id)))
}

type Row = Record<string, unknown>

export async function readJob(pool: pg.Pool, id: string): Promise<Row> {
  const { rows } = await pool.query<Row>('select * from rowbeat.scheduled_jobs where id = $1', [id])
  if (rows[0] === undefined) throw new Error(`there is no job ${id}`)
  return rows[0]
}

export async function rowsOf(pool: pg.Pool, text: string, values: unknown[] = []): Promise<Row[]> {
  return (await pool.query<Row>(text, values)).rows
}

const anything = { parse: (value: unknown): unknown => value }

/** A workflow whose steps are named with their options; the subject is the input's `subject`. */
export function workflowOf(
  steps: Readonly<Record<string, Partial<StepOptions<unknown>>>>,
  more: { readonly name?: string; readonly maxDuration?: number } = {},
): WorkflowDefinition {
  return defineWorkflow<unknown>({
    name: more.name ?? 'walk',
    input: anything,
    subject: (input) => String((input as { subject?: unknown }).subject ?? 'here'),
    maxDuration: more.maxDuration ?? 600,
    steps: Object.fromEntries(
      Object.entries(steps).map(([name, options]) => [
        name,
        step<unknown>({ title: name, run: () => undefined, ...options }),
      ]),
    ),
  })
}
