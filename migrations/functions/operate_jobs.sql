-- What operators do to jobs. Ids first, then the reason; every call is logged. They lock executions before jobs and
-- so wait their turn where a hand-written UPDATE may have to give up.

create or replace function rowbeat.enqueue(
  job_type text,
  payload jsonb default '{}',
  queue text default 'default',
  priority integer default 0,
  scheduled_at timestamptz default now(),
  max_retries integer default 3,
  timeout_seconds integer default null,
  deadline_at timestamptz default null,
  dedupe_key text default null,
  concurrency_key text default null
) returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  guard text := rowbeat.suspend_guard();
  due_at timestamptz := rowbeat.require_due_at(coalesce(enqueue.scheduled_at, now()));
  job_id bigint;
begin
  -- Looked at before, and not caught after: a subtransaction for each call is dear to who adds many.
  if (select x.id from rowbeat.scheduled_jobs x order by x.id desc limit 1)
     > coalesce(pg_sequence_last_value('rowbeat.scheduled_jobs_id_seq'), 0) then
    perform rowbeat.skip_taken_ids();
  end if;
  -- The open job that has the key may end between the two statements; then it is our turn.
  for tries in 1..5 loop
    insert into rowbeat.scheduled_jobs as j (job_type, payload, queue, priority, scheduled_at, max_retries,
        timeout_seconds, deadline_at, dedupe_key, concurrency_key)
      values (enqueue.job_type, coalesce(enqueue.payload, '{}'), coalesce(enqueue.queue, 'default'),
        coalesce(enqueue.priority, 0), due_at, coalesce(enqueue.max_retries, 3),
        enqueue.timeout_seconds, enqueue.deadline_at, enqueue.dedupe_key, enqueue.concurrency_key)
      on conflict (queue, live_dedupe_key) where live_dedupe_key is not null do nothing
      returning j.id into job_id;
    exit when job_id is not null;
    select j.id into job_id
      from rowbeat.scheduled_jobs j
      where j.queue = coalesce(enqueue.queue, 'default')
        and j.live_dedupe_key = enqueue.dedupe_key;
    exit when job_id is not null;
  end loop;
  perform rowbeat.check_job_values(j) from rowbeat.scheduled_jobs j where j.id = job_id;
  perform rowbeat.wake_pollers(coalesce(enqueue.queue, 'default'), coalesce(enqueue.priority, 0)::smallint, due_at);
  perform rowbeat.restore_guard(guard);
  return job_id;
end
$$;
comment on function rowbeat.enqueue(text, jsonb, text, integer, timestamptz, integer, integer, timestamptz, text, text) is 'Adds a job in your transaction and returns its id; with a dedupe_key that an open job of the queue has, the id of that one. Pollers are woken when you commit.';

create or replace function rowbeat.cancel_job(job_id bigint, reason text) returns setof rowbeat.job_change
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  why text := rowbeat.require_reason('cancel_job', reason);
  guard text := rowbeat.suspend_guard();
  job rowbeat.scheduled_jobs := rowbeat.lock_job(job_id);
begin
  if job.status not in ('waiting', 'pending', 'running') then
    raise exception 'job % has ended already: it is %', job.id, job.status
      using errcode = 'RB001',
            hint = 'There is nothing to cancel.';
  end if;
  update rowbeat.scheduled_jobs j
    set status = 'cancelled',
        lease_id = null,
        last_error_code = 'CANCELLED',
        last_error = format('Cancelled by %s: %s', session_user, why),
        finished_at = clock_timestamp(),
        updated_at = now()
    where j.id = job.id;
  perform rowbeat.log_action('cancel_job', job.id, job.parent_execution_id, null, job.status, 'cancelled', null, why);
  if job.status = 'running' then
    perform rowbeat.stop_attempt(job.id);
  end if;
  if job.parent_execution_id is not null then
    perform rowbeat.advance_executions(array[job.parent_execution_id]);
    perform rowbeat.wake_for_executions(array[job.parent_execution_id]);
  end if;
  perform rowbeat.restore_guard(guard);
  return next rowbeat.change_of(job, 'cancelled', null);
