/** Ending what is past its deadline: executions with their steps, and single jobs. */
import type pg from 'pg'
import { transaction } from './database.ts'
import { type Advanced, advanceExecutions, lockExecutions } from './executions.ts'

/** Most executions ended by one call. */
const EXECUTIONS_BATCH = 100

/**
 * Ends executions past their deadline: running steps fail and are fenced, the others are cancelled.
 * @returns the executions ended.
 */
export async function endOverdueExecutions(pool: pg.Pool): Promise<string[]> {
  return transaction(pool, async (client) => {
    const { rows } = await client.query<{ execution_id: string }>({
      name: 'lock_overdue_executions',
      text: `select execution_id
from rowbeat.workflow_executions
where status in ('pending', 'running')
  and deadline_at <= now()
order by execution_id
limit ${EXECUTIONS_BATCH}
for no key update skip locked`,
    })
    const ids = rows.map((row) => row.execution_id)
    if (ids.length === 0) return []
    await client.query({
      name: 'end_overdue_steps',
      text: `with open as materialized (
  select id
  from rowbeat.scheduled_jobs
  where parent_execution_id = any ($1::uuid[])
    and status in ('waiting', 'pending', 'running')
  order by id
  for no key update
)
update rowbeat.scheduled_jobs j
set status = case when j.status = 'running' then 'failed' else 'cancelled' end,
    lease_id = null,
    last_error_code = 'ORCHESTRATOR_TIMEOUT',
    last_error = 'Parent orchestrator timed out',
    finished_at = now(),
    updated_at = now()
from open
where j.id = open.id
  and j.status in ('waiting', 'pending', 'running')`,
      values: [ids],
    })
    await client.query({
      name: 'end_overdue_executions',
      text: `update rowbeat.workflow_executions
set status = 'failed',
    error_code = 'ORCHESTRATOR_TIMEOUT',
    error_message = 'The run exceeded its time limit',
    start_time = coalesce(start_time, now()),
    -- A start that was written while this transaction waited is later than its now().
    end_time = greatest(now(), start_time),
    version = version + 1
where execution_id = any ($1::uuid[])`,
      values: [ids],
    })
    return ids
  })
}

/** Most jobs ended by one call. */
const JOBS_BATCH = 500

/**
 * Ends jobs past their own deadline, whatever they were doing; running ones are fenced.
 * @returns the ids ended, and what became of the executions they are steps of.
 */
export async function endOverdueJobs(
  pool: pg.Pool,
): Promise<{ ended: string[]; advanced: readonly Advanced[] }> {
  return transaction(pool, async (client) => {
    const found = await client.query<{ id: string; parent_execution_id: string | null }>({
      name: 'find_overdue_jobs',
      text: `select id, parent_execution_id
from rowbeat.scheduled_jobs
where open_deadline_at is not null
  and open_deadline_at <= now()
order by open_deadline_at
limit ${JOBS_BATCH}`,
    })
    const ids = found.rows.map((row) => row.id)
    if (ids.length === 0) return { ended: [], advanced: [] }
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
    const advanced = parents.length > 0 ? await advanceExecutions(client, parents) : []
    return { ended: ended.rows.map((row) => row.id), advanced }
  })
}
