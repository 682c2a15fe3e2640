-- What operators do to schedules but for pausing and firing (schedules.sql): make one, change it, take it away.

-- By hand and by function alike. What is wrong already stays editable in everything else: only what changes is checked.
create or replace function rowbeat.require_schedule(before rowbeat.schedules, after rowbeat.schedules) returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  wrong text := case
    when coalesce(after.name !~ '^[a-z][a-z0-9_]{0,62}$', true) then 'the name of a schedule must match [a-z][a-z0-9_]* and have at most 63 characters'
    when coalesce(length(after.job_type) not between 1 and 63, true) then 'job_type must have 1 to 63 characters'
    when coalesce(length(after.queue) not between 1 and 63, true) then 'queue must have 1 to 63 characters'
    when coalesce(after.priority not between -100 and 100, true) then 'priority must be -100 to 100'
    when coalesce(after.max_retries not between 0 and 100, true) then 'max_retries must be 0 to 100'
    when coalesce(after.missed_policy not in ('skip', 'latest', 'all'), true) then 'missed_policy must be skip, latest or all'
    when coalesce(after.missed_cap not between 1 and 500, true) then 'missed_cap must be 1 to 500'
    when coalesce(after.overlap_policy not in ('allow', 'skip'), true) then 'overlap_policy must be allow or skip'
    when coalesce(after.jitter_seconds not between 0 and 86400, true) then 'jitter_seconds must be 0 to 86400'
  end;
begin
  if wrong is not null then
    raise exception '%', wrong
      using errcode = 'RB010', hint = 'Give another value. \d+ rowbeat.schedules says what each column means.';
  end if;
  if after.cron is distinct from before.cron then
    perform rowbeat.require_cron(after.cron);
  end if;
  -- A workflow is started by its subject; a job with its name would wait for a handler that does not exist.
  if after.job_type is distinct from before.job_type
     and exists (select from rowbeat.workflow_executions e where e.workflow_type = after.job_type)
     and not exists (select from rowbeat.pollers_live l where after.job_type = any (l.job_types)) then
    raise exception '"%" is a workflow, and a schedule inserts a job', after.job_type
      using errcode = 'RB010',
            hint = 'Name a job type whose handler starts the workflow: select distinct unnest(job_types) from rowbeat.pollers_live order by 1';
  end if;
end
$$;
comment on function rowbeat.require_schedule(rowbeat.schedules, rowbeat.schedules) is 'Internal: raises RB010 when a schedule would hold what it may not; cron and job type only when they changed.';

