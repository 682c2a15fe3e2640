/** Executions: creation, what follows when steps end, and reading one whole. */
import { maxRetries } from '../core/retry.ts'
import type { ExecutionStatus, JobStatus } from '../core/states.ts'
import { type PlannedStep, planSteps, type WorkflowDefinition } from '../core/workflow.ts'
import type { Queryable } from './database.ts'
import { FIRST_RUNS } from './durations.ts'
import { jsonText } from './json.ts'
import { uuidv7 } from './uuid.ts'

export interface NewExecution<Input = unknown> {
  readonly workflow: WorkflowDefinition<Input>
  /** Already parsed by the workflow's `input`. */
  readonly input: Input
  /** Names of the steps to run; all when undefined. */
  readonly steps?: readonly string[] | undefined
  readonly requestId?: string | null
  readonly traceparent?: string | null
  readonly requestedBy?: string | null
}

export interface CreatedExecution {
  readonly executionId: string
  /** False when a live execution for the subject was found instead. */
  readonly created: boolean
}

/** How often a creation tries again when the live execution it met has ended before it could be read. */
const CREATE_TRIES = 5

/**
 * Creates an execution with all its step rows, or finds the live one of the same workflow type and subject: one
 * statement, in the caller's transaction (READ COMMITTED) or in one of its own. Any number of callers at once get one
 * and the same execution.
 */
export async function createExecution<Input>(
  db: Queryable,
  request: NewExecution<Input>,
): Promise<CreatedExecution> {
  const { workflow, input } = request
  const planned = planSteps(workflow, request.steps)
  for (let tries = 0; tries < CREATE_TRIES; tries++) {
    const { rows } = await db.query<{ execution_id: string; created: boolean }>({
      name: 'create_execution',
      // Most of a crowd of callers only need "live"; it keeps them from queueing on the unique index.
      text: `with live as (
  select e.execution_id
  from rowbeat.workflow_executions e
  where e.workflow_type = $2
    and e.subject = $3
    and e.status in ('pending', 'running')
), made as (
  insert into rowbeat.workflow_executions
    (execution_id, workflow_type, subject, input_data, deadline_at, request_id, traceparent, requested_by)
  select $1::uuid, $2, $3, $4::jsonb, now() + make_interval(secs => $5), $6, $7, $8
  where not exists (select from live)
  on conflict (workflow_type, subject) where status in ('pending', 'running') do nothing
  returning execution_id
), steps as (
  insert into rowbeat.scheduled_jobs
    (parent_execution_id, queue, job_type, step, sequence_index, status, priority, max_retries, timeout_seconds,
     estimate_seconds, critical, depends_on, needs, payload)
  select m.execution_id, s.queue, s.job_type, s.job_type, s.sequence_index, s.status, s.priority, s.max_retries,
         s.timeout_seconds,
         -- What the workflow says counts until the first run. Fixed here, so that progress does not fall when the
         -- history changes while it runs.
         coalesce((select greatest(1, p.p50_seconds)
                   from rowbeat.step_estimates p
                   where p.job_type = s.job_type),
                  (select greatest(1, f.p50_seconds)
                   from ${FIRST_RUNS('s')} f
                   where f.runs > 0), s.estimate_seconds),
         s.critical, s.depends_on, s.needs, $4::jsonb
  from made m
  cross join jsonb_to_recordset($9::jsonb) as s (
    queue text, job_type text, sequence_index integer, status text, priority smallint, max_retries integer,
    timeout_seconds integer, estimate_seconds real, critical boolean, depends_on text[], needs text[])
  order by s.sequence_index
)
select execution_id, true as created from made
union all
select execution_id, false from live`,
      values: [
        uuidv7(),
        workflow.name,
        workflow.subject(input),
        jsonText(input),
        workflow.maxDuration,
        request.requestId ?? null,
        request.traceparent ?? null,
        request.requestedBy ?? null,
        stepsText(planned),
      ],
    })
    const [row] = rows
    if (row !== undefined) return { executionId: row.execution_id, created: row.created }
    // Another one was committed after this statement began: now it can be read, or has ended and it is our turn.
  }
  throw new Error(
    `could neither create nor find an execution of ${workflow.name} for ${workflow.subject(input)}`,
  )
}

function stepsText<Input>(planned: readonly PlannedStep<Input>[]): string {
  return jsonText(
    planned.map(({ definition, dependsOn, needs }) => ({
      queue: definition.queue,
      job_type: definition.jobType,
      sequence_index: definition.index,
      status: dependsOn.length === 0 ? 'pending' : 'waiting',
      priority: definition.priority,
      max_retries: maxRetries(definition.retry),
      timeout_seconds: definition.timeout,
      estimate_seconds: definition.estimate,
      critical: definition.critical,
      depends_on: dependsOn,
      needs,
    })),
  )
}

