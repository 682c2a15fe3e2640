-- What doctor() finds about pollers, schedules, failures, queues and what does not move. Each part is given how patient to
-- be with open transactions, and until when it may look: a part that could be long looks at the clock as it goes.

-- The views it reads are made by a file that comes later.
set local check_function_bodies = off;

drop function if exists rowbeat.doctor_work();

create or replace function rowbeat.doctor_pollers(patience interval, until timestamptz) returns table (severity text, code text, evidence text, fix text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  -- A single one is daily life: a deployment, a machine that went away. Suspects: see src/store/suspects.ts.
  select 'warning', 'pollers_died',
         format('lost in the last hour: %s; %s', case l.lost when 1 then '1 poller' else l.lost || ' pollers' end, coalesce('suspects that run alone: ' || s.words, 'no job ran on two of them')),
         case when s.words is null then 'look at the logs of those processes and at their memory: select name, version, ended_at from rowbeat.pollers where status = ''lost'' order by ended_at desc'
              else format('select * from rowbeat.explain_job(%s); when its process dies of it: select * from rowbeat.cancel_job(%s, ''its process dies of it'')', s.first_id, s.first_id) end
  from (select count(*) as lost from rowbeat.pollers p where p.status = 'lost' and p.ended_at > clock_timestamp() - interval '1 hour') l
  cross join (
    select string_agg(format('job %s (%s: %s deaths, %s alone)', x.job_id, x.job_type, x.deaths, x.alone_deaths), ', ' order by x.place)
             filter (where x.place <= 5) as words,
           min(x.job_id) filter (where x.place = 1) as first_id
    from (
      select u.job_id, j.job_type, u.deaths, u.alone_deaths,
             row_number() over (order by u.alone_deaths desc, u.deaths desc, u.job_id) as place
      from rowbeat.suspects u
      cross join lateral (select k.job_type, k.status from rowbeat.scheduled_jobs k where k.id = u.job_id limit 1) j
      where u.deaths >= 2
        and j.status in ('pending', 'running')
    ) x
  ) s
  where l.lost >= 2 or s.words is not null
  union all
  select 'warning', 'not_listening', format('poller %s hears no notifications and finds new work by looking every two seconds', p.name),
         'point LISTEN_DATABASE_URL at the server itself, not at a pooler in transaction mode'
  from rowbeat.pollers_live p
  where p.beating and not p.listening and p.started_at < clock_timestamp() - interval '1 minute'
  union all
  select 'notice', 'versions_differ', format('pollers of versions %s run side by side', string_agg(distinct p.version, ', ')),
         'finish the deployment: select name, version, started_at from rowbeat.pollers_live'
  from rowbeat.pollers_live p
  where p.beating
  having count(distinct p.version) > 1
$$;
comment on function rowbeat.doctor_pollers(interval, timestamptz) is 'Internal: what doctor finds about pollers.';

create or replace function rowbeat.doctor_schedules(patience interval, until timestamptz) returns table (severity text, code text, evidence text, fix text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select 'warning', 'schedule_problem', format('schedule %s cannot fire: %s', s.name, s.why),
         case when s.why like 'time zone %' then format('correct it, for instance: select * from rowbeat.set_schedule(%L, ''why'', timezone => ''Europe/Paris'')', s.name)
              when s.why like 'cron %' then format('correct it, for instance: select * from rowbeat.set_schedule(%L, ''why'', cron => ''0 3 * * *'')', s.name)
              else format('mend what it says, or stop it: select * from rowbeat.pause_schedule(%L, ''cannot fire'')', s.name) end
  from rowbeat.schedule_status s
  where s.state = 'problem'
  union all
  select 'warning', 'schedule_overdue', format('schedule %s should have fired at %s and nobody looked at it', s.name, date_trunc('second', s.next_fire_at)),
         'start a daemon when none is alive: select name, beating from rowbeat.pollers_live; else a transaction holds its row: select evidence, fix from rowbeat.doctor(''0'') where code like ''vacuum_held%'''
  from rowbeat.schedule_status s
  where s.state = 'overdue'
$$;
comment on function rowbeat.doctor_schedules(interval, timestamptz) is 'Internal: what doctor finds about schedules.';

create or replace function rowbeat.doctor_failures(patience interval, until timestamptz) returns table (severity text, code text, evidence text, fix text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select 'warning', 'failures', format('%s jobs of type %s failed for good in 24 h: %s', f.jobs, f.job_type, f.fingerprint),
         format('select * from rowbeat.explain_job(%s); when the cause is mended: select * from rowbeat.retry_failed(''why'', job_type => %L)', f.newest_job_id, f.job_type)
  from rowbeat.failures f
  where f.jobs >= 10
$$;
comment on function rowbeat.doctor_failures(interval, timestamptz) is 'Internal: what doctor finds about jobs that failed for good.';

-- One lane after the other, and each no further than pending_in_lane looks.
create or replace function rowbeat.count_pending(until timestamptz)
returns table (queue text, job_type text, pending bigint, due bigint, oldest_id bigint, oldest_due_at timestamptz, oldest_due_id bigint, is_cut boolean)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  lane record;
begin
  for lane in select l.queue, l.priority, l.keyed, l.floor_at from rowbeat.lanes l loop
    if clock_timestamp() > until then
      return query select null::text, null::text, 0::bigint, 0::bigint, null::bigint, null::timestamptz, null::bigint, true;
      return;
    end if;
    return query
      select p.queue, p.job_type, count(*), count(*) filter (where p.scheduled_at <= now()), min(p.id), min(p.scheduled_at) filter (where p.scheduled_at <= now()),
             (array_agg(p.id order by p.scheduled_at, p.id) filter (where p.scheduled_at <= now()))[1], false
      from rowbeat.pending_in_lane(lane.queue, lane.priority, lane.keyed, lane.floor_at) p
      group by p.queue, p.job_type;
  end loop;
end
$$;
comment on function rowbeat.count_pending(timestamptz) is 'Internal: pending jobs by lane and type, for doctor; a last row with is_cut when the time was up before all lanes were looked at.';

create or replace function rowbeat.doctor_queues(patience interval, until timestamptz) returns table (severity text, code text, evidence text, fix text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  with counted as materialized (
    select * from rowbeat.count_pending(until)
  ), queues as materialized (
    select c.queue, sum(c.due) as due, min(c.oldest_due_at) as oldest_due_at,
           extract(epoch from now() - min(c.oldest_due_at)) as oldest_due_seconds,
           (array_agg(c.oldest_due_id order by c.oldest_due_at, c.oldest_due_id) filter (where c.due > 0))[1] as oldest_due_id
    from counted c
    where not c.is_cut
    group by c.queue
  ), settings as materialized (
    select q.name, q.max_running, q.paused_reason,
           q.paused_at is not null and (q.paused_until is null or q.paused_until > now()) as paused,
           case when q.max_running is not null then (select count(*) from rowbeat.running_jobs r where r.queue = q.name) end as running
    from rowbeat.queues q
  )
  select 'critical', 'no_poller', format('no poller is alive, and due %s', case sum(q.due) when 1 then 'is 1 job' else format('are %s jobs', sum(q.due)) end),
         'start a poller: npm start, or the service that runs it'
  from queues q
  where not exists (select from rowbeat.pollers_live l where l.beating)
  having sum(q.due) > 0
  union all
  select 'critical', 'unknown_job_type', format('no living poller knows the type %s: pending is job %s%s', c.job_type, min(c.oldest_id), case when sum(c.pending) > 1 then format(' and %s more', sum(c.pending) - 1) else '' end),
         'deploy a poller that knows it, till then the jobs wait and nothing is lost: select name, version, job_types from rowbeat.pollers_live'
  from counted c
  where not c.is_cut
    and exists (select from rowbeat.pollers_live l where l.beating)
    and not exists (select from rowbeat.pollers_live l where l.beating and c.job_type = any (l.job_types))
  group by c.job_type
  union all
  select 'warning', 'queue_lags', format('the oldest due job of queue %s has waited for %s s, of %s due', q.queue, round(q.oldest_due_seconds), q.due),
         case when s.running >= s.max_running
              then format('its limit of %s is used up: select * from rowbeat.running_jobs where queue = %L; to raise it: %s', s.max_running, q.queue,
                (select rowbeat.limits_call(jsonb_populate_record(x, jsonb_build_object('max_running', x.max_running + 1))) from rowbeat.queues x where x.name = q.queue))
              else format('why the oldest waits: select * from rowbeat.explain_job(%s); when all pollers are full, start another: select name, running, concurrency from rowbeat.pollers_live', q.oldest_due_id) end
  from queues q
  left join settings s on s.name = q.queue
  where s.paused is not true and q.oldest_due_seconds > 300
  union all
  select case when q.oldest_due_seconds > 86400 then 'warning' else 'notice' end, 'queue_paused',
         format('queue %s is paused (%s); due: %s', s.name, s.paused_reason, coalesce(q.due, 0)),
         format('select * from rowbeat.resume_queue(%L, ''why'')', s.name)
  from settings s
  left join queues q on q.queue = s.name
  where s.paused
  union all
  select 'warning', 'not_looked_at', 'the time was up before all queues were looked at', rowbeat.look_longer()
  from counted c
  where c.is_cut
$$;
comment on function rowbeat.doctor_queues(interval, timestamptz) is 'Internal: what doctor finds about queues and pending jobs.';

-- One execution after the other, the deadlines that come first before the rest.
create or replace function rowbeat.doctor_stuck(patience interval, until timestamptz) returns table (severity text, code text, evidence text, fix text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  e record;
  s record;
  first_stuck record;
  stuck bigint := 0;
  looked bigint := 0;
begin
  for s in
    select r.job_id, r.execution_id, r.reason from rowbeat.stuck_running() r
  loop
    stuck := stuck + 1;
    if stuck = 1 then
      first_stuck := s;
    end if;
  end loop;
  for e in
    select x.execution_id, x.workflow_type, x.deadline_at, x.created_at
    from rowbeat.workflow_executions x
    where x.status in ('pending', 'running')
    order by x.deadline_at
  loop
    if looked % 100 = 0 and clock_timestamp() > until then
      return query select 'warning', 'not_looked_at',
        format('the time was up after %s live executions, the first by deadline, were looked at for what is stuck', looked), rowbeat.look_longer();
      exit;
    end if;
    looked := looked + 1;
    for s in
      select r.job_id, r.execution_id, r.reason from rowbeat.stuck_in_execution(e.execution_id, e.workflow_type, e.deadline_at, e.created_at) r
    loop
      stuck := stuck + 1;
      if stuck = 1 then
        first_stuck := s;
      end if;
    end loop;
  end loop;
  if stuck > 0 then
    return query select 'critical', 'stuck', concat_ws(' of ', 'job ' || first_stuck.job_id, 'execution ' || first_stuck.execution_id) || ': ' || first_stuck.reason
        || case when stuck > 1 then format('; and %s more', stuck - 1) else '' end,
      format('select * from rowbeat.explain(%L)', coalesce(first_stuck.execution_id::text, first_stuck.job_id::text))
        || '; all of them: select * from rowbeat.stuck; with a living poller most of it heals within half a minute';
  end if;
end
$$;
comment on function rowbeat.doctor_stuck(interval, timestamptz) is 'Internal: what doctor finds about what should have moved and did not.';

create or replace function rowbeat.look_longer() returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select 'ask again when there is less to do; or give it longer: select * from rowbeat.doctor(budget => ''1 minute'')'
$$;
comment on function rowbeat.look_longer() is 'Internal: the fix of not_looked_at.';
