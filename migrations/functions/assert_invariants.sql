-- What must never be seen in a committed state. Reads the whole job table once: for tests, drills and quiet hours.

create or replace function rowbeat.assert_invariants()
returns table (invariant text, evidence text, job_id bigint, execution_id uuid)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
begin
  return query
    with leased as (
      select claimed.id, l.lease_id
      from rowbeat.leases l
      cross join lateral unnest(l.job_ids) as claimed (id)
    )
    select found.broken, found.words, j.id, j.parent_execution_id
    from rowbeat.scheduled_jobs j
    left join leased l on l.id = j.id and l.lease_id = j.lease_id
    left join rowbeat.workflow_executions e on e.execution_id = j.parent_execution_id
    left join rowbeat.lanes f on f.queue = j.queue and f.priority = j.priority and not f.keyed and j.concurrency_key is null
    cross join lateral (values
      (j.status = 'running' and l.id is null,
       'a running job has a lease row', format('it names lease %s', j.lease_id)),
      (j.status = 'running' and (j.lease_id is null or j.poller_id is null or j.started_at is null),
       'a running job has a lease, a poller and a start', 'one of them is missing'),
      (j.status in ('waiting', 'pending') and j.lease_id is not null,
       'a job that does not run has no lease', format('it names lease %s', j.lease_id)),
      ((j.finished_at is not null) <> (j.status in ('completed', 'failed', 'skipped', 'cancelled')),
       'a job has an end time exactly when it has ended', format('%s, ended at %s', j.status, coalesce(j.finished_at::text, 'never'))),
      (j.retry_count > j.max_retries,
       'no retry beyond max_retries', format('%s of %s', j.retry_count, j.max_retries)),
      (j.status = 'running' and j.started_at < j.scheduled_at,
       'no run before scheduled_at', format('started %s, due %s', j.started_at, j.scheduled_at)),
      (j.status = 'pending' and j.scheduled_at < f.floor_at,
       'no pending job below its claim floor', format('due %s, floor %s', j.scheduled_at, f.floor_at)),
      (j.parent_execution_id is not null and e.execution_id is null,
       'a step has an execution', 'there is none'),
      (j.status in ('waiting', 'pending', 'running') and e.status not in ('pending', 'running'),
       'an ended execution has no open step', format('the step is %s, the execution %s', j.status, e.status)),
      (j.status = 'waiting' and j.parent_execution_id is null,
       'only steps wait', 'it has no execution'),
      (j.status = 'waiting' and e.status in ('pending', 'running') and not exists (
         select from rowbeat.scheduled_jobs d
         where d.parent_execution_id = j.parent_execution_id and d.step = any (j.depends_on)
           and d.status in ('waiting', 'pending', 'running')),
       'a step waits only for open steps', format('those it waits for have all ended: %s', array_to_string(j.depends_on, ', '))),
      (j.status = 'pending' and j.attempt = 0 and e.status in ('pending', 'running') and exists (
         select from rowbeat.scheduled_jobs d
         where d.parent_execution_id = j.parent_execution_id and d.step = any (j.depends_on)
           and d.status in ('waiting', 'pending', 'running'))
       and not exists (select from rowbeat.action_log a where a.job_id = j.id),
       'a step is not freed before those it waits for have ended', array_to_string(j.depends_on, ', '))
    ) as found (is_broken, broken, words)
    where found.is_broken
    limit 1000;
  return query
    select 'a lease row has running jobs', format('lease %s of poller %s, claimed %s', l.lease_id, l.poller_id, l.claimed_at), null::bigint, null::uuid
    from rowbeat.leases l
    where l.claimed_at < clock_timestamp() - interval '1 minute'
      and not exists (
        select from rowbeat.scheduled_jobs j
        where j.id = any (l.job_ids) and j.lease_id = l.lease_id and j.status = 'running')
    limit 100;
  return query
    select 'a live execution has open steps', format('%s since %s', e.status, e.created_at), null::bigint, e.execution_id
    from rowbeat.workflow_executions e
    where e.status in ('pending', 'running')
      and not exists (
        select from rowbeat.scheduled_jobs j
        where j.parent_execution_id = e.execution_id and j.status in ('waiting', 'pending', 'running'))
    limit 100;
  return query
    select 'one live execution per workflow type and subject', format('%s live ones of %s for %s', count(*), e.workflow_type, e.subject), null::bigint,
           (array_agg(e.execution_id order by e.created_at))[1]
    from rowbeat.workflow_executions e
    where e.status in ('pending', 'running')
    group by e.workflow_type, e.subject
    having count(*) > 1
    limit 100;
  return query
    select 'an execution has an end time exactly when it has ended', format('%s, ended at %s', e.status, coalesce(e.end_time::text, 'never')), null::bigint, e.execution_id
    from rowbeat.workflow_executions e
    where (e.end_time is not null) <> (e.status in ('completed', 'partial', 'failed', 'cancelled'))
    limit 100;
end
$$;
comment on function rowbeat.assert_invariants() is 'Rows that break what must always hold; none when all is well. Reads the whole job table once. A lease row may outlive its jobs by a minute, all else holds in every snapshot.';
