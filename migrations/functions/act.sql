-- What the guard triggers and the functions for operators have in common. None of it is for direct use.

-- Statements of ours that follow from a hand-written one must not be taken for hand-written themselves. A setting
-- and not pg_trigger_depth(): the functions for operators run outside of any trigger.
create or replace function rowbeat.suspend_guard() returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  before text := coalesce(current_setting('rowbeat.guard', true), '');
begin
  perform set_config('rowbeat.guard', 'off', true);
  return before;
end
$$;
comment on function rowbeat.suspend_guard() is 'Internal: lets the statements that follow pass the guard triggers; returns what restore_guard takes.';

create or replace function rowbeat.restore_guard(before text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform set_config('rowbeat.guard', before, true);
end
$$;
comment on function rowbeat.restore_guard(text) is 'Internal: ends what suspend_guard began. After an error the rollback does it.';

create or replace function rowbeat.require_reason(action text, reason text) returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(btrim(reason), '') = '' then
    raise exception '% needs a reason', action
      using errcode = 'RB006',
            hint = format('Say why in a few words, for whoever reads rowbeat.action_log later; \df rowbeat.%s shows the arguments.', action);
  end if;
  return left(btrim(reason), 2000);
end
$$;
comment on function rowbeat.require_reason(text, text) is 'Internal: the reason without outer blanks; raises RB006 when it is empty.';

create or replace function rowbeat.hand_reason() returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return nullif(left(btrim(current_setting('rowbeat.reason', true)), 2000), '');
end
$$;
comment on function rowbeat.hand_reason() is 'Internal: why, for hand-written statements, as given by "set local rowbeat.reason"; null when nothing was.';

create or replace function rowbeat.require_max_rows(max_rows integer) returns integer
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if max_rows is null or max_rows < 1 or max_rows > 10000 then
    raise exception 'max_rows must be 1 to 10000, not %', coalesce(max_rows::text, 'null')
      using errcode = 'RB010',
            hint = 'Call the function several times for more.';
  end if;
  return max_rows;
end
$$;
comment on function rowbeat.require_max_rows(integer) is 'Internal: checks the bound of a bulk function; raises RB010.';

-- What a clock on the wall and every program's calendar can show.
create or replace function rowbeat.require_due_at(due_at timestamptz) returns timestamptz
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if due_at is null or due_at not between '1970-01-01 00:00:00+00' and '9000-01-01 00:00:00+00' then
    raise exception 'a job is due at a time from 1970 to 9000, not at %', coalesce(due_at::text, 'null')
      using errcode = 'RB010',
            hint = 'For instance: select * from rowbeat.reschedule(id, now() + interval ''1 hour'', ''why''). To keep it from running: rowbeat.cancel_job, or rowbeat.pause_queue.';
  end if;
  return due_at;
end
$$;
comment on function rowbeat.require_due_at(timestamptz) is 'Internal: checks a due time; raises RB010.';

-- Its migration knew of queues and pollers only.
comment on column rowbeat.action_log.target is 'The queue, job type, schedule or poller concerned.';

-- Security definer: who may change a job need not be allowed to write the log. In plpgsql, like all that is called
-- for each row: it keeps its plans, where the sql language plans anew for each call.
create or replace function rowbeat.log_action(
  action text,
  job_id bigint,
  execution_id uuid,
  target text,
  old_status text,
  new_status text,
  changes jsonb,
  reason text
) returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  logged bigint;
begin
  insert into rowbeat.action_log (action, job_id, execution_id, target, old_status, new_status, changes, reason)
    values (log_action.action, log_action.job_id, log_action.execution_id, log_action.target, log_action.old_status,
            log_action.new_status, log_action.changes, log_action.reason)
    returning id into logged;
  return logged;
end
$$;
comment on function rowbeat.log_action(text, bigint, uuid, text, text, text, jsonb, text) is 'Internal: writes one row of action_log with who and when; returns its id.';

-- Postgres refuses to prepare a transaction that has notified. Whoever needs two-phase commit leaves the hints out:
-- nothing depends on them, pollers find the work at their next look.
create or replace function rowbeat.send_hint(channel text, message text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('rowbeat.notify', true) is distinct from 'off' then
    perform pg_notify(channel, message);
  end if;
end
$$;
comment on function rowbeat.send_hint(text, text) is 'Internal: notifies pollers at commit, unless "set rowbeat.notify = off" leaves hints out.';

-- The format of the hint is that of the engine: priority, due time in ms since 1970 or nothing, queue.
create or replace function rowbeat.wake_pollers(queue text, priority smallint, due_at timestamptz) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if isfinite(due_at) then
    perform rowbeat.send_hint('rowbeat_wake', format('%s|%s|%s', priority,
      case when due_at > clock_timestamp() then floor(extract(epoch from due_at) * 1000)::bigint end, queue));
  end if;
end
$$;
comment on function rowbeat.wake_pollers(text, smallint, timestamptz) is 'Internal: tells the pollers, at commit, that a queue has work.';

create or replace function rowbeat.wake_for_executions(ids uuid[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform rowbeat.wake_pollers(lane.queue, lane.priority, lane.due_at)
    from (
      select j.queue, j.priority, min(j.scheduled_at) as due_at
      from rowbeat.scheduled_jobs j
      where j.parent_execution_id = any (ids)
        and j.status = 'pending'
      group by j.queue, j.priority
    ) lane;
end
$$;
comment on function rowbeat.wake_for_executions(uuid[]) is 'Internal: tells the pollers of the pending steps of these executions.';

-- The lease is gone already, so the attempt cannot settle; this only spares the poller the work. It also asks each
-- second by itself, so a lost message costs a second.
create or replace function rowbeat.stop_attempt(job_id bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform rowbeat.send_hint('rowbeat_stop', stop_attempt.job_id::text);
end
$$;
comment on function rowbeat.stop_attempt(bigint) is 'Internal: tells the poller that runs this job, at commit, to fire its signal.';

-- Executions before jobs, as everywhere.
-- What other sessions run may hold passwords: only whom the server lets read all of it is shown it here, whoever owns
-- the function that asks.
create or replace function rowbeat.shown_query(query text) returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select case when pg_has_role(session_user, 'pg_read_all_stats', 'usage') then coalesce(': ' || left(query, 200), '') else '' end
$$;
comment on function rowbeat.shown_query(text) is 'Internal: the statement of another session, for callers who may read all statistics; empty for others.';

-- Who holds the lock of a row: the locker's transaction is written in the row, and its owner holds a lock on that id.
-- Several lockers at once (a multixact) are not told apart.
create or replace function rowbeat.holders_of(locker xid) returns table (pid integer, words text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select l.pid,
         format('backend %s of %s (%s, %s) since %s%s', l.pid, coalesce(a.usename::text, '?'),
                coalesce(nullif(a.application_name, ''), 'no name'), coalesce(a.state, '?'),
                coalesce(date_trunc('second', a.xact_start)::text, '?'), rowbeat.shown_query(a.query))
  from pg_locks l
  left join pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'transactionid'
    and l.transactionid = locker
    and l.granted
    and l.pid <> pg_backend_pid()
$$;
comment on function rowbeat.holders_of(xid) is 'Internal: the backend that runs a transaction, in words.';

create or replace function rowbeat.refuse_held(what text, locker xid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  holder_pid integer;
  holder text;
begin
  select min(h.pid), string_agg(h.words, '; ') into holder_pid, holder from rowbeat.holders_of(locker) h;
  raise exception '% is held by %', what, coalesce(holder, 'another transaction')
    using errcode = 'RB012',
          hint = coalesce(format('Nothing was changed. Have its owner commit, or, as an administrator: select pg_cancel_backend(%s); when it is idle in transaction: select pg_terminate_backend(%s). Then call again.', holder_pid, holder_pid),
            'Nothing was changed. Call again in a moment; who is at work: select evidence, fix from rowbeat.doctor(''0'') where code like ''vacuum_held%''');
end
$$;
comment on function rowbeat.refuse_held(text, xid) is 'Internal: raises RB012, which names who holds the row.';

-- Two seconds: a poller holds a row for milliseconds, and a person at a terminal must not wait without a word.
create or replace function rowbeat.lock_execution(id uuid) returns rowbeat.workflow_executions
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  patience text := current_setting('lock_timeout');
  execution rowbeat.workflow_executions;
begin
  begin
    perform set_config('lock_timeout', '2s', true);
    select e.* into execution
      from rowbeat.workflow_executions e
      where e.execution_id = id
      for no key update;
    perform set_config('lock_timeout', patience, true);
  exception
    when lock_not_available then
      perform rowbeat.refuse_held('execution ' || id, (select e.xmax from rowbeat.workflow_executions e where e.execution_id = id));
  end;
  if execution.execution_id is null then
    raise exception 'there is no execution %', coalesce(id::text, 'null')
      using errcode = 'RB007',
            hint = 'select execution_id, workflow_type, subject, status from rowbeat.executions order by created_at desc limit 20';
  end if;
  return execution;
end
$$;
comment on function rowbeat.lock_execution(uuid) is 'Internal: locks an execution and returns it; raises RB007 when there is none, RB012 when somebody holds it for two seconds.';

create or replace function rowbeat.lock_job(job_id bigint) returns rowbeat.scheduled_jobs
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  patience text := current_setting('lock_timeout');
  parent uuid;
  job rowbeat.scheduled_jobs;
begin
  select j.parent_execution_id into parent
    from rowbeat.scheduled_jobs j
    where j.id = lock_job.job_id;
  -- One that was deleted with its steps left behind stops nobody.
  if exists (select from rowbeat.workflow_executions e where e.execution_id = parent) then
    perform rowbeat.lock_execution(parent);
  end if;
  begin
    perform set_config('lock_timeout', '2s', true);
    select j.* into job
      from rowbeat.scheduled_jobs j
      where j.id = lock_job.job_id
      for no key update;
    perform set_config('lock_timeout', patience, true);
  exception
    when lock_not_available then
      perform rowbeat.refuse_held('job ' || lock_job.job_id, (select j.xmax from rowbeat.scheduled_jobs j where j.id = lock_job.job_id));
  end;
  if job.id is null then
    raise exception 'there is no job %', coalesce(lock_job.job_id::text, 'null')
      using errcode = 'RB007',
            hint = 'It may have been purged. select id, queue, job_type, status from rowbeat.jobs order by id desc limit 20';
  end if;
  return job;
end
$$;
comment on function rowbeat.lock_job(bigint) is 'Internal: locks a job, its execution first, and returns it; raises RB007 when there is none, RB012 when somebody holds it for two seconds.';

create or replace function rowbeat.change_of(job rowbeat.scheduled_jobs, new_status text, note text) returns rowbeat.job_change
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return row(job.id, job.queue, job.job_type, job.parent_execution_id, job.step, job.status, new_status, note)::rowbeat.job_change;
end
$$;
comment on function rowbeat.change_of(rowbeat.scheduled_jobs, text, text) is 'Internal: the row that functions for operators return for a job.';

create or replace function rowbeat.refuse_truncate() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'rowbeat.% cannot be truncated by hand', tg_table_name
    using errcode = 'RB005',
          hint = case tg_table_name
            when 'queues' then 'To lift the limits of a queue: select * from rowbeat.set_queue_limits(name, ''why'')'
            when 'job_type_rates' then 'To lift a rate: select * from rowbeat.set_job_type_rate(job type, ''why'', null, null)'
            when 'pollers' then 'To have a poller claim nothing more: select * from rowbeat.drain_poller(id, ''why'')'
            when 'schedules' then 'To stop a schedule: select * from rowbeat.pause_schedule(name, ''why'')'
            else 'To remove what has ended: select * from rowbeat.purge(interval ''30 days'', ''why'', dry_run => false)'
          end;
end
$$;
comment on function rowbeat.refuse_truncate() is 'Trigger: refuses a hand-written TRUNCATE, which would lose open work or settings.';
