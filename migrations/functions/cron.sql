-- Cron expressions are checked when they are written: what a daemon could not read is refused at once, with the field
-- and its range. It is croner's grammar under the options of src/core/cron.ts, and nothing but the grammar: fire times
-- are computed by daemons. test/sql/cron.test.ts compares both by thousands of generated expressions.

create or replace function rowbeat.cron_range(field text) returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select case field
    when 'second' then 'second is 0 to 59'
    when 'minute' then 'minute is 0 to 59'
    when 'hour' then 'hour is 0 to 23'
    when 'day' then 'day (of the month) is 1 to 31; L is the last day, LW the last workday, 15W the workday nearest to the 15th'
    when 'month' then 'month is 1 to 12, or jan to dec'
    when 'weekday' then 'weekday is 0 to 7 (0 and 7 are Sunday), or sun to sat; fri#2 is the second Friday, friL the last'
  end
$$;
comment on function rowbeat.cron_range(text) is 'Internal: what a field of a cron expression may hold, in words.';

-- One entry of a field, that is what stands between commas, in lower case and with * for ?.
create or replace function rowbeat.cron_entry_fault(field text, entry text) returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  least_value constant integer := case when field in ('day', 'month') then 1 else 0 end;
  most constant integer := case field when 'hour' then 23 when 'day' then 31 when 'month' then 12 when 'weekday' then 7 else 59 end;
  most_steps constant integer := case field when 'hour' then 24 when 'day' then 31 when 'month' then 12 when 'weekday' then 7 else 60 end;
  core text := entry;
  parts numeric[];
begin
  if entry = '*' then
    return null;
  end if;
  if field = 'weekday' and position('#' in core) > 0 then
    if core !~ '^[^#]*#(0*[1-5]|l)$' then
      return format('"%s" has no number from 1 to 5 (or L) after one #', entry);
    end if;
    core := split_part(core, '#', 1);
  elsif field = 'weekday' and right(core, 1) = 'l' then
    core := left(core, -1);
  elsif field = 'day' and core ~ '^[0-9]+w$' then
    core := left(core, -1);
  end if;
  case
    when core ~ '^[0-9]+$' then
      parts := array[core::numeric, core::numeric, 1];
    when core ~ '^\*/[0-9]+$' then
      parts := array[least_value, least_value, substr(core, 3)::numeric];
    when core ~ '^[0-9]+-[0-9]+$' then
      parts := array[split_part(core, '-', 1)::numeric, split_part(core, '-', 2)::numeric, 1];
    when core ~ '^[0-9]+-[0-9]+/[0-9]+$' then
      parts := array[split_part(core, '-', 1)::numeric, split_part(split_part(core, '-', 2), '/', 1)::numeric, split_part(core, '/', 2)::numeric];
    when core ~ '^[0-9]*/' then
      return format('"%s" has a step without * or a range before it', entry);
    else
      return case when entry = '' then 'an entry between commas is empty' else format('"%s" is no number, range or step', entry) end;
  end case;
  if parts[1] > parts[2] then
    return format('"%s" goes down', entry);
  elsif parts[3] not between 1 and most_steps then
    return format('"%s" has a step outside of 1 to %s', entry, most_steps);
  -- A range is judged by the values that its steps reach.
  elsif parts[1] < least_value or parts[1] + parts[3] * div(parts[2] - parts[1], parts[3]) > most then
    return format('"%s" is outside of its range', entry);
  end if;
  return null;
end
$$;
comment on function rowbeat.cron_entry_fault(text, text) is 'Internal: what is wrong with one entry of a field of a cron expression; null when nothing is.';

create or replace function rowbeat.cron_field_fault(field text, written text) returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  months constant text[] := '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}';
  weekdays constant text[] := '{sun,mon,tue,wed,thu,fri,sat}';
  names text[] := case field when 'month' then months when 'weekday' then weekdays else '{}' end;
  rest text := written;
  alphabet constant text := case field when 'day' then '0-9,*/lw-' when 'weekday' then '0-9,*/#l-' else '0-9,*/-' end;
  entries text[];
  fault text;
