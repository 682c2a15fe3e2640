-- doctor() and explain() for a terminal: prose folded at its width, SQL on lines of its own that can be copied whole.

create or replace function rowbeat.fold(words text, width integer) returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  -- What has no blank to break at stays whole.
  select string_agg('  ' || rtrim(l.line), E'\n' order by l.place)
  from regexp_split_to_table(
    rtrim(regexp_replace(regexp_replace(btrim(words), '\s+', ' ', 'g'),
      format('(.{1,%s})( |$)', greatest(coalesce(width, 80), 40) - 2), E'\\1\n', 'g'), E'\n'),
    E'\n') with ordinality as l (line, place)
$$;
comment on function rowbeat.fold(text, integer) is 'Internal: part of page, prose in lines that are not longer than width.';

create or replace function rowbeat.page(title text, words text, advice text, width integer) returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select concat_ws(E'\n', title, rowbeat.fold(words, width), string_agg(
    concat_ws(E'\n', rowbeat.fold(nullif(p.parts[1], ''), width), '    ' || p.parts[2] || ';'), E'\n' order by a.place))
  from string_to_table(advice, '; ') with ordinality as a (part, place)
  cross join lateral (
    select coalesce(
      regexp_match(a.part, '^([^'']*?:|) ?((?:select|alter|vacuum|reindex|rollback) .*)$'),
      array[a.part, null]) as parts
  ) p
$$;
comment on function rowbeat.page(text, text, text, integer) is 'Internal: part of doctor_page and explain_page.';

create or replace function rowbeat.doctor_page(width integer default 80) returns setof text
language sql
set search_path = pg_catalog, pg_temp
as $$
  with found as materialized (
    select * from rowbeat.doctor() with ordinality as d (severity, code, evidence, fix, place)
  )
  select p.text
  from (
    select f.place, rowbeat.page(upper(f.severity) || '  ' || f.code, f.evidence, f.fix, width) || E'\n' as text from found f
    union all
    select 0, 'Nothing is wrong.' where not exists (select from found)
  ) p
  order by p.place
$$;
comment on function rowbeat.doctor_page(integer) is 'doctor() for a terminal of this width: a paragraph for each finding, SQL on lines of its own. docs/psqlrc has it as :doctor.';

create or replace function rowbeat.explain_page(what text, width integer default 80) returns setof text
language sql
set search_path = pg_catalog, pg_temp
as $$
  select rowbeat.page(format('%s  %s', e.about, e.code), e.reason, e.help, width) || E'\n'
  from rowbeat.explain(what) e
  order by e.place
$$;
comment on function rowbeat.explain_page(text, integer) is 'explain() for a terminal of this width. docs/psqlrc has it as :why, after \set what.';
