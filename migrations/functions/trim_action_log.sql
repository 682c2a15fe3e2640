-- The daemons may add to the log and not take from it: this is the one way that entries go, and only old ones do.

create or replace function rowbeat.trim_action_log() returns void
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
  delete from rowbeat.action_log
  where id = any (array(
    select oldest.id
    -- The oldest come first by id: only those are looked at, not the whole log when none is old.
    from (select a.id, a.at from rowbeat.action_log a order by a.id limit 10000) oldest
    where oldest.at < now() - interval '90 days'
  ))
$$;
comment on function rowbeat.trim_action_log() is 'Internal: forgets entries of action_log older than 90 days, at most 10000 a call.';
