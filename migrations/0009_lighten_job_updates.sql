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

-- The ids of a full claim take 4 kB. Above 2 kB Postgres would compress them or move them out, at every claim; up to
-- this size it leaves them where they are.
alter table rowbeat.leases
  set (toast_tuple_target = 8160),
  alter column job_ids set storage main;
