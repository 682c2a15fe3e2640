-- Raw SQL on workflow_executions is safe, as on scheduled_jobs (guard_jobs.sql). Here a trigger may fire before the
-- row is stored: executions change rarely, and whoever changes one has locked it already.

create or replace function rowbeat.check_hand_execution_move(before rowbeat.workflow_executions, after rowbeat.workflow_executions)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  open_steps bigint;
begin
  if not exists (
       select from rowbeat.legal_moves m
       where m.entity = 'execution' and m.from_status = before.status and m.to_status = after.status
         and m.made_by <> 'poller') then
    raise exception 'execution % is % and cannot become %', before.execution_id, before.status, after.status
      using errcode = 'RB001',
            hint = case
              when after.status = 'running' and before.status = 'pending' then
                'Pollers do that when they claim its first step: select * from rowbeat.explain_job(…) tells why none did.'
              when before.status in ('pending', 'running') then format(
                'To end it: select * from rowbeat.cancel_execution(%L, ''why'')', before.execution_id)
              else
                'An execution is closed once. To open it again with a step that did not complete: select * from rowbeat.retry_job(its id, ''why'')'
            end;
  end if;
  if after.status in ('completed', 'partial') then
    select count(*) into open_steps
      from rowbeat.scheduled_jobs j
      where j.parent_execution_id = before.execution_id
        and j.status in ('waiting', 'pending', 'running');
    if open_steps > 0 then
      raise exception 'execution % has % open steps and cannot be %', before.execution_id, open_steps, after.status
        using errcode = 'RB001',
              hint = format('End its steps (it then closes by itself), or: select * from rowbeat.cancel_execution(%L, ''why'')', before.execution_id);
    end if;
  end if;
end
$$;
comment on function rowbeat.check_hand_execution_move(rowbeat.workflow_executions, rowbeat.workflow_executions) is 'Internal: raises RB001 for a change of status that is not legal by hand.';

create or replace function rowbeat.check_hand_execution_times(before rowbeat.workflow_executions, after rowbeat.workflow_executions)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if after.deadline_at is distinct from before.deadline_at and not isfinite(after.deadline_at) then
    raise exception 'execution % needs a deadline that comes', after.execution_id
      using errcode = 'RB002',
            hint = format('For instance now() + interval ''1 day''. To end it now: select * from rowbeat.cancel_execution(%L, ''why'')', after.execution_id);
  end if;
  if after.end_time is distinct from before.end_time
     -- A minute, for now() is when a transaction began, and it may have waited for the row since.
     and (not isfinite(after.end_time) or after.end_time < coalesce(after.start_time, after.created_at) - interval '1 minute'
          or after.end_time > clock_timestamp() + interval '1 minute') then
    raise exception 'execution % cannot have ended at %', after.execution_id, after.end_time
      using errcode = 'RB002',
            hint = format('Leave end_time out: it is written with the status. Or: select * from rowbeat.cancel_execution(%L, ''why'')', after.execution_id);
  end if;
end
$$;
comment on function rowbeat.check_hand_execution_times(rowbeat.workflow_executions, rowbeat.workflow_executions) is 'Internal: raises RB002 for a deadline or an end time that cannot be.';

create or replace function rowbeat.guard_execution() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  reason text := rowbeat.hand_reason();
  changes jsonb := rowbeat.changed_columns(to_jsonb(old), to_jsonb(new));
  allowed text[] := array['status', 'deadline_at', 'duration_seconds'];
  forbidden text;
begin
  if changes is null then
    return new;
  end if;
  if old.status <> new.status then
    perform rowbeat.check_hand_execution_move(old, new);
    allowed := allowed || array['end_time', 'error_code', 'error_message', 'output_data'];
  elsif old.status not in ('pending', 'running') then
    allowed := '{}';
  end if;
  select string_agg(c.key, ', ' order by c.key) into forbidden
    from jsonb_object_keys(changes) as c (key)
    where c.key <> all (allowed);
  if forbidden is not null then
    raise exception 'column % of execution % cannot be changed by hand while it is %', forbidden, old.execution_id, old.status
      using errcode = 'RB002',
            hint = case when old.status in ('pending', 'running')
              then format('Its deadline_at can be changed, and it can be ended: select * from rowbeat.cancel_execution(%L, ''why'')', old.execution_id)
              else 'What has ended is history. To open it again: select * from rowbeat.retry_job(id of a step, ''why'')' end;
  end if;
  perform rowbeat.check_hand_execution_times(old, new);
  new.version := old.version + 1;
  if old.status <> new.status then
    new.end_time := coalesce(new.end_time, clock_timestamp());
    new.start_time := coalesce(new.start_time, new.end_time);
    if new.status in ('failed', 'cancelled') then
      new.error_code := coalesce(new.error_code, 'CANCELLED');
      new.error_message := coalesce(new.error_message, format('%s by hand by %s%s',
        case new.status when 'cancelled' then 'Cancelled' else 'Ended as failed' end, session_user, ': ' || reason));
    end if;
  end if;
  perform rowbeat.log_action('update', null, new.execution_id, null, old.status, new.status,
    nullif(changes - array['status', 'duration_seconds'], '{}'), reason);
  return new;
