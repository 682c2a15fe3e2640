-- Schedules by hand: what follows from an edit of rowbeat.schedules, and the functions for operators.

-- The one list of what code and hand may both set. A setting added to the table must be added here, in the daemon's
-- seeding, and to seeded of the rows that exist: else all of them would count as edited.
create or replace function rowbeat.schedule_settings(s rowbeat.schedules) returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'cron', s.cron,
    'timezone', s.timezone,
    'job_type', s.job_type,
    'queue', s.queue,
    'priority', s.priority,
    'payload', s.payload,
    'max_retries', s.max_retries,
    'missed_policy', s.missed_policy,
    'missed_cap', s.missed_cap,
    'overlap_policy', s.overlap_policy,
    'jitter_seconds', s.jitter_seconds)
$$;
comment on function rowbeat.schedule_settings(rowbeat.schedules) is 'The settings of a schedule as one value; compare it with seeded to see whether the row was edited.';

-- The server knows a few names that programs do not.
create or replace function rowbeat.require_timezone(timezone text) returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  near text;
begin
  if exists (select from pg_timezone_names z where z.name = require_timezone.timezone)
     and timezone not in ('Factory', 'localtime', 'posixrules') and timezone !~ '^(posix|right)/' then
    return timezone;
  end if;
  select min(z.name) into near
    from pg_timezone_names z
    where lower(replace(btrim(timezone), ' ', '_')) in (lower(z.name), lower(regexp_replace(z.name, '^.*/', '')))
      and z.name !~ '^(posix|right)/';
  raise exception 'time zone % is not known', coalesce(format('"%s"', timezone), 'null')
    using errcode = 'invalid_parameter_value',
          hint = coalesce(format('Did you mean %s? ', near), '') || 'Use an IANA name such as Europe/Paris: select name from pg_timezone_names order by name.';
end
$$;
comment on function rowbeat.require_timezone(text) is 'Internal: checks the name of a time zone, which server and daemons must know; raises invalid_parameter_value with the nearest name.';

-- Security definer: who may edit a schedule need not be allowed to write its history.
create or replace function rowbeat.follow_schedule_edit() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  edited boolean := tg_op = 'INSERT';
  moved boolean := tg_op = 'INSERT';
begin
  if tg_op = 'UPDATE' then
    edited := rowbeat.schedule_settings(new) is distinct from rowbeat.schedule_settings(old);
    moved := (new.cron, new.timezone) is distinct from (old.cron, old.timezone);
  end if;

  if moved then
    perform rowbeat.require_timezone(new.timezone);
  end if;

  new.edited := new.seeded is not null and new.seeded <> rowbeat.schedule_settings(new);

  if new.paused_at is not null then
    new.paused_reason := coalesce(new.paused_reason, 'paused by ' || session_user);
  else
    new.paused_reason := null;
  end if;

  if tg_op = 'INSERT' then
    return new;
  end if;

  -- The pause has ended: its fire times are recorded by the next pass. A second one before that is added to it.
  if old.paused_at is not null and new.paused_at is null then
    new.pause_began_at := least(coalesce(old.pause_began_at, old.paused_at), clock_timestamp());
    new.pause_ended_at := clock_timestamp();
    new.look_at := '-infinity';
  end if;

  if moved then
    -- The new times count from now on. Those of the old ones that had come and were not dealt with are not lost
    -- without a word.
    if old.next_fire_at <= clock_timestamp() then
      insert into rowbeat.schedule_runs (schedule, fire_at, outcome, note)
      values (
        new.name,
        old.next_fire_at,
        case when old.paused_at is null and old.pause_began_at is null then 'missed' else 'paused' end,
        format('the cron was changed from "%s" (%s) before the fire times from here on were dealt with', old.cron, old.timezone))
      on conflict (schedule, fire_at) do nothing;
    end if;
    new.accounted_until := greatest(clock_timestamp(), old.accounted_until);
    new.pause_began_at := null;
    new.pause_ended_at := null;
    new.next_fire_at := null;
  end if;

  if edited then
    new.problem := null;
    new.look_at := '-infinity';
    new.updated_at := now();
  elsif new.next_fire_at is distinct from old.next_fire_at and new.look_at is not distinct from old.look_at then
    new.look_at := coalesce(new.next_fire_at, '-infinity');
  end if;
  return new;
