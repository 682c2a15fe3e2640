-- What may be written to scheduled_jobs by hand: the rules behind the triggers of guard_jobs.sql.

-- What may be changed by hand beside the status, for a move from one status to another (or none).
create or replace function rowbeat.editable_columns(from_status text, to_status text) returns text[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  columns text[] := array['status', 'updated_at', 'live_dedupe_key', 'open_deadline_at', 'failed_at', 'ready_key'];
  stays_open boolean := from_status in ('waiting', 'pending', 'running') and to_status in ('waiting', 'pending', 'running');
  is_retried boolean := from_status in ('failed', 'skipped', 'cancelled') and to_status = 'pending';
begin
  if stays_open or is_retried then
    columns := columns || array['priority', 'max_retries', 'timeout_seconds', 'deadline_at', 'estimate_seconds'];
  end if;
  -- Not while it runs: the attempt has read these already, or was due before it began.
  if to_status in ('waiting', 'pending') and from_status <> 'completed' then
    columns := columns || array['scheduled_at', 'queue', 'job_type', 'payload', 'dedupe_key', 'concurrency_key', 'phase', 'critical',
      'depends_on', 'needs', 'retry_count', 'last_error', 'last_error_code'];
  end if;
  if from_status <> to_status then
    columns := columns || array['lease_id', 'finished_at', 'last_error', 'last_error_code'];
  end if;
  if from_status = 'running' and to_status = 'completed' then
    columns := columns || array['result'];
  end if;
  return columns;
end
$$;
comment on function rowbeat.editable_columns(text, text) is 'Internal: the columns of a job that may be changed by hand in a move from one status to another, or within one.';

create or replace function rowbeat.changed_columns(before jsonb, after jsonb) returns jsonb
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_object_agg(a.key, case when a.key in ('payload', 'result', 'errors', 'input_data', 'output_data')
                                        then '"changed"'::jsonb
                                        else jsonb_build_array(before -> a.key, a.value) end)
    from jsonb_each(after) a
    where a.value <> coalesce(before -> a.key, 'null'));
end
$$;
comment on function rowbeat.changed_columns(jsonb, jsonb) is 'Internal: what differs between two versions of a row, as {column: [old, new]}; null when nothing does.';

