import { describe, expect, it } from 'vitest'
import { useSql } from './staging.ts'

const sql = useSql()

describe('\\d+ and \\df+', () => {
  it('are the manual: every table, view, column, function and type of the schema says what it is', async () => {
    const silent = await sql.hand(`
      select format('%s %s', case c.relkind when 'v' then 'view' else 'table' end, c.relname) as thing
      from pg_class c
      where c.relnamespace = 'rowbeat'::regnamespace and c.relkind in ('r', 'p', 'v') and obj_description(c.oid) is null
      union all
      select format('column %s.%s', c.relname, a.attname)
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relnamespace = 'rowbeat'::regnamespace and c.relkind in ('r', 'p', 'v') and col_description(c.oid, a.attnum) is null
      union all
      select format('function %s', p.oid::regprocedure)
      from pg_proc p
      where p.pronamespace = 'rowbeat'::regnamespace and obj_description(p.oid, 'pg_proc') is null
      union all
      select format('type %s', t.typname)
      from pg_type t
      join pg_class c on c.oid = t.typrelid and c.relkind = 'c'
      where t.typnamespace = 'rowbeat'::regnamespace and obj_description(t.oid, 'pg_type') is null
      order by 1`)
    expect(silent).toEqual([])
  })
})

describe('functions that run with the rights of their owner', () => {
  it('look nothing up where a caller could put something', async () => {
    const open = await sql.hand(`
      select p.oid::regprocedure::text as name
      from pg_proc p
      where p.pronamespace = 'rowbeat'::regnamespace
        and p.prosecdef
        and not coalesce(p.proconfig, '{}') @> array['search_path=pg_catalog, pg_temp']`)
    expect(open).toEqual([])
  })
})
