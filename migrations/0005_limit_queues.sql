-- Limits of queues and job types, and turns between concurrency keys.

-- As the guard's migration makes it: written so that it does not matter which of the two came first.
create table if not exists rowbeat.queues (
  name          text        primary key check (name <> '' and length(name) <= 63),
  paused_at     timestamptz,
  paused_until  timestamptz,
  paused_reason text        check (paused_reason <> ''),
  paused_by     text,
  max_running   integer     check (max_running >= 0),
  max_per_key   integer     check (max_per_key >= 1),
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now(),
  constraint queues_pause check ((paused_at is null) = (paused_reason is null) and (paused_until is null or paused_at is not null))
);
alter table rowbeat.queues
  drop column if exists rate_limit,
  drop column if exists rate_period,
  add column rate_max     integer check (rate_max between 1 and 1000000),
  add column rate_seconds integer check (rate_seconds between 1 and 86400),
  add column limits_fresh boolean not null default true,
  add constraint queues_rate check ((rate_max is null) = (rate_seconds is null));
comment on table rowbeat.queues is 'Queues that have a switch or a limit set. A queue without a row here is not paused and has no limits.';
comment on column rowbeat.queues.name is 'Name, as in scheduled_jobs.queue.';
comment on column rowbeat.queues.paused_at is 'Since when nothing of it is claimed; null: not paused.';
comment on column rowbeat.queues.paused_until is 'When the pause ends by itself; null: not before resume_queue.';
comment on column rowbeat.queues.paused_reason is 'Why it is paused.';
comment on column rowbeat.queues.paused_by is 'Who paused it.';
comment on column rowbeat.queues.max_running is 'Most jobs of it that run at once over all pollers; null: no limit.';
comment on column rowbeat.queues.max_per_key is 'Most jobs of one concurrency_key that run at once over all pollers; null: no limit.';
comment on column rowbeat.queues.rate_max is 'Most jobs of it that start in any rate_seconds over all pollers; null: no limit.';
comment on column rowbeat.queues.rate_seconds is 'Length of the window of rate_max, in seconds.';
comment on column rowbeat.queues.limits_fresh is 'True from a change of the limits until the first claim under them, which waits for claims made without them.';
comment on column rowbeat.queues.created_at is 'When the row was made.';
comment on column rowbeat.queues.updated_at is 'When the row last changed.';

create table rowbeat.job_type_rates (
  job_type     text    primary key check (job_type <> '' and length(job_type) <= 63),
  rate_max     integer not null check (rate_max between 1 and 1000000),
  rate_seconds integer not null check (rate_seconds between 1 and 86400)
);
comment on table rowbeat.job_type_rates is 'Job types that may start only so often, whatever their queue.';
comment on column rowbeat.job_type_rates.job_type is 'The job type.';
comment on column rowbeat.job_type_rates.rate_max is 'Most starts in any rate_seconds, over all pollers.';
comment on column rowbeat.job_type_rates.rate_seconds is 'Length of the window, in seconds.';

create table rowbeat.rate_starts (
  scope      text        not null check (scope in ('queue', 'job_type')),
  name       text        not null,
  first_at   timestamptz not null,
  started_at timestamptz not null,
  starts     integer     not null check (starts > 0)
);
create index rate_starts_newest on rowbeat.rate_starts (scope, name, started_at);
comment on table rowbeat.rate_starts is 'Starts within the windows of rate limits: a row per claim, or per two-hundredth of the window for high rates.';
comment on column rowbeat.rate_starts.scope is 'What the rate is of: queue or job_type.';
comment on column rowbeat.rate_starts.name is 'Name of the queue or job type.';
comment on column rowbeat.rate_starts.first_at is 'When the first of these starts was.';
comment on column rowbeat.rate_starts.started_at is 'When the last of these starts was; all of them count until it leaves the window.';
comment on column rowbeat.rate_starts.starts is 'How many starts.';

-- Jobs with a key take turns, so they are found by key and not by due time. The column is null for jobs without a
-- key, whose claim and settlement therefore stay HOT; a keyed job pays one more index entry at its claim. Byte order
-- is all that turns need, it compares fastest, and no change of a collation's rules can spoil the index.
-- Adding the column rewrites the table.
alter table rowbeat.scheduled_jobs
  add column ready_key text collate "C" generated always as
    (case when status = 'pending' then concurrency_key end) stored;
comment on column rowbeat.scheduled_jobs.ready_key is 'concurrency_key while the job is pending; generated.';
create index scheduled_jobs_turns on rowbeat.scheduled_jobs (queue, priority, ready_key, scheduled_at, id)
  where ready_key is not null;
create index scheduled_jobs_turns_due on rowbeat.scheduled_jobs (queue, priority, scheduled_at)
  where ready_key is not null;

-- The plain order is for jobs without a key only: any number of jobs of a key that is at its limit lie in another
-- index and cost the others nothing.
drop index rowbeat.scheduled_jobs_order;
create index scheduled_jobs_order on rowbeat.scheduled_jobs (queue, priority, scheduled_at, id)
  where concurrency_key is null;
