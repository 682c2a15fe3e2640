-- What follows when steps have ended: the one text of it, called by the engine in the transaction that settles
-- the steps, and by everything else that ends one.

create or replace function rowbeat.advance_executions(ids uuid[]) returns table (
  execution_id uuid,
  status text,
  closed boolean,
  freed integer
)
language plpgsql
set search_path = pg_catalog, pg_temp
-- A connection keeps the plan that was made when the tables were nearly empty.
set enable_seqscan = off
as $$
declare
  freed_now integer;
  starved integer;
  has_failed boolean;
  has_waiting boolean;
begin
  -- Lock order everywhere: executions before jobs, each in the order of their ids. The caller may already hold
  -- the execution rows; taking them again costs nothing. Without this lock two pollers that end the last two
  -- steps at once would each see the other's still running, and nobody would close the execution.
  perform 1 from rowbeat.workflow_executions e
    where e.execution_id = any (ids)
    order by e.execution_id
    for no key update;

  -- Most calls have nothing to cancel, and many nothing to free: a look is cheaper than an update that finds nothing.
  select bool_or(j.critical and j.status = 'failed'), bool_or(j.status = 'waiting')
    into has_failed, has_waiting
    from rowbeat.scheduled_jobs j
    where j.parent_execution_id = any (ids);

  -- A critical step failed: what has not ended is cancelled, running siblings are fenced by losing their lease.
  if has_failed then
    update rowbeat.scheduled_jobs j
      set status = 'cancelled',
          lease_id = null,
          last_error_code = 'CANCELLED',
          last_error = 'Cancelled because a critical step failed: ' || f.step,
          finished_at = now(),
          updated_at = now()
      from (
        -- Jobs in the order of their ids: running ones may be handed back by their poller at this moment.
        select o.id, f.step
        from rowbeat.scheduled_jobs o
        join (
          select c.parent_execution_id, min(c.step) as step
          from rowbeat.scheduled_jobs c
          where c.parent_execution_id = any (ids)
            and c.critical
            and c.status = 'failed'
          group by c.parent_execution_id
        ) f on f.parent_execution_id = o.parent_execution_id
        where o.status in ('waiting', 'pending', 'running')
        order by o.id
        for no key update of o
      ) f
      where j.id = f.id
        and j.status in ('waiting', 'pending', 'running');
  end if;

  -- Steps whose dependencies have all ended become pending, or are skipped when one they need did not complete.
  -- A skipped step may free or starve others, so repeat; the rounds are bounded by the number of steps.
  freed_now := 0;
  for round in 1..1000 loop
    exit when not has_waiting;
    with ready as (
      select w.id,
             bool_or(d.step = any (w.needs) and d.status <> 'completed') as is_starved,
             min(d.step) filter (where d.step = any (w.needs) and d.status <> 'completed') as missing
      from rowbeat.scheduled_jobs w
      join rowbeat.scheduled_jobs d
        on d.parent_execution_id = w.parent_execution_id
       and d.step = any (w.depends_on)
      where w.parent_execution_id = any (ids)
        and w.status = 'waiting'
      group by w.id
      having bool_and(d.status in ('completed', 'failed', 'skipped', 'cancelled'))
    ), moved as (
      update rowbeat.scheduled_jobs j
        set status = case when coalesce(r.is_starved, false) then 'skipped' else 'pending' end,
            -- Becoming pending with an old scheduled_at would lower the claim floor; it is due now.
            scheduled_at = case when coalesce(r.is_starved, false) then j.scheduled_at
                                else greatest(j.scheduled_at, now()) end,
            last_error_code = case when coalesce(r.is_starved, false) then 'DEPENDENCY_NOT_COMPLETED'
                                   else j.last_error_code end,
            last_error = case when coalesce(r.is_starved, false)
                              then 'Skipped because the step ' || r.missing || ' did not complete'
                              else j.last_error end,
            finished_at = case when coalesce(r.is_starved, false) then now() end,
            updated_at = now()
        from ready r
        where j.id = r.id
          and j.status = 'waiting'
        returning j.status
    )
    select count(*) filter (where m.status = 'pending'), count(*) filter (where m.status = 'skipped')
      into freed, starved
      from moved m;
    freed_now := freed_now + freed;
    exit when starved = 0;
  end loop;

  -- Close what is done, say that the others have started, and let every version grow so that whoever polls sees it.
  return query
    update rowbeat.workflow_executions e
      set status = case when e.status not in ('pending', 'running') then e.status
                        when o.open = 0 then o.outcome
                        when o.first_start is not null then 'running'
                        else e.status end,
          end_time = case when o.open = 0 and e.status in ('pending', 'running') then now() else e.end_time end,
          start_time = coalesce(e.start_time, o.first_start, case when o.open = 0 then now() end),
          error_code = case when o.open = 0 and o.outcome = 'failed' and e.error_code is null then
            (select f.last_error_code
             from rowbeat.scheduled_jobs f
             where f.parent_execution_id = e.execution_id and f.status = 'failed'
             order by f.critical desc, f.sequence_index
             limit 1) else e.error_code end,
          error_message = case when o.open = 0 and o.outcome = 'failed' and e.error_message is null then
            (select f.step || ': ' || coalesce(f.last_error, '')
             from rowbeat.scheduled_jobs f
             where f.parent_execution_id = e.execution_id and f.status = 'failed'
             order by f.critical desc, f.sequence_index
             limit 1) else e.error_message end,
          version = e.version + 1
      from (
        select j.parent_execution_id,
               count(*) filter (where j.status in ('waiting', 'pending', 'running')) as open,
               min(j.first_started_at) as first_start,
               case when bool_or(j.status = 'failed' and j.critical) then 'failed'
                    when bool_or(j.status = 'failed') and bool_or(j.status = 'completed') then 'partial'
                    when bool_or(j.status = 'failed') then 'failed'
                    when bool_or(j.status = 'cancelled') then 'cancelled'
                    else 'completed' end as outcome
        from rowbeat.scheduled_jobs j
        where j.parent_execution_id = any (ids)
        group by j.parent_execution_id
      ) o
      where e.execution_id = o.parent_execution_id
      returning e.execution_id, e.status, e.end_time is not null and e.end_time = now(), freed_now;
end
$$;
comment on function rowbeat.advance_executions(uuid[]) is 'Frees, skips or cancels the steps that follow from ended ones and closes executions that are done; returns each execution with its status, whether it was closed just now, and how many steps became pending in all.';
