-- Who may do what. The last of these files, so that it is applied again whenever anything before it was: new tables
-- and functions get their grants without anybody thinking of it.
--
-- Functions of Postgres may be executed by everybody unless that is taken away. Functions that operators call run
-- with the rights of their owner, so that an operator needs no right on the tables; for the same reason the owner is
-- a role of its own and not the administrator who happened to migrate, where that is allowed.

do $$
declare
  has_roles boolean := (select count(*) = 4 from pg_roles r
    where r.rolname in ('rowbeat_owner', 'rowbeat_daemon', 'rowbeat_operator', 'rowbeat_reader'));
  -- Called by views, which asks for the right of whoever reads them.
  for_readers constant text[] := array['mask', 'error_fingerprint', 'pending_in_lane', 'stuck_running', 'stuck_in_execution'];
  for_operators constant text[] := array['enqueue', 'cancel_job', 'retry_job', 'retry_failed', 'cancel_pending', 'run_now', 'reschedule',
    'set_priority', 'cancel_execution', 'advance_execution', 'purge', 'pause_queue', 'resume_queue', 'set_queue_limits',
    'set_job_type_rate', 'drain_poller', 'set_schedule', 'remove_schedule', 'pause_schedule', 'resume_schedule', 'fire_schedule', 'skip_taken_ids', 'explain', 'explain_job', 'explain_page', 'doctor', 'doctor_page', 'page', 'fold', 'assert_invariants'];
  -- Tables that hold no payloads.
  open_tables constant text[] := array['queues', 'job_type_rates', 'rate_starts', 'pollers', 'leases', 'action_log', 'job_counts', 'legal_moves',
    'claim_floors', 'claim_horizon', 'backdated_jobs', 'step_durations', 'step_estimates', 'schedule_runs', 'schema_migrations', 'suspects'];
  thing record;
begin
  for thing in select p.oid::regprocedure as name, p.prokind from pg_proc p where p.pronamespace = 'rowbeat'::regnamespace loop
    execute format('revoke all on routine %s from public', thing.name);
  end loop;
  -- Asked by constraints and triggers, in the name of whoever writes.
  grant execute on function rowbeat.is_by_hand() to public;
  if not has_roles then
    raise notice 'the roles rowbeat_owner, rowbeat_daemon, rowbeat_operator and rowbeat_reader are missing: only the user that migrates can use the schema';
    return;
  end if;

  revoke all on schema rowbeat from public;
  grant usage on schema rowbeat to rowbeat_daemon, rowbeat_operator, rowbeat_reader;

  -- What was given by an older version of this file and is not any more.
  revoke all on all tables in schema rowbeat from rowbeat_reader, rowbeat_operator, rowbeat_daemon;
  revoke all on all routines in schema rowbeat from rowbeat_reader, rowbeat_operator, rowbeat_daemon;

  grant select, insert, update, delete on all tables in schema rowbeat to rowbeat_daemon;
  -- The log is added to and trimmed by its function; what was migrated and what is legal is for migrations to say.
  revoke update, delete on rowbeat.action_log from rowbeat_daemon;
  revoke insert, update, delete on rowbeat.legal_moves, rowbeat.schema_migrations from rowbeat_daemon;
  grant usage, select on all sequences in schema rowbeat to rowbeat_daemon;
  grant execute on all routines in schema rowbeat to rowbeat_daemon;

  for thing in
    select c.relname
    from pg_class c
    where c.relnamespace = 'rowbeat'::regnamespace
      and (c.relkind = 'v' or c.relkind = 'r' and c.relname = any (open_tables))
  loop
    execute format('grant select on rowbeat.%I to rowbeat_reader, rowbeat_operator', thing.relname);
  end loop;
  for thing in select p.oid::regprocedure as name, p.proname from pg_proc p where p.pronamespace = 'rowbeat'::regnamespace loop
    if thing.proname = any (for_readers) then
      execute format('grant execute on routine %s to rowbeat_reader, rowbeat_operator', thing.name);
    elsif thing.proname = any (for_operators) then
      execute format('grant execute on routine %s to rowbeat_operator', thing.name);
    end if;
  end loop;
end
$$;

-- Producers add jobs, in their own transaction, and learn the id. No right on the column id: who could choose ids
-- would take the next ones from everybody else.
do $$
begin
  if not exists (select from pg_roles r where r.rolname = 'rowbeat_producer') then
    return;
  end if;
  revoke all on all tables in schema rowbeat from rowbeat_producer;
  revoke all on all routines in schema rowbeat from rowbeat_producer;
  grant usage on schema rowbeat to rowbeat_producer;
  grant select (id),
        insert (job_type, payload, queue, priority, scheduled_at, max_retries, timeout_seconds, deadline_at, dedupe_key, concurrency_key)
    on rowbeat.scheduled_jobs to rowbeat_producer;
  grant execute on function rowbeat.enqueue to rowbeat_producer;
end
$$;

-- The owner. Whoever migrates must stay able to, so it becomes a member first.
do $$
declare
  thing record;
begin
  if not exists (select from pg_roles r where r.rolname = 'rowbeat_owner') then
    return;
  end if;
  begin
    if not pg_has_role(current_user, 'rowbeat_owner', 'usage') then
      execute format('grant rowbeat_owner to %I', current_user);
    end if;
    -- Sees what other sessions do, for doctor() and explain_job().
    if not pg_has_role('rowbeat_owner', 'pg_read_all_stats', 'usage') then
      begin
        grant pg_read_all_stats to rowbeat_owner;
      exception
        when insufficient_privilege then
          raise notice 'doctor() and explain_job() see only their own user''s sessions; have an administrator run: grant pg_read_all_stats to rowbeat_owner';
      end;
    end if;
    if (select n.nspowner <> 'rowbeat_owner'::regrole from pg_namespace n where n.nspname = 'rowbeat') then
      alter schema rowbeat owner to rowbeat_owner;
    end if;
    for thing in
      select case c.relkind when 'v' then 'view' when 'S' then 'sequence' else 'table' end as kind, c.relname as name
      from pg_class c
      where c.relnamespace = 'rowbeat'::regnamespace
        and c.relowner <> 'rowbeat_owner'::regrole
        and (c.relkind in ('r', 'p', 'v')
             or c.relkind = 'S' and not exists (select from pg_depend d where d.objid = c.oid and d.deptype in ('a', 'i')))
    loop
      execute format('alter %s rowbeat.%I owner to rowbeat_owner', thing.kind, thing.name);
    end loop;
    for thing in
      select p.oid::regprocedure as name
      from pg_proc p
      where p.pronamespace = 'rowbeat'::regnamespace
        and p.proowner <> 'rowbeat_owner'::regrole
    loop
      execute format('alter routine %s owner to rowbeat_owner', thing.name);
    end loop;
    for thing in
      select t.typname as name
      from pg_type t
      join pg_class c on c.oid = t.typrelid and c.relkind = 'c'
      where t.typnamespace = 'rowbeat'::regnamespace
        and t.typowner <> 'rowbeat_owner'::regrole
    loop
      execute format('alter type rowbeat.%I owner to rowbeat_owner', thing.name);
    end loop;
  exception
    when insufficient_privilege then
      raise notice 'the objects of the schema stay with %; for a role of their own have an administrator run "grant rowbeat_owner to %", then apply this file again (%)',
        current_user, quote_ident(current_user), sqlerrm;
  end;
end
$$;