create or replace function rowbeat.refuse_job_move(job rowbeat.scheduled_jobs, to_status text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'job % is % and cannot become %', job.id, job.status, to_status
    using errcode = 'RB001',
          hint = case
            when job.status = 'completed' then format(
              'A committed result never changes. To do the work again: select rowbeat.enqueue(%L, payload => …)', job.job_type)
            when job.status in ('failed', 'skipped', 'cancelled') then format(
              'To run it again: select * from rowbeat.retry_job(%s, ''why'')', job.id)
            when to_status = 'running' then format(
              'Only a poller starts a job. To have it claimed at once: select * from rowbeat.run_now(%s, ''why'')', job.id)
            when to_status = 'completed' then format(
              'It has not run. To end it: select * from rowbeat.cancel_job(%s, ''why'')', job.id)
            when job.status = 'running' then format(
              'To end it: select * from rowbeat.cancel_job(%s, ''why''); to hand it back: set status = ''pending''', job.id)
            else format('To put it off: select * from rowbeat.reschedule(%s, now() + interval ''1 hour'', ''why'')', job.id)
          end;
end
$$;
comment on function rowbeat.refuse_job_move(rowbeat.scheduled_jobs, text) is 'Internal: raises RB001 with the function to use instead.';

create or replace function rowbeat.check_dependencies(job rowbeat.scheduled_jobs) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  unknown text;
  waits_for_itself boolean;
begin
  if job.status = 'waiting' and cardinality(coalesce(job.depends_on, '{}')) = 0 then
    raise exception 'job % would wait for ever: it waits for no step', job.id
      using errcode = 'RB003',
            hint = format('To run it: update rowbeat.scheduled_jobs set status = ''pending'', depends_on = null, needs = null where id = %s; to end it: select * from rowbeat.cancel_job(%s, ''why'')', job.id, job.id);
  end if;
  select string_agg(quote_nullable(named.step), ', ' order by named.step) into unknown
    from unnest(coalesce(job.depends_on, '{}') || coalesce(job.needs, '{}')) as named (step)
    where named.step = job.step
       or not exists (
         select from rowbeat.scheduled_jobs s
         where s.parent_execution_id = job.parent_execution_id
           and s.step = named.step);
  if unknown is not null or not coalesce(job.needs, '{}') <@ coalesce(job.depends_on, '{}') then
    raise exception 'job % would wait for ever: %', job.id,
      coalesce('its execution has no other step ' || unknown, 'needs must be a part of depends_on')
      using errcode = 'RB003',
            hint = 'Insert all steps of an execution in one statement; depends_on names their step column. What an execution has: select step, status, depends_on from rowbeat.jobs where parent_execution_id = …';
  end if;
  with recursive before as (
    select d.step from unnest(job.depends_on) as d (step)
    union
    select d.step
    from before b
    join rowbeat.scheduled_jobs s on s.parent_execution_id = job.parent_execution_id and s.step = b.step
    cross join lateral unnest(s.depends_on) as d (step)
  )
  select exists (select from before b where b.step = job.step) into waits_for_itself;
  if waits_for_itself then
    raise exception 'job % would wait for itself: % comes after %', job.id, job.step, array_to_string(job.depends_on, ', ')
      using errcode = 'RB003',
            hint = 'A step cannot wait for one that waits for it: select * from rowbeat.blocked shows who waits for whom.';
  end if;
end
$$;
comment on function rowbeat.check_dependencies(rowbeat.scheduled_jobs) is 'Internal: raises RB003 when a step waits for nothing, for itself, or for a step that its execution does not have.';

create or replace function rowbeat.check_hand_step(job rowbeat.scheduled_jobs) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  parent_status text;
begin
  select e.status into parent_status
    from rowbeat.workflow_executions e
    where e.execution_id = job.parent_execution_id;
  if parent_status is null or parent_status not in ('pending', 'running') then
    raise exception 'execution % %', job.parent_execution_id,
      coalesce('has ended as ' || parent_status || ': no step can be added to it', 'does not exist')
      using errcode = 'RB003',
            hint = format('For a job of its own: select rowbeat.enqueue(%L, payload => …)', job.job_type);
  end if;
  perform rowbeat.check_dependencies(job);
  if job.status = 'pending' and exists (
       select from rowbeat.scheduled_jobs d
       where d.parent_execution_id = job.parent_execution_id and d.step = any (job.depends_on)
         and d.status in ('waiting', 'pending', 'running')) then
    raise exception 'job % is inserted as pending, and steps that it depends on are open', job.id
      using errcode = 'RB003',
            hint = 'Insert it with status ''waiting'': it becomes pending when they have ended. Or leave depends_on out.';
  end if;
end
$$;
comment on function rowbeat.check_hand_step(rowbeat.scheduled_jobs) is 'Internal: raises RB003 unless a hand-written step has a live execution and waits for steps that it has.';

-- Times and counts that no run could have left behind.
create or replace function rowbeat.check_hand_values(before rowbeat.scheduled_jobs, after rowbeat.scheduled_jobs) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if after.scheduled_at <> before.scheduled_at then
    perform rowbeat.require_due_at(after.scheduled_at);
  end if;
  if after.finished_at is distinct from before.finished_at and after.status in ('completed', 'failed', 'skipped', 'cancelled')
     -- A minute, for now() is when a transaction began, and it may have waited for the row since.
     and (not isfinite(after.finished_at) or after.finished_at < coalesce(after.started_at, after.created_at) - interval '1 minute'
          or after.finished_at > clock_timestamp() + interval '1 minute') then
    raise exception 'job % cannot have ended at %', after.id, after.finished_at
      using errcode = 'RB002',
            hint = format('Leave finished_at out: it is written with the status. Or: select * from rowbeat.cancel_job(%s, ''why'')', after.id);
  end if;
  if after.retry_count > after.max_retries and after.status in ('waiting', 'pending', 'running')
     and (after.retry_count, after.max_retries) is distinct from (before.retry_count, before.max_retries) then
    raise exception 'job % has failed % times and may not have fewer retries', after.id, after.retry_count
      using errcode = 'RB002',
            hint = format('To let it fail for good next time: set max_retries = retry_count; to end it: select * from rowbeat.cancel_job(%s, ''why'')', after.id);
  end if;
end
$$;
comment on function rowbeat.check_hand_values(rowbeat.scheduled_jobs, rowbeat.scheduled_jobs) is 'Internal: raises RB002 or RB010 for a due time, an end time or a count of retries that cannot be.';

create or replace function rowbeat.check_hand_delete(job rowbeat.scheduled_jobs) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if job.status in ('waiting', 'pending', 'running') then
    raise exception 'job % is % and cannot be deleted', job.id, job.status
      using errcode = 'RB004',
            hint = format('To end it: select * from rowbeat.cancel_job(%s, ''why''). Ended jobs may be deleted.', job.id);
  end if;
  if exists (select from rowbeat.workflow_executions e where e.execution_id = job.parent_execution_id) then
    raise exception 'job % is a step of execution % and goes with it', job.id, job.parent_execution_id
      using errcode = 'RB004',
            hint = format('When it has ended: delete from rowbeat.workflow_executions where execution_id = %L; for many: select * from rowbeat.purge(…)', job.parent_execution_id);
  end if;
end
$$;
comment on function rowbeat.check_hand_delete(rowbeat.scheduled_jobs) is 'Internal: raises RB004 unless the job has ended and is no step.';

-- Raises RB001 or RB002 unless the change is one that a person may make.
create or replace function rowbeat.check_hand_update(before rowbeat.scheduled_jobs, after rowbeat.scheduled_jobs, changes jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  parent_status text;
  forbidden text;
begin
  if before.status <> after.status and not exists (
       select from rowbeat.legal_moves m
       where m.entity = 'job' and m.from_status = before.status and m.to_status = after.status and m.made_by <> 'poller') then
    perform rowbeat.refuse_job_move(before, after.status);
  end if;
  if before.status in ('failed', 'skipped', 'cancelled') and after.status = 'pending' then
    select e.status into parent_status
      from rowbeat.workflow_executions e
      where e.execution_id = before.parent_execution_id;
    if parent_status not in ('pending', 'running') then
      raise exception 'execution % of job % has ended as %', before.parent_execution_id, before.id, parent_status
        using errcode = 'RB001',
              hint = format('To open the execution again with it: select * from rowbeat.retry_job(%s, ''why'')', before.id);
    end if;
    if exists (
         select from rowbeat.scheduled_jobs s
         where s.parent_execution_id = before.parent_execution_id
           and s.id <> before.id
           and s.status = 'pending'
           and s.attempt = 0
           and s.depends_on @> array[before.step]) then
      raise exception 'steps after job % were freed when it ended as %', before.id, before.status
        using errcode = 'RB001',
              hint = format('To have them wait for it again: select * from rowbeat.retry_job(%s, ''why'')', before.id);
    end if;
  end if;
  select string_agg(c.key, ', ' order by c.key) into forbidden
    from jsonb_object_keys(changes) as c (key)
    where c.key <> all (rowbeat.editable_columns(before.status, after.status))
       or (c.key = 'lease_id' and after.lease_id is not null);
  if forbidden is not null then
    raise exception 'column % of job % cannot be changed by hand while it is %', forbidden, before.id,
        case when before.status = after.status then before.status else before.status || ' and becomes ' || after.status end
      using errcode = 'RB002',
            hint = case
              when before.status = 'running' then format(
                'Set status = ''pending'' in the same statement to hand it back first, or: select * from rowbeat.cancel_job(%s, ''why'')', before.id)
              when before.status in ('waiting', 'pending') then
                'Pollers write what belongs to a run; id, execution and step of a job are fixed.'
              else format('What has ended is history. To run it again: select * from rowbeat.retry_job(%s, ''why'')', before.id)
            end;
  end if;
  perform rowbeat.check_hand_values(before, after);
  if changes ?| array['depends_on', 'needs'] then
    perform rowbeat.check_dependencies(after);
  end if;
end
$$;
comment on function rowbeat.check_hand_update(rowbeat.scheduled_jobs, rowbeat.scheduled_jobs, jsonb) is 'Internal: raises RB001 for a move that is not legal by hand, RB002 for a column that is not.';