create or replace function rowbeat.set_schedule(
  name text,
  reason text,
  cron text default null,
  job_type text default null,
  timezone text default null,
  payload jsonb default null,
  queue text default null,
  priority integer default null,
  max_retries integer default null,
  missed_policy text default null,
  missed_cap integer default null,
  overlap_policy text default null,
  jitter_seconds integer default null
) returns table (schedule text, outcome text, changes jsonb, note text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  why text := rowbeat.require_reason('set_schedule', reason);
  guard text := rowbeat.suspend_guard();
  before rowbeat.schedules := rowbeat.find_schedule(set_schedule.name);
  wanted rowbeat.schedules := before;
  row_now rowbeat.schedules;
begin
  if before.name is null and (set_schedule.cron is null or set_schedule.job_type is null) then
    raise exception 'there is no schedule %, and a new one needs cron and job_type', coalesce(format('"%s"', set_schedule.name), 'null')
      using errcode = 'RB007',
            hint = format('For instance: select * from rowbeat.set_schedule(%L, ''why'', cron => ''0 3 * * *'', timezone => ''Europe/Paris'', job_type => ''send_report''); those that exist: select name, state, cron from rowbeat.schedule_status', coalesce(set_schedule.name, 'nightly_report'));
  end if;
  wanted.name := set_schedule.name;
  wanted.cron := coalesce(set_schedule.cron, before.cron);
  wanted.timezone := coalesce(set_schedule.timezone, before.timezone, 'UTC');
  wanted.job_type := coalesce(set_schedule.job_type, before.job_type);
  wanted.queue := coalesce(set_schedule.queue, before.queue, 'default');
  wanted.payload := coalesce(set_schedule.payload, before.payload, '{}');
  -- Beyond smallint it would be a plain overflow.
  wanted.priority := least(101, greatest(-101, coalesce(set_schedule.priority, before.priority, 0)));
  wanted.max_retries := coalesce(set_schedule.max_retries, before.max_retries, 3);
  wanted.missed_policy := coalesce(set_schedule.missed_policy, before.missed_policy, 'latest');
  wanted.missed_cap := coalesce(set_schedule.missed_cap, before.missed_cap, 10);
  wanted.overlap_policy := coalesce(set_schedule.overlap_policy, before.overlap_policy, 'allow');
  wanted.jitter_seconds := coalesce(set_schedule.jitter_seconds, before.jitter_seconds, 0);
  perform rowbeat.require_schedule(before, wanted);
  schedule := wanted.name;
  if rowbeat.schedule_settings(wanted) = rowbeat.schedule_settings(before) then
    perform rowbeat.restore_guard(guard);
    outcome := 'unchanged';
    return next;
    return;
  end if;
  insert into rowbeat.schedules as s (name, cron, timezone, job_type, queue, priority, payload, max_retries, missed_policy, missed_cap, overlap_policy, jitter_seconds)
    values (wanted.name, wanted.cron, wanted.timezone, wanted.job_type, wanted.queue, wanted.priority, wanted.payload,
            wanted.max_retries, wanted.missed_policy, wanted.missed_cap, wanted.overlap_policy, wanted.jitter_seconds)
    on conflict on constraint schedules_pkey do update
      set cron = excluded.cron,
          timezone = excluded.timezone,
          job_type = excluded.job_type,
          queue = excluded.queue,
          priority = excluded.priority,
          payload = excluded.payload,
          max_retries = excluded.max_retries,
          missed_policy = excluded.missed_policy,
          missed_cap = excluded.missed_cap,
          overlap_policy = excluded.overlap_policy,
          jitter_seconds = excluded.jitter_seconds
    returning s.* into row_now;
  outcome := case when before.name is null then 'created' else 'changed' end;
  changes := rowbeat.schedule_changes(before, row_now) - array['name', 'accounted_until'];
  note := concat_ws('; ',
    case when row_now.paused_at is not null then 'it is paused: select * from rowbeat.resume_schedule(' || quote_literal(row_now.name) || ', ''why'')' end,
    case when row_now.edited then 'code defines it too: the row wins, and no longer follows the code' end,
    case when row_now.seeded is not null and not row_now.edited then 'it follows the code again' end,
    case when not exists (select from rowbeat.pollers_live l where row_now.job_type = any (l.job_types))
      then 'no living poller knows the job type ' || row_now.job_type || ': its jobs wait until one does' end,
    case when row_now.paused_at is null then 'its next fire time is computed within seconds, when a daemon runs: select next_fire_at, why from rowbeat.schedule_status where name = ' || quote_literal(row_now.name) end);
  perform rowbeat.log_action('set_schedule', null, null, row_now.name, null, null, changes, why);
  perform rowbeat.restore_guard(guard);
  return next;
end
$$;
comment on function rowbeat.set_schedule(text, text, text, text, text, jsonb, text, integer, integer, text, integer, text, integer) is 'Makes a schedule, or changes one: what is left out stays as it is, or gets the default of a new one (zone UTC, queue default, …: \d+ rowbeat.schedules). A new one needs cron and job_type. Takes effect from now on. Returns created, changed or unchanged, what changed (of the payload only that it did), and what is worth knowing. Refuses a cron that cannot be read, an unknown time zone and a job type that is a workflow.';

create or replace function rowbeat.remove_schedule(name text, reason text) returns table (schedule text, outcome text, changes jsonb, note text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  why text := rowbeat.require_reason('remove_schedule', reason);
  guard text := rowbeat.suspend_guard();
  s rowbeat.schedules := rowbeat.lock_schedule(remove_schedule.name);
begin
  delete from rowbeat.schedules d where d.name = s.name;
  schedule := s.name;
  outcome := 'removed';
  changes := rowbeat.schedule_settings(s) || jsonb_build_object('payload', null);
  note := concat_ws('; ', 'its history is gone with it, jobs that it made go on',
    case when s.seeded is not null then 'code defines it, or did: a daemon whose code still does makes it anew at its next start. To have it stay and not fire: rowbeat.pause_schedule' end);
  perform rowbeat.log_action('remove_schedule', null, null, s.name, null, null, changes, why);
  perform rowbeat.restore_guard(guard);
  return next;
end
$$;
comment on function rowbeat.remove_schedule(text, text) is 'Takes a schedule and its history away; the jobs it made go on. One that code defines comes back at the next start of a daemon: pause that instead.';
