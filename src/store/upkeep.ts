/** What needs looking after: one cheap question, asked by every poller every few seconds. */
import type pg from 'pg'
import { type Queryable, transaction } from './database.ts'
import { advanceExecutions, lockExecutions } from './executions.ts'

export interface Triage {
  /** Pollers whose beat is older than the limit and not yet declared lost. */
  readonly lapsed: number
  /** Pollers that beat. */
  readonly live: number
  /** Leases of pollers that are already gone. */
  readonly orphanedLeases: boolean
  readonly overdueExecutions: boolean
  readonly overdueJobs: boolean
  readonly floorsDue: boolean
  /** Seconds since the server started. */
  readonly serverUpSeconds: number
}

/** Asks what there is to do; touches only small tables and partial indexes. */
export async function triage(db: Queryable, ttlSeconds: number): Promise<Triage> {
  const { rows } = await db.query<Triage>({
    name: 'triage',
    text: `select
  (select count(*)::integer from rowbeat.pollers p
    where p.status in ('live', 'draining')
      and p.beat_at < clock_timestamp() - make_interval(secs => $1)) as lapsed,
  (select count(*)::integer from rowbeat.pollers p
    where p.status in ('live', 'draining')
      and p.beat_at >= clock_timestamp() - make_interval(secs => $1)) as live,
  exists (select from rowbeat.leases l join rowbeat.pollers p on p.poller_id = l.poller_id
    where p.status in ('lost', 'stopped')) as "orphanedLeases",
  exists (select from rowbeat.workflow_executions e
    where e.status in ('pending', 'running') and e.deadline_at <= now()) as "overdueExecutions",
  exists (select from rowbeat.scheduled_jobs j
    where j.open_deadline_at is not null and j.open_deadline_at <= now()) as "overdueJobs",
  (select h.probed_at < clock_timestamp() - interval '5 seconds' from rowbeat.claim_horizon h) as "floorsDue",
  extract(epoch from clock_timestamp() - pg_postmaster_start_time())::double precision as "serverUpSeconds"`,
    values: [ttlSeconds],
  })
  const found = rows[0]
  if (found === undefined) throw new Error('triage returned no row')
  return found
}

/** Most jobs ended by one call. */
const OVERDUE_BATCH = 500

/**
 * Ends jobs past their own deadline, whatever they were doing; running ones are fenced.
 * @returns the ids ended.
 */
export async function endOverdueJobs(pool: pg.Pool): Promise<string[]> {
  return transaction(pool, async (client) => {
    const found = await client.query<{ id: string; parent_execution_id: string | null }>({
      name: 'find_overdue_jobs',
      text: `select id, parent_execution_id
from rowbeat.scheduled_jobs
where open_deadline_at is not null
  and open_deadline_at <= now()
order by open_deadline_at
limit ${OVERDUE_BATCH}`,
    })
    const ids = found.rows.map((row) => row.id)
    if (ids.length === 0) return []
    const parents = [...new Set(found.rows.flatMap((row) => row.parent_execution_id ?? []))]
    if (parents.length > 0) await lockExecutions(client, parents)
    const ended = await client.query<{ id: string }>({
      name: 'end_overdue_jobs',
      text: `with overdue as materialized (
  select j.id
  from rowbeat.scheduled_jobs j
  where j.id = any ($1::bigint[])
    and j.open_deadline_at <= now()
  order by j.id
  for no key update skip locked
)
update rowbeat.scheduled_jobs j
set status = 'failed',
    lease_id = null,
    last_error_code = 'STEP_TIMEOUT',
    last_error = 'The deadline of the job has passed',
    finished_at = now(),
    updated_at = now()
from overdue
where j.id = overdue.id
returning j.id`,
      values: [ids],
    })
    if (parents.length > 0) await advanceExecutions(client, parents)
    return ended.rows.map((row) => row.id)
  })
}
