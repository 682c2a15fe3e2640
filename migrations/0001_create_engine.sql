-- The engine's tables: jobs, executions, pollers and what the claim needs to stay fast.

create table rowbeat.workflow_executions (
  execution_id     uuid        primary key,
  workflow_type    text        not null check (workflow_type <> ''),
  subject          text        not null check (subject <> '' and length(subject) <= 500),
  status           text        not null default 'pending'
    check (status in ('pending', 'running', 'completed', 'partial', 'failed', 'cancelled')),
  input_data       jsonb       not null default '{}',
  output_data      jsonb,
  error_message    text,
  error_code       text,
  start_time       timestamptz,
  end_time         timestamptz,
  duration_seconds double precision generated always as (extract(epoch from end_time - start_time)) stored,
  deadline_at      timestamptz not null,
  version          bigint      not null default 1,
  request_id       text,
  traceparent      text,
  requested_by     text,
  created_at       timestamptz not null default now(),
  constraint workflow_executions_end_time check ((end_time is not null) = (status in ('completed', 'partial', 'failed', 'cancelled')))
);

-- What makes creation idempotent: one live execution per workflow type and subject.
create unique index workflow_executions_live on rowbeat.workflow_executions (workflow_type, subject)
  where status in ('pending', 'running');
create index workflow_executions_latest on rowbeat.workflow_executions (workflow_type, subject, created_at desc, execution_id desc);
create index workflow_executions_deadline on rowbeat.workflow_executions (deadline_at)
  where status in ('pending', 'running');

comment on table rowbeat.workflow_executions is 'One run of a workflow for one subject (a domain, a deployment, an import): the orchestrator of its steps.';
comment on column rowbeat.workflow_executions.execution_id is 'Identity, a version 7 UUID: sorts by time of creation.';
comment on column rowbeat.workflow_executions.workflow_type is 'Name of the workflow definition.';
comment on column rowbeat.workflow_executions.subject is 'What the run is about; at most one live run per workflow type and subject.';
comment on column rowbeat.workflow_executions.status is 'pending, running, completed, partial (a non-critical step failed), failed or cancelled.';
comment on column rowbeat.workflow_executions.input_data is 'Validated input, as the workflow defines it.';
comment on column rowbeat.workflow_executions.output_data is 'What the run left behind in short; null until it ended.';
comment on column rowbeat.workflow_executions.error_message is 'Why it failed, for people.';
comment on column rowbeat.workflow_executions.error_code is 'Why it failed, as a stable code.';
comment on column rowbeat.workflow_executions.start_time is 'When its first step was claimed.';
comment on column rowbeat.workflow_executions.end_time is 'When it was closed; set exactly when the status is final.';
comment on column rowbeat.workflow_executions.duration_seconds is 'Seconds from start_time to end_time.';
comment on column rowbeat.workflow_executions.deadline_at is 'When the reaper ends it with its steps, whether or not anyone asks.';
comment on column rowbeat.workflow_executions.version is 'Grows with every change of the execution or its steps; the ETag of its status.';
comment on column rowbeat.workflow_executions.request_id is 'X-Request-Id of the request that created it.';
comment on column rowbeat.workflow_executions.traceparent is 'W3C trace context of the request that created it.';
comment on column rowbeat.workflow_executions.requested_by is 'Who asked for it: the API key, or the command.';
comment on column rowbeat.workflow_executions.created_at is 'When it was created.';

