-- What a job's columns may hold. Not CHECKs of the table: those are evaluated for every update, and nothing that the
-- engine updates changes these values (0009_lighten_job_updates.sql). They are checked where they are given: by the
-- guard when written by hand, by rowbeat.enqueue(), and by the engine before it inserts (src/core/job-values.ts).

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
