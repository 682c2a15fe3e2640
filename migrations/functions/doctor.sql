-- What is wrong, or soon will be: the worst first, each with what shows it and the safest thing to do.

-- The views it reads are made by a file that comes later.
set local check_function_bodies = off;

drop function if exists rowbeat.doctor(interval);
drop function if exists rowbeat.doctor_vacuum(interval);
drop function if exists rowbeat.doctor_server();

-- Vacuum keeps every row version that one of these may still need, and claims get slower by them.
create or replace function rowbeat.doctor_vacuum(patience interval, until timestamptz) returns table (severity text, code text, evidence text, fix text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select case when clock_timestamp() - a.xact_start > interval '1 hour' then 'critical' else 'warning' end, 'vacuum_held_by_backend',
         format('backend %s of %s (%s) is %s with a transaction open for %s%s', a.pid, coalesce(a.usename::text, '?'),
           coalesce(nullif(a.application_name, ''), 'no name'), a.state, date_trunc('second', clock_timestamp() - a.xact_start), rowbeat.shown_query(a.query)),
         format('ask its owner to commit; else, as an administrator: select pg_cancel_backend(%s); when it is idle in transaction: select pg_terminate_backend(%s)', a.pid, a.pid)
  from pg_stat_activity a
  where a.xact_start < clock_timestamp() - patience
    and a.pid <> pg_backend_pid()
    and (a.backend_xmin is not null or a.backend_xid is not null)
    and a.backend_type = 'client backend'
    and a.datname = current_database()
  union all
  select case when age(coalesce(s.xmin, s.catalog_xmin)) > 10000000 or not s.active then 'critical' else 'warning' end, 'vacuum_held_by_slot',
         format('replication slot %s (%s) is %s transactions behind', s.slot_name, case when s.active then 'active' else 'nobody reads it' end,
           age(coalesce(s.xmin, s.catalog_xmin))),
         format('bring its reader back; only when it is gone for good, as an administrator: select pg_drop_replication_slot(%L)', s.slot_name)
  from pg_replication_slots s
  where coalesce(s.xmin, s.catalog_xmin) is not null
    and age(coalesce(s.xmin, s.catalog_xmin)) > 100000
  union all
  select 'critical', 'vacuum_held_by_prepared_transaction',
         format('prepared transaction %L of %s waits since %s', p.gid, p.owner, date_trunc('second', p.prepared)),
         format('let its transaction manager end it; else, as an administrator: rollback prepared %L', p.gid)
  from pg_prepared_xacts p
  where p.prepared < clock_timestamp() - patience
    and p.database = current_database()
  union all
  select 'warning', 'vacuum_held_by_standby',
         format('standby %s (backend %s) holds %s transactions through hot_standby_feedback', coalesce(nullif(r.application_name, ''), '?'), r.pid, age(r.backend_xmin)),
         'end the long query on that standby, or turn hot_standby_feedback off there'
  from pg_stat_replication r
  where r.backend_xmin is not null
    and age(r.backend_xmin) > 100000
  union all
  select case when now() - h.safe_at > interval '1 hour' then 'critical' else 'warning' end, 'floors_stand_still',
         format('the claim floors wait since %s for a transaction that was open then, so claims walk over more and more finished rows', date_trunc('second', h.safe_at)),
         'end the oldest transaction: select evidence, fix from rowbeat.doctor(''0'') where code like ''vacuum_held%'''
  from rowbeat.claim_horizon h
  where isfinite(h.safe_at)
    and h.safe_at < now() - interval '10 minutes'
    and exists (select from rowbeat.pollers_live p where p.beating)
$$;
comment on function rowbeat.doctor_vacuum(interval, timestamptz) is 'Internal: what doctor finds about who holds back vacuum and the claim floors.';

create or replace function rowbeat.doctor_server(patience interval, until timestamptz) returns table (severity text, code text, evidence text, fix text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select 'warning', 'dead_rows', format('%s has %s dead rows for %s living ones; last vacuum %s', t.table_name, t.dead_rows, t.live_rows, coalesce(t.last_vacuum_at::text, 'never')),
         format('see to who holds vacuum back (above); then, as an administrator: vacuum (analyze) rowbeat.%I', t.table_name)
  from rowbeat.table_health t
  where t.dead_rows > 100000 and t.dead_rows > t.live_rows / 2
  union all
  select 'warning', 'updates_touch_indexes', format('only %s %% of the updates of scheduled_jobs touched no index', t.hot_percent),
         'drop indexes that somebody added on columns that change while a job runs: select indexname, indexdef from pg_indexes where schemaname = ''rowbeat'' and tablename = ''scheduled_jobs''; or see to dead rows'
  from rowbeat.table_health t
  join pg_stat_all_tables s on s.schemaname = 'rowbeat' and s.relname = t.table_name
  where t.table_name = 'scheduled_jobs' and t.hot_percent < 70 and s.n_tup_upd > 100000
  union all
  select 'critical', 'autovacuum_off', 'autovacuum is off', 'as an administrator: alter system set autovacuum = on; select pg_reload_conf()'
  where current_setting('autovacuum') = 'off'
  union all
  select case when age(d.datfrozenxid) > 1500000000 then 'critical' else 'warning' end, 'wraparound',
         format('the oldest row is %s transactions old; the server stops at 2,000 million', age(d.datfrozenxid)),
         'see to who holds vacuum back (above); then, as an administrator, vacuum (freeze) the oldest table: select table_name, xid_age from rowbeat.table_health order by xid_age desc'
  from pg_database d
  where d.datname = current_database() and age(d.datfrozenxid) > 500000000
  union all
  select case when c.share > 0.95 then 'critical' else 'warning' end, 'connections', format('%s %% of the server''s connections are used', round(100 * c.share)),
         'select usename, application_name, state, count(*) from pg_stat_activity group by 1, 2, 3 order by 4 desc; put a pooler in between'
  from (select count(*)::numeric / current_setting('max_connections')::integer as share from pg_stat_activity a where a.backend_type = 'client backend') c
  where c.share > 0.8
  union all
  select 'warning', 'isolation_level', format('transactions are %s by default, under which limits of queues cannot be kept: such jobs stay where they are', s.reset_val),
         format('as an administrator: alter database %I set default_transaction_isolation = ''read committed''; the same for the role of the daemons, then restart them', current_database())
  from pg_settings s
  where s.name = 'default_transaction_isolation' and s.reset_val <> 'read committed'
  union all
  select 'critical', 'invalid_index', format('index %s is invalid and helps nobody', i.indexrelid::regclass),
         format('as an administrator: reindex index concurrently %s', i.indexrelid::regclass)
  from pg_index i
  join pg_class c on c.oid = i.indrelid
  where c.relnamespace = 'rowbeat'::regnamespace and not i.indisvalid
  union all
  select 'warning', 'wal_kept_by_slot', format('replication slot %s keeps %s of WAL on disk', s.slot_name, pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn))),
         format('bring its reader back; only when it is gone for good, as an administrator: select pg_drop_replication_slot(%L)', s.slot_name)
  from pg_replication_slots s
  where not pg_is_in_recovery()
    and pg_wal_lsn_diff(case when pg_is_in_recovery() then s.restart_lsn else pg_current_wal_lsn() end, s.restart_lsn) > 5368709120
