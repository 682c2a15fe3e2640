-- What is wrong, or soon will be: the worst first, each with what shows it and the safest thing to do.

-- The views it reads are made by a file that comes later.
set local check_function_bodies = off;

create or replace function rowbeat.doctor_work() returns table (severity text, code text, evidence text, fix text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select 'critical', 'no_poller', format('%s jobs are due and no poller is alive', o.due),
         'start a poller: npm start, or the service that runs it'
  from rowbeat.overview o
  where o.pollers = 0 and o.due > 0
  union all
  select 'critical', 'unknown_job_type', format('%s pending jobs of type %s, which no living poller knows; the oldest is job %s', count(*), p.job_type, min(p.id)),
         'deploy a poller that knows it: select name, version, job_types from rowbeat.pollers_live. Till then the jobs wait, nothing is lost'
  from rowbeat.pending_jobs p
  where exists (select from rowbeat.pollers_live l where l.beating)
    and not exists (select from rowbeat.pollers_live l where l.beating and p.job_type = any (l.job_types))
  group by p.job_type
  union all
  select 'critical', 'stuck', format('%s rows, for instance job %s of execution %s: %s', count(*), coalesce(min(s.job_id)::text, '?'),
           coalesce(min(s.execution_id::text), 'none'), min(s.reason)),
         'select * from rowbeat.stuck; then explain_job(job_id). With a living poller most of it heals within half a minute'
  from rowbeat.stuck s
  having count(*) > 0
  union all
  select 'warning', 'queue_lags', format('the oldest due job of queue %s has waited for %s s; %s are due', q.queue, round(q.oldest_due_seconds), q.due),
         case when q.running >= q.max_running
              then format('its limit of %s is used up: select * from rowbeat.running_jobs where queue = %L; to raise it: rowbeat.set_queue_limits', q.max_running, q.queue)
              else 'select * from rowbeat.pollers_live: when all are full, start another; when not, explain_job of the oldest: '
                || coalesce((select format('select * from rowbeat.explain_job(%s)', p.id) from rowbeat.pending_jobs p
                             where p.queue = q.queue and p.scheduled_at <= now() order by p.scheduled_at, p.id limit 1), '') end
  from rowbeat.queue_lag q
  where not q.paused and q.oldest_due_seconds > 300
  union all
  select 'warning', case s.state when 'problem' then 'schedule_problem' else 'schedule_overdue' end,
         format('schedule %s %s', s.name, case s.state when 'problem' then 'cannot fire: ' || s.why
           else format('should have fired at %s and nobody looked at it', date_trunc('second', s.next_fire_at)) end),
         case s.state when 'problem' then format('correct it, for instance: select * from rowbeat.set_schedule(%L, ''why'', cron => ''0 3 * * *'', timezone => %L)', s.name, 'UTC')
           else 'start a daemon, or end the transaction that holds its row: select * from rowbeat.pollers_live' end
  from rowbeat.schedule_status s
  where s.state in ('problem', 'overdue')
  union all
  select case when q.oldest_due_seconds > 86400 then 'warning' else 'notice' end, 'queue_paused',
         format('queue %s is paused (%s) and %s jobs are due', q.queue, q.paused_reason, q.due),
         format('select * from rowbeat.resume_queue(%L, ''why'')', q.queue)
  from rowbeat.queue_lag q
  where q.paused
  union all
  select 'warning', 'failures', format('%s jobs of type %s failed for good in 24 h: %s', f.jobs, f.job_type, f.fingerprint),
         format('select * from rowbeat.explain_job(%s); when the cause is mended: select * from rowbeat.retry_failed(''why'', job_type => %L)', f.newest_job_id, f.job_type)
  from rowbeat.failures f
  where f.jobs >= 10
  union all
  -- A single one is daily life: a deployment, a machine that went away. Suspects: see src/store/suspects.ts.
  select 'warning', 'pollers_died',
         format('%s pollers were lost in the last hour; %s', l.lost, coalesce('suspects that run alone: ' || s.words, 'no job ran on two of them')),
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
      join rowbeat.scheduled_jobs j on j.id = u.job_id
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
comment on function rowbeat.doctor_work() is 'Internal: what doctor finds about jobs, queues and pollers.';

-- Vacuum keeps every row version that one of these may still need, and claims get slower by them.
create or replace function rowbeat.doctor_vacuum(patience interval) returns table (severity text, code text, evidence text, fix text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select case when clock_timestamp() - a.xact_start > interval '1 hour' then 'critical' else 'warning' end, 'vacuum_held_by_backend',
         format('backend %s of %s (%s) is %s with a transaction open for %s%s', a.pid, coalesce(a.usename::text, '?'),
           coalesce(nullif(a.application_name, ''), 'no name'), a.state, date_trunc('second', clock_timestamp() - a.xact_start), rowbeat.shown_query(a.query)),
         format('ask its owner to commit; else select pg_cancel_backend(%s); a session that is idle in transaction ends only by select pg_terminate_backend(%s)', a.pid, a.pid)
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
         format('bring its reader back; only when it is gone for good: select pg_drop_replication_slot(%L)', s.slot_name)
  from pg_replication_slots s
  where coalesce(s.xmin, s.catalog_xmin) is not null
    and age(coalesce(s.xmin, s.catalog_xmin)) > 100000
  union all
  select 'critical', 'vacuum_held_by_prepared_transaction',
         format('prepared transaction %L of %s waits since %s', p.gid, p.owner, date_trunc('second', p.prepared)),
         format('let its transaction manager end it; else rollback prepared %L', p.gid)
  from pg_prepared_xacts p
  where p.prepared < clock_timestamp() - patience
    and p.database = current_database()
  union all
  select 'warning', 'vacuum_held_by_standby',
         format('standby %s (backend %s) holds %s transactions through hot_standby_feedback', coalesce(nullif(r.application_name, ''), '?'), r.pid, age(r.backend_xmin)),
         'end the long query on that standby; or turn hot_standby_feedback off there'
  from pg_stat_replication r
  where r.backend_xmin is not null
    and age(r.backend_xmin) > 100000
  union all
  select case when now() - h.safe_at > interval '1 hour' then 'critical' else 'warning' end, 'floors_stand_still',
         format('the claim floors wait since %s for a transaction that was open then, so claims walk over more and more finished rows', date_trunc('second', h.safe_at)),
         'end the oldest transaction: select pid, usename, application_name, state, xact_start from pg_stat_activity where xact_start is not null order by xact_start limit 5'
  from rowbeat.claim_horizon h
  where isfinite(h.safe_at)
    and h.safe_at < now() - interval '10 minutes'
    and exists (select from rowbeat.pollers_live p where p.beating)
$$;
comment on function rowbeat.doctor_vacuum(interval) is 'Internal: what doctor finds about who holds back vacuum and the claim floors.';

create or replace function rowbeat.doctor_server() returns table (severity text, code text, evidence text, fix text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select 'warning', 'dead_rows', format('%s has %s dead rows for %s living ones; last vacuum %s', t.table_name, t.dead_rows, t.live_rows, coalesce(t.last_vacuum_at::text, 'never')),
         format('see to who holds vacuum back (above), then: vacuum (analyze) rowbeat.%I', t.table_name)
  from rowbeat.table_health t
  where t.dead_rows > 100000 and t.dead_rows > t.live_rows / 2
  union all
  select 'warning', 'updates_touch_indexes', format('only %s %% of the updates of scheduled_jobs touched no index', t.hot_percent),
         'drop indexes that somebody added on columns that change while a job runs: \d rowbeat.scheduled_jobs; or see to dead rows'
  from rowbeat.table_health t
  join pg_stat_all_tables s on s.schemaname = 'rowbeat' and s.relname = t.table_name
  where t.table_name = 'scheduled_jobs' and t.hot_percent < 70 and s.n_tup_upd > 100000
  union all
  select 'critical', 'autovacuum_off', 'autovacuum is off', 'alter system set autovacuum = on; select pg_reload_conf()'
  where current_setting('autovacuum') = 'off'
  union all
  select case when age(d.datfrozenxid) > 1500000000 then 'critical' else 'warning' end, 'wraparound',
         format('the oldest row is %s transactions old; the server stops at 2,000 million', age(d.datfrozenxid)),
         'see to who holds vacuum back (above), then: vacuum (freeze) on the oldest table: select * from rowbeat.table_health order by xid_age desc'
  from pg_database d
  where d.datname = current_database() and age(d.datfrozenxid) > 500000000
  union all
  select case when c.share > 0.95 then 'critical' else 'warning' end, 'connections', format('%s %% of the server''s connections are used', round(100 * c.share)),
         'select usename, application_name, state, count(*) from pg_stat_activity group by 1, 2, 3 order by 4 desc; put a pooler in between'
  from (select count(*)::numeric / current_setting('max_connections')::integer as share from pg_stat_activity a where a.backend_type = 'client backend') c
  where c.share > 0.8
  union all
  select 'warning', 'isolation_level', format('transactions are %s by default, under which limits of queues cannot be kept: such jobs stay where they are', s.reset_val),
         format('alter database %I set default_transaction_isolation = ''read committed'', and the same for the daemon''s role; then restart the daemons', current_database())
  from pg_settings s
  where s.name = 'default_transaction_isolation' and s.reset_val <> 'read committed'
  union all
  select 'critical', 'invalid_index', format('index %s is invalid and helps nobody', i.indexrelid::regclass),
         format('reindex index concurrently %s', i.indexrelid::regclass)
  from pg_index i
  join pg_class c on c.oid = i.indrelid
  where c.relnamespace = 'rowbeat'::regnamespace and not i.indisvalid
  union all
  select 'warning', 'wal_kept_by_slot', format('replication slot %s keeps %s of WAL on disk', s.slot_name, pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn))),
         format('bring its reader back; only when it is gone for good: select pg_drop_replication_slot(%L)', s.slot_name)
  from pg_replication_slots s
  where not pg_is_in_recovery()
    and pg_wal_lsn_diff(case when pg_is_in_recovery() then s.restart_lsn else pg_current_wal_lsn() end, s.restart_lsn) > 5368709120
$$;
comment on function rowbeat.doctor_server() is 'Internal: what doctor finds about tables, indexes and the server.';

-- Without jit: the planner takes the views for costly, and to compile them takes seconds where they run for ms.
create or replace function rowbeat.doctor(patience interval default interval '5 minutes') returns table (severity text, code text, evidence text, fix text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
-- Nor with whole tables for each execution: the planner takes a table that has just been filled for nearly empty.
set enable_seqscan = off
as $$
  select f.severity, f.code, f.evidence, f.fix
  from (
    select 1 as part, w.* from rowbeat.doctor_work() w
    union all
    select 2, v.* from rowbeat.doctor_vacuum(coalesce(patience, interval '5 minutes')) v
    union all
    select 3, s.* from rowbeat.doctor_server() s
    union all
    select 4, c.* from rowbeat.doctor_schema() c
  ) f
  order by array_position(array['critical', 'warning', 'notice'], f.severity), f.part, f.code, f.evidence
$$;
comment on function rowbeat.doctor(interval) is 'What is wrong or soon will be: severity (critical, warning, notice), code, evidence, and the safest fix first. No rows when all is well. Transactions are reported when they are open for longer than patience. Cheap; safe at any time.';
