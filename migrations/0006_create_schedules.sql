-- Schedules: cron entries that insert jobs, and the history of their fire times.

create table rowbeat.schedules (
  name            text        primary key check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
  cron            text        not null check (cron <> '' and length(cron) <= 200),
  timezone        text        not null default 'UTC' check (timezone <> '' and length(timezone) <= 100),
  job_type        text        not null check (job_type <> '' and length(job_type) <= 63),
  queue           text        not null default 'default' check (queue <> '' and length(queue) <= 63),
  priority        smallint    not null default 0 check (priority between -100 and 100),
  payload         jsonb       not null default '{}',
  max_retries     integer     not null default 3 check (max_retries between 0 and 100),
  missed_policy   text        not null default 'latest' check (missed_policy in ('skip', 'latest', 'all')),
  missed_cap      integer     not null default 10 check (missed_cap between 1 and 500),
  overlap_policy  text        not null default 'allow' check (overlap_policy in ('allow', 'skip')),
  jitter_seconds  integer     not null default 0 check (jitter_seconds between 0 and 86400),
  paused_at       timestamptz,
  paused_reason   text,
  pause_began_at  timestamptz,
  pause_ended_at  timestamptz,
  seeded          jsonb,
  edited          boolean     not null default false,
  problem         text,
  accounted_until timestamptz not null default clock_timestamp() check (accounted_until between '1970-01-01Z' and '9000-01-01Z'),
  last_fire_at    timestamptz,
  next_fire_at    timestamptz,
  look_at         timestamptz not null default '-infinity',
  last_job_id     bigint,
  created_at      timestamptz not null default now(),
  updated_at      timestamptz not null default now(),
  constraint schedules_paused check ((paused_at is null) = (paused_reason is null) and paused_reason <> ''),
  constraint schedules_pause_ended check ((pause_began_at is null) = (pause_ended_at is null) and pause_began_at <= pause_ended_at)
) with (fillfactor = 50);
-- What every daemon asks every few seconds: which schedules have something to do, and when the next one has.
create index schedules_look on rowbeat.schedules (look_at) where paused_at is null;

comment on table rowbeat.schedules is 'Cron entries: each fire time inserts one job, however many daemons run. Seeded from code at boot; edit the rows as you like, edits are kept. "insert into rowbeat.schedules (name, cron, timezone, job_type) values (…)" adds one.';
comment on column rowbeat.schedules.name is 'Identity.';
comment on column rowbeat.schedules.cron is 'Five fields (minute hour day month weekday), six with seconds first, or a nickname such as @daily. Day and weekday both given: either may match. Spelled-out hours are clock times: one that does not exist fires once, right after the gap, and one that happens twice fires once, the first time; an hour field with *, ? or / is an interval and runs through both passes.';
comment on column rowbeat.schedules.timezone is 'Zone of the clock that cron speaks of: an IANA name, for instance Europe/Paris. An edit takes effect from that moment on.';
comment on column rowbeat.schedules.job_type is 'Job type of the jobs.';
comment on column rowbeat.schedules.queue is 'Queue of the jobs.';
comment on column rowbeat.schedules.priority is 'Priority of the jobs, −100..100.';
comment on column rowbeat.schedules.payload is 'Payload of the jobs.';
comment on column rowbeat.schedules.max_retries is 'How many failures of a job may be retried.';
comment on column rowbeat.schedules.missed_policy is 'What runs of the fire times that nothing looked at within 60 s: skip (none), latest (the newest) or all (the newest missed_cap). The others are recorded in schedule_runs.';
comment on column rowbeat.schedules.missed_cap is 'Most missed fire times that the policy all runs, 1..500.';
comment on column rowbeat.schedules.overlap_policy is 'While the previous job is still open: allow another, or skip the fire time and record it.';
comment on column rowbeat.schedules.jitter_seconds is 'Each job is put off by 0 to this many seconds; always the same for the same fire time.';
comment on column rowbeat.schedules.paused_at is 'Since when it does not fire; null: it does.';
comment on column rowbeat.schedules.paused_reason is 'Why it is paused.';
comment on column rowbeat.schedules.pause_began_at is 'Begin of the pause that ended last, until its fire times are recorded.';
comment on column rowbeat.schedules.pause_ended_at is 'End of the pause that ended last, until its fire times are recorded.';
comment on column rowbeat.schedules.seeded is 'What code last wrote here; null for a row made by hand, which code never touches. A row that still says the same follows the code.';
comment on column rowbeat.schedules.edited is 'Whether the row says something else than code last wrote; kept by a trigger. Write the settings of seeded back to follow the code again.';
comment on column rowbeat.schedules.problem is 'Why it cannot fire, for instance a malformed cron. Tried again every minute and after every edit.';
comment on column rowbeat.schedules.accounted_until is 'Every fire time up to here has been dealt with; the next look is at those after it.';
comment on column rowbeat.schedules.last_fire_at is 'Newest fire time that made a job.';
comment on column rowbeat.schedules.next_fire_at is 'Next fire time; null while it has to be computed anew, or when there is a problem.';
comment on column rowbeat.schedules.look_at is 'When a daemon looks at it next: at next_fire_at, at once after an edit, in a minute when there is a problem.';
comment on column rowbeat.schedules.last_job_id is 'Newest job it made.';
comment on column rowbeat.schedules.created_at is 'When it was inserted.';
comment on column rowbeat.schedules.updated_at is 'When its settings last changed.';

create table rowbeat.schedule_runs (
  schedule   text        not null references rowbeat.schedules (name) on update cascade on delete cascade,
  fire_at    timestamptz not null,
  outcome    text        not null check (outcome in ('fired', 'missed', 'overlapped', 'paused')),
  job_id     bigint,
  fire_times integer     not null default 1 check (fire_times > 0),
  note       text,
  created_at timestamptz not null default now(),
  -- At most one job per schedule and fire time: whoever inserts this row inserts the job, in the same transaction.
  primary key (schedule, fire_at),
  constraint schedule_runs_job check ((job_id is null) or outcome = 'fired')
);
comment on table rowbeat.schedule_runs is 'What became of each fire time of a schedule, the newest 1,000 rows per schedule.';
comment on column rowbeat.schedule_runs.schedule is 'The schedule.';
comment on column rowbeat.schedule_runs.fire_at is 'The fire time; of a row that stands for several, the newest of them.';
comment on column rowbeat.schedule_runs.outcome is 'fired (a job was inserted), missed (not looked at in time, and not run by its policy), overlapped (the previous job was still open) or paused.';
comment on column rowbeat.schedule_runs.job_id is 'The job that was inserted; null unless fired.';
comment on column rowbeat.schedule_runs.fire_times is 'How many fire times the row stands for.';
comment on column rowbeat.schedule_runs.note is 'More about it, for people.';
comment on column rowbeat.schedule_runs.created_at is 'When it was recorded.';