$$;
comment on function rowbeat.doctor_server(interval, timestamptz) is 'Internal: what doctor finds about tables, indexes and the server.';

-- Without jit: the planner takes the views for costly, and to compile them takes seconds where they run for ms.
--
-- A statement_timeout cannot be set for the statement that runs, so the budget is looked at between the parts, and by the
-- parts that could be long as they go. A part that fails, for instance because somebody holds a table, costs only itself.
create or replace function rowbeat.doctor(patience interval default interval '5 minutes', budget interval default interval '10 seconds')
returns table (severity text, code text, evidence text, fix text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
-- Nor with whole tables for each execution: the planner takes a table that has just been filled for nearly empty.
set enable_seqscan = off
set lock_timeout = '1s'
as $$
declare
  -- The cheap ones first. Their order is also that of findings of one severity, but for what is about work.
  parts constant text[] := array['pollers', 'schedules', 'vacuum', 'server', 'schema', 'failures', 'queues', 'stuck'];
  until constant timestamptz := clock_timestamp() + coalesce(budget, interval '10 seconds');
  part text;
  left_out text[] := '{}';
  found_now jsonb;
  found_all jsonb := '[]';
begin
  foreach part in array parts loop
    if clock_timestamp() >= until then
      left_out := left_out || part;
      continue;
    end if;
    begin
      execute format('select coalesce(jsonb_agg(to_jsonb(f) || jsonb_build_object(''part'', %L)), ''[]'') from rowbeat.%I($1, $2) f', part, 'doctor_' || part)
        into found_now
        using coalesce(patience, interval '5 minutes'), until;
      found_all := found_all || found_now;
    exception
      when others then
        found_all := found_all || jsonb_build_object('part', part, 'severity', 'warning', 'code', 'not_looked_at',
          'evidence', format('the part %s could not be looked at: %s', part, sqlerrm),
          'fix', 'ask again in a moment; who holds whole tables: select pid, relation::regclass, mode from pg_locks where granted and mode = ''AccessExclusiveLock'' and relation is not null');
    end;
  end loop;
  if cardinality(left_out) > 0 then
    found_all := found_all || jsonb_build_object('part', 'stuck', 'severity', 'warning', 'code', 'not_looked_at',
      'evidence', 'the time was up before these parts: ' || array_to_string(left_out, ', '), 'fix', rowbeat.look_longer());
  end if;
  return query
    select f.severity, f.code, f.evidence, f.fix
    from jsonb_to_recordset(found_all) as f (part text, severity text, code text, evidence text, fix text)
    order by array_position(array['critical', 'warning', 'notice'], f.severity),
             array_position(array['vacuum', 'server', 'schema'], f.part) nulls first, f.code, f.evidence;
end
$$;
comment on function rowbeat.doctor(interval, interval) is 'What is wrong or soon will be: severity (critical, warning, notice), code, evidence, and the safest fix first. No rows when all is well. Transactions are reported when they are open for longer than patience. Looks for no longer than budget, and says what it did not look at. Safe at any time.';