end
$$;
comment on function rowbeat.cancel_job(bigint, text) is 'Ends a waiting, pending or running job. A running attempt loses its lease at once, so it can settle nothing, and its signal fires within two seconds.';

-- Opens an execution again that has ended, for a step that is to run once more.
create or replace function rowbeat.reopen_execution(id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  other uuid;
  e rowbeat.workflow_executions;
begin
  select x.* into e from rowbeat.workflow_executions x where x.execution_id = id;
  select x.execution_id into other
    from rowbeat.workflow_executions x
    where x.workflow_type = e.workflow_type
      and x.subject = e.subject
      and x.status in ('pending', 'running');
  if other is not null then
    raise exception 'execution % of % is live for %: one subject has one live execution', other, e.workflow_type, e.subject
      using errcode = 'RB009',
            hint = format('Let it do the work, or end it first: select * from rowbeat.cancel_execution(%L, ''why'')', other);
  end if;
  update rowbeat.workflow_executions x
    set status = 'running',
        end_time = null,
        error_code = null,
        error_message = null,
        -- As much time as it had at first.
        deadline_at = greatest(x.deadline_at, now() + (x.deadline_at - x.created_at)),
        version = x.version + 1
    where x.execution_id = id;
end
$$;
comment on function rowbeat.reopen_execution(uuid) is 'Internal: makes an ended execution live again; raises RB009 when its subject has another live one.';

create or replace function rowbeat.rerun_job(job rowbeat.scheduled_jobs, action text, reason text) returns setof rowbeat.job_change
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  step rowbeat.scheduled_jobs;
  next_status text;
  reopens boolean;
begin
  select e.status not in ('pending', 'running') into reopens
    from rowbeat.workflow_executions e
    where e.execution_id = job.parent_execution_id;
  if reopens then
    perform rowbeat.reopen_execution(job.parent_execution_id);
  end if;
  for step in
    -- With an execution come the steps that did not run because of what happened: cancelled or skipped ones, and
    -- any other critical failure, which would end the execution at once again. What completed is kept. Steps that
    -- were freed when it ended and have not begun wait again.
    select s.*
    from rowbeat.scheduled_jobs s
    where s.id = job.id
       or (s.parent_execution_id = job.parent_execution_id
           and (s.status = 'skipped' and s.last_error_code = 'DEPENDENCY_NOT_COMPLETED'
                or s.status = 'pending' and s.attempt = 0 and s.depends_on && (
                  select array_agg(b.step) from rowbeat.scheduled_jobs b
                  where b.parent_execution_id = job.parent_execution_id
                    and (b.id = job.id or b.status = 'skipped' and b.last_error_code = 'DEPENDENCY_NOT_COMPLETED'))
                or reopens and (s.status = 'cancelled' or s.status = 'failed' and s.critical)))
    order by s.id
    for no key update
  loop
    next_status := case when cardinality(step.depends_on) > 0 and (step.id <> job.id or exists (
      select from rowbeat.scheduled_jobs d
      where d.parent_execution_id = step.parent_execution_id
        and d.step = any (step.depends_on)
        and (d.status in ('waiting', 'pending', 'running')
             or reopens and (d.status = 'cancelled' or d.status = 'failed' and d.critical))))
      then 'waiting' else 'pending' end;
    begin
      update rowbeat.scheduled_jobs j
        set status = next_status,
            lease_id = null,
            finished_at = null,
            scheduled_at = now(),
            retry_count = 0,
            deadline_at = case when j.deadline_at <= now() then now() + (j.deadline_at - j.created_at) else j.deadline_at end,
            updated_at = now()
        where j.id = step.id;
    exception
      when unique_violation then
        raise exception 'another open job of queue % has the dedupe_key %', step.queue, step.dedupe_key
          using errcode = 'RB009',
                hint = 'That one does the work. To run both, give this one another key first: update rowbeat.scheduled_jobs set status = ''pending'', dedupe_key = null …';
    end;
    perform rowbeat.log_action(action, step.id, step.parent_execution_id, null, step.status, next_status, null, reason);
    if next_status = 'pending' then
      perform rowbeat.wake_pollers(step.queue, step.priority, now());
    end if;
    return next rowbeat.change_of(step, next_status, case when reopens then 'its execution is open again' end);
  end loop;
  if job.parent_execution_id is not null then
    perform rowbeat.advance_executions(array[job.parent_execution_id]);
    perform rowbeat.wake_for_executions(array[job.parent_execution_id]);
  end if;
end
$$;
comment on function rowbeat.rerun_job(rowbeat.scheduled_jobs, text, text) is 'Internal: makes an ended job that the caller has locked pending again, with what hangs on it.';

create or replace function rowbeat.retry_job(job_id bigint, reason text) returns setof rowbeat.job_change
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  why text := rowbeat.require_reason('retry_job', reason);
  guard text := rowbeat.suspend_guard();
  job rowbeat.scheduled_jobs := rowbeat.lock_job(job_id);
begin
  if job.status not in ('failed', 'skipped', 'cancelled') then
    raise exception 'job % is %: there is nothing to retry', job.id, job.status
      using errcode = 'RB001',
            hint = case job.status
              when 'completed' then format('A committed result never changes. To do the work again: select rowbeat.enqueue(%L, payload => …)', job.job_type)
              when 'running' then format('To end the attempt and begin anew, first: select * from rowbeat.cancel_job(%s, ''why'')', job.id)
              else format('To see what it waits for: select * from rowbeat.explain_job(%s)', job.id)
            end;
  end if;
  return query select * from rowbeat.rerun_job(job, 'retry_job', why);
  perform rowbeat.restore_guard(guard);
end
$$;
comment on function rowbeat.retry_job(bigint, text) is 'Runs a failed, skipped or cancelled job again, with all its retries. A step of an ended execution opens that again, together with its steps that were cancelled or skipped; completed steps are kept.';

create or replace function rowbeat.retry_failed(
  reason text,
  job_type text default null,
  queue text default null,
  since timestamptz default now() - interval '24 hours',
  dry_run boolean default true,
  max_rows integer default 1000
) returns setof rowbeat.job_change
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  why text := rowbeat.require_reason('retry_failed', reason);
  most integer := rowbeat.require_max_rows(max_rows);
  guard text := rowbeat.suspend_guard();
  candidate rowbeat.scheduled_jobs;
begin
  if since is null then
    raise exception 'a time must be given' using errcode = 'RB010', hint = 'For instance since => now() - interval ''2 hours''.';
  end if;
  for candidate in
    select f.*
    from (
      select j.*
      from rowbeat.scheduled_jobs j
      where j.failed_at is not null
        and j.failed_at >= since
        and (retry_failed.job_type is null or j.job_type = retry_failed.job_type)
        and (retry_failed.queue is null or j.queue = retry_failed.queue)
      order by j.failed_at
      limit most
    ) f
    -- The order in which everybody locks.
    order by f.parent_execution_id nulls first, f.id
  loop
    if dry_run is not false then
      return next rowbeat.change_of(candidate, 'pending', 'dry run: nothing was changed');
      continue;
    end if;
    begin
      candidate := rowbeat.lock_job(candidate.id);
      -- Retried by somebody else meanwhile, or together with a step before it.
      continue when candidate.status <> 'failed';
      return query select * from rowbeat.rerun_job(candidate, 'retry_failed', why);
    exception
      when sqlstate 'RB007' or sqlstate 'RB009' or sqlstate 'RB012' then
        return next rowbeat.change_of(candidate, candidate.status, 'not retried: ' || sqlerrm);
    end;
  end loop;
  perform rowbeat.restore_guard(guard);
end
$$;
comment on function rowbeat.retry_failed(text, text, text, timestamptz, boolean, integer) is 'Retries jobs that failed since a time, the oldest first. A dry run unless dry_run => false; at most max_rows jobs, 1 to 10000. Returns the jobs concerned, also those that cannot be retried, and why.';

create or replace function rowbeat.cancel_pending(
  queue text,
  job_type text,
  reason text,
  dry_run boolean default true,
  max_rows integer default 1000
) returns setof rowbeat.job_change
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  why text := rowbeat.require_reason('cancel_pending', reason);
  most integer := rowbeat.require_max_rows(max_rows);
  guard text := rowbeat.suspend_guard();
  wanted bigint[];
  parents uuid[];
  job rowbeat.scheduled_jobs;
begin
  if queue is null and job_type is null then
    raise exception 'a queue or a job type must be given'
      using errcode = 'RB010', hint = 'null means any, and both null would mean everything.';
  end if;
  select array_agg(f.id), array_agg(distinct f.parent_execution_id) filter (where f.parent_execution_id is not null)
    into wanted, parents
    from (
      select p.id, p.parent_execution_id
      from rowbeat.pending_jobs p
      where (cancel_pending.queue is null or p.queue = cancel_pending.queue)
        and (cancel_pending.job_type is null or p.job_type = cancel_pending.job_type)
      order by p.scheduled_at, p.id
      limit most
    ) f;
  if dry_run is not false then
    for job in select j.* from rowbeat.scheduled_jobs j where j.id = any (wanted) order by j.id loop
      return next rowbeat.change_of(job, 'cancelled', 'dry run: nothing was changed');
    end loop;
    perform rowbeat.restore_guard(guard);
    return;
  end if;
  -- Executions before jobs, as everybody locks. What somebody holds is passed over and said: a poller takes it just
  -- now, or a person is at it, and a bulk call must not wait for each.
  select array_agg(e.execution_id) into parents
    from (
      select x.execution_id from rowbeat.workflow_executions x
      where x.execution_id = any (parents)
      order by x.execution_id
      for no key update skip locked
    ) e;
  for job in
    select j.*
    from rowbeat.scheduled_jobs j
    where j.id = any (wanted)
      and (j.parent_execution_id is null or j.parent_execution_id = any (parents))
    order by j.id
    for no key update skip locked
  loop
    wanted := array_remove(wanted, job.id);
    continue when job.status <> 'pending';
    update rowbeat.scheduled_jobs j
      set status = 'cancelled',
          last_error_code = 'CANCELLED',
          last_error = format('Cancelled by %s: %s', session_user, why),
          finished_at = clock_timestamp(),
          updated_at = now()
      where j.id = job.id;
    perform rowbeat.log_action('cancel_pending', job.id, job.parent_execution_id, null, job.status, 'cancelled', null, why);
    return next rowbeat.change_of(job, 'cancelled', null);
  end loop;
  if cardinality(parents) > 0 then
    perform rowbeat.advance_executions(parents);
    perform rowbeat.wake_for_executions(parents);
  end if;
  for job in select j.* from rowbeat.scheduled_jobs j where j.id = any (wanted) and j.status in ('pending', 'running') order by j.id loop
    return next rowbeat.change_of(job, job.status, 'not cancelled: somebody holds it or its execution, perhaps a poller that claims it');
  end loop;
  perform rowbeat.restore_guard(guard);
end
$$;
comment on function rowbeat.cancel_pending(text, text, text, boolean, integer) is 'Ends pending jobs of a queue, of a job type, or of both; null means any. The earliest due first. A dry run unless dry_run => false; at most max_rows jobs, 1 to 10000. Returns the jobs concerned, also those that somebody holds at this moment.';

create or replace function rowbeat.edit_plan(job_id bigint, action text, reason text, due_at timestamptz, new_priority integer)
returns setof rowbeat.job_change
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  why text := rowbeat.require_reason(action, reason);
  guard text := rowbeat.suspend_guard();
  job rowbeat.scheduled_jobs := rowbeat.lock_job(job_id);
begin
  if job.status not in ('pending', 'waiting') or (job.status = 'waiting' and action = 'run_now') then
    raise exception 'job % is %', job.id, job.status
      using errcode = 'RB001',
            hint = case
              when job.status = 'waiting' then format('To see which steps it waits for: select * from rowbeat.explain_job(%s). To run it without them: update rowbeat.scheduled_jobs set status = ''pending'' where id = %s', job.id, job.id)
              when job.status in ('failed', 'skipped', 'cancelled') then format('To run it again: select * from rowbeat.retry_job(%s, ''why'')', job.id)
              when job.status = 'running' then format('It runs already. To end it: select * from rowbeat.cancel_job(%s, ''why'')', job.id)
              else 'It has done its work.'
            end;
  end if;
  if new_priority not between -100 and 100 then
    raise exception 'priority must be -100 to 100, not %', new_priority using errcode = 'RB010', hint = 'Higher runs first; 0 is usual.';
  end if;
  update rowbeat.scheduled_jobs j
    set scheduled_at = coalesce(due_at, j.scheduled_at),
        priority = coalesce(new_priority, j.priority),
        updated_at = now()
    where j.id = job.id;
  update rowbeat.workflow_executions e
    set version = e.version + 1
    where e.execution_id = job.parent_execution_id;
  perform rowbeat.log_action(action, job.id, job.parent_execution_id, null, job.status, job.status,
    jsonb_strip_nulls(jsonb_build_object(
      'scheduled_at', case when due_at is not null then jsonb_build_array(job.scheduled_at, due_at) end,
      'priority', case when new_priority is not null then jsonb_build_array(job.priority, new_priority) end)), why);
  if job.status = 'pending' then
    perform rowbeat.wake_pollers(job.queue, coalesce(new_priority, job.priority)::smallint, coalesce(due_at, job.scheduled_at));
  end if;
  perform rowbeat.restore_guard(guard);
  return next rowbeat.change_of(job, job.status, format('due at %s, priority %s',
    coalesce(due_at, job.scheduled_at), coalesce(new_priority, job.priority)));
end
$$;
comment on function rowbeat.edit_plan(bigint, text, text, timestamptz, integer) is 'Internal: sets due time and priority of a job that has not run.';

create or replace function rowbeat.run_now(job_id bigint, reason text) returns setof rowbeat.job_change
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
  select * from rowbeat.edit_plan(run_now.job_id, 'run_now', run_now.reason, now(), null)
$$;
comment on function rowbeat.run_now(bigint, text) is 'Makes a pending job due now, whatever it was planned for or backs off until.';

create or replace function rowbeat.reschedule(job_id bigint, due_at timestamptz, reason text) returns setof rowbeat.job_change
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query select * from rowbeat.edit_plan(reschedule.job_id, 'reschedule', reschedule.reason,
    rowbeat.require_due_at(reschedule.due_at), null);
end
$$;
comment on function rowbeat.reschedule(bigint, timestamptz, text) is 'Sets when a pending or waiting job is due.';

create or replace function rowbeat.set_priority(job_id bigint, priority integer, reason text) returns setof rowbeat.job_change
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if priority is null then
    raise exception 'a priority must be given' using errcode = 'RB010', hint = 'Higher runs first; 0 is usual.';
  end if;
  return query select * from rowbeat.edit_plan(set_priority.job_id, 'set_priority', set_priority.reason, null, set_priority.priority);
end
$$;
comment on function rowbeat.set_priority(bigint, integer, text) is 'Sets the priority of a pending or waiting job, -100 to 100; higher runs first.';
