-- Why is this job not running? Every reason, the most decisive first, each with the SQL that helps.

create or replace function rowbeat.locker_of(job_id bigint) returns table (pid integer, words text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select h.pid, h.words
  from rowbeat.scheduled_jobs j
  cross join lateral rowbeat.holders_of(j.xmax) h
  where j.id = locker_of.job_id
$$;
comment on function rowbeat.locker_of(bigint) is 'Internal: the backend that holds the lock of a job''s row, when there is one.';

create or replace function rowbeat.explain_waiting(job rowbeat.scheduled_jobs) returns table (code text, reason text, help text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select 'waits_for_step',
           format('It waits for the step %s (job %s), which is %s.', d.step, d.id, d.status),
           format('select * from rowbeat.explain_job(%s)', d.id)
    from rowbeat.scheduled_jobs d
    where d.parent_execution_id = job.parent_execution_id
      and d.step = any (job.depends_on)
      and d.status in ('waiting', 'pending', 'running')
    order by d.sequence_index;
  if not found then
    return query select 'not_advanced', 'All steps it waits for have ended, and nobody advanced it.',
      format('select * from rowbeat.advance_execution(%L, ''explain_job said so'')', job.parent_execution_id);
  end if;
end
$$;
comment on function rowbeat.explain_waiting(rowbeat.scheduled_jobs) is 'Internal: part of explain_job, for waiting steps.';

create or replace function rowbeat.explain_running(job rowbeat.scheduled_jobs) returns table (code text, reason text, help text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  r record;
begin
  select * into r from rowbeat.running_jobs x where x.id = job.id;
  if not found then
    return query select 'no_lease', format('It says running since %s, but no lease row names it: nobody runs it.', job.started_at),
      format('select * from rowbeat.cancel_job(%s, ''nobody runs it''); select * from rowbeat.retry_job(%s, ''nobody ran it'')', job.id, job.id);
    return;
  end if;
  if r.poller_status in ('gone', 'lost', 'stopped') or r.beat_age_seconds > 10 then
    return query select 'poller_dead',
      format('Its poller %s (%s) %s. Another poller takes the job back within half a minute, when one is alive.', coalesce(r.poller, '?'), r.poller_id,
        case when r.poller_status in ('live', 'draining') then format('has not beaten for %s s', round(r.beat_age_seconds)) else 'is ' || r.poller_status end),
      'select name, beating, beat_age_seconds from rowbeat.pollers_live'::text;
    return;
  end if;
  if r.running_seconds > r.timeout_seconds then
    return query select 'past_time_limit', format('Its attempt has run for %s s, its limit is %s s.', round(r.running_seconds), r.timeout_seconds),
      format('select * from rowbeat.cancel_job(%s, ''past its limit''); to begin anew: select * from rowbeat.retry_job(%s, ''it hung'')', job.id, job.id);
    return;
  end if;
  return query select 'runs', format('It runs, attempt %s, for %s s, on poller %s%s.', job.attempt, round(r.running_seconds), coalesce(r.poller, '?'),
      coalesce(', ' || round(r.progress::numeric, 1) || ' % done', '')),
    format('select progress, message from rowbeat.running_jobs where id = %s', job.id);
end
$$;
comment on function rowbeat.explain_running(rowbeat.scheduled_jobs) is 'Internal: part of explain_job, for running jobs.';

create or replace function rowbeat.explain_pollers(job rowbeat.scheduled_jobs) returns table (code text, reason text, help text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  beating bigint;
  knowing bigint;
  free_slots bigint;
begin
  select count(*),
         count(*) filter (where job.job_type = any (p.job_types)),
         coalesce(sum(p.concurrency - p.running) filter (where job.job_type = any (p.job_types) and p.status = 'live'), 0)
    into beating, knowing, free_slots
    from rowbeat.pollers_live p
    where p.beating;
  if beating = 0 then
    return query select 'no_poller', 'No poller is alive.', 'Start one: npm start, or the service that runs it; then: select * from rowbeat.pollers_live'::text;
  elsif knowing = 0 then
    return query select 'unknown_job_type', format('No living poller knows the job type %s.', job.job_type),
      'select name, version, job_types from rowbeat.pollers_live; deploy one that knows it, or cancel the job'::text;
  elsif free_slots <= 0 then
    return query select 'pollers_full', format('All pollers that know %s (%s) are full or draining.', job.job_type, knowing),
      'select name, status, running, concurrency from rowbeat.pollers_live; start another, or raise the concurrency'::text;
  end if;
end
$$;
comment on function rowbeat.explain_pollers(rowbeat.scheduled_jobs) is 'Internal: part of explain_job, about pollers.';

-- The row is locked for an instant and let go again: whoever asks inside a transaction must not keep the job from
-- the pollers until that ends.
create or replace function rowbeat.is_job_locked(job_id bigint) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  locked boolean := false;
begin
  if current_setting('transaction_read_only') = 'on' then
    return exists (select from rowbeat.locker_of(job_id));
  end if;
  begin
    perform 1 from rowbeat.scheduled_jobs j where j.id = is_job_locked.job_id for no key update skip locked;
    locked := not found;
    raise sqlstate 'RBX00';
  exception
    when sqlstate 'RBX00' then
      return locked;
  end;
end
$$;
comment on function rowbeat.is_job_locked(bigint) is 'Internal: part of explain_job, whether somebody else holds the row of a job; holds nothing itself.';

create or replace function rowbeat.explain_turn(job rowbeat.scheduled_jobs) returns table (code text, reason text, help text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  ahead bigint;
  same_key bigint;
  other_keys bigint;
begin
  -- Jobs with a key take turns; which of their lane come before is not a matter of due time.
  select count(*) into ahead
    from rowbeat.pending_jobs p
    where p.queue = job.queue
      and p.scheduled_at <= now()
      and (p.priority > job.priority
           or job.concurrency_key is null and p.concurrency_key is null and p.priority = job.priority
              and (p.scheduled_at, p.id) < (job.scheduled_at, job.id));
  if ahead > 0 then
    return query select 'jobs_ahead', case ahead when 1 then 'One due job of its queue comes before it.' else format('%s due jobs of its queue come before it.', ahead) end,
      format('select * from rowbeat.set_priority(%s, %s, ''why'')', job.id, least(100, job.priority + 1));
  end if;
  if job.concurrency_key is null then
    return;
  end if;
  select count(*) into same_key
    from (
      select from rowbeat.scheduled_jobs j
      where j.queue = job.queue
        and j.priority = job.priority
        and j.ready_key = job.concurrency_key
        and (j.scheduled_at, j.id) < (job.scheduled_at, job.id)
      order by j.scheduled_at, j.id
      limit 10000
    ) j;
  select count(*) into other_keys
    from rowbeat.keys_in_turn(job.queue, job.priority, array(select distinct t from rowbeat.pollers_live p, unnest(p.job_types) t where p.beating),
      now(), '{}', 2147483647, job.concurrency_key, 1000) turn
    cross join lateral unnest(turn.keys) as k (key)
    where k.key <> job.concurrency_key;
  if same_key > 0 or other_keys > 0 then
    return query select 'takes_turns', format('Keys take turns. Due jobs of its key %s before it: %s; other keys with due jobs: %s.',
        job.concurrency_key, same_key, other_keys),
      format('select * from rowbeat.set_priority(%s, %s, ''why'')', job.id, least(100, job.priority + 1));
  end if;
end
$$;
comment on function rowbeat.explain_turn(rowbeat.scheduled_jobs) is 'Internal: part of explain_job, about due jobs that come first.';

create or replace function rowbeat.explain_pending(job rowbeat.scheduled_jobs) returns table (code text, reason text, help text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  return query select * from rowbeat.explain_queue(job);
  if job.scheduled_at > now() then
    if job.retry_count > 0 then
      return query select 'backs_off', format('It failed %s and backs off until %s. Last: %s', case job.retry_count when 1 then 'once' else job.retry_count || ' times' end, date_trunc('second', job.scheduled_at),
          coalesce(job.last_error_code || ': ', '') || coalesce(left(job.last_error, 300), '?')),
        format('select * from rowbeat.run_now(%s, ''why'')', job.id);
    else
      return query select 'not_due', format('It is not due before %s.', date_trunc('second', job.scheduled_at)),
        format('select * from rowbeat.run_now(%s, ''why'')', job.id);
    end if;
  end if;
  return query select * from rowbeat.explain_pollers(job);
  if rowbeat.is_job_locked(job.id) then
    return query select 'row_locked', 'Its row is locked by ' || coalesce(string_agg(l.words, '; '), 'another backend, perhaps just being claimed') || '.',
        coalesce(format('have its owner commit; else, as an administrator: select pg_cancel_backend(%s); when it is idle in transaction: select pg_terminate_backend(%s)', min(l.pid), min(l.pid)),
          format('select * from rowbeat.explain_job(%s)', job.id))
      from rowbeat.locker_of(job.id) l;
  end if;
  if job.scheduled_at < (select l.floor_at from rowbeat.lanes l
                           where l.queue = job.queue and l.priority = job.priority and not l.keyed and job.concurrency_key is null) then
    return query select 'below_floor', 'It is due before the claim floor of its queue and priority: pollers do not look there.',
      format('select * from rowbeat.run_now(%s, ''below the floor''); and report it, for that is a fault of ours', job.id);
  end if;
  if job.scheduled_at <= now() then
    return query select * from rowbeat.explain_turn(job);
  end if;
end
$$;
comment on function rowbeat.explain_pending(rowbeat.scheduled_jobs) is 'Internal: part of explain_job, for pending jobs.';

create or replace function rowbeat.explain_job(job_id bigint) returns table (place integer, code text, reason text, help text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  job rowbeat.scheduled_jobs;
  e rowbeat.workflow_executions;
  n integer := 0;
  r record;
begin
  select j.* into job from rowbeat.scheduled_jobs j where j.id = explain_job.job_id;
  if not found then
    return query select 1, 'no_such_job', format('There is no job %s: it was purged, never committed, or is of another database.', coalesce(explain_job.job_id::text, 'null')),
      coalesce('select * from rowbeat.action_log where job_id = ' || explain_job.job_id,
        'select id, queue, job_type, status from rowbeat.jobs order by id desc limit 20');
    return;
  end if;
  select x.* into e from rowbeat.workflow_executions x where x.execution_id = job.parent_execution_id;
  if job.status in ('waiting', 'pending', 'running') and e.status not in ('pending', 'running') then
    n := n + 1;
    return query select n, 'execution_ended', format('Its execution %s has ended as %s.', e.execution_id, e.status),
      format('select * from rowbeat.cancel_job(%s, ''its execution has ended'')', job.id);
  end if;
  if job.status in ('waiting', 'pending', 'running') and job.deadline_at <= now() then
    n := n + 1;
    return query select n, 'deadline_passed', format('Its deadline %s has passed: it is about to be ended.', job.deadline_at),
      format('nothing, when that is right; to give it as much time again: select * from rowbeat.cancel_job(%s, ''past its deadline''); select * from rowbeat.retry_job(%s, ''with a new deadline'')', job.id, job.id);
  end if;
  for r in
    select * from rowbeat.explain_waiting(job) where job.status = 'waiting'
    union all
    select * from rowbeat.explain_pending(job) where job.status = 'pending'
    union all
    select * from rowbeat.explain_running(job) where job.status = 'running'
  loop
    n := n + 1;
    return query select n, r.code, r.reason, r.help;
  end loop;
  for r in
    select s.deaths, s.alone_deaths from rowbeat.suspects s
    where s.job_id = job.id and s.deaths >= 2 and job.status in ('pending', 'running')
  loop
    n := n + 1;
    return query select n, 'suspect', format('%s pollers died while it ran on them, %s of them while it was the one suspect that ran. So it runs alone, and fails with POISON at the second such death.',
        r.deaths, r.alone_deaths),
      format('select * from rowbeat.cancel_job(%s, ''its process dies of it''); or let it be proven', job.id);
  end loop;
  if job.status in ('completed', 'failed', 'skipped', 'cancelled') then
    return query select 1, job.status, format('It ended as %s at %s%s', job.status, date_trunc('second', job.finished_at),
        coalesce(': ' || job.last_error_code || ' ' || left(job.last_error, 500), '.')),
      case job.status when 'completed' then format('to do such work again, with its payload: select rowbeat.enqueue(%L, payload => ''{}'')', job.job_type)
                      else format('select * from rowbeat.retry_job(%s, ''why'')', job.id) end;
  elsif n = 0 then
    return query select 1, 'due', 'Nothing stands in its way: it should be claimed within seconds.',
      format('select * from rowbeat.explain_job(%s)', job.id);
  end if;
end
$$;
comment on function rowbeat.explain_job(bigint) is 'Every reason why a job is not running (or how it runs, or ended), the most decisive first: place, code, reason in words, and the SQL that helps.';
