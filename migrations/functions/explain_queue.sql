-- Part of explain_job: what the queue and the job type of a job say about it.

-- The call that sets the limits of a queue to these: it sets all of them, so each is named.
create or replace function rowbeat.limits_call(q rowbeat.queues) returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return format('select * from rowbeat.set_queue_limits(%L, ''why''%s%s%s)', q.name, ', max_running => ' || q.max_running,
    ', max_per_key => ' || q.max_per_key, ', rate_max => ' || q.rate_max || ', rate_seconds => ' || q.rate_seconds);
end
$$;
comment on function rowbeat.limits_call(rowbeat.queues) is 'Internal: part of explain_job, the SQL that sets the limits of a queue.';

-- As rate_room does it, but only read: nobody waits for a question, and it may be asked on a standby.
create or replace function rowbeat.explain_rate(of_scope text, of_name text, most integer, seconds integer) returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  at timestamptz := clock_timestamp();
  used bigint;
  since timestamptz;
  opens_at timestamptz;
  counted text;
begin
  select coalesce(sum(s.starts), 0), min(s.first_at) into used, since
    from rowbeat.rate_starts s
    where s.scope = of_scope and s.name = of_name and s.started_at > at - rowbeat.rate_window(seconds);
  if used < most then
    return null;
  end if;
  select min(c.started_at) filter (where c.place = c.last_place) + rowbeat.rate_window(seconds),
         string_agg(format('%s at %s', c.starts, date_trunc('second', c.started_at)), ', ' order by c.started_at desc) filter (where c.place <= 5)
           || case when count(*) > 5 then format(' and %s before', sum(c.starts) filter (where c.place > 5)) else '' end
    into opens_at, counted
    from (
      select w.*, min(w.place) filter (where w.reached >= most) over () as last_place
      from (
        select s.starts, least(s.started_at, at) as started_at,
               row_number() over newest as place, sum(s.starts) over newest as reached
        from rowbeat.rate_starts s
        where s.scope = of_scope and s.name = of_name and s.started_at > at - rowbeat.rate_window(seconds)
        window newest as (order by s.started_at desc, s.ctid)
      ) w
    ) c;
  return format('%s jobs may start in %s s, and as many have since %s: the next may at %s, in %s s. Counted are %s.', most, seconds,
    date_trunc('second', since), date_trunc('second', opens_at), round(extract(epoch from opens_at - at), 1), counted);
end
$$;
comment on function rowbeat.explain_rate(text, text, integer, integer) is 'Internal: part of explain_job, which starts use up a rate, and until when; null while there is room.';

-- A limit and the jobs that use it up, so that an id is not read as a count.
create or replace function rowbeat.used_up(most integer, holders bigint[]) returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select case most when 0 then 'may run no jobs' when 1 then 'may run one job at once' else format('may run %s jobs at once', most) end
    || case coalesce(cardinality(holders), 0)
         when 0 then ', and none runs'
         when 1 then format(', and job %s runs', holders[1])
         else format(', and %s run: jobs %s%s', cardinality(holders), array_to_string(holders[1:20], ', '),
           case when cardinality(holders) > 20 then ' and others' else '' end)
       end
$$;
comment on function rowbeat.used_up(integer, bigint[]) is 'Internal: part of explain_job, a limit in words, and which jobs use it up.';

create or replace function rowbeat.explain_queue(job rowbeat.scheduled_jobs) returns table (code text, reason text, help text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  q rowbeat.queues;
  wider rowbeat.queues;
  rate rowbeat.job_type_rates;
  holders bigint[];
  spent text;
begin
  select x.* into q from rowbeat.queues x where x.name = job.queue;
  if q.paused_at is not null and (q.paused_until is null or q.paused_until > now()) then
    return query select 'queue_paused', format('Its queue %s is paused since %s by %s: %s%s', q.name, date_trunc('second', q.paused_at),
        coalesce(q.paused_by, '?'), q.paused_reason, coalesce('. Until ' || q.paused_until, '')),
      format('select * from rowbeat.resume_queue(%L, ''why'')', q.name);
  end if;
  if q.max_running is not null then
    select array_agg(r.id order by r.started_at, r.id) into holders from rowbeat.running_jobs r where r.queue = q.name;
    if coalesce(cardinality(holders), 0) >= q.max_running then
      wider := q;
      wider.max_running := q.max_running + 1;
      return query select 'queue_limit', format('Its queue %s.', rowbeat.used_up(q.max_running, holders)), rowbeat.limits_call(wider);
    end if;
  end if;
  if q.max_per_key is not null and job.concurrency_key is not null then
    select array_agg(r.id order by r.started_at, r.id) into holders
      from rowbeat.running_jobs r
      where r.queue = q.name and r.concurrency_key = job.concurrency_key;
    if coalesce(cardinality(holders), 0) >= q.max_per_key then
      wider := q;
      wider.max_per_key := q.max_per_key + 1;
      return query select 'key_limit', format('The key %s %s.', job.concurrency_key, rowbeat.used_up(q.max_per_key, holders)), rowbeat.limits_call(wider);
    end if;
  end if;
  if q.rate_max is not null then
    spent := rowbeat.explain_rate('queue', q.name, q.rate_max, q.rate_seconds);
    wider := q;
    wider.rate_max := least(1000000, 2 * q.rate_max);
    return query select 'queue_rate', format('Of its queue %s %s', q.name, spent), rowbeat.limits_call(wider) where spent is not null;
  end if;
  select r.* into rate from rowbeat.job_type_rates r where r.job_type = job.job_type;
  if found then
    spent := rowbeat.explain_rate('job_type', rate.job_type, rate.rate_max, rate.rate_seconds);
    return query select 'job_type_rate', format('Of its type %s %s', rate.job_type, spent),
        format('select * from rowbeat.set_job_type_rate(%L, ''why'', rate_max => %s, rate_seconds => %s)', rate.job_type,
          least(1000000, 2 * rate.rate_max), rate.rate_seconds)
      where spent is not null;
  end if;
end
$$;
comment on function rowbeat.explain_queue(rowbeat.scheduled_jobs) is 'Internal: part of explain_job, about pauses, limits and rates.';