end
$$;
comment on function rowbeat.follow_schedule_edit() is 'Trigger: refuses an unknown time zone, keeps edited, notes the end of a pause, and makes an edit take effect from now on.';

create or replace trigger schedules_edit
  before insert or update on rowbeat.schedules
  for each row
  execute function rowbeat.follow_schedule_edit();

-- Its migration knew of no function for it.
comment on table rowbeat.schedules is 'Cron entries: each fire time inserts one job, however many daemons run. Seeded from code at boot; change them by rowbeat.set_schedule, or edit the rows as you like: edits are kept.';

create or replace function rowbeat.schedule_changes(before_it rowbeat.schedules, after_it rowbeat.schedules) returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_object_agg(c.key, case when c.key = 'payload' then null else c.value end)
    from jsonb_each(rowbeat.changed_columns(
      rowbeat.schedule_settings(before_it) || jsonb_build_object('name', before_it.name, 'paused_at', before_it.paused_at,
        'paused_reason', before_it.paused_reason, 'accounted_until', before_it.accounted_until, 'last_job_id', before_it.last_job_id),
      rowbeat.schedule_settings(after_it) || jsonb_build_object('name', after_it.name, 'paused_at', after_it.paused_at,
        'paused_reason', after_it.paused_reason, 'accounted_until', after_it.accounted_until, 'last_job_id', after_it.last_job_id))) c);
end
$$;
comment on function rowbeat.schedule_changes(rowbeat.schedules, rowbeat.schedules) is 'Internal: what differs between two versions of a schedule, for the log; the payload only by name.';

-- Who changed what by hand, and why. The daemons' own statements pay for the WHEN clause only.
create or replace function rowbeat.log_schedule_change() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  changed jsonb;
begin
  if tg_op = 'UPDATE' then
    changed := rowbeat.schedule_changes(old, new);
    if changed is null then
      return null;
    end if;
  end if;
  perform rowbeat.log_action(lower(tg_op), null, null, case when tg_op = 'DELETE' then old.name else new.name end,
    null, null, changed, rowbeat.hand_reason());
  return null;
end
$$;
comment on function rowbeat.log_schedule_change() is 'Trigger: writes a hand-written change of a schedule to action_log.';

create or replace trigger schedules_log
  after insert or update or delete on rowbeat.schedules
  for each row
  when (rowbeat.is_by_hand())
  execute function rowbeat.log_schedule_change();

drop function if exists rowbeat.begin_schedule_action(text, text, text);

-- Two seconds, as lock_job: a daemon holds the row for milliseconds.
create or replace function rowbeat.find_schedule(schedule text) returns rowbeat.schedules
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  patience text := current_setting('lock_timeout');
  found_row rowbeat.schedules;
begin
  begin
    perform set_config('lock_timeout', '2s', true);
    select s.* into found_row
      from rowbeat.schedules s
      where s.name = find_schedule.schedule
      for no key update;
    perform set_config('lock_timeout', patience, true);
  exception
    when lock_not_available then
      perform rowbeat.refuse_held(format('schedule "%s"', schedule),
        (select s.xmax from rowbeat.schedules s where s.name = find_schedule.schedule));
  end;
  return found_row;
end
$$;
comment on function rowbeat.find_schedule(text) is 'Internal: locks a schedule and returns it, nulls when there is none; raises RB012 when somebody holds it for two seconds.';

create or replace function rowbeat.lock_schedule(schedule text) returns rowbeat.schedules
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  found_row rowbeat.schedules := rowbeat.find_schedule(schedule);
begin
  if found_row.name is null then
    raise exception 'there is no schedule %', coalesce(format('"%s"', schedule), 'null')
      using errcode = 'RB007',
            hint = 'select name, state, cron, timezone, job_type from rowbeat.schedule_status order by name';
  end if;
  return found_row;
end
$$;
comment on function rowbeat.lock_schedule(text) is 'Internal: locks a schedule and returns it; raises RB007 when there is none, RB012 when somebody holds it for two seconds.';

create or replace function rowbeat.pause_schedule(name text, reason text) returns rowbeat.schedules
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  why text := rowbeat.require_reason('pause_schedule', reason);
  guard text := rowbeat.suspend_guard();
  s rowbeat.schedules := rowbeat.lock_schedule(name);
  row_now rowbeat.schedules;