end
$$;
comment on function rowbeat.guard_execution() is 'Trigger: checks, completes and logs a hand-written UPDATE of an execution.';

-- The open steps of an execution that was ended: cancelled, running ones fenced and stopped.
create or replace function rowbeat.cancel_steps(parent_id uuid, action text, reason text) returns setof rowbeat.job_change
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  job rowbeat.scheduled_jobs;
begin
  for job in
    select j.*
    from rowbeat.scheduled_jobs j
    where j.parent_execution_id = parent_id
      and j.status in ('waiting', 'pending', 'running')
    order by j.id
    for no key update
  loop
    update rowbeat.scheduled_jobs j
      set status = 'cancelled',
          lease_id = null,
          last_error_code = 'CANCELLED',
          last_error = 'Cancelled with its execution' || coalesce(': ' || reason, ''),
          finished_at = clock_timestamp(),
          updated_at = now()
      where j.id = job.id;
    perform rowbeat.log_action(action, job.id, parent_id, null, job.status, 'cancelled', null, reason);
    if job.status = 'running' then
      perform rowbeat.stop_attempt(job.id);
    end if;
    return next rowbeat.change_of(job, 'cancelled', null);
  end loop;
end
$$;
comment on function rowbeat.cancel_steps(uuid, text, text) is 'Internal: cancels the open steps of an execution that the caller has locked, and returns them.';

create or replace function rowbeat.follow_hand_execution() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  guard text := rowbeat.suspend_guard();
  reason text := rowbeat.hand_reason();
begin
  if tg_op = 'UPDATE' then
    perform rowbeat.cancel_steps(new.execution_id, 'update', reason);
  elsif tg_op = 'INSERT' then
    if new.status <> 'pending' or new.end_time is not null or new.version <> 1 or new.start_time is not null
       or new.output_data is not null or new.error_code is not null or new.error_message is not null
       or not isfinite(new.deadline_at) or not isfinite(new.created_at) then
      raise exception 'an execution is inserted as pending, with a deadline and nothing of a run in it'
        using errcode = 'RB003',
              hint = 'Leave status, version, times, output and error to their defaults, and insert its steps in the same transaction. To run a step of an ended one again: select * from rowbeat.retry_job(its id, ''why'')';
    end if;
    perform rowbeat.log_action('insert', null, new.execution_id, null, null, new.status, null, reason);
  else
    if old.status in ('pending', 'running') then
      raise exception 'execution % is % and cannot be deleted', old.execution_id, old.status
        using errcode = 'RB004',
              hint = format('To end it: select * from rowbeat.cancel_execution(%L, ''why''). Ended ones may be deleted.', old.execution_id);
    end if;
    delete from rowbeat.scheduled_jobs j where j.parent_execution_id = old.execution_id;
    perform rowbeat.log_action('delete', null, old.execution_id, null, old.status, null, null, reason);
  end if;
  perform rowbeat.restore_guard(guard);
  return null;
end
$$;
comment on function rowbeat.follow_hand_execution() is 'Trigger: what follows from a hand-written change of an execution: its steps are cancelled with it, or deleted with it.';

create or replace function rowbeat.require_steps() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from rowbeat.workflow_executions e where e.execution_id = new.execution_id and e.status in ('pending', 'running'))
     and not exists (select from rowbeat.scheduled_jobs j where j.parent_execution_id = new.execution_id) then
    raise exception 'execution % has no steps and would never end', new.execution_id
      using errcode = 'RB003',
            hint = 'Insert its steps in the same transaction; or start the workflow through the API or the command line, which know its steps.';
  end if;
  return null;
end
$$;
comment on function rowbeat.require_steps() is 'Trigger: at commit, refuses a hand-written execution without steps.';

create or replace trigger guard_execution
  before update on rowbeat.workflow_executions
  for each row
  when (rowbeat.is_by_hand())
  execute function rowbeat.guard_execution();

create or replace trigger guard_execution_change
  after insert or delete on rowbeat.workflow_executions
  for each row
  when (rowbeat.is_by_hand())
  execute function rowbeat.follow_hand_execution();

create or replace trigger guard_execution_end
  after update of status on rowbeat.workflow_executions
  for each row
  when (old.status <> new.status and rowbeat.is_by_hand())
  execute function rowbeat.follow_hand_execution();

drop trigger if exists guard_execution_steps on rowbeat.workflow_executions;
create constraint trigger guard_execution_steps
  after insert on rowbeat.workflow_executions
  deferrable initially deferred
  for each row
  when (rowbeat.is_by_hand())
  execute function rowbeat.require_steps();

create or replace trigger guard_execution_truncate
  before truncate on rowbeat.workflow_executions
  for each statement
  when (rowbeat.is_by_hand())
  execute function rowbeat.refuse_truncate();
