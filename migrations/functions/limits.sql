-- Limits, for operators: of a queue and of a job type. What they mean is in claim_fairly.sql.

create or replace function rowbeat.note_new_limits() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.limits_fresh := true;
  return new;
end
$$;
comment on function rowbeat.note_new_limits() is 'Trigger: the first claim under changed limits has to wait for those made without them.';

create or replace trigger queues_new_limits
  before update on rowbeat.queues
  for each row
  when ((new.max_running, new.max_per_key) is distinct from (old.max_running, old.max_per_key))
  execute function rowbeat.note_new_limits();

drop function if exists rowbeat.log_limits(text, text, jsonb, jsonb, text);
drop function if exists rowbeat.require_rate(text, text, integer, integer);

create or replace function rowbeat.require_rate(rate_max integer, rate_seconds integer) returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if (rate_max is null) <> (rate_seconds is null) then
    raise exception 'a rate takes both rate_max and rate_seconds'
      using errcode = 'RB010', hint = 'For ten a minute: rate_max := 10, rate_seconds := 60';
  end if;
  if rate_max not between 1 and 1000000 or rate_seconds not between 1 and 86400 then
    raise exception 'a rate is 1 to 1,000,000 starts in 1 to 86,400 seconds, not % in %', rate_max, rate_seconds
      using errcode = 'RB010', hint = 'To stop a queue altogether use rowbeat.pause_queue.';
  end if;
end
$$;
comment on function rowbeat.require_rate(integer, integer) is 'Internal: checks a rate given to a function for operators; raises RB010.';

create or replace function rowbeat.set_queue_limits(
  queue text,
  reason text,
  max_running integer default null,
  max_per_key integer default null,
  rate_max integer default null,
  rate_seconds integer default null
) returns setof rowbeat.queues
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  why text := rowbeat.require_reason('set_queue_limits', reason);
  guard text := rowbeat.suspend_guard();
  row_before rowbeat.queues;
  row_now rowbeat.queues;
begin
  perform rowbeat.require_queue(queue);
  perform rowbeat.require_rate(rate_max, rate_seconds);
  if max_running < 0 or max_per_key < 1 then
    raise exception 'max_running must be 0 or more and max_per_key 1 or more'
      using errcode = 'RB010', hint = 'Leave an argument out to lift that limit.';
  end if;
  -- Locks the row, so that nobody claims between the change and what is logged of it.
  insert into rowbeat.queues (name) values (set_queue_limits.queue) on conflict (name) do nothing;
  select * into row_before from rowbeat.queues q where q.name = set_queue_limits.queue for update;
  update rowbeat.queues q
    set max_running = set_queue_limits.max_running,
        max_per_key = set_queue_limits.max_per_key,
        rate_max = set_queue_limits.rate_max,
        rate_seconds = set_queue_limits.rate_seconds,
        updated_at = now()
    where q.name = set_queue_limits.queue
    returning q.* into row_now;
  perform rowbeat.log_action('set_queue_limits', null, null, row_now.name, null, null,
    rowbeat.queue_changes(row_before, row_now), why);
  -- Everybody looks again: how a lane is claimed depends on whether it is limited.
  perform rowbeat.send_hint('rowbeat_wake', '*');
  perform rowbeat.restore_guard(guard);
  return next row_now;
end
$$;
comment on function rowbeat.set_queue_limits(text, text, integer, integer, integer, integer) is 'Sets all limits of a queue, over all pollers: most jobs that run at once, most of one concurrency_key, and most starts in any rate_seconds. What is left out is lifted. Jobs that run go on, also above a limit.';

create or replace function rowbeat.set_job_type_rate(
  job_type text,
  reason text,
  rate_max integer,
  rate_seconds integer
) returns setof rowbeat.job_type_rates
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  why text := rowbeat.require_reason('set_job_type_rate', reason);
  guard text := rowbeat.suspend_guard();
  row_before rowbeat.job_type_rates;
  row_now rowbeat.job_type_rates;
begin
  perform rowbeat.require_rate(rate_max, rate_seconds);
  if coalesce(job_type, '') = '' or length(job_type) > 63 then
    raise exception 'a job type has a name of 1 to 63 characters' using errcode = 'RB010', hint = 'The job type is the first argument.';
  end if;
  select * into row_before from rowbeat.job_type_rates r where r.job_type = set_job_type_rate.job_type for update;
  if rate_max is null then
    delete from rowbeat.job_type_rates r where r.job_type = set_job_type_rate.job_type;
  else
    insert into rowbeat.job_type_rates as r (job_type, rate_max, rate_seconds)
      values (set_job_type_rate.job_type, set_job_type_rate.rate_max, set_job_type_rate.rate_seconds)
      on conflict on constraint job_type_rates_pkey do update
        set rate_max = excluded.rate_max, rate_seconds = excluded.rate_seconds
      returning r.* into row_now;
  end if;
  perform rowbeat.log_action('set_job_type_rate', null, null, set_job_type_rate.job_type, null, null,
    rowbeat.rate_changes(row_before, row_now), why);
  perform rowbeat.send_hint('rowbeat_wake', '*');
  perform rowbeat.restore_guard(guard);
  if row_now.job_type is not null then
    return next row_now;
  end if;
end
$$;
comment on function rowbeat.set_job_type_rate(text, text, integer, integer) is 'Sets how many jobs of a type may start in any rate_seconds, over all pollers and queues; with nulls it lifts the limit.';
