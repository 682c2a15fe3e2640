-- What operators look at: reports over the views of views_jobs.sql, under the same rules.

create or replace function rowbeat.stuck_running()
returns table (job_id bigint, queue text, job_type text, execution_id uuid, reason text, seconds double precision, poller text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select r.id,
         r.queue,
         r.job_type,
         r.parent_execution_id,
         case when r.poller_status in ('gone', 'lost', 'stopped') then 'its poller has ended'
              when r.beat_age_seconds > 10 then 'its poller does not beat'
              else 'it is past its time limit' end,
         r.running_seconds,
         r.poller
  from rowbeat.running_jobs r
  where r.poller_status in ('gone', 'lost', 'stopped')
     or r.beat_age_seconds > 10
     or r.running_seconds > r.timeout_seconds + 60
$$;
comment on function rowbeat.stuck_running() is 'Attempts without a living poller or past their limit. Read the view stuck instead.';

-- A function and no join, for its settings: with the statistics of a table that has just been filled, the planner joined
-- all steps with all steps, for minutes. Security definer, so that who may read the view may read what it is made of.
create or replace function rowbeat.stuck_in_execution(of_id uuid, workflow_type text, deadline_at timestamptz, created_at timestamptz)
returns table (job_id bigint, queue text, job_type text, execution_id uuid, reason text, seconds double precision, poller text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_variable
declare
  has_open boolean := false;
  w record;
begin
  for w in
    select j.id, j.queue, j.job_type, j.status, j.depends_on, j.updated_at
    from rowbeat.scheduled_jobs j
    where j.parent_execution_id = of_id
      and j.status in ('waiting', 'pending', 'running')
  loop
    has_open := true;
    -- The limit keeps this a look-up by execution and step.
    if w.status = 'waiting' and (select true
         from rowbeat.scheduled_jobs d
         where d.parent_execution_id = of_id
           and d.step = any (w.depends_on)
           and d.status in ('waiting', 'pending', 'running')
         limit 1) is null then
      return query select w.id, w.queue, w.job_type, of_id, 'all steps it waits for have ended',
        extract(epoch from clock_timestamp() - w.updated_at)::double precision, null::text;
    end if;
  end loop;
  if not has_open or deadline_at <= now() - interval '30 seconds' then
    return query select null::bigint, null::text, workflow_type, of_id,
      case when deadline_at <= now() then 'it is past its deadline' else 'all its steps have ended' end,
      extract(epoch from clock_timestamp() - created_at)::double precision, null::text;
  end if;
end
$$;
comment on function rowbeat.stuck_in_execution(uuid, text, timestamptz, timestamptz) is 'What of a live execution should have moved and did not: steps and the execution itself. Read the view stuck instead.';

create or replace view rowbeat.stuck as
select r.*
from rowbeat.stuck_running() r
union all
select s.*
from rowbeat.workflow_executions e
cross join lateral rowbeat.stuck_in_execution(e.execution_id, e.workflow_type, e.deadline_at, e.created_at) s
where e.status in ('pending', 'running');
comment on view rowbeat.stuck is 'What should have moved and did not: attempts without a living poller or past their limit, steps and executions that nobody advanced. Rows that stay for more than a minute need you.';
comment on column rowbeat.stuck.job_id is 'The job; null when it is a whole execution.';
comment on column rowbeat.stuck.queue is 'Its queue.';
comment on column rowbeat.stuck.job_type is 'Its type, or the workflow type.';
comment on column rowbeat.stuck.execution_id is 'The execution.';
comment on column rowbeat.stuck.reason is 'Why it is here.';
comment on column rowbeat.stuck.seconds is 'For how long it has run, waited or lived.';
comment on column rowbeat.stuck.poller is 'The poller that holds it.';

create or replace view rowbeat.retrying as
select p.id as job_id,
       p.queue,
       p.job_type,
       p.parent_execution_id as execution_id,
       p.step,
       p.retry_count,
       p.max_retries,
       p.scheduled_at as next_try_at,
       p.last_error_code,
       p.last_error
from rowbeat.pending_jobs p
where p.retry_count > 0;
comment on view rowbeat.retrying is 'Pending jobs that failed before, with when they are tried again.';
comment on column rowbeat.retrying.job_id is 'The job.';
comment on column rowbeat.retrying.queue is 'Queue.';
comment on column rowbeat.retrying.job_type is 'Job type.';
comment on column rowbeat.retrying.execution_id is 'The execution it is a step of.';
comment on column rowbeat.retrying.step is 'Name of the step.';
comment on column rowbeat.retrying.retry_count is 'Failures so far.';
comment on column rowbeat.retrying.max_retries is 'How many are retried.';
comment on column rowbeat.retrying.next_try_at is 'When it may run again.';
comment on column rowbeat.retrying.last_error_code is 'Code of the last failure.';
comment on column rowbeat.retrying.last_error is 'The last failure in words.';

create or replace view rowbeat.failures as
select f.fingerprint,
       f.job_type,
       count(*) as jobs,
       min(f.failed_at) as first_at,
       max(f.failed_at) as last_at,
       (array_agg(f.id order by f.failed_at desc, f.id desc))[1] as newest_job_id,
       (array_agg(f.last_error order by f.failed_at desc, f.id desc))[1] as newest_error
from (
  select j.id, j.job_type, j.failed_at, j.last_error, rowbeat.error_fingerprint(j.last_error_code, j.last_error) as fingerprint
  from rowbeat.scheduled_jobs j
  where j.failed_at is not null
    and j.failed_at > now() - interval '24 hours'
  order by j.failed_at desc
  limit 10000
) f
group by f.fingerprint, f.job_type;
comment on view rowbeat.failures is 'Jobs that failed for good in the last 24 hours, the newest 10,000, grouped by cause.';
comment on column rowbeat.failures.fingerprint is 'Code and message without what differs each time.';
comment on column rowbeat.failures.job_type is 'Job type.';
comment on column rowbeat.failures.jobs is 'How many.';
comment on column rowbeat.failures.first_at is 'The first of them.';
comment on column rowbeat.failures.last_at is 'The last of them.';
comment on column rowbeat.failures.newest_job_id is 'One to look at.';
comment on column rowbeat.failures.newest_error is 'Its message.';

create or replace view rowbeat.execution_progress as
select e.execution_id,
       e.workflow_type,
       e.subject,
       e.status,
       e.created_at,
       e.deadline_at,
       s.steps,
       s.ended,
       s.failed,
       s.running,
       round(coalesce(s.percent, 0)::numeric, 1) as percent,
       s.current_steps,
       s.last_error
from rowbeat.workflow_executions e
cross join lateral (
  select count(*) as steps,
         count(*) filter (where j.status in ('completed', 'failed', 'skipped', 'cancelled')) as ended,
         count(*) filter (where j.status = 'failed') as failed,
         count(*) filter (where j.status = 'running') as running,
         sum(coalesce(j.estimate_seconds, 60) * case
           when j.status in ('completed', 'failed', 'skipped', 'cancelled') then 100
           else coalesce(j.progress, 0) end) / sum(coalesce(j.estimate_seconds, 60)) as percent,
         string_agg(j.step, ', ' order by j.sequence_index) filter (where j.status = 'running') as current_steps,
         (array_agg(j.last_error order by j.updated_at desc) filter (where j.last_error is not null))[1] as last_error
  from rowbeat.scheduled_jobs j
  where j.parent_execution_id = e.execution_id
) s
where e.status in ('pending', 'running');
comment on view rowbeat.execution_progress is 'Live executions: how far they are, weighted by how long each step usually takes.';
comment on column rowbeat.execution_progress.execution_id is 'The execution.';
comment on column rowbeat.execution_progress.workflow_type is 'Workflow.';
comment on column rowbeat.execution_progress.subject is 'What it is about.';
comment on column rowbeat.execution_progress.status is 'pending or running.';
comment on column rowbeat.execution_progress.created_at is 'When it was created.';
comment on column rowbeat.execution_progress.deadline_at is 'When it is ended, done or not.';
comment on column rowbeat.execution_progress.steps is 'Its steps.';
comment on column rowbeat.execution_progress.ended is 'Those that have ended.';
comment on column rowbeat.execution_progress.failed is 'Those that failed.';
comment on column rowbeat.execution_progress.running is 'Those that run.';
comment on column rowbeat.execution_progress.percent is 'Share of the work that is done, 0..100.';
comment on column rowbeat.execution_progress.current_steps is 'Names of those that run.';
comment on column rowbeat.execution_progress.last_error is 'Newest error of a step, retried or not.';

create or replace view rowbeat.blocked as
select w.parent_execution_id as execution_id,
       e.subject,
       w.id as job_id,
       w.step,
       d.id as waits_for_job_id,
       d.step as waits_for_step,
       d.status as waits_for_status,
       case d.status when 'running' then d.started_at else d.scheduled_at end as since
from rowbeat.workflow_executions e
join rowbeat.scheduled_jobs w on w.parent_execution_id = e.execution_id and w.status = 'waiting'
join rowbeat.scheduled_jobs d
  on d.parent_execution_id = w.parent_execution_id
 and d.step = any (w.depends_on)
 and d.status in ('waiting', 'pending', 'running')
where e.status in ('pending', 'running');
comment on view rowbeat.blocked is 'Waiting steps of live executions, with each step that they still wait for.';
comment on column rowbeat.blocked.execution_id is 'The execution.';
comment on column rowbeat.blocked.subject is 'What it is about.';
comment on column rowbeat.blocked.job_id is 'The step that waits.';
comment on column rowbeat.blocked.step is 'Its name.';
comment on column rowbeat.blocked.waits_for_job_id is 'A step that must end first.';
comment on column rowbeat.blocked.waits_for_step is 'Its name.';
comment on column rowbeat.blocked.waits_for_status is 'Its status.';
comment on column rowbeat.blocked.since is 'Since when that one runs, or when it is due.';

create or replace view rowbeat.throughput as
select c.minute,
       c.queue,
       c.job_type,
       coalesce(sum(c.n) filter (where c.outcome = 'completed'), 0)::bigint as completed,
       coalesce(sum(c.n) filter (where c.outcome = 'failed'), 0)::bigint as failed,
       coalesce(sum(c.n) filter (where c.outcome = 'retried'), 0)::bigint as retried,
       coalesce(sum(c.n) filter (where c.outcome not in ('completed', 'failed', 'retried')), 0)::bigint as other
from rowbeat.job_counts c
where c.minute > now() - interval '24 hours'
group by c.minute, c.queue, c.job_type;
comment on view rowbeat.throughput is 'How attempts ended per minute, queue and job type, in the last 24 hours.';
comment on column rowbeat.throughput.minute is 'Start of the minute.';
comment on column rowbeat.throughput.queue is 'Queue.';
comment on column rowbeat.throughput.job_type is 'Job type.';
comment on column rowbeat.throughput.completed is 'Completed.';
comment on column rowbeat.throughput.failed is 'Failed for good.';
comment on column rowbeat.throughput.retried is 'Failed and to be tried again.';
comment on column rowbeat.throughput.other is 'Skipped, snoozed, handed back or refused.';

create or replace view rowbeat.overview as
select q.due,
       q.oldest_due_seconds,
       q.later,
       q.running,
       (select count(*) from rowbeat.retrying) as retrying,
       (select count(*) from rowbeat.stuck) as stuck,
       (select count(*) from (
          select from rowbeat.scheduled_jobs j
          where j.failed_at is not null and j.failed_at > now() - interval '1 hour'
          limit 10000) f) as failed_last_hour,
       (select count(*) from rowbeat.workflow_executions e where e.status in ('pending', 'running')) as live_executions,
       p.pollers,
       p.slots,
       q.paused_queues
from (
  select coalesce(sum(l.due), 0)::bigint as due,
         coalesce(max(l.oldest_due_seconds) filter (where not l.paused), 0) as oldest_due_seconds,
         coalesce(sum(l.later), 0)::bigint as later,
         coalesce(sum(l.running), 0)::bigint as running,
         count(*) filter (where l.paused) as paused_queues
  from rowbeat.queue_lag l
) q
cross join (
  select count(*) as pollers, coalesce(sum(l.concurrency), 0)::bigint as slots
  from rowbeat.pollers_live l
  where l.beating
) p;
comment on view rowbeat.overview is 'Everything at a glance, in one row; \watch it.';
comment on column rowbeat.overview.due is 'Jobs that could run now, counted to 10,000 per queue and priority.';
comment on column rowbeat.overview.oldest_due_seconds is 'How long the first of them has waited, seconds; paused queues left out.';
comment on column rowbeat.overview.later is 'Pending jobs that are due later.';
comment on column rowbeat.overview.running is 'Jobs that run.';
comment on column rowbeat.overview.retrying is 'Pending jobs that failed before.';
comment on column rowbeat.overview.stuck is 'Rows of the view stuck.';
comment on column rowbeat.overview.failed_last_hour is 'Jobs that failed for good in the last hour, counted to 10,000.';
comment on column rowbeat.overview.live_executions is 'Executions that have not ended.';
comment on column rowbeat.overview.pollers is 'Pollers whose heart beats.';
comment on column rowbeat.overview.slots is 'Jobs that they can run at once.';
comment on column rowbeat.overview.paused_queues is 'Queues that are paused.';

create or replace view rowbeat.table_health as
select s.relname::text as table_name,
       pg_total_relation_size(s.relid) as bytes,
       pg_indexes_size(s.relid) as index_bytes,
       s.n_live_tup as live_rows,
       s.n_dead_tup as dead_rows,
       round(100.0 * s.n_tup_hot_upd / nullif(s.n_tup_upd, 0), 1) as hot_percent,
       greatest(s.last_vacuum, s.last_autovacuum) as last_vacuum_at,
       greatest(s.last_analyze, s.last_autoanalyze) as last_analyze_at,
       s.seq_scan as sequential_scans,
       age(c.relfrozenxid) as xid_age
from pg_stat_all_tables s
join pg_class c on c.oid = s.relid
where s.schemaname = 'rowbeat';
comment on view rowbeat.table_health is 'Size, dead rows, share of updates that touched no index, and vacuum, per table.';
comment on column rowbeat.table_health.table_name is 'Table.';
comment on column rowbeat.table_health.bytes is 'Size on disk with indexes and large values.';
comment on column rowbeat.table_health.index_bytes is 'Of that, indexes.';
comment on column rowbeat.table_health.live_rows is 'Rows, as estimated.';
comment on column rowbeat.table_health.dead_rows is 'Old versions that vacuum has yet to remove.';
comment on column rowbeat.table_health.hot_percent is 'Share of updates that touched no index; above 90 for scheduled_jobs when all is well.';
comment on column rowbeat.table_health.last_vacuum_at is 'Last vacuum, by hand or automatic.';
comment on column rowbeat.table_health.last_analyze_at is 'Last analyze, by hand or automatic.';
comment on column rowbeat.table_health.sequential_scans is 'Scans of the whole table since statistics were reset.';
comment on column rowbeat.table_health.xid_age is 'Transactions since the oldest unfrozen row; vacuum acts by itself at 200 million.';
