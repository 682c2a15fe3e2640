-- What a restore loses or leaves wrong, for doctor(): rights, roles, sequences, the horizon.

drop function if exists rowbeat.doctor_schema();

create or replace function rowbeat.doctor_schema(patience interval, until timestamptz) returns table (severity text, code text, evidence text, fix text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select 'critical', 'open_functions', format('%s functions may be executed by everybody, for instance %s', count(*), min(p.proname::text)),
         'npm run migrate, as the role that owns the schema: it takes them back'
  from pg_proc p
  where p.pronamespace = 'rowbeat'::regnamespace
    and p.proname <> 'is_by_hand'
    and exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0)
  having count(*) > 0
  union all
  select 'warning', 'lost_rights', format('role %s has no right to use the schema', r.rolname),
         'npm run migrate, as the role that owns the schema: it grants them again'
  from pg_roles r
  where r.rolname in ('rowbeat_daemon', 'rowbeat_operator', 'rowbeat_reader', 'rowbeat_producer')
    and not has_schema_privilege(r.oid, 'rowbeat'::regnamespace::oid, 'usage')
  union all
  select 'critical', 'sequence_behind', format('the next ids of scheduled_jobs are taken: the newest job is %s, the sequence stands at %s', j.newest, s.last_value),
         'select rowbeat.skip_taken_ids()'
  -- No max(): Postgres 15 reads the whole table for it when it is new.
  from (select x.id as newest from rowbeat.scheduled_jobs x order by x.id desc limit 1) j
  join rowbeat.scheduled_jobs_id_seq s on j.newest > s.last_value
  union all
  select 'warning', 'horizon_of_another_cluster', 'the claim floors wait for a transaction of another cluster, from which this database was restored',
         'start a daemon of this version: it takes a new probe within a minute'
  from rowbeat.claim_horizon h
  where h.probed_xid > pg_snapshot_xmax(pg_current_snapshot())
$$;
comment on function rowbeat.doctor_schema(interval, timestamptz) is 'Internal: what doctor finds about rights, sequences and the horizon after a restore.';
