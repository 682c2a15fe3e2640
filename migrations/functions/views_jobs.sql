-- What operators look at. No view walks over finished jobs: pending ones are found from the claim floors on, running
-- ones through the leases, failures through their index, the past in job_counts. Columns may be added at the end
-- only; for more, drop the view in a numbered migration first.

create or replace function rowbeat.mask(value jsonb) returns jsonb
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select case jsonb_typeof(value)
    when 'object' then (
      select coalesce(jsonb_object_agg(e.key, jsonb_typeof(e.value)), '{}')
      from (select x.key, x.value from jsonb_each(value) x order by x.key limit 50) e)
    when 'array' then to_jsonb(format('array of %s', jsonb_array_length(value)))
    else to_jsonb(jsonb_typeof(value))
  end
$$;
comment on function rowbeat.mask(jsonb) is 'The keys of a value with the types of what they hold; the values themselves stay hidden.';

create or replace function rowbeat.error_fingerprint(code text, message text) returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select left(coalesce(code, 'unknown') || ': ' ||
    regexp_replace(regexp_replace(regexp_replace(regexp_replace(coalesce(left(message, 500), ''),
      '[a-z][a-z0-9+.-]*://\S+', '<url>', 'gi'),
      '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', '<id>', 'gi'),
      '([''"`])[^''"`]*\1', '<text>', 'g'),
      '\m(0x)?[0-9a-f]*[0-9][0-9a-f]*\M', '<n>', 'gi'), 200)
$$;
comment on function rowbeat.error_fingerprint(text, text) is 'An error with its code, without the numbers, ids, addresses and quoted words that differ each time: failures of one cause share it.';

create or replace view rowbeat.lanes as
with recursive plain as (
  (select j.queue, j.priority from rowbeat.scheduled_jobs j
   where j.concurrency_key is null order by j.queue, j.priority limit 1)
  union all
  select next.queue, next.priority
  from plain w
  cross join lateral (
    select j.queue, j.priority
    from rowbeat.scheduled_jobs j
    where j.concurrency_key is null
      and (j.queue, j.priority) > (w.queue, w.priority)
    order by j.queue, j.priority
    limit 1
  ) next
), keyed as (
  (select j.queue, j.priority from rowbeat.scheduled_jobs j
   where j.ready_key is not null order by j.queue, j.priority limit 1)
  union all
  select next.queue, next.priority
  from keyed w
  cross join lateral (
    select j.queue, j.priority
    from rowbeat.scheduled_jobs j
    where j.ready_key is not null
      and (j.queue, j.priority) > (w.queue, w.priority)
    order by j.queue, j.priority
    limit 1
  ) next
)
select w.queue,
       w.priority,
       false as keyed,
       least(coalesce(f.floor_at, '-infinity'), (
         select min(b.due_at)
         from rowbeat.backdated_jobs b
         where b.queue = w.queue
           and b.priority = w.priority)) as floor_at
from plain w
left join rowbeat.claim_floors f on f.queue = w.queue and f.priority = w.priority
union all
select w.queue, w.priority, true, '-infinity'
from keyed w;
comment on view rowbeat.lanes is 'Every pair of queue and priority that occurs, for jobs without and with a concurrency key, found by hopping through indexes.';
comment on column rowbeat.lanes.queue is 'Queue.';
comment on column rowbeat.lanes.priority is 'Priority.';
comment on column rowbeat.lanes.keyed is 'True for its pending jobs that have a concurrency key and take turns; false for all others.';
comment on column rowbeat.lanes.floor_at is 'No job of it that is due before this time is pending.';

