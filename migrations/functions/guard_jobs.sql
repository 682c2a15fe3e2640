-- Raw SQL on scheduled_jobs is safe: a hand-written statement either makes a legal move and everything that follows
-- from it, or is refused with a hint. SQLSTATEs: docs/runbook.md.
--
-- "Hand-written" is every session whose application_name does not begin with "rowbeat", or whose user is no member of
-- rowbeat_daemon. The engine's pools name themselves so, and pay next to nothing for the triggers. It is
-- application_name and no setting of our own, because PgBouncer in transaction mode carries application_name over from
-- the client, and nothing that a client sets by itself. The name alone opens nothing: see rowbeat.is_by_hand().

-- Writes what belongs to a move and the statement left out. Values that the statement gave are kept.
create or replace function rowbeat.complete_hand_update(before rowbeat.scheduled_jobs, after rowbeat.scheduled_jobs, reason text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  moved boolean := before.status <> after.status;
  ends boolean := moved and after.status in ('completed', 'failed', 'skipped', 'cancelled');
  retried boolean := moved and before.status in ('failed', 'skipped', 'cancelled');
  told boolean := after.last_error is distinct from before.last_error;
  words text := format('%s by hand by %s%s',
    case after.status when 'cancelled' then 'Cancelled' when 'skipped' then 'Skipped' else 'Ended as failed' end,
    session_user, ': ' || reason);
begin
  update rowbeat.scheduled_jobs j
    set lease_id = case when moved then null else j.lease_id end,
        finished_at = case when ends then coalesce(after.finished_at, clock_timestamp()) when moved then null else j.finished_at end,
        -- A waiting step or a retry is due now, not when it was first planned.
        scheduled_at = case when moved and before.status <> 'running' and after.status = 'pending'
                                 and after.scheduled_at = before.scheduled_at
                            then greatest(j.scheduled_at, now()) else j.scheduled_at end,
        retry_count = case when retried and after.retry_count = before.retry_count then 0 else j.retry_count end,
        -- A deadline that has passed would end it at once: it gets as much time as it had at first.
        deadline_at = case when retried and after.deadline_at <= now() and after.deadline_at = before.deadline_at
                           then now() + (j.deadline_at - j.created_at) else j.deadline_at end,
        last_error_code = case when ends and after.status <> 'completed'
                                    and after.last_error_code is not distinct from before.last_error_code
                               then 'CANCELLED' else j.last_error_code end,
        last_error = case when ends and after.status <> 'completed' and not told then words else j.last_error end,
        errors = case when before.status = 'running' and after.status = 'failed'
                      then coalesce(j.errors, '[]') || jsonb_build_array(jsonb_build_object('attempt', j.attempt,
                        'at', now(), 'started_at', j.started_at, 'code', 'CANCELLED',
                        'message', case when told then j.last_error else words end, 'poller_id', j.poller_id))
                      else j.errors end,
        updated_at = now()
    where j.id = after.id;
end
$$;
comment on function rowbeat.complete_hand_update(rowbeat.scheduled_jobs, rowbeat.scheduled_jobs, text) is 'Internal: completes a hand-written move with end time, lease, due time, retries and reason.';

-- Where the statement's trigger begins to read; a part of the log may be dealt with by a nested statement.
create or replace function rowbeat.note_first_action(logged bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(current_setting('rowbeat.first_action', true), '') = '' then
    perform set_config('rowbeat.first_action', logged::text, true);
  end if;
end
$$;
comment on function rowbeat.note_first_action(bigint) is 'Internal: remembers the first logged change of a hand-written statement.';

-- Adding work is the daily traffic of applications: a plain job is neither logged nor looked at further.
create or replace function rowbeat.guard_new_job() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform rowbeat.check_job_values(new);
  perform rowbeat.require_due_at(new.scheduled_at);
  if new.status not in ('pending', 'waiting') or (new.status = 'waiting' and new.parent_execution_id is null)
     or new.attempt <> 0 or new.retry_count <> 0 or new.lease_id is not null or new.poller_id is not null
     or new.first_started_at is not null or new.started_at is not null or new.finished_at is not null
     or new.result is not null or new.errors is not null or new.last_error is not null or new.last_error_code is not null
     or new.progress is not null or new.progress_detail is not null
     or not isfinite(new.created_at) or not isfinite(new.updated_at)
     or (new.parent_execution_id is null and (new.step is not null or new.depends_on is not null or new.needs is not null)) then
    raise exception 'a job is inserted as pending, with nothing of a run in it'
      using errcode = 'RB003',
            hint = 'insert into rowbeat.scheduled_jobs (job_type, payload) values (…) is enough; or select rowbeat.enqueue(…)';
  end if;
  if new.id > coalesce(pg_sequence_last_value('rowbeat.scheduled_jobs_id_seq'), 0) then
    raise exception 'id % was not given by the sequence, and would be taken from the job that it is to be given to', new.id
      using errcode = 'RB003',
            hint = 'Leave the column id out: insert … returning id tells it. To restore a dump, see the runbook.';
  end if;
  if new.parent_execution_id is not null then
    perform rowbeat.check_hand_step(new);
    perform rowbeat.note_first_action(rowbeat.log_action('insert', new.id, new.parent_execution_id, null, null, new.status,
      null, nullif(left(btrim(current_setting('rowbeat.reason', true)), 2000), '')));
  end if;
  if new.status = 'pending' and new.scheduled_at <= now()
     and current_setting('rowbeat.notify', true) is distinct from 'off' then
    -- As wake_pollers does it; here for each row of what may be many.
    perform pg_notify('rowbeat_wake', new.priority || '||' || new.queue);
  elsif new.status = 'pending' then
    perform rowbeat.wake_pollers(new.queue, new.priority, new.scheduled_at);
  end if;
  return null;
end
$$;
comment on function rowbeat.guard_new_job() is 'Trigger: checks a hand-written job and wakes pollers; logs it when it is a step.';

create or replace function rowbeat.guard_job() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  guard text := rowbeat.suspend_guard();
  reason text := nullif(left(btrim(current_setting('rowbeat.reason', true)), 2000), '');
  changes jsonb;
  logged bigint;
begin
  if tg_op = 'DELETE' then
    perform rowbeat.check_hand_delete(old);
    perform rowbeat.log_action('delete', old.id, old.parent_execution_id, null, old.status, null, null, reason);
  else
    changes := rowbeat.changed_columns(to_jsonb(old), to_jsonb(new));
    if changes is not null then
      perform rowbeat.check_job_values(new);
      perform rowbeat.check_hand_update(old, new, changes);
      perform rowbeat.complete_hand_update(old, new, reason);
      logged := rowbeat.log_action('update', new.id, new.parent_execution_id, null, old.status, new.status,
        nullif(changes - rowbeat.editable_columns(null, null), '{}'), reason);
      if old.status = 'running' and new.status <> 'running' then
        perform rowbeat.stop_attempt(new.id);
      end if;
      if new.status = 'pending' then
        perform rowbeat.wake_pollers(new.queue, new.priority, new.scheduled_at);
      end if;
      if new.parent_execution_id is not null then
        perform rowbeat.note_first_action(logged);
      end if;
    end if;
  end if;
  perform rowbeat.restore_guard(guard);
  return null;
end
$$;
comment on function rowbeat.guard_job() is 'Trigger: checks, completes and logs a hand-written change of a job, wakes pollers and stops the running attempt.';

-- The statement holds its jobs already, and others lock executions first: to wait here could be a deadlock, and
-- might end the engine's transaction instead of ours. So ask a few times, and give up.
create or replace function rowbeat.lock_executions_or_give_up(ids uuid[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  for tries in 1..10 loop
    begin
      perform 1 from rowbeat.workflow_executions e
        where e.execution_id = any (ids)
        order by e.execution_id
        for no key update nowait;
      return;
    exception
      when lock_not_available then
        perform pg_sleep(0.02 * tries);
    end;
  end loop;
  raise exception 'an execution of these steps is being changed by somebody else'
    using errcode = 'RB008',
          hint = 'Run the statement again; or use rowbeat.cancel_job, retry_job and the like, which wait in the right order.';
end
$$;
comment on function rowbeat.lock_executions_or_give_up(uuid[]) is 'Internal: locks executions without ever waiting in line; raises RB008 after a second.';

create or replace function rowbeat.follow_hand_update() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  first_action text := coalesce(current_setting('rowbeat.first_action', true), '');
  guard text;
  ids uuid[];
begin
  if first_action = '' then
    return null;
  end if;
  perform set_config('rowbeat.first_action', '', true);
  select array_agg(distinct l.execution_id order by l.execution_id) into ids
    from rowbeat.action_log l
    where l.id >= first_action::bigint
      and l.transaction_id = pg_current_xact_id()
      and l.execution_id is not null;
  if ids is not null then
    guard := rowbeat.suspend_guard();
    perform rowbeat.lock_executions_or_give_up(ids);
    perform rowbeat.advance_executions(ids);
    perform rowbeat.wake_for_executions(ids);
    perform rowbeat.restore_guard(guard);
  end if;
  return null;
end
$$;
comment on function rowbeat.follow_hand_update() is 'Trigger: after a hand-written statement on jobs, does for their executions what follows from it.';

create or replace function rowbeat.refuse_stamp() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'updated_at is not written by hand'
    using errcode = 'RB002',
          hint = 'Leave it out: it is written with the rest of what belongs to the change. For executions: select * from rowbeat.advance_execution(…)';
end
$$;
comment on function rowbeat.refuse_stamp() is 'Trigger: refuses a hand-written UPDATE that sets updated_at, by which the guard tells the engine''s updates apart.';

create or replace trigger guard_job_insert
  after insert on rowbeat.scheduled_jobs
  for each row
  when (rowbeat.is_by_hand())
  execute function rowbeat.guard_new_job();

-- The engine stamps every update with updated_at and a person may not (the trigger after this one), so two numbers
-- are compared for each row of the engine's, and the session is asked only about rows that were not stamped or were
-- written twice in one transaction. Asking it for each row cost 5 % of the server's time for a job, this costs 1 to 2 %.
create or replace trigger guard_job_update
  after update on rowbeat.scheduled_jobs
  for each row
  when (new.updated_at = old.updated_at and rowbeat.is_by_hand())
  execute function rowbeat.guard_job();

create or replace trigger guard_job_stamp
  before update of updated_at on rowbeat.scheduled_jobs
  for each statement
  when (rowbeat.is_by_hand())
  execute function rowbeat.refuse_stamp();

create or replace trigger guard_job_delete
  after delete on rowbeat.scheduled_jobs
  for each row
  when (rowbeat.is_by_hand())
  execute function rowbeat.guard_job();

create or replace trigger guard_job_statement
  after insert or update or delete on rowbeat.scheduled_jobs
  for each statement
  when (rowbeat.is_by_hand())
  execute function rowbeat.follow_hand_update();

create or replace trigger guard_job_truncate
  before truncate on rowbeat.scheduled_jobs
  for each statement
  when (rowbeat.is_by_hand())
  execute function rowbeat.refuse_truncate();
