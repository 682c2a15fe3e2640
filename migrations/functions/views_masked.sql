-- Jobs and executions as they are, without what is in their payloads: for whoever may look but not read customers'
-- data. They hold every row; ask them by id, status and time as you would ask the tables.

create or replace view rowbeat.jobs as
select j.id, j.parent_execution_id, j.queue, j.job_type, j.step, j.phase, j.sequence_index, j.status, j.priority,
       j.scheduled_at, j.attempt, j.retry_count, j.max_retries, j.lease_id, j.poller_id, j.progress, j.timeout_seconds,
       j.deadline_at, j.estimate_seconds, j.critical, j.depends_on, j.needs, j.live_dedupe_key, j.concurrency_key,
       j.last_error_code, j.last_error, j.errors, rowbeat.mask(j.payload) as payload, rowbeat.mask(j.result) as result,
       j.progress_detail, j.started_at, j.finished_at, j.failed_at, j.created_at, j.updated_at
from rowbeat.scheduled_jobs j;
comment on view rowbeat.jobs is 'Every job, with payload and result masked: their keys and types only.';

create or replace view rowbeat.executions as
select e.execution_id, e.workflow_type, e.subject, e.status, rowbeat.mask(e.input_data) as input_data,
       rowbeat.mask(e.output_data) as output_data, e.error_code, e.error_message, e.start_time, e.end_time,
       e.duration_seconds, e.deadline_at, e.version, e.request_id, e.requested_by, e.created_at
from rowbeat.workflow_executions e;
comment on view rowbeat.executions is 'Every execution, with input and output masked: their keys and types only.';

-- The columns mean what they mean in the tables.
do $$
declare
  c record;
begin
  for c in
    select v.relname as view_name, a.attname as column_name, col_description(t.oid, o.attnum) as words
    from (values ('jobs', 'scheduled_jobs'), ('executions', 'workflow_executions')) as pair (view_name, table_name)
    join pg_class v on v.oid = format('rowbeat.%I', pair.view_name)::regclass
    join pg_class t on t.oid = format('rowbeat.%I', pair.table_name)::regclass
    join pg_attribute a on a.attrelid = v.oid and a.attnum > 0 and not a.attisdropped
    join pg_attribute o on o.attrelid = t.oid and o.attname = a.attname
  loop
    execute format('comment on column rowbeat.%I.%I is %L', c.view_name, c.column_name,
      case when c.column_name in ('payload', 'result', 'input_data', 'output_data')
           then 'Keys and types only. ' else '' end || c.words);
  end loop;
end
$$;
