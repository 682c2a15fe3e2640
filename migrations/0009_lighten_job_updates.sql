-- Claims and settlements update a job twice, and Postgres reads and evaluates every CHECK and every WHEN of a trigger
-- anew for each such statement and row, whatever columns it changes. Measured (PostgreSQL 18): 20 CHECKs and the WHEN
-- clauses of four triggers cost 150 of the 300 µs of a one-row update, and 4 of the 23 µs of a job claimed and settled
-- in batches. So one CHECK keeps the states, which updates change, and values that are given once are checked when
-- they are given: see functions/check_values.sql.

-- In plpgsql so that it stays a call of one node: in SQL its text would be read into every expression that uses it.
create function rowbeat.is_by_hand() returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  return not pg_catalog.starts_with(pg_catalog.current_setting('application_name'), 'rowbeat')
     and coalesce(pg_catalog.current_setting('rowbeat.guard', true), '') <> 'off';
end
$$;
comment on function rowbeat.is_by_hand() is 'True in sessions whose statements the guard looks at: the application_name does not begin with "rowbeat", and no function for operators is at work.';

do $$
declare
  old name;
begin
  for old in select conname from pg_constraint where conrelid = 'rowbeat.scheduled_jobs'::regclass and contype = 'c' loop
    execute format('alter table rowbeat.scheduled_jobs drop constraint %I', old);
  end loop;
end
$$;

-- A hand-written "set status = 'cancelled'" leaves finished_at empty until the guard trigger completes it; the last
-- line lets such a row through in exactly the sessions in which that trigger fires.
alter table rowbeat.scheduled_jobs
  add constraint scheduled_jobs_state check (
    case status
      when 'running' then lease_id is not null and poller_id is not null and started_at is not null and finished_at is null
      when 'completed' then finished_at is not null
      when 'pending' then lease_id is null and finished_at is null
      when 'waiting' then lease_id is null and finished_at is null
      when 'failed' then finished_at is not null
      when 'skipped' then finished_at is not null
      when 'cancelled' then finished_at is not null
      else false
    end
    or (status in ('waiting', 'pending', 'running', 'completed', 'failed', 'skipped', 'cancelled') and rowbeat.is_by_hand()));

-- The generated columns are computed for every update as well. What most jobs do not have is asked for first, and
-- finished_at in place of a list of states: with the CHECK above both say the same. Their views are made again by the
-- function files, which are read after this. Replacing the columns rewrites the table.
do $$
declare
  old name;
begin
  for old in select viewname from pg_views where schemaname = 'rowbeat' loop
    execute format('drop view if exists rowbeat.%I cascade', old);
  end loop;
end
$$;

alter table rowbeat.scheduled_jobs
  drop column live_dedupe_key,
  drop column open_deadline_at,
  drop column failed_at,
  drop column ready_key,
  add column live_dedupe_key text generated always as
    (case when finished_at is null then dedupe_key end) stored,
  add column open_deadline_at timestamptz generated always as
    (case when finished_at is null then deadline_at end) stored,
  add column failed_at timestamptz generated always as
    (case when finished_at is not null and status = 'failed' then finished_at end) stored,
  add column ready_key text collate "C" generated always as
    (case when concurrency_key is not null and status = 'pending' then concurrency_key end) stored;
comment on column rowbeat.scheduled_jobs.live_dedupe_key is 'dedupe_key while the job is open; generated.';
comment on column rowbeat.scheduled_jobs.open_deadline_at is 'deadline_at while the job is open; generated.';
comment on column rowbeat.scheduled_jobs.failed_at is 'finished_at when the job failed; generated.';
comment on column rowbeat.scheduled_jobs.ready_key is 'concurrency_key while the job is pending; generated.';

create unique index scheduled_jobs_live_dedupe on rowbeat.scheduled_jobs (queue, live_dedupe_key)
  where live_dedupe_key is not null;
create index scheduled_jobs_open_deadline on rowbeat.scheduled_jobs (open_deadline_at)
  where open_deadline_at is not null;
create index scheduled_jobs_failed on rowbeat.scheduled_jobs (failed_at)
  where failed_at is not null;
create index scheduled_jobs_turns on rowbeat.scheduled_jobs (queue, priority, ready_key, scheduled_at, id)
  where ready_key is not null;
create index scheduled_jobs_turns_due on rowbeat.scheduled_jobs (queue, priority, scheduled_at)
  where ready_key is not null;

-- The ids of a full claim take 4 kB. Above 2 kB Postgres would compress them or move them out, at every claim; up to
-- this size it leaves them where they are.
alter table rowbeat.leases
  set (toast_tuple_target = 8160),
  alter column job_ids set storage main;