-- fillfactor 26: the claim and the settlement of a job each write a new version of its row; with room on the
-- page both stay heap-only (HOT) and no index is touched. All three versions of a small row fit even while an old
-- snapshot forbids to remove the first (measured: 100 % HOT, at 30 it was 85 %). That holds only while no index,
-- and no index predicate, mentions a column that claim or settlement change: never index status, lease_id,
-- poller_id, attempt, first_started_at, started_at, finished_at or updated_at here. Generated columns that are
-- null for most rows may be.
create table rowbeat.scheduled_jobs (
  id                  bigint      generated always as identity primary key,
  parent_execution_id uuid,
  queue               text        not null default 'default' check (queue <> '' and length(queue) <= 63),
  job_type            text        not null check (job_type <> '' and length(job_type) <= 63),
  step                text,
  phase               text,
  sequence_index      integer,
  status              text        not null default 'pending'
    check (status in ('waiting', 'pending', 'running', 'completed', 'failed', 'skipped', 'cancelled')),
  priority            smallint    not null default 0 check (priority between -100 and 100),
  scheduled_at        timestamptz not null default now() check (isfinite(scheduled_at)),
  attempt             integer     not null default 0 check (attempt >= 0),
  retry_count         integer     not null default 0 check (retry_count >= 0),
  max_retries         integer     not null default 3 check (max_retries between 0 and 100),
  lease_id            uuid,
  poller_id           uuid,
  progress            real        check (progress between 0 and 100),
  timeout_seconds     integer     check (timeout_seconds between 1 and 604800),
  deadline_at         timestamptz check (isfinite(deadline_at)),
  estimate_seconds    real        check (estimate_seconds > 0),
  critical            boolean     not null default false,
  depends_on          text[],
  needs               text[],
  dedupe_key          text        check (length(dedupe_key) <= 500),
  concurrency_key     text        check (length(concurrency_key) <= 500),
  last_error_code     text,
  last_error          text,
  errors              jsonb       check (jsonb_typeof(errors) = 'array'),
  payload             jsonb       not null default '{}',
  result              jsonb,
  progress_detail     jsonb,
  first_started_at    timestamptz,
  started_at          timestamptz,
  finished_at         timestamptz,
  created_at          timestamptz not null default now(),
  updated_at          timestamptz not null default now(),
  -- Null for jobs without a key and for ended ones, so that the unique index below does not stop HOT updates.
  live_dedupe_key     text        generated always as
    (case when status in ('waiting', 'pending', 'running') then dedupe_key end) stored,
  -- The same trick for deadlines: only open jobs that have one are in the index.
  open_deadline_at    timestamptz generated always as
    (case when status in ('waiting', 'pending', 'running') then deadline_at end) stored,
  -- And for failures: operators look for the newest ones, and only failed jobs are in the index.
  failed_at           timestamptz generated always as
    (case when status = 'failed' then finished_at end) stored,
  constraint scheduled_jobs_running check (
    case when status = 'running' then lease_id is not null and poller_id is not null and started_at is not null
         when status in ('waiting', 'pending') then lease_id is null
         else true end),
  constraint scheduled_jobs_finished check ((finished_at is not null) = (status in ('completed', 'failed', 'skipped', 'cancelled'))),
  constraint scheduled_jobs_step check (parent_execution_id is null or (step is not null and sequence_index is not null))
) with (fillfactor = 26, autovacuum_vacuum_scale_factor = 0.1, autovacuum_analyze_scale_factor = 0.1);

-- The order of the claim. It does not mention status: a claim starts at a floor below which nothing is pending
-- (see claim_floors), so finished rows cost nothing, and claim and settlement stay HOT.
create index scheduled_jobs_order on rowbeat.scheduled_jobs (queue, priority, scheduled_at, id);
create unique index scheduled_jobs_step on rowbeat.scheduled_jobs (parent_execution_id, step)
  where parent_execution_id is not null;
create unique index scheduled_jobs_live_dedupe on rowbeat.scheduled_jobs (queue, live_dedupe_key)
  where live_dedupe_key is not null;
create index scheduled_jobs_open_deadline on rowbeat.scheduled_jobs (open_deadline_at)
  where open_deadline_at is not null;
create index scheduled_jobs_failed on rowbeat.scheduled_jobs (failed_at)
  where failed_at is not null;