begin
  update rowbeat.schedules u
    set paused_at = coalesce(u.paused_at, clock_timestamp()),
        paused_reason = why
    where u.name = s.name
    returning u.* into row_now;
  perform rowbeat.log_action('pause_schedule', null, null, s.name, case when s.paused_at is not null then 'paused' end, 'paused',
    rowbeat.schedule_changes(s, row_now), why);
  perform rowbeat.restore_guard(guard);
  -- Operators see of payloads what the views show of them.
  row_now.payload := rowbeat.mask(row_now.payload);
  row_now.seeded := row_now.seeded || jsonb_build_object('payload', rowbeat.mask(row_now.seeded -> 'payload'));
  return row_now;
end
$$;
comment on function rowbeat.pause_schedule(text, text) is 'Stops a schedule from firing until resume_schedule; its fire times until then are recorded in one row when it resumes. The jobs it has made go on.';

create or replace function rowbeat.resume_schedule(name text, reason text) returns rowbeat.schedules
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  why text := rowbeat.require_reason('resume_schedule', reason);
  guard text := rowbeat.suspend_guard();
  s rowbeat.schedules := rowbeat.lock_schedule(name);
  row_now rowbeat.schedules;
begin
  if s.paused_at is null then
    raise exception 'schedule "%" is not paused', s.name
      using errcode = 'RB007', hint = 'select name, state, why from rowbeat.schedule_status where state = ''paused''';
  end if;
  update rowbeat.schedules u
    set paused_at = null,
        paused_reason = null
    where u.name = s.name
    returning u.* into row_now;
  perform rowbeat.log_action('resume_schedule', null, null, s.name, 'paused', null, rowbeat.schedule_changes(s, row_now), why);
  perform rowbeat.restore_guard(guard);
  -- Operators see of payloads what the views show of them.
  row_now.payload := rowbeat.mask(row_now.payload);
  row_now.seeded := row_now.seeded || jsonb_build_object('payload', rowbeat.mask(row_now.seeded -> 'payload'));
  return row_now;
end
$$;
comment on function rowbeat.resume_schedule(text, text) is 'Lets a paused schedule fire again from now on; nothing of the pause is made up for.';

create or replace function rowbeat.fire_schedule(name text, reason text) returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  why text := rowbeat.require_reason('fire_schedule', reason);
  guard text := rowbeat.suspend_guard();
  s rowbeat.schedules := rowbeat.lock_schedule(name);
  fired_at timestamptz := clock_timestamp();
  new_id bigint;
begin
  perform rowbeat.skip_taken_ids();
  insert into rowbeat.scheduled_jobs (job_type, payload, queue, priority, max_retries, dedupe_key)
    values (s.job_type, s.payload, s.queue, s.priority, s.max_retries,
            case when s.overlap_policy = 'skip' then 'schedule:' || s.name end)
    on conflict (queue, live_dedupe_key) where live_dedupe_key is not null do nothing
    returning id into new_id;
  if new_id is null then
    raise exception 'a job of schedule "%" is still open, and its overlap_policy is skip', s.name
      using errcode = 'RB009',
            hint = format('Wait for it: select * from rowbeat.explain_job(%s); or end it: select * from rowbeat.cancel_job(%s, ''why''); or: update rowbeat.schedules set overlap_policy = ''allow'' where name = %L',
              s.last_job_id, s.last_job_id, s.name);
  end if;
  insert into rowbeat.schedule_runs (schedule, fire_at, outcome, job_id, note)
    values (s.name, fired_at, 'fired', new_id, 'fired by hand: ' || why);
  update rowbeat.schedules u
    set last_fire_at = fired_at,
        last_job_id = new_id
    where u.name = s.name;
  perform rowbeat.log_action('fire_schedule', new_id, null, s.name, null, 'pending', null, why);
  perform rowbeat.wake_pollers(s.queue, s.priority, now());
  perform rowbeat.restore_guard(guard);
  return new_id;
end
$$;
comment on function rowbeat.fire_schedule(text, text) is 'Inserts one job of a schedule now, also while it is paused, and returns its id; its fire times stay as they are.';
