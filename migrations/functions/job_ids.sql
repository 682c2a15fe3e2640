-- Ids of jobs come from a sequence. Rows whose ids were chosen otherwise, by a restore or by hand, may stand before it.

-- Some ids further on than needed: others may take ids between the look and the move, and a sequence that went back
-- would give those again.
create or replace function rowbeat.skip_taken_ids() returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select setval('rowbeat.scheduled_jobs_id_seq', j.newest + 1000)
    -- No max(): Postgres 15 reads the whole table for it when it is new.
    from (select x.id as newest from rowbeat.scheduled_jobs x order by x.id desc limit 1) j
    join rowbeat.scheduled_jobs_id_seq s on j.newest > s.last_value - (not s.is_called)::integer
  );
end
$$;
comment on function rowbeat.skip_taken_ids() is 'Moves the sequence of job ids behind the newest job when ids before it are taken; returns where it stands then, null when nothing was to be done.';
