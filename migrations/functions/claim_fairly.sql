-- The claim of jobs that have limits, or take turns by key. The plain claim, which needs none of this, is a
-- statement of the poller (src/store/claims.ts) and takes nothing from a limited queue.
--
-- Strict limits need a look at what runs that is newer than everything claimed before: a limited queue's row is
-- locked first, and the statement after that counts under a snapshot of its own, taken while nobody else claims.
-- All of it is one call, so that no client, however slow, stands between the lock and its release.

-- A start is when a handler is called, a little after the claim: a tenth of a second covers the way there, so that
-- starts keep the limit too where the first of two claims had the slower way.
create or replace function rowbeat.rate_window(seconds integer) returns interval
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select make_interval(secs => seconds + 0.1)
$$;
comment on function rowbeat.rate_window(integer) is 'How long a start counts under a rate limit of so many seconds.';

create or replace function rowbeat.rate_room(
  of_scope text,
  of_name text,
  most integer,
  seconds integer,
  at timestamptz,
  out room integer,
  out opens_in double precision
)
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
begin
  -- The clock was set back: counted from now, they leave the window late, but they do leave it.
  update rowbeat.rate_starts s
    set started_at = at, first_at = least(s.first_at, at)
    where s.scope = of_scope and s.name = of_name and s.started_at > at;
  select most - coalesce(sum(s.starts), 0) into room
    from rowbeat.rate_starts s
    where s.scope = of_scope and s.name = of_name and s.started_at > at - rowbeat.rate_window(seconds);
  if room > 0 then
    return;
  end if;
  -- The newest start by which, counted from the present back, the limit is reached: once it has left the window
  -- there is room.
  select extract(epoch from c.started_at + rowbeat.rate_window(seconds) - at) into opens_in
    from (
      select s.started_at, sum(s.starts) over (order by s.started_at desc) as reached
      from rowbeat.rate_starts s
      where s.scope = of_scope and s.name = of_name and s.started_at > at - rowbeat.rate_window(seconds)
    ) c
    where c.reached >= most
    order by c.started_at desc
    limit 1;
end
$$;
comment on function rowbeat.rate_room(text, text, integer, integer, timestamptz) is 'How many starts a rate limit allows at a time, and if none, in how many seconds it will. The caller holds the lock of the queue or job type.';

