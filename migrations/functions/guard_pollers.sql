-- Raw SQL on pollers, and on what only they write: a poller may be drained, called back or declared lost by hand; its
-- leases, the claim floors and the log of starts are refused with a hint, for a mistake there would strand jobs.

create or replace function rowbeat.refuse_poller_change(poller rowbeat.pollers, what text, code text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'poller % (%) is %: %', poller.name, poller.poller_id, poller.status, what
    using errcode = code,
          hint = case
            when poller.status in ('live', 'draining') then format(
              'To have it claim nothing more: select * from rowbeat.drain_poller(%L, ''why''); to have its jobs taken back: update rowbeat.pollers set status = ''lost'' where poller_id = %L',
              poller.poller_id, poller.poller_id)
            else 'It has ended; a daemon that starts enters itself anew: select * from rowbeat.pollers_live'
          end;
end
$$;
comment on function rowbeat.refuse_poller_change(rowbeat.pollers, text, text) is 'Internal: refuses a hand-written change of a poller with the function to use instead.';

create or replace function rowbeat.guard_poller() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  changes jsonb;
begin
  if tg_op = 'INSERT' then
    raise exception 'pollers enter themselves'
      using errcode = 'RB003', hint = 'Start a daemon: npm start, or the service that runs it; then: select * from rowbeat.pollers_live';
  end if;
  if tg_op = 'DELETE' then
    if old.status in ('live', 'draining') then
      perform rowbeat.refuse_poller_change(old, 'it cannot be deleted', 'RB004');
    elsif exists (select from rowbeat.leases l where l.poller_id = old.poller_id) then
      raise exception 'poller % (%) has leases: they are taken back by its row', old.name, old.poller_id
        using errcode = 'RB004', hint = 'That takes half a minute while a poller is alive: select * from rowbeat.stuck. Rows of ended pollers go by themselves after a day.';
    end if;
    perform rowbeat.log_action('delete', null, null, old.poller_id::text, old.status, null, null, rowbeat.hand_reason());
    return old;
  end if;
  changes := rowbeat.changed_columns(to_jsonb(old), to_jsonb(new));
  if changes is null then
    return new;
  end if;
  if old.status <> new.status and (old.status, new.status) not in
       (('live', 'draining'), ('draining', 'live'), ('live', 'lost'), ('draining', 'lost')) then
    perform rowbeat.refuse_poller_change(old, format('it cannot become %s', new.status), 'RB001');
  elsif changes - 'status' <> '{}' then
    perform rowbeat.refuse_poller_change(old, 'only its status may be changed by hand', 'RB002');
  end if;
  -- What it ran is taken back by whoever looks next, and all its settlements are refused from then on.
  if new.status = 'lost' then
    new.ended_at := clock_timestamp();
  end if;
  perform rowbeat.log_action('update', null, null, old.poller_id::text, old.status, new.status, null, rowbeat.hand_reason());
  return new;
end
$$;
comment on function rowbeat.guard_poller() is 'Trigger: checks, completes and logs a hand-written change of a poller.';

create or replace function rowbeat.refuse_hand_write() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'rowbeat.% is written by pollers only', tg_table_name
    using errcode = 'RB011',
          hint = case tg_table_name
            when 'leases' then 'To take a job from its poller: update rowbeat.scheduled_jobs set status = ''pending'' where id = …, or rowbeat.cancel_job(id, ''why''); to take all of them: update rowbeat.pollers set status = ''lost'' where poller_id = …'
            when 'rate_starts' then 'To let more start: select * from rowbeat.set_queue_limits(queue, ''why'', rate_max => …, rate_seconds => …), or rowbeat.set_job_type_rate(…)'
            when 'suspects' then 'To be rid of a job that kills its pollers: select * from rowbeat.cancel_job(id, ''why''). A job that ends is forgotten by itself'
            else 'Floors move by themselves. For a job below its floor: select * from rowbeat.run_now(id, ''why'')'
          end;
end
$$;
comment on function rowbeat.refuse_hand_write() is 'Trigger: refuses a hand-written change of what belongs to the pollers.';

create or replace trigger guard_poller
  before insert or update or delete on rowbeat.pollers
  for each row
  when (rowbeat.is_by_hand())
  execute function rowbeat.guard_poller();

create or replace trigger guard_poller_truncate
  before truncate on rowbeat.pollers
  for each statement
  when (rowbeat.is_by_hand())
  execute function rowbeat.refuse_truncate();

-- A statement each, so the engine pays once for a batch. Not for an insert of leases: each claim makes one, its cost
-- is a thirtieth of a claim, and a lease of no job does nothing.
create or replace trigger guard_leases
  before update or delete or truncate on rowbeat.leases
  for each statement
  when (rowbeat.is_by_hand())
  execute function rowbeat.refuse_hand_write();

create or replace trigger guard_rate_starts
  before insert or update or delete or truncate on rowbeat.rate_starts
  for each statement
  when (rowbeat.is_by_hand())
  execute function rowbeat.refuse_hand_write();

create or replace trigger guard_claim_floors
  before insert or update or delete or truncate on rowbeat.claim_floors
  for each statement
  when (rowbeat.is_by_hand())
  execute function rowbeat.refuse_hand_write();

create or replace trigger guard_claim_horizon
  before insert or update or delete or truncate on rowbeat.claim_horizon
  for each statement
  when (rowbeat.is_by_hand())
  execute function rowbeat.refuse_hand_write();

-- Not its inserts: hand-written jobs note themselves there (note_backdated_job.sql).
create or replace trigger guard_backdated_jobs
  before update or delete or truncate on rowbeat.backdated_jobs
  for each statement
  when (rowbeat.is_by_hand())
  execute function rowbeat.refuse_hand_write();

create or replace trigger guard_suspects
  before insert or update or delete or truncate on rowbeat.suspects
  for each statement
  when (rowbeat.is_by_hand())
  execute function rowbeat.refuse_hand_write();
