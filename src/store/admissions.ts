/** Executions that are only made when those that live leave room for them. */
import type { Queryable } from './database.ts'
import { type CreatedExecution, createExecution, type NewExecution } from './executions.ts'

/** First key of the advisory lock that admissions to one workflow take turns by; nothing else uses the number. */
const ADMISSION_LOCK = 19_053

/**
 * Joins the live execution of the subject, whatever else runs, or creates one when `admit` lets it: it is handed the
 * subjects that live and throws to refuse. `client` must be in a transaction (READ COMMITTED): until it ends nobody
 * else is admitted to this workflow, so that two callers never both take the last place.
 */
export async function createAdmitted<Input>(
  client: Queryable,
  request: NewExecution<Input>,
  admit: (live: readonly string[]) => void,
): Promise<CreatedExecution> {
  const type = request.workflow.name
  const subject = request.workflow.subject(request.input)
  const executionId = await findLive(client, type, subject)
  if (executionId !== null) return { executionId, created: false }
  await client.query({
    name: 'lock_admissions',
    text: 'select pg_advisory_xact_lock($1, hashtext($2))',
    values: [ADMISSION_LOCK, type],
  })
  // A statement of its own, begun after the lock: it sees whoever was admitted before.
  const { rows } = await client.query<{ subject: string }>({
    name: 'read_live_subjects',
    text: `select e.subject
from rowbeat.workflow_executions e
where e.workflow_type = $1
  and e.status in ('pending', 'running')
order by e.subject`,
    values: [type],
  })
  const live = rows.map((row) => row.subject)
  if (!live.includes(subject)) admit(live)
  return createExecution(client, request)
}

/** The live execution of a subject, or null. */
export async function findLive(db: Queryable, workflowType: string, subject: string): Promise<string | null> {
  const { rows } = await db.query<{ execution_id: string }>({
    name: 'find_live_execution',
    text: `select e.execution_id
from rowbeat.workflow_executions e
where e.workflow_type = $1
  and e.subject = $2
  and e.status in ('pending', 'running')`,
    values: [workflowType, subject],
  })
  return rows[0]?.execution_id ?? null
}