begin
  if cardinality(names) > 0 and rest ~ format('[a-z0-9/#](%1$s)|(%1$s)[a-km-z0-9]', array_to_string(names, '|')) then
    return format('a name in "%s" does not stand alone', written);
  end if;
  if field = 'weekday' then
    -- A range ends on the seventh day.
    rest := replace(rest, '-sun', '-7');
  end if;
  for n in 1 .. cardinality(names) loop
    rest := replace(rest, names[n], (case field when 'month' then n else n - 1 end)::text);
  end loop;
  if field = 'weekday' and left(rest, 1) = '+' then
    rest := substr(rest, 2);
    if rest = '' then
      return 'nothing stands after +';
    end if;
  end if;
  if rest ~ format('[^%s]', alphabet) then
    return format('"%s" holds %s', written, substring(rest from format('[^%s]+', alphabet)));
  end if;
  if field = 'day' and rest = 'lw' then
    return null;
  end if;
  entries := string_to_array(rest, ',');
  if field = 'day' then
    entries := array_remove(entries, 'l');
  end if;
  for n in 1 .. cardinality(entries) loop
    fault := rowbeat.cron_entry_fault(field, entries[n]);
    if fault is not null then
      return fault;
    end if;
  end loop;
  return null;
end
$$;
comment on function rowbeat.cron_field_fault(text, text) is 'Internal: what is wrong with one field of a cron expression, given in lower case and with * for ?; null when nothing is.';

create or replace function rowbeat.cron_fault(expression text, out field text, out fault text)
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  -- What JavaScript takes for blanks.
  blanks constant text := E'\t\n\x0b\f\r\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff';
  -- The collation: else I is no i on a Turkish server.
  plain constant text := btrim(lower(translate(expression, blanks, repeat(' ', length(blanks))) collate "C"));
  fields text[];
begin
  if plain in ('@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly') then
    return;
  end if;
  fields := regexp_split_to_array(replace(plain, '?', '*'), ' +');
  if expression is null or plain = '' then
    fault := 'cron is empty';
  elsif length(expression) > 200 then
    fault := 'cron is longer than 200 characters';
  elsif plain like '@%' then
    fault := format('%s is no nickname that is known', plain);
  elsif cardinality(fields) not in (5, 6) then
    fault := format('it has %s fields', cardinality(fields));
  end if;
  if fault is not null then
    return;
  end if;
  if cardinality(fields) = 5 then
    fields := array_prepend('0', fields);
  end if;
  for n in 1 .. 6 loop
    field := (array['second', 'minute', 'hour', 'day', 'month', 'weekday'])[n];
    fault := rowbeat.cron_field_fault(field, fields[n]);
    if fault is not null then
      return;
    end if;
  end loop;
  field := null;
end
$$;
comment on function rowbeat.cron_fault(text) is 'Internal: what is wrong with a cron expression, and in which field; nulls when daemons can read it.';

create or replace function rowbeat.require_cron(expression text) returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  wrong record := rowbeat.cron_fault(expression);
begin
  if wrong.fault is not null then
    raise exception 'cron % is malformed: %', coalesce(format('"%s"', left(expression, 200)), 'null'), coalesce(wrong.field || ' ', '') || wrong.fault
      using errcode = 'RB010',
            hint = coalesce(rowbeat.cron_range(wrong.field) || '. Besides: *, a range 1-5, a step */5 or 1-30/5, a list 1,15.',
              'Five fields, minute hour day month weekday, for instance 30 2 * * 1-5; six with seconds first; or @hourly, @daily, @weekly, @monthly, @yearly.');
  end if;
  return expression;
end
$$;
comment on function rowbeat.require_cron(text) is 'Internal: checks a cron expression; raises RB010 with the field that is wrong and its range.';
