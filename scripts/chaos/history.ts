/**
 * The committed history of a database under test: triggers of ours note every move of a job and of an execution in
 * the same transaction, so what was rolled back or lost in a crash is not in it.
 */
import type { ExecutionStatus, JobStatus } from '../../src/core/states.ts'
import { withClient } from './ledger.ts'

const INSTALL = `
create schema chaos;
create table chaos.job_moves (
  n            bigint generated always as identity primary key,
  job_id       bigint not null,
  from_status  text,
  to_status    text,
  attempt      integer,
  retry_count  integer,
  max_retries  integer,
  lease_id     uuid,
  old_lease_id uuid,
  scheduled_at timestamptz,
  started_at   timestamptz,
  queue        text,
  key          text,
  execution_id uuid,
  application  text not null default current_setting('application_name'),
  at           timestamptz not null default clock_timestamp()
);
create index on chaos.job_moves (job_id);
create table chaos.execution_moves (
  n            bigint generated always as identity primary key,
  execution_id uuid not null,
  from_status  text,
  to_status    text,
  application  text not null default current_setting('application_name'),
  at           timestamptz not null default clock_timestamp()
);
-- Security definer: whoever may write a job, the functions of operators included, need not know of us.
create function chaos.note_job_move() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into chaos.job_moves (job_id, from_status, to_status, attempt, retry_count, max_retries, lease_id,
                               old_lease_id, scheduled_at, started_at, queue, key,
                               execution_id)
    values (coalesce(new.id, old.id), old.status, new.status, new.attempt, new.retry_count, new.max_retries,
            new.lease_id, old.lease_id, new.scheduled_at, new.started_at, coalesce(new.queue, old.queue),
            coalesce(new.concurrency_key, old.concurrency_key),
            coalesce(new.parent_execution_id, old.parent_execution_id));
  return null;
end $$;
create trigger chaos_inserted after insert on rowbeat.scheduled_jobs
  for each row execute function chaos.note_job_move();
create trigger chaos_deleted after delete on rowbeat.scheduled_jobs
  for each row execute function chaos.note_job_move();
-- Every change of a finished row is noted, whatever it changes: there must be none.
create trigger chaos_updated after update on rowbeat.scheduled_jobs
  for each row
  when (old.status is distinct from new.status or old.lease_id is distinct from new.lease_id
        or old.status in ('completed', 'failed', 'skipped', 'cancelled'))
  execute function chaos.note_job_move();
create function chaos.note_execution_move() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into chaos.execution_moves (execution_id, from_status, to_status)
    values (coalesce(new.execution_id, old.execution_id), old.status, new.status);
  return null;
end $$;
create trigger chaos_inserted after insert or delete on rowbeat.workflow_executions
  for each row execute function chaos.note_execution_move();
create trigger chaos_updated after update on rowbeat.workflow_executions
  for each row when (old.status is distinct from new.status)
  execute function chaos.note_execution_move();
`

/** Adds the triggers to a migrated database. */
export async function installHistory(url: string): Promise<void> {
  await withClient(url, (client) => client.query(INSTALL))
}

export interface JobMove {
  readonly jobId: string
  /** Null for an insertion. */
  readonly from: JobStatus | null
  /** Null for a deletion. */
  readonly to: JobStatus | null
  readonly attempt: number | null
  readonly retryCount: number | null
  readonly maxRetries: number | null
  readonly leaseId: string | null
  readonly oldLeaseId: string | null
  /** Milliseconds since epoch, by the clock of the database. */
  readonly scheduledMs: number | null
  readonly startedMs: number | null
  readonly queue: string
  readonly executionId: string | null
  /** Its concurrency key. */
  readonly key: string | null
  readonly application: string
  readonly atMs: number
}

export interface ExecutionMove {
  readonly executionId: string
  readonly from: ExecutionStatus | null
  readonly to: ExecutionStatus | null
  readonly application: string
  readonly atMs: number
}

export interface JobRow {
  readonly id: string
  readonly executionId: string | null
  readonly step: string | null
  readonly key: string | null
  readonly status: JobStatus
  readonly attempt: number
  readonly retryCount: number
  readonly maxRetries: number
  readonly critical: boolean
  readonly dependsOn: readonly string[] | null
  readonly needs: readonly string[] | null
  readonly lastErrorCode: string | null
  /** How many failed attempts it remembers. */
  readonly errors: number
  /** How many of these were attempts that were lost with their poller. */
  readonly lost: number
  readonly payload: unknown
  readonly result: unknown
  readonly scheduledMs: number
  readonly startedMs: number | null
  readonly finishedMs: number | null
}

