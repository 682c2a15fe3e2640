-- The end of attempts, fenced by their leases, and everything that follows from it for executions: one call and one
-- transaction for a batch. Named end_attempts for the jobs alone, settle_attempts with their executions.

create or replace function rowbeat.end_attempts(endings jsonb) returns setof bigint
language plpgsql
set search_path = pg_catalog, pg_temp
-- Behind a pooler too, a connection keeps the plan that was made when the table was nearly empty.
set enable_seqscan = off
as $$
begin
  -- Whoever holds one of the rows must not hold up all others of the batch: src/store/settlements.ts parts them then.
  perform set_config('lock_timeout', '500ms', true);
  return query
  with ended as (
    update rowbeat.scheduled_jobs j
    set status = o.status,
        scheduled_at = case when o.status = 'pending' and o.delay is not null
                            then now() + make_interval(secs => o.delay) else j.scheduled_at end,
        retry_count = j.retry_count + case when o.retried then 1 else 0 end,
        last_error_code = coalesce(o.code, j.last_error_code),
        last_error = coalesce(o.message, j.last_error),
        errors = case when o.failure is not true then j.errors else
          case when jsonb_array_length(j.errors) >= 20 then j.errors - 0 else coalesce(j.errors, '[]') end
          || jsonb_build_array(jsonb_build_object('attempt', j.attempt, 'at', now(), 'started_at', j.started_at,
               'code', o.code, 'message', o.message, 'poller_id', j.poller_id)) end,
        result = coalesce(o.result, j.result),
        progress = greatest(j.progress, o.percent),
        progress_detail = case when o.detail is null then j.progress_detail else o.detail
          || jsonb_build_object('reported_since', coalesce(j.progress_detail -> 'reported_since',
               to_jsonb(clock_timestamp() + interval '1 second'))) end,
        lease_id = case when o.status = 'pending' then null else j.lease_id end,
        finished_at = case when o.status = 'pending' then null else now() end,
        updated_at = now()
    from jsonb_to_recordset(endings) as o (
      id bigint, lease_id uuid, status text, failure boolean, retried boolean, delay double precision,
      code text, message text, result jsonb, percent real, detail jsonb)
    -- With a lease, no end time means running (the CHECK of the table). "or o.id is null" is never so, and makes it a
    -- condition on the pair: as one on the table alone, a planner whose statistics know no open job expects one row by
    -- it, and reads the whole table once for every row of the batch (512 × 10,000 comparisons, measured).
    -- That the ids are named beside the join leaves no plan that reads all jobs through an index.
    where j.id = any (array(select (e ->> 'id')::bigint from jsonb_array_elements(endings) e))
      and j.id = o.id
      and j.lease_id = o.lease_id
      and (j.finished_at is null or o.id is null)
    returning j.id, j.job_type, j.parent_execution_id, j.status, j.started_at, j.finished_at
  ), timed as (
    insert into rowbeat.step_durations (job_type, duration_seconds)
    select e.job_type, extract(epoch from e.finished_at - e.started_at)
    from ended e
    where e.parent_execution_id is not null
      and e.status = 'completed'
  )
  select e.id from ended e;
end
$$;
comment on function rowbeat.end_attempts(jsonb) is 'Ends attempts as given, each if its lease still holds the job, and notes how long completed steps took; returns the ids of the jobs it ended.';

-- Lock order: executions before jobs, each in the order of their ids.
create or replace function rowbeat.settle_attempts(of_executions uuid[], endings jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  settled text[];
  freed_steps integer;
  closed_ones jsonb;
begin
  perform set_config('lock_timeout', '500ms', true);
  perform 1 from rowbeat.workflow_executions e
    where e.execution_id = any (of_executions)
    order by e.execution_id
    for no key update;
  settled := array(select e::text from rowbeat.end_attempts(endings) e);
  select max(a.freed),
         coalesce(jsonb_agg(jsonb_build_object('executionId', a.execution_id, 'status', a.status)) filter (where a.closed), '[]')
    into freed_steps, closed_ones
    from rowbeat.advance_executions(of_executions) a;
  return jsonb_build_object(
    'settled', case when cardinality(settled) < jsonb_array_length(endings) then settled end,
    'freed', coalesce(freed_steps, 0),
    'closed', closed_ones);
end
$$;
comment on function rowbeat.settle_attempts(uuid[], jsonb) is 'Ends attempts (end_attempts) of steps, and frees, skips, cancels and closes what follows. Returns {settled: ids, or null for all that were given; freed: how many steps became pending; closed: executions with their status}.';
