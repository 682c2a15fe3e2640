-- The claim of jobs that have limits, or take turns by key. The plain claim, which needs none of this, is a
-- statement of the poller (src/store/claims.ts) and takes nothing from a limited queue.
--
-- Strict limits need a look at what runs that is newer than everything claimed before: a limited queue's row is
-- locked first, and the statement after that counts under a snapshot of its own, taken while nobody else claims.
-- All of it is one call, so that no client, however slow, stands between the lock and its release.

create or replace function rowbeat.claim_fairly(
  of_queue text,
  of_priority integer,
  is_keyed boolean,
  rated_type text,
  of_types text[],
  new_lease uuid,
  new_poller uuid,
  want integer,
  floor_at timestamptz,
  floor_id bigint,
  until_at timestamptz,
  until_id bigint,
  after_key text,
  done_ids bigint[],
  done_leases uuid[],
  ended_leases uuid[]
) returns table (
  id bigint,
  job_type text,
  payload jsonb,
  attempt integer,
  retry_count integer,
  max_retries integer,
  parent_execution_id uuid,
  timeout_seconds integer,
  waited double precision,
  to_deadline double precision,
  due double precision,
  settled bigint,
  next_key text,
  more boolean,
  wake_in double precision,
  held text
)
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  q rowbeat.queues;
  rate rowbeat.job_type_rates;
  is_limited boolean;
  types text[] := of_types;
  free integer := want;
  reason text;
  opens_in double precision;
  per_key integer := 2147483647;
  running integer := 0;
  busy jsonb := '{}';
  queue_room record;
  type_room record;
  turn record;
  share integer;
  chosen bigint[] := '{}';
  chosen_keys text[] := '{}';
  at timestamptz;
  taken integer;
  patience text := current_setting('lock_timeout');
