-- explain(): from whatever a person has in hand, a job, an execution or a subject, to the root of the matter.

create or replace function rowbeat.explain_execution(id uuid) returns table (about text, code text, reason text, help text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  e rowbeat.workflow_executions;
  step record;
  has_root boolean := false;
begin
  select x.* into e from rowbeat.workflow_executions x where x.execution_id = explain_execution.id;
  if not found then
    return query select 'execution ' || id, 'no_such_execution', 'There is no such execution: it was purged, never committed, or is of another database.',
      'select execution_id, workflow_type, subject, status from rowbeat.executions order by created_at desc limit 20'::text;
    return;
  end if;
  return query select format('%s of %s', e.workflow_type, e.subject), e.status,
    case when e.end_time is null then format('It is %s since %s; its deadline is %s.', e.status, date_trunc('second', coalesce(e.start_time, e.created_at)), date_trunc('second', e.deadline_at))
         else format('It ended as %s at %s%s', e.status, date_trunc('second', e.end_time), coalesce(': ' || e.error_code || ' ' || left(e.error_message, 300), '.')) end,
    format('select step, status, last_error from rowbeat.jobs where parent_execution_id = %L order by sequence_index', e.execution_id);
  -- What waits, waits for one of these; they are the root.
  for step in
    select j.id, j.step
    from rowbeat.scheduled_jobs j
    where j.parent_execution_id = explain_execution.id
      and (j.status in ('pending', 'running') or e.end_time is not null and j.status = 'failed')
    order by j.sequence_index
    limit 20
  loop
    has_root := true;
    return query select format('step %s, job %s', step.step, step.id), x.code, x.reason, x.help
      from rowbeat.explain_job(step.id) x
      order by x.place;
  end loop;
  if not has_root then
    return query select format('step %s, job %s', j.step, j.id), x.code, x.reason, x.help
      from rowbeat.scheduled_jobs j
      cross join lateral rowbeat.explain_job(j.id) x
      where j.parent_execution_id = explain_execution.id
        and j.status = 'waiting'
        and x.code <> 'waits_for_step'
      order by j.sequence_index
      limit 20;
  end if;
end
$$;
comment on function rowbeat.explain_execution(uuid) is 'Internal: part of explain, for an execution.';

create or replace function rowbeat.explain(what text) returns table (place bigint, about text, code text, reason text, help text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  wanted text := btrim(coalesce(what, ''));
  job rowbeat.scheduled_jobs;
  found_id uuid;
begin
  if wanted ~ '^[0-9]{1,18}$' then
    select j.* into job from rowbeat.scheduled_jobs j where j.id = wanted::bigint;
    if job.status = 'waiting' then
      return query select row_number() over (), r.* from rowbeat.explain_execution(job.parent_execution_id) r;
    else
      return query select x.place::bigint, 'job ' || wanted, x.code, x.reason, x.help from rowbeat.explain_job(wanted::bigint) x;
    end if;
    return;
  end if;
  if wanted ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    found_id := wanted::uuid;
  else
    -- Each workflow by the index on workflow and subject, which leads from one workflow to the next.
    with recursive workflows (name) as (
      select min(e.workflow_type) from rowbeat.workflow_executions e
      union all
      select (select min(e.workflow_type) from rowbeat.workflow_executions e where e.workflow_type > w.name)
      from workflows w
      where w.name is not null
    )
    select newest.execution_id into found_id
      from workflows w
      cross join lateral (
        select e.execution_id, e.created_at, e.end_time
        from rowbeat.workflow_executions e
        where e.workflow_type = w.name and e.subject = wanted
        order by e.created_at desc, e.execution_id desc
        limit 1
      ) newest
      order by newest.end_time is null desc, newest.created_at desc
      limit 1;
    if found_id is null then
      return query select 1::bigint, left(wanted, 80), 'not_found', 'That is no job id, no execution id and no subject of an execution.'::text,
        'select execution_id, workflow_type, subject, status from rowbeat.executions order by created_at desc limit 20'::text;
      return;
    end if;
  end if;
  return query select row_number() over (), r.* from rowbeat.explain_execution(found_id) r;
end
$$;
comment on function rowbeat.explain(text) is 'Why does it not move? Takes the id of a job, the id of an execution, or a subject such as a domain, and goes to the root: place, what the row is about, code, reason in words, and the SQL that helps.';
