-- What the guard of hand-written SQL stands on: the legal moves as rows, the log of who did what, and constraints
-- that let a hand-written move through to the trigger that completes it (functions/guard_jobs.sql).

create table rowbeat.legal_moves (
  entity      text not null check (entity in ('job', 'execution')),
  from_status text not null,
  to_status   text not null,
  made_by     text not null check (made_by in ('poller', 'anyone', 'operator')),
  primary key (entity, from_status, to_status)
);
comment on table rowbeat.legal_moves is 'Every legal change of status of a job or execution, and who may make it; a test compares it with the table in the code.';
comment on column rowbeat.legal_moves.entity is 'job or execution.';
comment on column rowbeat.legal_moves.from_status is 'Status before.';
comment on column rowbeat.legal_moves.to_status is 'Status after.';
comment on column rowbeat.legal_moves.made_by is 'poller (only the engine makes it), anyone (the engine, and people by hand) or operator (only people: the retry of a job that has ended).';

insert into rowbeat.legal_moves (entity, from_status, to_status, made_by) values
  ('job', 'waiting', 'pending', 'anyone'),
  ('job', 'waiting', 'skipped', 'anyone'),
  ('job', 'waiting', 'cancelled', 'anyone'),
  ('job', 'waiting', 'failed', 'anyone'),
  ('job', 'pending', 'running', 'poller'),
  ('job', 'pending', 'skipped', 'anyone'),
  ('job', 'pending', 'cancelled', 'anyone'),
  ('job', 'pending', 'failed', 'anyone'),
  ('job', 'running', 'completed', 'anyone'),
  ('job', 'running', 'failed', 'anyone'),
  ('job', 'running', 'cancelled', 'anyone'),
  ('job', 'running', 'skipped', 'anyone'),
  ('job', 'running', 'pending', 'anyone'),
  ('job', 'failed', 'pending', 'operator'),
  ('job', 'skipped', 'pending', 'operator'),
  ('job', 'cancelled', 'pending', 'operator'),
  ('execution', 'pending', 'running', 'poller'),
  ('execution', 'pending', 'completed', 'anyone'),
  ('execution', 'pending', 'partial', 'anyone'),
  ('execution', 'pending', 'failed', 'anyone'),
  ('execution', 'pending', 'cancelled', 'anyone'),
  ('execution', 'running', 'completed', 'anyone'),
  ('execution', 'running', 'partial', 'anyone'),
  ('execution', 'running', 'failed', 'anyone'),
  ('execution', 'running', 'cancelled', 'anyone');

create table rowbeat.action_log (
  id               bigint      generated always as identity primary key,
  at               timestamptz not null default clock_timestamp(),
  session_user_name name       not null default session_user,
  application_name text        not null default current_setting('application_name'),
  backend_pid      integer     not null default pg_backend_pid(),
  transaction_id   xid8        not null default pg_current_xact_id(),
  action           text        not null check (action <> ''),
  job_id           bigint,
  execution_id     uuid,
  target           text,
  old_status       text,
  new_status       text,
  changes          jsonb,
  reason           text
);
create index action_log_job on rowbeat.action_log (job_id) where job_id is not null;
create index action_log_execution on rowbeat.action_log (execution_id) where execution_id is not null;
comment on table rowbeat.action_log is 'What people and other programs did to jobs, executions, queues and pollers: every call of a function for operators, and every hand-written change. Jobs that are merely added are not logged; what the engine does is not either.';
comment on column rowbeat.action_log.id is 'Identity, in the order of the actions.';
comment on column rowbeat.action_log.at is 'When.';
comment on column rowbeat.action_log.session_user_name is 'Who: the user that logged in.';
comment on column rowbeat.action_log.application_name is 'With which program, as it named itself.';
comment on column rowbeat.action_log.backend_pid is 'Process id of the connection, as in pg_stat_activity.';
comment on column rowbeat.action_log.transaction_id is 'Rows of one transaction carry the same id.';
comment on column rowbeat.action_log.action is 'Name of the function, or insert, update or delete for hand-written statements.';
comment on column rowbeat.action_log.job_id is 'The job concerned.';
comment on column rowbeat.action_log.execution_id is 'The execution concerned, also for its steps.';
comment on column rowbeat.action_log.target is 'The queue or poller concerned.';
comment on column rowbeat.action_log.old_status is 'Status before.';
comment on column rowbeat.action_log.new_status is 'Status after; null when the row was deleted.';
comment on column rowbeat.action_log.changes is 'Other columns that changed, as {column: [old, new]}; payloads and results only by name.';
comment on column rowbeat.action_log.reason is 'Why. For hand-written statements: set local rowbeat.reason = ''…'' before them.';

create type rowbeat.job_change as (
  job_id       bigint,
  queue        text,
  job_type     text,
  execution_id uuid,
  step         text,
  old_status   text,
  new_status   text,
  note         text
);
comment on type rowbeat.job_change is 'What the functions for operators return: a job, its status before and after, and a note when there is more to say.';

-- "update … set status = 'cancelled'" alone leaves finished_at empty until the guard trigger, which fires after the
-- row is stored, completes it. Hence the last line of both: it lets such a row through in exactly the sessions in
-- which that trigger fires, so that what a statement leaves behind always satisfies the other lines. A trigger that
-- fires before would need no exception, but Postgres then locks every row once more before each update, whatever
-- the trigger's WHEN says: 9 % of the server's time for a claim and settlement.
alter table rowbeat.scheduled_jobs
  drop constraint scheduled_jobs_running,
  drop constraint scheduled_jobs_finished,
  add constraint scheduled_jobs_running check (
    case when status = 'running' then lease_id is not null and poller_id is not null and started_at is not null
         when status in ('waiting', 'pending') then lease_id is null
         else true end
    or (not starts_with(current_setting('application_name'), 'rowbeat')
        and coalesce(current_setting('rowbeat.guard', true), '') <> 'off')),
  add constraint scheduled_jobs_finished check (
    (finished_at is not null) = (status in ('completed', 'failed', 'skipped', 'cancelled'))
    or (not starts_with(current_setting('application_name'), 'rowbeat')
        and coalesce(current_setting('rowbeat.guard', true), '') <> 'off'));
