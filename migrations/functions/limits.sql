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

create or replace function rowbeat.log_limits(action text, target text, before_it jsonb, after_it jsonb, reason text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  changes jsonb := (
    select jsonb_object_agg(k.name, jsonb_build_array(before_it -> k.name, after_it -> k.name))
    from jsonb_object_keys(after_it) as k (name)
    where before_it -> k.name is distinct from after_it -> k.name);
begin
  -- The log comes with the guard's migration; a database without it has no log of anything.
  if to_regprocedure('rowbeat.log_action(text, bigint, uuid, text, text, text, jsonb, text)') is not null then
    perform rowbeat.log_action(action, null, null, target, null, null, changes, left(btrim(reason), 2000));
  end if;
end
$$;
comment on function rowbeat.log_limits(text, text, jsonb, jsonb, text) is 'Internal: writes a change of limits to action_log, where there is one.';

create or replace function rowbeat.require_rate(action text, reason text, rate_max integer, rate_seconds integer) returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(btrim(reason), '') = '' then
    raise exception '% needs a reason', action
      using errcode = 'RB006',
            hint = format('Say why in a few words, for whoever reads rowbeat.action_log later; \df rowbeat.%s shows the arguments.', action);
  end if;
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
comment on function rowbeat.require_rate(text, text, integer, integer) is 'Internal: checks the reason and the rate given to a function for operators; raises RB006 or RB010.';

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
  row_before rowbeat.queues;
  row_now rowbeat.queues;
begin
  perform rowbeat.require_rate('set_queue_limits', reason, rate_max, rate_seconds);
  if coalesce(queue, '') = '' or length(queue) > 63 then
    raise exception 'a queue has a name of 1 to 63 characters' using errcode = 'RB010', hint = 'The queue is the first argument.';
  end if;
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
  perform rowbeat.log_limits('set_queue_limits', row_now.name,
    jsonb_build_object('max_running', row_before.max_running, 'max_per_key', row_before.max_per_key,
                       'rate_max', row_before.rate_max, 'rate_seconds', row_before.rate_seconds),
    jsonb_build_object('max_running', row_now.max_running, 'max_per_key', row_now.max_per_key,
                       'rate_max', row_now.rate_max, 'rate_seconds', row_now.rate_seconds),
    reason);
  -- Everybody looks again: how a lane is claimed depends on whether it is limited.
  perform pg_notify('rowbeat_wake', '*');
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
  row_before rowbeat.job_type_rates;
  row_now rowbeat.job_type_rates;
begin
  perform rowbeat.require_rate('set_job_type_rate', reason, rate_max, rate_seconds);
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
  perform rowbeat.log_limits('set_job_type_rate', set_job_type_rate.job_type,
    jsonb_build_object('rate_max', row_before.rate_max, 'rate_seconds', row_before.rate_seconds),
    jsonb_build_object('rate_max', row_now.rate_max, 'rate_seconds', row_now.rate_seconds),
    reason);
  perform pg_notify('rowbeat_wake', '*');
  if row_now.job_type is not null then
    return next row_now;
  end if;
end
$$;
comment on function rowbeat.set_job_type_rate(text, text, integer, integer) is 'Sets how many jobs of a type may start in any rate_seconds, over all pollers and queues; with nulls it lifts the limit.';