comment on table rowbeat.scheduled_jobs is 'Every job: one unit of work, due at scheduled_at. "insert into rowbeat.scheduled_jobs (job_type, payload) values (…)" is all it takes to add one, in your own transaction.';
comment on column rowbeat.scheduled_jobs.id is 'Identity; grows with insertion, not with commit.';
comment on column rowbeat.scheduled_jobs.parent_execution_id is 'The execution this job is a step of; null for a job of its own.';
comment on column rowbeat.scheduled_jobs.queue is 'Queue, with its own limits and pause switch.';
comment on column rowbeat.scheduled_jobs.job_type is 'Which handler runs it.';
comment on column rowbeat.scheduled_jobs.step is 'Name of the step within its execution.';
comment on column rowbeat.scheduled_jobs.phase is 'Free label of a step that recurs in phases, for instance pre or post.';
comment on column rowbeat.scheduled_jobs.sequence_index is 'Position within the execution, 1 for the first.';
comment on column rowbeat.scheduled_jobs.status is 'waiting (for other steps), pending (claimable when due), running, completed, failed, skipped or cancelled.';
comment on column rowbeat.scheduled_jobs.priority is 'Higher runs first, −100..100.';
comment on column rowbeat.scheduled_jobs.scheduled_at is 'Not run before this time; moved forward by retries and snoozes.';
comment on column rowbeat.scheduled_jobs.attempt is 'How often it was claimed.';
comment on column rowbeat.scheduled_jobs.retry_count is 'How many failures were retried.';
comment on column rowbeat.scheduled_jobs.max_retries is 'How many failures may be retried.';
comment on column rowbeat.scheduled_jobs.lease_id is 'The right to this attempt: minted for every claim batch; every settlement must name it.';
comment on column rowbeat.scheduled_jobs.poller_id is 'The poller of the last attempt.';
comment on column rowbeat.scheduled_jobs.progress is 'Percent, 0..100, as the handler reported it; never falls.';
comment on column rowbeat.scheduled_jobs.timeout_seconds is 'Seconds one attempt may take; null: what the handler declares.';
comment on column rowbeat.scheduled_jobs.deadline_at is 'Time after which it is not run any more and is ended as failed; null: none.';
comment on column rowbeat.scheduled_jobs.estimate_seconds is 'Seconds it was expected to take when it was planned; weight in the progress of its execution.';
comment on column rowbeat.scheduled_jobs.critical is 'When true, its failure fails the execution.';
comment on column rowbeat.scheduled_jobs.depends_on is 'Steps that must have ended before this one can run.';
comment on column rowbeat.scheduled_jobs.needs is 'Those of depends_on that must have completed; else this step is skipped.';
comment on column rowbeat.scheduled_jobs.dedupe_key is 'At most one open job of a queue may carry a key.';
comment on column rowbeat.scheduled_jobs.concurrency_key is 'Jobs of one key share a limit and take turns with other keys.';
comment on column rowbeat.scheduled_jobs.last_error_code is 'Stable code of the last failure, or the reason for being skipped or cancelled.';
comment on column rowbeat.scheduled_jobs.last_error is 'The last failure in words.';
comment on column rowbeat.scheduled_jobs.errors is 'One entry per failed attempt, the newest 20: attempt, at, code, message, poller_id, started_at.';
comment on column rowbeat.scheduled_jobs.payload is 'Input of the handler.';
comment on column rowbeat.scheduled_jobs.result is 'What the handler returned.';
comment on column rowbeat.scheduled_jobs.progress_detail is 'Last report: done, total, unit, message, reported_since.';
comment on column rowbeat.scheduled_jobs.first_started_at is 'When it was claimed for the first time: elapsed time runs from here, so that progress does not fall with a new attempt.';
comment on column rowbeat.scheduled_jobs.started_at is 'When the last attempt was claimed.';
comment on column rowbeat.scheduled_jobs.finished_at is 'When it ended; set exactly when the status is final.';
comment on column rowbeat.scheduled_jobs.created_at is 'When it was inserted.';
comment on column rowbeat.scheduled_jobs.updated_at is 'When the row last changed.';
comment on column rowbeat.scheduled_jobs.live_dedupe_key is 'dedupe_key while the job is open; generated.';
comment on column rowbeat.scheduled_jobs.open_deadline_at is 'deadline_at while the job is open; generated.';
comment on column rowbeat.scheduled_jobs.failed_at is 'finished_at when the job failed; generated.';

create table rowbeat.pollers (
  poller_id   uuid        primary key,
  name        text        not null,
  version     text        not null,
  status      text        not null default 'live' check (status in ('live', 'draining', 'stopped', 'lost')),
  job_types   text[]      not null,
  concurrency integer     not null check (concurrency > 0),
  running     integer     not null default 0,
  listening   boolean     not null default false,
  started_at  timestamptz not null default now(),
  beat_at     timestamptz not null default now(),
  ended_at    timestamptz
) with (fillfactor = 50);
comment on table rowbeat.pollers is 'Daemon processes that claim and run jobs; a new row at every boot. Rows of ended ones are kept for a day.';
comment on column rowbeat.pollers.poller_id is 'Identity of this boot of the process.';
comment on column rowbeat.pollers.name is 'Host and process id, for people.';
comment on column rowbeat.pollers.version is 'Version of Rowbeat it runs.';
comment on column rowbeat.pollers.status is 'live, draining (claims nothing more), stopped (ended cleanly) or lost (its beat stopped; its jobs were taken back).';
comment on column rowbeat.pollers.job_types is 'Job types it can run.';
comment on column rowbeat.pollers.concurrency is 'Most jobs it runs at once.';
comment on column rowbeat.pollers.running is 'Jobs it ran at its last beat.';
comment on column rowbeat.pollers.listening is 'Whether its LISTEN connection was up at its last beat.';
comment on column rowbeat.pollers.started_at is 'When it started.';
comment on column rowbeat.pollers.beat_at is 'Its last heartbeat.';
comment on column rowbeat.pollers.ended_at is 'When it stopped or was declared lost.';

