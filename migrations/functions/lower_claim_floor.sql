-- Keeps claim_floors true when a job becomes pending with an old scheduled_at: an insert with a past time, a job
-- handed back, a change by hand. Jobs that become pending at about now need nothing: floors stay a minute behind.

create or replace function rowbeat.lower_claim_floor() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Shared with everybody who does the same, exclusive for the pass that raises floors: a floor cannot move
  -- past this row between now and our commit. A row lock would make two such inserts wait for each other.
  perform pg_advisory_xact_lock_shared(19047, 1);
  update rowbeat.claim_floors f
    set floor_at = new.scheduled_at
    where f.queue = new.queue
      and f.priority = new.priority
      and f.floor_at > new.scheduled_at;
  return null;
end
$$;
comment on function rowbeat.lower_claim_floor() is 'Trigger: lowers the claim floor when a job becomes pending with a scheduled_at in the past.';

-- The WHEN clauses are evaluated without a function call, so ordinary inserts and claims pay nothing for them.
create or replace trigger scheduled_jobs_backdated_insert
  after insert on rowbeat.scheduled_jobs
  for each row
  when (new.status = 'pending' and new.scheduled_at < clock_timestamp() - interval '30 seconds')
  execute function rowbeat.lower_claim_floor();

create or replace trigger scheduled_jobs_backdated_update
  after update of status, queue, priority, scheduled_at on rowbeat.scheduled_jobs
  for each row
  when (new.status = 'pending' and new.scheduled_at < clock_timestamp() - interval '30 seconds')
  execute function rowbeat.lower_claim_floor();
