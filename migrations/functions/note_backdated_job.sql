-- Keeps claim_floors true when a job becomes pending with an old scheduled_at: an insert with a past time, a job
-- handed back, a change by hand. Jobs that become pending at about now need nothing: floors stay a minute behind.

create or replace function rowbeat.note_backdated_job() returns trigger
language plpgsql
-- Whoever may insert a job need not be granted the engine's own tables.
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- A note, and not an update of the floor: under REPEATABLE READ our snapshot may show a floor of long ago, and
  -- two such inserts would wait for each other. The note is seen from the moment the job is.
  -- Only notes of our own spare us another: one of somebody else may be taken in before we commit.
  insert into rowbeat.backdated_jobs (queue, priority, due_at)
    select new.queue, new.priority, new.scheduled_at
    where not exists (
      select from rowbeat.backdated_jobs b
      where b.queue = new.queue
        and b.priority = new.priority
        and b.noted_by = pg_current_xact_id()
        and b.due_at <= new.scheduled_at);
  return null;
end
$$;
comment on function rowbeat.note_backdated_job() is 'Trigger: notes that a job became pending with a scheduled_at in the past, perhaps below the claim floor.';

-- The WHEN clauses are evaluated without a function call. The second trigger does not name the status, so completions
-- pay nothing for it: whatever makes a running or ended job pending again must clear its lease (the CHECK of the table),
-- and a waiting step that becomes pending gets the present as its due time.
create or replace trigger scheduled_jobs_backdated_insert
  after insert on rowbeat.scheduled_jobs
  for each row
  when (new.status = 'pending' and new.concurrency_key is null and new.scheduled_at < clock_timestamp() - interval '30 seconds')
  execute function rowbeat.note_backdated_job();

create or replace trigger scheduled_jobs_backdated_update
  after update of lease_id, queue, priority, scheduled_at, concurrency_key on rowbeat.scheduled_jobs
  for each row
  when (new.status = 'pending' and new.concurrency_key is null and new.scheduled_at < clock_timestamp() - interval '30 seconds')
  execute function rowbeat.note_backdated_job();