create or replace function rowbeat.note_starts(
  of_scope text,
  of_name text,
  most integer,
  seconds integer,
  at timestamptz,
  count integer
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
begin
  -- High rates are kept to at most some 200 rows in the window: starts close to each other share a row and leave
  -- the window together, with the last of them. That is late for the others and never early.
  if most > 200 then
    update rowbeat.rate_starts s
      set starts = s.starts + count, started_at = at
      where s.ctid = (
        select n.ctid
        from rowbeat.rate_starts n
        where n.scope = of_scope and n.name = of_name
        order by n.started_at desc
        limit 1)
        and s.first_at > at - rowbeat.rate_window(seconds) / 200;
    if found then
      return;
    end if;
  end if;
  insert into rowbeat.rate_starts (scope, name, first_at, started_at, starts)
    values (of_scope, of_name, at, at, count);
end
$$;
comment on function rowbeat.note_starts(text, text, integer, integer, timestamptz, integer) is 'Notes starts under a rate limit. The caller holds the lock of the queue or job type.';

-- Keys in turn, from a key on, that hold a due job and have a free slot: a walk from key to key that reads one or
-- two index entries per key, however many jobs a key has. Wraps around at the end.
create or replace function rowbeat.keys_in_turn(
  of_queue text,
  of_priority integer,
  of_types text[],
  at timestamptz,
  busy jsonb,
  per_key integer,
  after_key text,
  want integer,
  out keys text[],
  out last_key text,
  out whole boolean,
  out blocked boolean
)
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
declare
  keys_max constant integer := 2000;
  looked integer := 0;
  -- The successor of a key in byte order: no text lies between them.
  from_key text := coalesce(after_key || chr(1), '');
  up_to text := null;
  round record;
begin
  keys := '{}';
  whole := false;
  blocked := false;
  for pass in 1..2 loop
    with recursive walk as (
      (select j.ready_key as key, j.scheduled_at as due, 1 as step, 0 as good_before
       from rowbeat.scheduled_jobs j
       where j.queue = of_queue and j.priority = of_priority and j.ready_key is not null
         and j.ready_key >= from_key
       order by j.ready_key, j.scheduled_at, j.id
       limit 1)
      union all
      select n.key, n.due, w.step + 1, w.good_before + g.good::integer
      from walk w
      cross join lateral (
        select w.due <= at
           and coalesce((busy ->> w.key)::integer, 0) < per_key
           and exists (
             select from rowbeat.scheduled_jobs t
             where t.queue = of_queue and t.priority = of_priority and t.ready_key = w.key
               and t.scheduled_at <= at and t.job_type = any (of_types)) as good
      ) g
      cross join lateral (
        select j.ready_key as key, j.scheduled_at as due
        from rowbeat.scheduled_jobs j
        where j.queue = of_queue and j.priority = of_priority and j.ready_key is not null
          and j.ready_key > w.key
        order by j.ready_key, j.scheduled_at, j.id
        limit 1
      ) n
      where w.step < keys_max - looked
        and w.good_before + g.good::integer < want - cardinality(keys)
        and (up_to is null or w.key < up_to)
    ), judged as (
      select w.key, w.step,
             w.due <= at as due,
             coalesce((busy ->> w.key)::integer, 0) < per_key as free
      from walk w
      where up_to is null or w.key <= up_to
    )
    select coalesce(array_agg(k.key order by k.step) filter (where k.due and k.free and exists (
             select from rowbeat.scheduled_jobs t
             where t.queue = of_queue and t.priority = of_priority and t.ready_key = k.key
               and t.scheduled_at <= at and t.job_type = any (of_types))), '{}') as good,
           coalesce(max(k.step), 0) as steps,
           (array_agg(k.key order by k.step desc))[1] as last_key,
           coalesce(bool_or(k.due and not k.free), false) as blocked
      into round
      from judged k;
    looked := looked + round.steps;
    keys := keys || round.good;
    last_key := coalesce(round.last_key, last_key);
    blocked := blocked or round.blocked;
    if cardinality(keys) >= want or looked >= keys_max then
      return;
    end if;
    if pass = 2 or after_key is null then
      whole := true;
      return;
    end if;
    from_key := '';
    up_to := after_key;
  end loop;
end
$$;
comment on function rowbeat.keys_in_turn(text, integer, text[], timestamptz, jsonb, integer, text, integer) is 'Concurrency keys whose turn it is: at most want of those after a key that hold a due job and run fewer than per_key; also the last key looked at, whether all keys were, and whether a limit held any back.';

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
begin
  -- Before the lock: this may wait for somebody who holds one of the jobs.
  return query
    update rowbeat.scheduled_jobs j
      set status = 'completed', finished_at = now(), updated_at = now()
      from unnest(done_ids, done_leases) as done (id, lease_id)
      where j.id = done.id
        and j.lease_id = done.lease_id
        and j.status = 'running'
      returning null::bigint, null::text, null::jsonb, null::integer, null::integer, null::integer, null::uuid,
                null::integer, null::double precision, null::double precision, null::double precision, j.id,
                null::text, null::boolean, null::double precision, null::text;

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
      perform set_config('lock_timeout', '500ms', true);
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
      select coalesce(sum(r.n), 0), coalesce(jsonb_object_agg(r.key, r.n) filter (where r.key is not null), '{}')
        into running, busy
        from (
          select j.concurrency_key as key, count(*) as n
          from rowbeat.leases l
          cross join lateral unnest(l.job_ids) as claimed (id)
          join rowbeat.scheduled_jobs j on j.id = claimed.id and j.lease_id = l.lease_id and j.status = 'running'
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
                when reason in ('max_running', 'max_per_key', 'busy') then 1 end,
           reason;
end
$$;
comment on function rowbeat.claim_fairly(text, integer, boolean, text, text[], uuid, uuid, integer, timestamptz, bigint, timestamptz, bigint, text, bigint[], uuid[], uuid[]) is 'The claim of a poller where limits hold or keys take turns: settles plain completions, then claims. Returns the ids settled, the jobs claimed in the order of their turns, and a last row with where to go on, whether there may be more, in how many seconds to try again, and what held it back.';
