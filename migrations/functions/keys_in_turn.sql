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