-- A function and no part of the view, for its settings: while statistics are old the planner takes a lane for short,
-- and would read and sort all of it for the first of its jobs. Security definer, so that who may read the view may
-- read what it is made of.
create or replace function rowbeat.pending_in_lane(of_queue text, of_priority smallint, is_keyed boolean, from_at timestamptz)
returns table (
  id bigint,
  queue text,
  priority smallint,
  job_type text,
  scheduled_at timestamptz,
  attempt integer,
  retry_count integer,
  max_retries integer,
  last_error_code text,
  last_error text,
  concurrency_key text,
  parent_execution_id uuid,
  step text,
  created_at timestamptz
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  if is_keyed then
    return query
      select j.id, j.queue, j.priority, j.job_type, j.scheduled_at, j.attempt, j.retry_count, j.max_retries,
             j.last_error_code, j.last_error, j.concurrency_key, j.parent_execution_id, j.step, j.created_at
      from rowbeat.scheduled_jobs j
      where j.queue = of_queue
        and j.priority = of_priority
        and j.ready_key is not null
      order by j.scheduled_at
      limit 10000;
  else
    return query
      select j.id, j.queue, j.priority, j.job_type, j.scheduled_at, j.attempt, j.retry_count, j.max_retries,
             j.last_error_code, j.last_error, j.concurrency_key, j.parent_execution_id, j.step, j.created_at
      from rowbeat.scheduled_jobs j
      where j.queue = of_queue
        and j.priority = of_priority
        and j.concurrency_key is null
        and j.scheduled_at >= from_at
        and j.status = 'pending'
      order by j.scheduled_at, j.id
      limit 10000;
  end if;
end
$$;
comment on function rowbeat.pending_in_lane(text, smallint, boolean, timestamptz) is 'The first 10,000 pending jobs of a queue and priority that are due at a time or later, without or with a concurrency key (all of those, whatever the time). Read the view pending_jobs instead.';

create or replace view rowbeat.pending_jobs as
select p.*
from rowbeat.lanes l
cross join lateral rowbeat.pending_in_lane(l.queue, l.priority, l.keyed, l.floor_at) p;
comment on view rowbeat.pending_jobs is 'Pending jobs, due or not, the first 10,000 of each queue and priority by due time; as many again of those that have a concurrency key.';
comment on column rowbeat.pending_jobs.id is 'The job.';
comment on column rowbeat.pending_jobs.queue is 'Queue.';
comment on column rowbeat.pending_jobs.priority is 'Higher runs first.';
comment on column rowbeat.pending_jobs.job_type is 'Which handler runs it.';
comment on column rowbeat.pending_jobs.scheduled_at is 'Not before this time.';
comment on column rowbeat.pending_jobs.attempt is 'How often it was claimed so far.';
comment on column rowbeat.pending_jobs.retry_count is 'How many failures were retried.';
comment on column rowbeat.pending_jobs.max_retries is 'How many may be.';
comment on column rowbeat.pending_jobs.last_error_code is 'Code of the last failure.';
comment on column rowbeat.pending_jobs.last_error is 'The last failure in words.';
comment on column rowbeat.pending_jobs.concurrency_key is 'Jobs of one key share a limit.';
comment on column rowbeat.pending_jobs.parent_execution_id is 'The execution it is a step of.';
comment on column rowbeat.pending_jobs.step is 'Name of the step.';
comment on column rowbeat.pending_jobs.created_at is 'When it was inserted.';

create or replace view rowbeat.running_jobs as
select j.id,
       j.queue,
       j.job_type,
       j.attempt,
       j.started_at,
       extract(epoch from clock_timestamp() - j.started_at)::double precision as running_seconds,
       coalesce(j.timeout_seconds, 300) as timeout_seconds,
       j.progress,
       j.progress_detail ->> 'message' as message,
       j.concurrency_key,
       j.parent_execution_id,
       j.step,
       j.lease_id,
       l.poller_id,
       p.name as poller,
       coalesce(p.status, 'gone') as poller_status,
       extract(epoch from clock_timestamp() - p.beat_at)::double precision as beat_age_seconds
from rowbeat.leases l
cross join lateral unnest(l.job_ids) as claimed (id)
-- The limit keeps this a look-up by id for each: the planner takes arrays for long and would scan the whole table.
cross join lateral (
  select r.*
  from rowbeat.scheduled_jobs r
  where r.id = claimed.id
    and r.lease_id = l.lease_id
    and r.status = 'running'
  limit 1
) j
left join rowbeat.pollers p on p.poller_id = l.poller_id;
comment on view rowbeat.running_jobs is 'Jobs that run now, with the poller that runs them.';
comment on column rowbeat.running_jobs.id is 'The job.';
comment on column rowbeat.running_jobs.queue is 'Queue.';
comment on column rowbeat.running_jobs.job_type is 'Which handler runs it.';
comment on column rowbeat.running_jobs.attempt is '1 for the first try.';
comment on column rowbeat.running_jobs.started_at is 'When this attempt was claimed.';
comment on column rowbeat.running_jobs.running_seconds is 'Seconds since then.';
comment on column rowbeat.running_jobs.timeout_seconds is 'Seconds an attempt may take; 300 where the job names none.';
comment on column rowbeat.running_jobs.progress is 'Percent, as the handler reported it.';
comment on column rowbeat.running_jobs.message is 'What the handler said last.';
comment on column rowbeat.running_jobs.concurrency_key is 'Jobs of one key share a limit.';
comment on column rowbeat.running_jobs.parent_execution_id is 'The execution it is a step of.';
comment on column rowbeat.running_jobs.step is 'Name of the step.';
comment on column rowbeat.running_jobs.lease_id is 'The right to this attempt.';
comment on column rowbeat.running_jobs.poller_id is 'The poller that runs it.';
comment on column rowbeat.running_jobs.poller is 'Its host and process id.';
comment on column rowbeat.running_jobs.poller_status is 'live, draining, stopped, lost, or gone when its row is no more.';
comment on column rowbeat.running_jobs.beat_age_seconds is 'Seconds since its last heartbeat; it beats every three, and after ten its jobs are taken back.';

create or replace view rowbeat.pollers_live as
select p.poller_id,
       p.name,
       p.version,
       p.status,
       p.running,
       p.concurrency,
       p.listening,
       p.job_types,
       p.started_at,
       p.beat_at,
       extract(epoch from clock_timestamp() - p.beat_at)::double precision as beat_age_seconds,
       p.beat_at >= clock_timestamp() - interval '10 seconds' as beating
from rowbeat.pollers p
where p.status in ('live', 'draining');
comment on view rowbeat.pollers_live is 'Pollers that have not ended; one whose heart does not beat is about to be declared lost.';
comment on column rowbeat.pollers_live.poller_id is 'Identity of this boot of the process.';
comment on column rowbeat.pollers_live.name is 'Host and process id.';
comment on column rowbeat.pollers_live.version is 'Version of Rowbeat.';
comment on column rowbeat.pollers_live.status is 'live, or draining: it claims nothing more.';
comment on column rowbeat.pollers_live.running is 'Jobs it ran at its last heartbeat.';
comment on column rowbeat.pollers_live.concurrency is 'Most it runs at once.';
comment on column rowbeat.pollers_live.listening is 'Whether it hears of new work at once; else it finds it by looking every two seconds.';
comment on column rowbeat.pollers_live.job_types is 'Job types it can run.';
comment on column rowbeat.pollers_live.started_at is 'When it started.';
comment on column rowbeat.pollers_live.beat_at is 'Its last heartbeat.';
comment on column rowbeat.pollers_live.beat_age_seconds is 'Seconds since then.';
comment on column rowbeat.pollers_live.beating is 'False when the last heartbeat is older than ten seconds.';

create or replace view rowbeat.queue_lag as
with pending as (
  select p.queue,
         count(*) filter (where p.scheduled_at <= now()) as due,
         count(*) filter (where p.scheduled_at > now()) as later,
         min(p.scheduled_at) filter (where p.scheduled_at <= now()) as oldest_due_at,
         min(p.scheduled_at) filter (where p.scheduled_at > now()) as next_due_at
  from rowbeat.pending_jobs p
  group by p.queue
), running as (
  select r.queue, count(*) as running
  from rowbeat.running_jobs r
  group by r.queue
)
select n.queue,
       coalesce(p.due, 0) as due,
       coalesce(extract(epoch from now() - p.oldest_due_at), 0)::double precision as oldest_due_seconds,
       coalesce(p.later, 0) as later,
       p.next_due_at,
       coalesce(r.running, 0) as running,
       q.max_running,
       coalesce(q.paused_at is not null and (q.paused_until is null or q.paused_until > now()), false) as paused,
       q.paused_until,
       q.paused_reason,
       q.max_per_key,
       q.rate_max,
       q.rate_seconds
from (select l.queue from rowbeat.lanes l union select q.name from rowbeat.queues q) n
left join pending p on p.queue = n.queue
left join running r on r.queue = n.queue
left join rowbeat.queues q on q.name = n.queue;
comment on view rowbeat.queue_lag is 'Per queue: what is due and how long it has waited, what comes later, what runs, and whether it is paused.';
comment on column rowbeat.queue_lag.queue is 'Queue.';
comment on column rowbeat.queue_lag.due is 'Jobs that could run now, counted to 10,000 per priority.';
comment on column rowbeat.queue_lag.oldest_due_seconds is 'How long the first of them has waited, seconds.';
comment on column rowbeat.queue_lag.later is 'Pending jobs that are due later, within the same count.';
comment on column rowbeat.queue_lag.next_due_at is 'When the next of those is due.';
comment on column rowbeat.queue_lag.running is 'Jobs that run.';
comment on column rowbeat.queue_lag.max_running is 'Most that may, over all pollers; null: no limit.';
comment on column rowbeat.queue_lag.paused is 'Whether nothing is claimed from it.';
comment on column rowbeat.queue_lag.paused_until is 'When the pause ends by itself.';
comment on column rowbeat.queue_lag.paused_reason is 'Why it is paused.';
comment on column rowbeat.queue_lag.max_per_key is 'Most jobs of one concurrency key that may run; null: no limit.';
comment on column rowbeat.queue_lag.rate_max is 'Most that may start in any rate_seconds; null: no limit.';
comment on column rowbeat.queue_lag.rate_seconds is 'Length of that window, in seconds.';
