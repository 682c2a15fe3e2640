-- Raw SQL on queues and job_type_rates is safe too: a hand-written change is completed, logged and told to the
-- pollers as the functions do it (operate_queues.sql, limits.sql), or refused with a hint.

create or replace function rowbeat.queue_changes(before_it rowbeat.queues, after_it rowbeat.queues) returns jsonb
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return nullif(rowbeat.changed_columns(to_jsonb(before_it), to_jsonb(after_it))
    - array['name', 'limits_fresh', 'created_at', 'updated_at'], '{}');
end
$$;
comment on function rowbeat.queue_changes(rowbeat.queues, rowbeat.queues) is 'Internal: what differs between two versions of a queue, for the log.';

create or replace function rowbeat.rate_changes(before_it rowbeat.job_type_rates, after_it rowbeat.job_type_rates) returns jsonb
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return nullif(rowbeat.changed_columns(to_jsonb(before_it), to_jsonb(after_it)) - 'job_type', '{}');
end
$$;
comment on function rowbeat.rate_changes(rowbeat.job_type_rates, rowbeat.job_type_rates) is 'Internal: what differs between two versions of a rate, for the log.';

create or replace function rowbeat.check_hand_queue(before rowbeat.queues, after rowbeat.queues) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  help text := format('select * from rowbeat.pause_queue(%L, ''why'', until => …); or rowbeat.set_queue_limits(%L, ''why'', max_running => …)',
    before.name, before.name);
begin
  if (before.name, before.limits_fresh, before.created_at, before.updated_at)
     is distinct from (after.name, after.limits_fresh, after.created_at, after.updated_at) then
    raise exception 'name, limits_fresh and times of queue % are not written by hand', before.name
      using errcode = 'RB002', hint = help;
  end if;
  if after.paused_at is null and (after.paused_reason is distinct from before.paused_reason
                                  or after.paused_until is distinct from before.paused_until)
     and (after.paused_reason is not null or after.paused_until is not null) then
    raise exception 'queue % is not paused: there is no reason or end of a pause to set', after.name
      using errcode = 'RB002', hint = help;
  end if;
  if after.paused_at is distinct from before.paused_at
     and (not isfinite(after.paused_at) or after.paused_at > clock_timestamp() + interval '1 minute') then
    raise exception 'a pause begins now, not at %', after.paused_at using errcode = 'RB010', hint = help;
  end if;
  if after.paused_until is distinct from before.paused_until and after.paused_until <= clock_timestamp() then
    raise exception 'the pause would end at %, which has passed', after.paused_until
      using errcode = 'RB010', hint = format('To end it: select * from rowbeat.resume_queue(%L, ''why'')', after.name);
  end if;
end
$$;
comment on function rowbeat.check_hand_queue(rowbeat.queues, rowbeat.queues) is 'Internal: raises RB002 or RB010 unless the change of a queue is one that a person may make.';

create or replace function rowbeat.guard_queue() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  before rowbeat.queues;
begin
  if tg_op = 'UPDATE' then
    before := old;
  else
    new.limits_fresh := true;
    before.name := new.name;
    before.limits_fresh := true;
    before.created_at := new.created_at;
    before.updated_at := new.updated_at;
  end if;
  perform rowbeat.check_hand_queue(before, new);
  if new.paused_at is null then
    new.paused_until := null;
    new.paused_reason := null;
    new.paused_by := null;
  else
    new.paused_reason := coalesce(new.paused_reason, rowbeat.hand_reason(), 'by hand');
    new.paused_by := case when (new.paused_at, new.paused_until, new.paused_reason)
                            is distinct from (before.paused_at, before.paused_until, before.paused_reason)
                          then session_user else before.paused_by end;
  end if;
  new.updated_at := now();
  return new;
end
$$;
comment on function rowbeat.guard_queue() is 'Trigger: checks and completes a hand-written change of a queue.';

create or replace function rowbeat.follow_hand_queue() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  changes jsonb;
  nothing rowbeat.queues;
  was_paused text := case when tg_op <> 'INSERT' and old.paused_at is not null then 'paused' end;
  is_paused text := case when tg_op <> 'DELETE' and new.paused_at is not null then 'paused' end;
begin
  nothing.name := case when tg_op = 'DELETE' then old.name else new.name end;
  changes := case tg_op when 'DELETE' then rowbeat.queue_changes(old, nothing)
                        when 'INSERT' then rowbeat.queue_changes(nothing, new)
                        else rowbeat.queue_changes(old, new) end;
  if tg_op = 'UPDATE' and changes is null then
    return null;
  end if;
  perform rowbeat.log_action(lower(tg_op), null, null, nothing.name,
    was_paused, is_paused, changes, rowbeat.hand_reason());
  -- Everybody looks again: how a lane is claimed depends on whether it is limited.
  perform rowbeat.send_hint('rowbeat_wake', '*');
  return null;
end
$$;
comment on function rowbeat.follow_hand_queue() is 'Trigger: logs a hand-written change of a queue and tells the pollers.';

create or replace function rowbeat.follow_hand_rate() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  nothing rowbeat.job_type_rates;
begin
  nothing.job_type := case when tg_op = 'DELETE' then old.job_type else new.job_type end;
  perform rowbeat.log_action(lower(tg_op), null, null, nothing.job_type, null, null,
    case tg_op when 'DELETE' then rowbeat.rate_changes(old, nothing)
               when 'INSERT' then rowbeat.rate_changes(nothing, new)
               else rowbeat.rate_changes(old, new) end, rowbeat.hand_reason());
  perform rowbeat.send_hint('rowbeat_wake', '*');
  return null;
end
$$;
comment on function rowbeat.follow_hand_rate() is 'Trigger: logs a hand-written change of the rate of a job type and tells the pollers.';

create or replace trigger guard_queue
  before insert or update on rowbeat.queues
  for each row
  when (rowbeat.is_by_hand())
  execute function rowbeat.guard_queue();

create or replace trigger guard_queue_change
  after insert or update or delete on rowbeat.queues
  for each row
  when (rowbeat.is_by_hand())
  execute function rowbeat.follow_hand_queue();

create or replace trigger guard_queue_truncate
  before truncate on rowbeat.queues
  for each statement
  when (rowbeat.is_by_hand())
  execute function rowbeat.refuse_truncate();

create or replace trigger guard_rate_change
  after insert or update or delete on rowbeat.job_type_rates
  for each row
  when (rowbeat.is_by_hand())
  execute function rowbeat.follow_hand_rate();

create or replace trigger guard_rate_truncate
  before truncate on rowbeat.job_type_rates
  for each statement
  when (rowbeat.is_by_hand())
  execute function rowbeat.refuse_truncate();