export interface ExecutionRow {
  readonly id: string
  readonly subject: string
  readonly status: ExecutionStatus
  readonly endMs: number | null
}

export interface History {
  readonly jobs: readonly JobRow[]
  readonly executions: readonly ExecutionRow[]
  readonly jobMoves: readonly JobMove[]
  readonly executionMoves: readonly ExecutionMove[]
  readonly leases: number
  /** Whether edits by hand are guarded. */
  readonly guarded: boolean
  /** What `rowbeat.assert_invariants()` found; null when the database has no such function. */
  readonly broken: readonly string[] | null
}

/** True when the tables are guarded against edits by hand, by triggers that can refuse them. */
export async function isGuarded(url: string): Promise<boolean> {
  return withClient(url, async (client) => {
    const { rows } = await client.query(
      `select from pg_trigger
       where tgrelid = 'rowbeat.scheduled_jobs'::regclass and tgname = 'guard_job_update'`,
    )
    return rows.length > 0
  })
}

const ms = (column: string): string => `extract(epoch from ${column})::double precision * 1000`

const JOBS = `select id, parent_execution_id as "executionId", step, payload ->> 'key' as key, status, attempt,
  retry_count as "retryCount", max_retries as "maxRetries", critical, depends_on as "dependsOn", needs,
  last_error_code as "lastErrorCode", coalesce(jsonb_array_length(errors), 0) as errors, payload, result,
  (select count(*)::integer from jsonb_array_elements(errors) e where e ->> 'code' = 'POLLER_LOST') as lost,
  ${ms('scheduled_at')} as "scheduledMs", ${ms('started_at')} as "startedMs", ${ms('finished_at')} as "finishedMs"
from rowbeat.scheduled_jobs
where job_type in ('chaos_job', 'walk_a', 'walk_b', 'walk_c', 'walk_d', 'walk_e')
order by id`

const JOB_MOVES = `select job_id as "jobId", from_status as "from", to_status as "to", attempt,
  retry_count as "retryCount", max_retries as "maxRetries", lease_id as "leaseId", old_lease_id as "oldLeaseId",
  ${ms('scheduled_at')} as "scheduledMs", ${ms('started_at')} as "startedMs", queue, key,
  execution_id as "executionId", application,
  ${ms('at')} as "atMs"
from chaos.job_moves
order by n`

/** Reads everything in one snapshot. */
export async function readHistory(url: string): Promise<History> {
  return withClient(url, async (client) => {
    await client.query('begin isolation level repeatable read read only')
    const jobs = await client.query<JobRow>(JOBS)
    const executions = await client.query<ExecutionRow>(
      `select execution_id as id, subject, status, ${ms('end_time')} as "endMs"
       from rowbeat.workflow_executions
       where workflow_type = 'chaos_walk'
       order by execution_id`,
    )
    const jobMoves = await client.query<JobMove>(JOB_MOVES)
    const executionMoves = await client.query<ExecutionMove>(
      `select execution_id as "executionId", from_status as "from", to_status as "to", application, ${ms('at')} as "atMs"
       from chaos.execution_moves
       order by n`,
    )
    const leases = await client.query<{ count: number }>(
      'select count(*)::integer as count from rowbeat.leases',
    )
    await client.query('commit')
    return {
      jobs: jobs.rows,
      executions: executions.rows,
      jobMoves: jobMoves.rows,
      executionMoves: executionMoves.rows,
      leases: leases.rows[0]?.count ?? 0,
      guarded: await isGuarded(url),
      broken: await askInvariants(url),
    }
  })
}

async function askInvariants(url: string): Promise<readonly string[] | null> {
  return withClient(url, async (client) => {
    const found = await client.query<{ found: boolean }>(
      `select exists (
         select from pg_proc p join pg_namespace s on s.oid = p.pronamespace
         where s.nspname = 'rowbeat' and p.proname = 'assert_invariants' and p.pronargs = p.pronargdefaults
       ) as found`,
    )
    if (found.rows[0]?.found !== true) return null
    const { rows } = await client.query<{ text: string }>(
      'select to_jsonb(broken)::text as text from rowbeat.assert_invariants() as broken limit 50',
    )
    return rows.map((row) => row.text)
  })
}
