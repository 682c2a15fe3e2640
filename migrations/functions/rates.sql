-- Rate limits: a log of starts, in which a window slides. Who reads or writes it holds the lock of the queue or of
-- the job type (claim_fairly.sql), so what is counted cannot change before it is used.

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
