-- What operators do to executions.

create or replace function rowbeat.cancel_execution(execution_id uuid, reason text) returns setof rowbeat.job_change
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  why text := rowbeat.require_reason('cancel_execution', reason);
  guard text := rowbeat.suspend_guard();
  execution rowbeat.workflow_executions := rowbeat.lock_execution(cancel_execution.execution_id);
begin
  if execution.status not in ('pending', 'running') then
    raise exception 'execution % has ended already: it is %', execution.execution_id, execution.status
      using errcode = 'RB001',
            hint = 'There is nothing to cancel.';
  end if;
  -- Closed before its steps are: what follows from ended steps must not decide another outcome.
  update rowbeat.workflow_executions e
    set status = 'cancelled',
        error_code = 'CANCELLED',
        error_message = format('Cancelled by %s: %s', session_user, why),
        start_time = coalesce(e.start_time, clock_timestamp()),
        end_time = clock_timestamp(),
        version = e.version + 1
    where e.execution_id = execution.execution_id;
  perform rowbeat.log_action('cancel_execution', null, execution.execution_id, null, execution.status, 'cancelled', null, why);
  return query select * from rowbeat.cancel_steps(execution.execution_id, 'cancel_execution', why);
  perform rowbeat.restore_guard(guard);
end
$$;
comment on function rowbeat.cancel_execution(uuid, text) is 'Ends an execution with all its open steps and returns those. Running attempts lose their lease at once, so they can settle nothing, and their signals fire within two seconds.';

create or replace function rowbeat.advance_execution(execution_id uuid, reason text) returns setof rowbeat.job_change
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  why text := rowbeat.require_reason('advance_execution', reason);
  guard text := rowbeat.suspend_guard();
  execution rowbeat.workflow_executions := rowbeat.lock_execution(advance_execution.execution_id);
begin
  perform rowbeat.advance_executions(array[execution.execution_id]);
  perform rowbeat.wake_for_executions(array[execution.execution_id]);
  perform rowbeat.log_action('advance_execution', null, execution.execution_id, null, execution.status,
    (select e.status from rowbeat.workflow_executions e where e.execution_id = execution.execution_id), null, why);
  perform rowbeat.restore_guard(guard);
  return query
    select c.*
    from rowbeat.scheduled_jobs j
    cross join lateral rowbeat.change_of(j, j.status, 'as it is now') c
    where j.parent_execution_id = execution.execution_id
    order by j.sequence_index;
end
$$;
comment on function rowbeat.advance_execution(uuid, text) is 'Does again what follows when steps end: frees or skips those that waited, closes the execution when all have ended. Harmless; for when doctor() or explain_job() asks for it.';

create or replace function rowbeat.purge(
  older_than interval,
  reason text,
  queue text default null,
  job_type text default null,
  dry_run boolean default true,
  max_rows integer default 1000
) returns setof rowbeat.job_change
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  why text := rowbeat.require_reason('purge', reason);
  most integer := rowbeat.require_max_rows(max_rows);
  guard text := rowbeat.suspend_guard();
  cutoff timestamptz;
  is_dry boolean := dry_run is not false;
  pages constant integer := 200;
  page bigint[];
  last_id bigint := 0;
  scanned integer;
  oldest timestamptz;
  found_rows integer := 0;
  job rowbeat.scheduled_jobs;
  execution uuid;
begin
  if older_than is null or older_than not between interval '0' and interval '1000 years' then
    raise exception 'older_than must be 0 to 1000 years, not %', coalesce(older_than::text, 'null')
      using errcode = 'RB010', hint = 'For instance interval ''30 days''.';
  end if;
  cutoff := now() - older_than;
  -- Jobs of their own, from the oldest id on, a page at a time: no index knows when a job ended. Ids grow with
  -- insertion, so the walk is over where all jobs of a page are younger than the cutoff.
  for n in 1..pages loop
    exit when found_rows >= most;
    select count(*), max(j.id), min(j.created_at),
           array_agg(j.id order by j.id) filter (where j.finished_at < cutoff
             and not exists (select from rowbeat.workflow_executions e where e.execution_id = j.parent_execution_id)
             and (purge.queue is null or j.queue = purge.queue)
             and (purge.job_type is null or j.job_type = purge.job_type))
      into scanned, last_id, oldest, page
      from (
        select c.id, c.created_at, c.finished_at, c.parent_execution_id, c.queue, c.job_type
        from rowbeat.scheduled_jobs c
        where c.id > last_id
        order by c.id
        limit 5000
      ) j;
    page := page[1:most - found_rows];
    for job in
      select j.* from rowbeat.scheduled_jobs j where j.id = any (page) and j.finished_at < cutoff order by j.id for update
    loop
      found_rows := found_rows + 1;
      return next rowbeat.change_of(job, null, case when is_dry then 'dry run: nothing was removed' end);
    end loop;
    if not is_dry then
      delete from rowbeat.scheduled_jobs j where j.id = any (page) and j.finished_at < cutoff;
    end if;
    exit when scanned < 5000 or oldest >= cutoff;
  end loop;
  -- Executions with their steps, whole.
  for execution in
    select e.execution_id
    from rowbeat.workflow_executions e
    where e.end_time < cutoff
      and purge.queue is null
      and (purge.job_type is null or e.workflow_type = purge.job_type)
    order by e.execution_id
    limit most
    for update skip locked
  loop
    exit when found_rows >= most;
    for job in select j.* from rowbeat.scheduled_jobs j where j.parent_execution_id = execution order by j.id loop
      found_rows := found_rows + 1;
      return next rowbeat.change_of(job, null, case when is_dry then 'dry run: nothing was removed' else 'with its execution' end);
    end loop;
    if not is_dry then
      delete from rowbeat.scheduled_jobs j where j.parent_execution_id = execution;
      delete from rowbeat.workflow_executions e where e.execution_id = execution;
    end if;
  end loop;
  if not is_dry and found_rows > 0 then
    perform rowbeat.log_action('purge', null, null, purge.queue, null, null,
      jsonb_build_object('removed', found_rows, 'older_than', older_than, 'job_type', purge.job_type), why);
  end if;
  perform rowbeat.restore_guard(guard);
end
$$;
comment on function rowbeat.purge(interval, text, text, text, boolean, integer) is 'Removes jobs that ended longer ago than older_than, and executions with all their steps (job_type is then their workflow type; a queue leaves them out). A dry run unless dry_run => false; stops after max_rows jobs, 1 to 10000, so call it until it returns nothing.';
