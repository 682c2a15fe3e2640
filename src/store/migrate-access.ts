/**
 * What a dump and restore, or another role, may have done to the schema: whose it is, who may do what in it, and where
 * its sequences stand. All of it is asked of the catalogue, which runs nothing that others wrote.
 */
import type pg from 'pg'

/** Name in the ledger of the rights as they were last given; `functions/` keeps older builds from minding it. */
const ACCESS_NAME = 'functions/~access'

/**
 * Throws, naming them, when the schema or things in it belong to a role other than the one that migrates,
 * rowbeat_owner and superusers: a trigger or a view that such a role left there would run with our rights. Who may
 * not create anything in the schema only reads the ledger, and is let through.
 */
export async function refuseForeign(client: pg.PoolClient): Promise<void> {
  const { rows } = await client.query<{ name: string; owner: string }>(
    `with things as (
  select 'schema rowbeat' as name, n.nspowner as owner
  from pg_catalog.pg_namespace n
  where n.nspname = 'rowbeat'
  union all
  select case c.relkind when 'v' then 'view ' when 'S' then 'sequence ' else 'table ' end || c.relname, c.relowner
  from pg_catalog.pg_class c
  where c.relnamespace = pg_catalog.to_regnamespace('rowbeat')
    and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
  union all
  select 'function ' || p.proname, p.proowner
  from pg_catalog.pg_proc p
  where p.pronamespace = pg_catalog.to_regnamespace('rowbeat')
)
select t.name, coalesce(o.rolname::text, t.owner::text) as owner
from things t
left join pg_catalog.pg_roles o on o.oid = t.owner
where o.rolname is distinct from current_user
  and o.rolname is distinct from 'rowbeat_owner'
  and o.rolsuper is distinct from true
  and exists (
    select
    from pg_catalog.pg_roles me
    where me.rolname = current_user
      and (me.rolsuper or pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace('rowbeat'), 'create'))
  )
order by t.name <> 'schema rowbeat', t.name
limit 5`,
  )
  if (rows.length === 0) return
  const names = rows.map((row) => `${row.name} of ${row.owner}`).join(', ')
  throw new Error(
    `the schema rowbeat holds what another role made (${names}): nothing in it was run. Migrate as that role, or give these to rowbeat_owner once you have read them, or drop them`,
  )
}

/** True for who may give and take rights in the schema; a daemon's own role may not and leaves them alone. */
export async function mayMend(client: pg.PoolClient): Promise<boolean> {
  const { rows } = await client.query<{ may: boolean }>(
    `select pg_catalog.pg_has_role(n.nspowner, 'usage') as may
     from pg_catalog.pg_namespace n
     where n.nspname = 'rowbeat'`,
  )
  return rows[0]?.may === true
}

/** Owners and rights of everything in the schema and the roles that exist, as one digest. */
async function readAccess(client: pg.PoolClient): Promise<string> {
  const { rows } = await client.query<{ access: string }>(
    `select pg_catalog.md5(pg_catalog.string_agg(t.line, E'\\n' order by t.line)) as access
from (
  select 'schema ' || n.nspowner::regrole::text || coalesce(n.nspacl::text, '') as line
  from pg_catalog.pg_namespace n
  where n.nspname = 'rowbeat'
  union all
  select c.relname || ' ' || c.relowner::regrole::text || coalesce(c.relacl::text, '')
  from pg_catalog.pg_class c
  where c.relnamespace = pg_catalog.to_regnamespace('rowbeat')
    and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
  union all
  select c.relname || '.' || a.attname || ' ' || a.attacl::text
  from pg_catalog.pg_attribute a
  join pg_catalog.pg_class c on c.oid = a.attrelid
  where c.relnamespace = pg_catalog.to_regnamespace('rowbeat')
    and a.attacl is not null
  union all
  select p.oid::regprocedure::text || ' ' || p.proowner::regrole::text || coalesce(p.proacl::text, '')
  from pg_catalog.pg_proc p
  where p.pronamespace = pg_catalog.to_regnamespace('rowbeat')
  union all
  select 'role ' || r.rolname
  from pg_catalog.pg_roles r
  where r.rolname like 'rowbeat\\_%'
    and r.rolname in ('rowbeat_owner', 'rowbeat_daemon', 'rowbeat_operator', 'rowbeat_reader',
      'rowbeat_producer')
) t`,
  )
  return rows[0]?.access ?? ''
}

/** True when the rights are not those that were last given, as after a restore without roles or privileges. */
export async function accessDiffers(
  client: pg.PoolClient,
  ledger: ReadonlyMap<string, string>,
): Promise<boolean> {
  return ledger.get(ACCESS_NAME) !== (await readAccess(client))
}

/** Notes the rights as they are now as the right ones. */
export async function noteAccess(client: pg.PoolClient): Promise<void> {
  await client.query(
    `insert into rowbeat.schema_migrations (name, checksum) values ($1, $2)
     on conflict (name) do update set checksum = excluded.checksum, applied_at = now()
     where schema_migrations.checksum <> excluded.checksum`,
    [ACCESS_NAME, await readAccess(client)],
  )
}

/** Sets every sequence right that stands behind the rows it numbers, as a restore of the data alone leaves it. */
export async function mendSequences(client: pg.PoolClient): Promise<void> {
  const { rows } = await client.query<{ sequence: string; column: string; table: string }>(
    `select s.oid::regclass::text as sequence, quote_ident(a.attname) as column, t.oid::regclass::text as table
     from pg_catalog.pg_depend d
     join pg_catalog.pg_class s on s.oid = d.objid and s.relkind = 'S'
     join pg_catalog.pg_class t on t.oid = d.refobjid
     join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
     where t.relnamespace = pg_catalog.to_regnamespace('rowbeat')
       and d.classid = 'pg_catalog.pg_class'::regclass
       and d.deptype in ('a', 'i')`,
  )
  for (const { sequence, column, table } of rows) {
    // The names come quoted from the catalogue. Read in one statement: the sequence is never older than the rows.
    await client.query(
      `select pg_catalog.setval('${sequence.replaceAll("'", "''")}', m.newest)
       from (select max(${column}) as newest from ${table}) m
       where m.newest > (select s.last_value from ${sequence} s)`,
    )
  }
}

/** Who holds the lock of migrations, as a sentence; null when it is free again. */
export async function describeHolder(db: Pick<pg.Pool, 'query'>, lock: number): Promise<string | null> {
  const { rows } = await db.query<{ pid: number; role: string; name: string }>(
    `select l.pid, coalesce(a.usename::text, '?') as role, coalesce(nullif(a.application_name, ''), 'no name') as name
     from pg_catalog.pg_locks l
     left join pg_catalog.pg_stat_activity a on a.pid = l.pid
     where l.locktype = 'advisory'
       and l.granted
       and l.classid = 0
       and l.objid::bigint = $1
       and l.objsubid = 1
       and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())`,
    [lock],
  )
  const holder = rows[0]
  if (holder === undefined) return null
  return `backend ${holder.pid} of ${holder.role} (${holder.name}) holds the lock of migrations; to end it: select pg_terminate_backend(${holder.pid})`
}