create table rowbeat.leases (
  lease_id   uuid        primary key,
  poller_id  uuid        not null,
  queue      text        not null,
  job_ids    bigint[]    not null,
  claimed_at timestamptz not null default now()
);
create index leases_poller on rowbeat.leases (poller_id);
comment on table rowbeat.leases is 'One row per claim batch, until all its jobs are settled: tells which jobs run where without an index on the job table.';
comment on column rowbeat.leases.lease_id is 'The lease that the jobs of the batch carry.';
comment on column rowbeat.leases.poller_id is 'The poller that holds it.';
comment on column rowbeat.leases.queue is 'The queue the batch was claimed from.';
comment on column rowbeat.leases.job_ids is 'The jobs of the batch; those already settled carry another status or lease.';
comment on column rowbeat.leases.claimed_at is 'When it was claimed.';

create table rowbeat.claim_floors (
  queue      text        not null,
  priority   smallint    not null,
  floor_at   timestamptz not null default '-infinity',
  primary key (queue, priority)
) with (fillfactor = 50);
comment on table rowbeat.claim_floors is 'Per queue and priority, a time before which no job is pending but those noted in backdated_jobs: where a claim starts to look.';
comment on column rowbeat.claim_floors.queue is 'Queue.';
comment on column rowbeat.claim_floors.priority is 'Priority.';
comment on column rowbeat.claim_floors.floor_at is 'No pending job of this queue and priority has an earlier scheduled_at, unless backdated_jobs says so.';

create table rowbeat.backdated_jobs (
  queue      text        not null,
  priority   smallint    not null,
  noted_by   xid8        not null default pg_current_xact_id(),
  due_at     timestamptz not null,
  primary key (queue, priority, noted_by, due_at)
);
comment on table rowbeat.backdated_jobs is 'Notes that a job became pending with an old due time, perhaps below the claim floor; kept until the next pass over the floors has taken them in.';
comment on column rowbeat.backdated_jobs.queue is 'Queue of the job.';
comment on column rowbeat.backdated_jobs.priority is 'Priority of the job.';
comment on column rowbeat.backdated_jobs.noted_by is 'The transaction that made it pending.';
comment on column rowbeat.backdated_jobs.due_at is 'Its scheduled_at.';

create table rowbeat.claim_horizon (
  only_row   boolean     primary key default true check (only_row),
  probed_at  timestamptz not null,
  probed_xid xid8        not null,
  safe_at    timestamptz not null
);
insert into rowbeat.claim_horizon values (true, clock_timestamp(), pg_current_xact_id(), '-infinity');
comment on table rowbeat.claim_horizon is 'How far the floors may move: every transaction that was open at safe_at has ended.';
comment on column rowbeat.claim_horizon.only_row is 'Always true: there is one row.';
comment on column rowbeat.claim_horizon.probed_at is 'When the current probe was taken.';
comment on column rowbeat.claim_horizon.probed_xid is 'A transaction id newer than all that were given out before probed_at.';
comment on column rowbeat.claim_horizon.safe_at is 'A probe time all of whose open transactions have ended since.';

create table rowbeat.step_durations (
  job_type         text        not null,
  duration_seconds real        not null,
  finished_at      timestamptz not null default now()
);
create index step_durations_recent on rowbeat.step_durations (job_type, finished_at desc);
comment on table rowbeat.step_durations is 'How long completed steps took, the newest 50 per job type: the history behind progress and ETA.';
comment on column rowbeat.step_durations.job_type is 'Job type of the step.';
comment on column rowbeat.step_durations.duration_seconds is 'Seconds from claim to end of the attempt that completed.';
comment on column rowbeat.step_durations.finished_at is 'When it completed.';