begin
  -- Before the lock, for this may wait for somebody who holds one of the jobs; briefly, as in src/store/fence.ts.
  perform set_config('lock_timeout', '500ms', true);
  return query
    update rowbeat.scheduled_jobs j
      set status = 'completed', finished_at = now(), updated_at = now()
      where j.id = any (done_ids)
        and j.lease_id = done_leases[width_bucket(j.id, done_ids)]
        and j.finished_at is null
      returning null::bigint, null::text, null::jsonb, null::integer, null::integer, null::integer, null::uuid,
                null::integer, null::double precision, null::double precision, null::double precision, j.id,
                null::text, null::boolean, null::double precision, null::text;
  perform set_config('lock_timeout', patience, true);

  select * into q from rowbeat.queues where name = of_queue;
  is_limited := q.max_running is not null or q.rate_max is not null or (is_keyed and q.max_per_key is not null);
  if q.paused_at is not null and coalesce(q.paused_until, 'infinity') > clock_timestamp() then
    reason := 'paused';
  elsif (is_limited or rated_type is not null) and current_setting('transaction_isolation') <> 'read committed' then
    -- The snapshot of such a transaction is older than the lock, and would not show what runs.
    reason := 'isolation';
  end if;

  if reason is null and (is_limited or rated_type is not null) then
    begin
      -- Whoever keeps a queue locked, for instance in a session left open, must not keep the settlement waiting.
      perform set_config('lock_timeout', '250ms', true);
      if is_limited then
        select * into q from rowbeat.queues where name = of_queue for update;
        if q.limits_fresh then
          -- Claims that began before the limits were there hold this table until they can be seen.
          lock table rowbeat.leases in share row exclusive mode;
          update rowbeat.queues set limits_fresh = false where name = of_queue;
        end if;
      end if;
      if rated_type is not null then
        select * into rate from rowbeat.job_type_rates where job_type_rates.job_type = rated_type for update;
      end if;
    exception when lock_not_available then
      reason := 'busy';
    end;
  elsif reason is null then
    -- Whoever claims first under new limits waits for those that hold this table, and so have not seen the limits:
    -- hold it first, then look. Not sooner, for two that hold it and want more of it would wait for each other.
    lock table rowbeat.leases in row exclusive mode;
    select * into q from rowbeat.queues where name = of_queue;
    if q.max_running is not null or q.rate_max is not null or (is_keyed and q.max_per_key is not null) then
      reason := 'busy';
    elsif cardinality(done_ids) = 0 then
      -- As for the plain claim: alone and without limits it need not wait for the disk.
      perform set_config('synchronous_commit', 'off', true);
    end if;
  end if;

  delete from rowbeat.leases l where l.lease_id = any (ended_leases);

  -- Starts are counted by this clock: read under the lock it never runs back from one claim to the next.
  at := clock_timestamp();
  if reason is null then
    if rated_type is null then
      types := array(select t from unnest(of_types) t
                     where not exists (select from rowbeat.job_type_rates r where r.job_type = t));
    elsif rate.job_type is null then
      -- The rate is gone; the next look tells.
      types := '{}';
    else
      types := array[rated_type];
      type_room := rowbeat.rate_room('job_type', rated_type, rate.rate_max, rate.rate_seconds, at);
      if type_room.room < free then
        free := greatest(type_room.room, 0);
        reason := 'job type rate';
      end if;
    end if;
    if q.rate_max is not null then
      queue_room := rowbeat.rate_room('queue', of_queue, q.rate_max, q.rate_seconds, at);
      if queue_room.room < free then
        free := greatest(queue_room.room, 0);
        reason := 'rate';
      end if;
    end if;
    if free > 0 and (q.max_running is not null or (is_keyed and q.max_per_key is not null)) then
      -- What runs is what the leases say and the jobs confirm: nothing is counted twice, nothing can be left over.
      -- "offset 0" makes each job a look-up, whatever the planner believes about how many run.
      select coalesce(sum(r.n), 0), coalesce(jsonb_object_agg(r.key, r.n) filter (where r.key is not null), '{}')
        into running, busy
        from (
          select j.concurrency_key as key, count(*) as n
          from rowbeat.leases l
          cross join lateral unnest(l.job_ids) as claimed (id)
          cross join lateral (
            select s.concurrency_key
            from rowbeat.scheduled_jobs s
            where s.id = claimed.id and s.lease_id = l.lease_id and s.status = 'running'
            offset 0
          ) j
          where l.queue = of_queue
          group by j.concurrency_key
        ) r;
      per_key := coalesce(q.max_per_key, per_key);
      if q.max_running - running < free then
        free := greatest(q.max_running - running, 0);
        reason := 'max_running';
      end if;
    end if;
  else
    free := 0;
  end if;

  if free > 0 and is_keyed then
    turn := rowbeat.keys_in_turn(of_queue, of_priority, types, at, busy, per_key, after_key, free);
    if cardinality(turn.keys) = 0 and not turn.whole then
      -- Thousands of keys with nothing due: those of the jobs that have waited longest.
      turn.keys := array(
        select distinct w.key
        from (
          select j.ready_key as key, j.job_type
          from rowbeat.scheduled_jobs j
          where j.queue = of_queue and j.priority = of_priority and j.ready_key is not null
            and j.scheduled_at <= at
          order by j.scheduled_at
          limit 2000
        ) w
        where w.job_type = any (types)
          and coalesce((busy ->> w.key)::integer, 0) < per_key
        order by w.key
        limit free);
    end if;
    share := case when cardinality(turn.keys) = 0 then 0
                  else (free + cardinality(turn.keys) - 1) / cardinality(turn.keys) end;
    select coalesce(array_agg(p.id order by p.turn, p.place), '{}'),
           coalesce(array_agg(p.key order by p.turn, p.place), '{}')
      into chosen, chosen_keys
      from (
        select c.id, k.key, k.place, row_number() over (partition by k.place order by c.scheduled_at, c.id) as turn
        from unnest(turn.keys) with ordinality as k (key, place)
        cross join lateral (
          select j.id, j.scheduled_at
          from rowbeat.scheduled_jobs j
          where j.queue = of_queue
            and j.priority = of_priority
            and j.ready_key = k.key
            and j.scheduled_at <= at
            and j.job_type = any (types)
          order by j.scheduled_at, j.id
          limit least(share, per_key - coalesce((busy ->> k.key)::integer, 0))
          for update skip locked
        ) c
      ) p;
    -- The last turn may not be whole: the next claim begins with those it left out.
    chosen := chosen[1:free];
    chosen_keys := chosen_keys[1:free];
    next_key := coalesce(chosen_keys[cardinality(chosen_keys)], turn.last_key, after_key);
    more := cardinality(chosen) > 0;
    if not more and turn.blocked and reason is null then
      reason := 'max_per_key';
    end if;
  elsif free > 0 then
    chosen := array(
      select j.id
      from rowbeat.scheduled_jobs j
      where j.queue = of_queue
        and j.priority = of_priority
        and j.concurrency_key is null
        and (j.scheduled_at, j.id) > (floor_at, floor_id)
        and (j.scheduled_at, j.id) <= (until_at, until_id)
        and j.scheduled_at <= at
        and j.status = 'pending'
        and j.job_type = any (types)
      order by j.scheduled_at, j.id
      limit free
      for update skip locked);
    more := cardinality(chosen) = free;
  end if;

  return query
    with moved as (
      update rowbeat.scheduled_jobs j
        set status = 'running',
            attempt = j.attempt + 1,
            lease_id = new_lease,
            poller_id = new_poller,
            first_started_at = coalesce(j.first_started_at, at),
            started_at = at,
            updated_at = at
        where j.id = any (chosen)
          and j.status = 'pending'
        returning j.*
    ), leased as (
      insert into rowbeat.leases (lease_id, poller_id, queue, job_ids, claimed_at)
      select new_lease, new_poller, of_queue, array_agg(m.id), at from moved m
      having count(*) > 0
    )
    select m.id, m.job_type, m.payload, m.attempt, m.retry_count, m.max_retries, m.parent_execution_id,
           m.timeout_seconds, date_part('epoch', at - m.scheduled_at), date_part('epoch', m.deadline_at - at),
           date_part('epoch', m.scheduled_at), null::bigint, null::text, null::boolean, null::double precision,
           null::text
    from moved m
    order by array_position(chosen, m.id);
  get diagnostics taken = row_count;

  if taken > 0 and q.rate_max is not null then
    perform rowbeat.note_starts('queue', of_queue, q.rate_max, q.rate_seconds, at, taken);
  end if;
  if taken > 0 and rated_type is not null then
    perform rowbeat.note_starts('job_type', rated_type, rate.rate_max, rate.rate_seconds, at, taken);
  end if;
  -- The limit that the claim was cut to holds further ones back only when the claim has filled it.
  if taken < free and reason is distinct from 'max_per_key' then
    reason := null;
  end if;
  -- A full queue in which nothing waits holds nobody back, and need not be asked again and again.
  if reason = 'max_running' and not coalesce(
    case when is_keyed then (
      select true
      from rowbeat.scheduled_jobs j
      where j.queue = of_queue
        and j.priority = of_priority
        and j.ready_key is not null
        and j.scheduled_at <= at
        and j.job_type = any (types)
      order by j.scheduled_at
      limit 1
    ) else (
      select true
      from rowbeat.scheduled_jobs j
      where j.queue = of_queue
        and j.priority = of_priority
        and j.concurrency_key is null
        and (j.scheduled_at, j.id) > (floor_at, floor_id)
        and (j.scheduled_at, j.id) <= (until_at, until_id)
        and j.scheduled_at <= at
        and j.status = 'pending'
        and j.job_type = any (types)
      order by j.scheduled_at, j.id
      limit 1
    ) end, false)
  then
    reason := null;
  end if;
  if reason = 'rate' then
    opens_in := (rowbeat.rate_room('queue', of_queue, q.rate_max, q.rate_seconds, at)).opens_in;
  elsif reason = 'job type rate' then
    opens_in := (rowbeat.rate_room('job_type', rated_type, rate.rate_max, rate.rate_seconds, at)).opens_in;
  end if;

  return query
    select null::bigint, null::text, null::jsonb, null::integer, null::integer, null::integer, null::uuid,
           null::integer, null::double precision, null::double precision, null::double precision, null::bigint,
           next_key,
           coalesce(more, false) and reason is null,
           case when reason in ('rate', 'job type rate') then opens_in
                -- Slots that free up elsewhere are told to nobody; a pause ends with a wake-up.
                when reason in ('max_running', 'max_per_key') then 0.5
                when reason = 'busy' then 1 end,
           reason;
end
$$;
comment on function rowbeat.claim_fairly(text, integer, boolean, text, text[], uuid, uuid, integer, timestamptz, bigint, timestamptz, bigint, text, bigint[], uuid[], uuid[]) is 'The claim of a poller where limits hold or keys take turns: settles plain completions, then claims. Returns the ids settled, the jobs claimed in the order of their turns, and a last row with where to go on, whether there may be more, in how many seconds to try again, and what held it back.';