/** Marks executions whose first step was just claimed as running. */
export async function startExecutions(db: Queryable, executionIds: readonly string[]): Promise<void> {
  await db.query({
    name: 'start_executions',
    // Started when the step was claimed, not now: the step may have ended since, and with it the execution.
    text: `with mine as materialized (
  select e.execution_id,
         (select min(j.first_started_at)
          from rowbeat.scheduled_jobs j
          where j.parent_execution_id = e.execution_id) as started_at
  from rowbeat.workflow_executions e
  where e.execution_id = any ($1::uuid[])
    and e.status = 'pending'
  order by e.execution_id
  for no key update of e
)
update rowbeat.workflow_executions e
set status = 'running',
    start_time = coalesce(e.start_time, mine.started_at, now()),
    version = e.version + 1
from mine
where e.execution_id = mine.execution_id
  and e.status = 'pending'`,
    values: [executionIds],
  })
}

/** Locks executions before their steps are settled: the order that everybody keeps. */
export async function lockExecutions(client: Queryable, executionIds: readonly string[]): Promise<void> {
  await client.query({
    name: 'lock_executions',
    text: `select from rowbeat.workflow_executions
where execution_id = any ($1::uuid[])
order by execution_id
for no key update`,
    values: [executionIds],
  })
}

export interface Advanced {
  readonly executionId: string
  readonly status: ExecutionStatus
  /** True when it was closed by this call. */
  readonly closed: boolean
  /** How many steps became pending, over all executions of the call. */
  readonly freed: number
}

/** Frees, skips or cancels what follows from ended steps, and closes what is done. */
export async function advanceExecutions(
  client: Queryable,
  executionIds: readonly string[],
): Promise<Advanced[]> {
  const { rows } = await client.query<{
    execution_id: string
    status: ExecutionStatus
    closed: boolean
    freed: number
  }>({
    name: 'advance_executions',
    text: 'select execution_id, status, closed, freed from rowbeat.advance_executions($1::uuid[])',
    values: [executionIds],
  })
  return rows.map((row) => ({
    executionId: row.execution_id,
    status: row.status,
    closed: row.closed,
    freed: row.freed,
  }))
}

/** Lets the version of executions grow, so that their status has a new ETag. */
export async function bumpVersions(db: Queryable, executionIds: readonly string[]): Promise<void> {
  await db.query({
    name: 'bump_versions',
    text: `with mine as materialized (
  select execution_id
  from rowbeat.workflow_executions
  where execution_id = any ($1::uuid[])
  order by execution_id
  for no key update
)
update rowbeat.workflow_executions e
set version = e.version + 1
from mine
where e.execution_id = mine.execution_id`,
    values: [executionIds],
  })
}

export interface StepView {
  readonly jobId: string
  readonly step: string
  readonly index: number
  readonly status: JobStatus
  readonly attempt: number
  readonly retryCount: number
  readonly maxRetries: number
  /** Start of the first attempt. */
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
  readonly scheduledAt: Date
  readonly lastError: string | null
  readonly lastErrorCode: string | null
  readonly errors: readonly Record<string, unknown>[]
  readonly progress: number | null
  readonly progressDetail: Record<string, unknown> | null
  readonly result: unknown
  readonly dependsOn: readonly string[]
  readonly needs: readonly string[]
  readonly critical: boolean
  readonly estimateSeconds: number
}

export interface ExecutionView {
  readonly executionId: string
  readonly workflowType: string
  readonly subject: string
  readonly status: ExecutionStatus
  readonly input: unknown
  readonly startTime: Date | null
  readonly endTime: Date | null
  readonly createdAt: Date
  readonly deadlineAt: Date
  readonly version: number
  readonly errorCode: string | null
  readonly errorMessage: string | null
  readonly requestId: string | null
  readonly steps: readonly StepView[]
  /** The database's clock when this was read. */
  readonly now: Date
}

interface ExecutionRow {
  execution_id: string
  workflow_type: string
  subject: string
  status: ExecutionStatus
  input_data: unknown
  start_time: Date | null
  end_time: Date | null
  created_at: Date
  deadline_at: Date
  version: string
  error_code: string | null
  error_message: string | null
  request_id: string | null
  now: Date
  steps: (Omit<StepView, 'startedAt' | 'finishedAt' | 'scheduledAt'> & {
    startedAt: string | null
    finishedAt: string | null
    scheduledAt: string
  })[]
}

