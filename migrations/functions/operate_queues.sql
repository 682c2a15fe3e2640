-- What operators do to queues and pollers.

create or replace function rowbeat.require_queue(queue text) returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(queue, '') = '' or length(queue) > 63 then
    raise exception 'a queue has a name of 1 to 63 characters' using errcode = 'RB010', hint = 'select queue from rowbeat.queue_lag';
  end if;
  return queue;
end
$$;
comment on function rowbeat.require_queue(text) is 'Internal: checks the name of a queue; raises RB010.';

create or replace function rowbeat.pause_queue(queue text, reason text, until timestamptz default null) returns setof rowbeat.queues
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  why text := rowbeat.require_reason('pause_queue', reason);
  guard text := rowbeat.suspend_guard();
  row_now rowbeat.queues;
begin
  perform rowbeat.require_queue(queue);
  if until <= clock_timestamp() then
    raise exception 'the pause would end at %, which has passed', until using errcode = 'RB010', hint = 'Leave "until" out to pause until resume_queue.';
  end if;
  insert into rowbeat.queues as q (name, paused_at, paused_until, paused_reason, paused_by)
    values (pause_queue.queue, clock_timestamp(), until, why, session_user)
    on conflict (name) do update
      set paused_at = coalesce(q.paused_at, excluded.paused_at),
          paused_until = excluded.paused_until,
          paused_reason = excluded.paused_reason,
          paused_by = excluded.paused_by,
          updated_at = now()
    returning q.* into row_now;
  perform rowbeat.log_action('pause_queue', null, null, pause_queue.queue, null, 'paused',
    case when until is not null then jsonb_build_object('until', until) end, why);
  if not exists (select from rowbeat.scheduled_jobs j where j.queue = pause_queue.queue) then
    raise notice 'queue % has no job yet: is the name right?', pause_queue.queue;
  end if;
  perform rowbeat.restore_guard(guard);
  return next row_now;
end
$$;
comment on function rowbeat.pause_queue(text, text, timestamptz) is 'Stops claims from a queue, until a time or until resume_queue. Jobs that run go on, jobs can still be added.';

create or replace function rowbeat.resume_queue(queue text, reason text) returns setof rowbeat.queues
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  why text := rowbeat.require_reason('resume_queue', reason);
  guard text := rowbeat.suspend_guard();
  row_now rowbeat.queues;
begin
  update rowbeat.queues q
    set paused_at = null,
        paused_until = null,
        paused_reason = null,
        paused_by = null,
        updated_at = now()
    where q.name = resume_queue.queue
      and q.paused_at is not null
    returning q.* into row_now;
  if not found then
    raise exception 'queue % is not paused', coalesce(resume_queue.queue, 'null')
      using errcode = 'RB007', hint = 'select name, paused_at, paused_reason from rowbeat.queues where paused_at is not null';
  end if;
  perform rowbeat.log_action('resume_queue', null, null, resume_queue.queue, 'paused', null, null, why);
  -- No priority: every lane of the queue is meant.
  perform rowbeat.send_hint('rowbeat_wake', '||' || resume_queue.queue);
  perform rowbeat.restore_guard(guard);
  return next row_now;
end
$$;
comment on function rowbeat.resume_queue(text, text) is 'Lets a paused queue be claimed from again, at once.';

create or replace function rowbeat.drain_poller(poller_id uuid, reason text) returns setof rowbeat.pollers
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  why text := rowbeat.require_reason('drain_poller', reason);
  guard text := rowbeat.suspend_guard();
  row_now rowbeat.pollers;
begin
  update rowbeat.pollers p
    set status = 'draining'
    where p.poller_id = drain_poller.poller_id
      and p.status = 'live'
    returning p.* into row_now;
  if not found then
    raise exception 'there is no live poller %', coalesce(drain_poller.poller_id::text, 'null')
      using errcode = 'RB007', hint = 'select poller_id, name, status from rowbeat.pollers_live';
  end if;
  perform rowbeat.log_action('drain_poller', null, null, drain_poller.poller_id::text, 'live', 'draining', null, why);
  perform rowbeat.restore_guard(guard);
  return next row_now;
end
$$;
comment on function rowbeat.drain_poller(uuid, text) is 'Asks a poller to claim nothing more; what it runs goes on. It learns of it with its next heartbeat, within three seconds.';
