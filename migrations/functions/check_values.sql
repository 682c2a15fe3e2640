-- What a job's columns may hold. Not CHECKs of the table: those are evaluated for every update, and nothing that the
-- engine updates changes these values (0009_lighten_job_updates.sql). They are checked where they are given: by a
-- trigger on every insert, and by the guard on every hand-written update.

create or replace function rowbeat.check_job_values(job rowbeat.scheduled_jobs) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  wrong text := case
    when job.queue = '' or length(job.queue) > 63 then 'queue must have 1 to 63 characters'
    when job.job_type = '' or length(job.job_type) > 63 then 'job_type must have 1 to 63 characters'
    when job.priority not between -100 and 100 then 'priority must be -100 to 100'
    when not isfinite(job.scheduled_at) then 'scheduled_at must be a time'
    when not isfinite(job.deadline_at) then 'deadline_at must be a time, or null for none'
    when job.attempt < 0 then 'attempt must be 0 or more'
    when job.retry_count < 0 then 'retry_count must be 0 or more'
    when job.max_retries not between 0 and 100 then 'max_retries must be 0 to 100'
    when job.timeout_seconds not between 1 and 604800 then 'timeout_seconds must be 1 to 604800, or null for the default'
    when job.progress not between 0 and 100 then 'progress must be 0 to 100'
    when job.estimate_seconds <= 0 then 'estimate_seconds must be more than 0'
    when length(job.dedupe_key) > 500 then 'dedupe_key must have at most 500 characters'
    when length(job.concurrency_key) > 500 then 'concurrency_key must have at most 500 characters'
    when jsonb_typeof(job.errors) <> 'array' then 'errors must be an array'
    when job.parent_execution_id is not null and (job.step is null or job.sequence_index is null)
      then 'a step needs step and sequence_index'
  end;
begin
  if wrong is not null then
    raise exception '%', wrong
      using errcode = 'check_violation',
            schema = 'rowbeat', table = 'scheduled_jobs',
            hint = 'Give another value. \d+ rowbeat.scheduled_jobs says what each column means.';
  end if;
end
$$;
comment on function rowbeat.check_job_values(rowbeat.scheduled_jobs) is 'Internal: raises check_violation with the column and its range when a job holds a value that it may not.';

create or replace function rowbeat.refuse_job_values() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform rowbeat.check_job_values(new);
  return null;
end
$$;
comment on function rowbeat.refuse_job_values() is 'Trigger: refuses a new job with a value out of range.';

-- Cheaper than check_job_values and at least as strict for every value: what it lets through needs no second look,
-- what it does not (long text in many bytes, say) gets one.
create or replace trigger check_job_values
  after insert on rowbeat.scheduled_jobs
  for each row
  when ((octet_length(new.queue) between 1 and 63
         and octet_length(new.job_type) between 1 and 63
         and new.priority between -100 and 100
         and isfinite(new.scheduled_at)
         and new.max_retries between 0 and 100
         and new.attempt >= 0
         and new.retry_count >= 0
         and coalesce(isfinite(new.deadline_at), true)
         and coalesce(new.timeout_seconds between 1 and 604800, true)
         and coalesce(new.progress between 0 and 100, true)
         and coalesce(new.estimate_seconds > 0, true)
         and coalesce(octet_length(new.dedupe_key) <= 500, true)
         and coalesce(octet_length(new.concurrency_key) <= 500, true)
         and coalesce(jsonb_typeof(new.errors) = 'array', true)
         and (new.parent_execution_id is null or (new.step is not null and new.sequence_index is not null))) is not true)
  execute function rowbeat.refuse_job_values();