const READ_EXECUTION = `select e.execution_id, e.workflow_type, e.subject, e.status, e.input_data, e.start_time, e.end_time,
       e.created_at, e.deadline_at, e.version, e.error_code, e.error_message, e.request_id, now() as now,
       coalesce((
         select jsonb_agg(jsonb_build_object(
           'jobId', j.id::text, 'step', j.step, 'index', j.sequence_index, 'status', j.status, 'attempt', j.attempt,
           'retryCount', j.retry_count, 'maxRetries', j.max_retries, 'startedAt', j.first_started_at,
           'finishedAt', j.finished_at, 'scheduledAt', j.scheduled_at, 'lastError', j.last_error,
           'lastErrorCode', j.last_error_code, 'errors', coalesce(j.errors, '[]'), 'progress', j.progress,
           'progressDetail', j.progress_detail, 'result', j.result, 'dependsOn', coalesce(j.depends_on, '{}'),
           'needs', coalesce(j.needs, '{}'), 'critical', j.critical,
           'estimateSeconds', coalesce(j.estimate_seconds, 60)) order by j.sequence_index)
         from rowbeat.scheduled_jobs j
         where j.parent_execution_id = e.execution_id), '[]') as steps
from rowbeat.workflow_executions e
`

/** Reads an execution with its steps in one statement; null when there is none. */
export async function readExecution(db: Queryable, executionId: string): Promise<ExecutionView | null> {
  const { rows } = await db.query<ExecutionRow>({
    name: 'read_execution',
    text: `${READ_EXECUTION}where e.execution_id = $1`,
    values: [executionId],
  })
  return rows[0] === undefined ? null : toView(rows[0])
}

/** Reads the newest execution of a workflow for a subject; null when there is none. */
export async function readLatestExecution(
  db: Queryable,
  workflowType: string,
  subject: string,
): Promise<ExecutionView | null> {
  const { rows } = await db.query<ExecutionRow>({
    name: 'read_latest_execution',
    text: `${READ_EXECUTION}where e.workflow_type = $1
  and e.subject = $2
order by e.created_at desc, e.execution_id desc
limit 1`,
    values: [workflowType, subject],
  })
  return rows[0] === undefined ? null : toView(rows[0])
}

export interface RecentRun {
  readonly executionId: string
  readonly status: ExecutionStatus
  /** ms since epoch. */
  readonly endedAt: number
  /** Names of the steps it had, whatever became of them. */
  readonly steps: readonly string[]
}

/** More runs of one subject are not looked at, however quickly they followed each other. */
const RECENT_MAX = 20

/** Runs of a workflow for a subject that ended within so many seconds, newest first, at most twenty. */
export async function readRecentRuns(
  db: Queryable,
  workflowType: string,
  subject: string,
  withinSeconds: number,
): Promise<RecentRun[]> {
  const { rows } = await db.query<{
    execution_id: string
    status: ExecutionStatus
    end_time: Date
    steps: string[]
  }>({
    name: 'read_recent_runs',
    // Runs of one subject follow each other, for only one lives at a time: the newest to begin are the newest to end,
    // and older ones need not be asked when they ended. A subject that is run every hour has thousands.
    text: `select e.execution_id, e.status, e.end_time,
       array(select j.step
             from rowbeat.scheduled_jobs j
             where j.parent_execution_id = e.execution_id
             order by j.sequence_index) as steps
from (
  select r.execution_id, r.status, r.end_time, r.created_at
  from rowbeat.workflow_executions r
  where r.workflow_type = $1
    and r.subject = $2
  order by r.created_at desc, r.execution_id desc
  limit ${RECENT_MAX}
) e
where e.end_time > now() - make_interval(secs => $3)
order by e.created_at desc, e.execution_id desc`,
    values: [workflowType, subject, withinSeconds],
  })
  return rows.map((row) => ({
    executionId: row.execution_id,
    status: row.status,
    endedAt: row.end_time.getTime(),
    steps: row.steps,
  }))
}

function toView(row: ExecutionRow): ExecutionView {
  return {
    executionId: row.execution_id,
    workflowType: row.workflow_type,
    subject: row.subject,
    status: row.status,
    input: row.input_data,
    startTime: row.start_time,
    endTime: row.end_time,
    createdAt: row.created_at,
    deadlineAt: row.deadline_at,
    version: Number(row.version),
    errorCode: row.error_code,
    errorMessage: row.error_message,
    requestId: row.request_id,
    now: row.now,
    steps: row.steps.map((step) => ({
      ...step,
      startedAt: toDate(step.startedAt),
      finishedAt: toDate(step.finishedAt),
      scheduledAt: new Date(step.scheduledAt),
    })),
  }
}

function toDate(text: string | null): Date | null {
  return text === null ? null : new Date(text)
}
