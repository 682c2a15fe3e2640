import { randomBytes } from 'node:crypto'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { migrate, missingMigrations, newestMigration, readMigrations } from '../../src/store/migrate.ts'
import { useTestDatabase } from '../support/database.ts'
import { startOldServer } from '../support/old-server.ts'
import { until } from '../support/wait.ts'

const MIGRATIONS = fileURLToPath(new URL('../../migrations/', import.meta.url))
const database = useTestDatabase()
let directory = ''
const pools: pg.Pool[] = []

function poolOf(url: string, max = 2): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max })
  pool.on('error', () => undefined)
  pools.push(pool)
  return pool
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'migrations-'))
  await cp(MIGRATIONS, directory, { recursive: true })
})
afterEach(async () => {
  await rm(directory, { recursive: true })
  for (const pool of pools.splice(0)) await pool.end()
})

async function add(name: string, sql: string): Promise<void> {
  await writeFile(join(directory, name), sql)
}

describe('migrating', () => {
  it('by 20 at once applies everything once', async () => {
    const admin = poolOf(database.url)
    await admin.query('drop schema rowbeat cascade')
    expect(await missingMigrations(admin)).toContain('0001_create_engine')
    const runs = await Promise.all(Array.from({ length: 20 }, () => migrate(poolOf(database.url, 1))))
    const applied = runs.map((run) => run.applied).filter((one) => one.length > 0)
    expect(applied).toHaveLength(1)
    const numbered = await readMigrations(MIGRATIONS)
    expect(applied[0]).toEqual(expect.arrayContaining(numbered.map((one) => one.name)))
    expect(await missingMigrations(admin)).toEqual([])
    expect(await newestMigration()).toBe(numbered.at(-1)?.name)
  })

  it.each([
    ['encoded in LATIN1', `encoding 'LATIN1' locale 'C'`, '', 'encoded in LATIN1'],
    ['read-only', '', 'set default_transaction_read_only = on', 'takes no writes'],
  ])(
    'a database that is %s is refused in one sentence, and stays empty',
    async (_what, how, setting, words) => {
      const admin = poolOf(database.url)
      const name = `rowbeat_refused_${process.pid}_${words.length}`
      const url = new URL(database.url)
      url.pathname = `/${name}`
      await admin.query(`create database ${name} template template0 ${how}`)
      try {
        if (setting !== '') await admin.query(`alter database ${name} ${setting}`)
        const pool = poolOf(url.href, 1)
        await expect(migrate(pool)).rejects.toThrow(words)
        const { rows } = await pool.query(`select to_regnamespace('rowbeat') as schema`)
        expect(rows).toEqual([{ schema: null }])
      } finally {
        await admin.query(`drop database ${name} with (force)`)
      }
    },
  )

  it('again changes nothing', async () => {
    const pool = poolOf(database.url)
    await migrate(pool)
    expect(await migrate(pool)).toEqual({ applied: [] })
  })

  it('as the role of the daemons, which may create nothing, is quiet when nothing is missing', async () => {
    const admin = poolOf(database.url)
    await migrate(admin)
    const login = `rowbeat_test_migrate_${randomBytes(4).toString('hex')}`
    await admin.query(`create role ${login} login password '${login}'`)
    await admin.query(`grant rowbeat_daemon to ${login}`)
    const url = new URL(database.url)
    url.username = login
    url.password = login
    const daemon = new pg.Pool({ connectionString: url.href, max: 2 })
    try {
      expect(await migrate(daemon)).toEqual({ applied: [] })
      await add('9005_more.sql', 'create table rowbeat.more ()')
      await expect(migrate(daemon, { directory })).rejects.toThrow(
        /9005_more failed: permission denied for schema rowbeat/,
      )
    } finally {
      await daemon.end()
      await admin.query(`drop role ${login}`)
    }
  })

  it('tells what the files could not do, once, and nothing of what the server remarks', async () => {
    const pool = poolOf(database.url)
    await migrate(pool)
    const notices: string[] = []
    await add(
      'functions/tell.sql',
      `drop function if exists rowbeat.nothing(); do $$ begin raise notice 'have % run', 'it'; end $$`,
    )
    await migrate(pool, { directory, notice: (line) => notices.push(line) })
    await migrate(pool, { directory, notice: (line) => notices.push(line) })
    expect(notices).toEqual(['have it run'])
    await pool.query(`delete from rowbeat.schema_migrations where name = 'functions/tell'`)
  })

  it('refuses a file that was changed after it was applied, line ends apart', async () => {
    const pool = poolOf(database.url)
    await migrate(pool)
    const first = (await readMigrations(directory))[0]?.sql ?? ''
    await add('0001_create_engine.sql', first.replaceAll('\n', '\r\n'))
    expect(await migrate(pool, { directory })).toEqual({ applied: [] })
    await add('0001_create_engine.sql', `${first}\n-- more`)
    await expect(migrate(pool, { directory })).rejects.toThrow(
      /0001_create_engine was changed after it was applied/,
    )
  })

  it('refuses a database that a newer build has migrated', async () => {
    const pool = poolOf(database.url)
    await migrate(pool)
    await pool.query(
      `insert into rowbeat.schema_migrations (name, checksum) values ('9998_from_tomorrow', 'x')`,
    )
    await expect(migrate(pool)).rejects.toThrow(/newer Rowbeat \(9998_from_tomorrow\)/)
    await pool.query(`delete from rowbeat.schema_migrations where name = '9998_from_tomorrow'`)
  })

  it('leaves nothing behind of a file that fails, says which one, and lets the next try in', async () => {
    const pool = poolOf(database.url, 1)
    await add('9000_break.sql', 'create table rowbeat.half (); select 1/0;')
    const failing = migrate(pool, { directory })
    await expect(failing).rejects.toThrow(/migration 9000_break failed: division by zero/)
    expect((await pool.query(`select to_regclass('rowbeat.half') as half`)).rows).toEqual([{ half: null }])
    const unlocked = async (): Promise<boolean> => {
      const { rows } = await pool.query(
        `select 1 from pg_locks where locktype = 'advisory'
         and database = (select oid from pg_database where datname = current_database())`,
      )
      return rows.length === 0
    }
    await until(unlocked, { what: 'the lock to go with its session' })
    await add('9000_break.sql', 'create table rowbeat.half ()')
    const lines: string[] = []
    expect(await migrate(pool, { directory, log: (line) => lines.push(line) })).toEqual({
      applied: ['9000_break'],
    })
    expect(lines).toEqual(['applied 9000_break'])
    await pool.query(
      `drop table rowbeat.half; delete from rowbeat.schema_migrations where name = '9000_break'`,
    )
  })

  it('runs a file marked no-transaction outside of one', async () => {
    const pool = poolOf(database.url)
    await migrate(pool)
    await add(
      '9001_index.sql',
      '-- no-transaction\ncreate index concurrently if not exists later on rowbeat.pollers (name)',
    )
    expect(await migrate(pool, { directory })).toEqual({ applied: ['9001_index'] })
    await pool.query(
      `drop index rowbeat.later; delete from rowbeat.schema_migrations where name = '9001_index'`,
    )
  })

  it('by five at once runs such a file once: nobody who waits is in its way', async () => {
    await migrate(poolOf(database.url))
    // It waits for every snapshot that is older than itself.
    await add(
      '9002_index.sql',
      '-- no-transaction\ncreate index concurrently if not exists later on rowbeat.pollers (name)',
    )
    const runs = await Promise.all(
      Array.from({ length: 5 }, () => migrate(poolOf(database.url), { directory })),
    )
    expect(runs.flatMap((run) => run.applied)).toEqual(['9002_index'])
    const admin = poolOf(database.url)
    const { rows } = await admin.query(
      `select indisvalid from pg_index where indexrelid = 'rowbeat.later'::regclass`,
    )
    expect(rows).toEqual([{ indisvalid: true }])
    await admin.query(
      `drop index rowbeat.later; delete from rowbeat.schema_migrations where name = '9002_index'`,
    )
  })

  it('is one transaction: a file that fails takes those before it back', async () => {
    const pool = poolOf(database.url, 1)
    await migrate(pool)
    await add('9003_first.sql', 'create table rowbeat.first ()')
    await add('9004_second.sql', 'create table rowbeat.second (); select 1/0;')
    await expect(migrate(pool, { directory })).rejects.toThrow(/9004_second failed/)
    const { rows } = await pool.query(`select to_regclass('rowbeat.first') as first`)
    expect(rows).toEqual([{ first: null }])
    expect(await missingMigrations(pool)).toEqual([])
  })

  it('applies a function again when its text changed, and only then says so', async () => {
    const pool = poolOf(database.url)
    await migrate(pool)
    const text = (answer: number): string =>
      `create or replace function rowbeat.answer() returns integer language sql as 'select ${answer}'`
    await add('functions/answer.sql', text(1))
    expect(await migrate(pool, { directory })).toEqual({ applied: ['functions/answer'] })
    expect(await migrate(pool, { directory })).toEqual({ applied: [] })
    await add('functions/answer.sql', text(2))
    expect(await migrate(pool, { directory })).toEqual({ applied: ['functions/answer'] })
    expect((await pool.query('select rowbeat.answer() as it')).rows).toEqual([{ it: 2 }])
    await pool.query(
      `drop function rowbeat.answer(); delete from rowbeat.schema_migrations where name = 'functions/answer'`,
    )
  })
})

describe('migrating what was moved or prepared by others', () => {
  it('takes back what a restore without privileges leaves to everybody, and grants what it lost', async () => {
    const pool = poolOf(database.url)
    await migrate(pool)
    await pool.query(`grant execute on all functions in schema rowbeat to public;
      revoke all on all tables in schema rowbeat from rowbeat_daemon, rowbeat_operator, rowbeat_reader;
      revoke all on schema rowbeat from rowbeat_daemon;
      alter table rowbeat.scheduled_jobs owner to current_user`)
    await migrate(pool)
    const { rows } = await pool.query(`select
        (select array_agg(p.proname::text) from pg_proc p where p.pronamespace = 'rowbeat'::regnamespace
          and exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0)) as open,
        has_schema_privilege('rowbeat_daemon', 'rowbeat', 'usage') as usage,
        has_table_privilege('rowbeat_daemon', 'rowbeat.scheduled_jobs', 'update') as update,
        has_table_privilege('rowbeat_reader', 'rowbeat.overview', 'select') as read,
        (select relowner::regrole::text from pg_class where oid = 'rowbeat.scheduled_jobs'::regclass) as owner`)
    expect(rows).toEqual([
      { open: ['is_by_hand'], usage: true, update: true, read: true, owner: 'rowbeat_owner' },
    ])
  })

  it('sets a sequence right that a restore left behind its rows', async () => {
    const pool = poolOf(database.url)
    await migrate(pool)
    await pool.query(`insert into rowbeat.scheduled_jobs (job_type) values ('work'), ('work');
      select setval('rowbeat.scheduled_jobs_id_seq', 1, false)`)
    await migrate(pool)
    await pool.query(`insert into rowbeat.scheduled_jobs (job_type) values ('work')`)
  })

  it('refuses, unrun and by name, a schema that another role prepared with a trigger on the ledger', async () => {
    const pool = poolOf(database.url)
    await pool.query('drop schema rowbeat cascade')
    const thief = `rowbeat_test_thief_${randomBytes(4).toString('hex')}`
    await pool.query(`create role ${thief};
      create schema rowbeat authorization ${thief};
      set role ${thief};
      create table rowbeat.schema_migrations (name text primary key, checksum text not null, applied_at timestamptz default now());
      create table rowbeat.caught (by text);
      create function rowbeat.catch() returns trigger language plpgsql as
        'begin insert into rowbeat.caught values (current_user); return new; end';
      create trigger catch before insert on rowbeat.schema_migrations for each row execute function rowbeat.catch();
      reset role`)
    try {
      await expect(migrate(pool)).rejects.toThrow(
        new RegExp(`schema rowbeat of ${thief}, function catch of ${thief}, table caught of ${thief}`),
      )
      expect((await pool.query('select by from rowbeat.caught')).rows).toEqual([])
      // One table in a schema of ours is refused as well.
      await pool.query('drop schema rowbeat cascade')
      await migrate(pool)
      await pool.query(`create table rowbeat.planted (); alter table rowbeat.planted owner to ${thief}`)
      await expect(migrate(pool)).rejects.toThrow(`(table planted of ${thief})`)
    } finally {
      await pool.query(
        `drop table if exists rowbeat.planted; drop owned by ${thief} cascade; drop role ${thief}`,
      )
      await migrate(pool)
    }
  })

  it('says who holds the lock of migrations instead of hanging, and goes on when nothing is missing', async () => {
    const pool = poolOf(database.url)
    await migrate(pool)
    const holder = poolOf(database.url, 1)
    const { rows } = await holder.query('select pg_advisory_lock(190470001), pg_backend_pid() as pid')
    const notices: string[] = []
    const notice = (line: string): number => notices.push(line)
    expect(await migrate(pool, { patienceMs: 0, notice })).toEqual({ applied: [] })
    expect(notices).toEqual([expect.stringContaining(`backend ${rows[0]?.pid} of `)])
    await add('9006_more.sql', 'create table rowbeat.more ()')
    const waiting = migrate(pool, { directory, patienceMs: 0, notice })
    await until(() => notices.length === 2, { what: 'the second word about the holder' })
    await holder.query('select pg_advisory_unlock(190470001)')
    expect(await waiting).toEqual({ applied: ['9006_more'] })
    await pool.query(
      `drop table rowbeat.more; delete from rowbeat.schema_migrations where name = '9006_more'`,
    )
  })
})

const UNCOMMENTED = `
  select c.relname::text as name from pg_class c
  where c.relnamespace = 'rowbeat'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
    and obj_description(c.oid, 'pg_class') is null
  union all
  select c.relname || '.' || a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
  where c.relnamespace = 'rowbeat'::regnamespace and c.relkind in ('r', 'p', 'v', 'm') and a.attnum > 0
    and not a.attisdropped and col_description(c.oid, a.attnum) is null
  union all
  select p.proname || '()' from pg_proc p
  where p.pronamespace = 'rowbeat'::regnamespace and obj_description(p.oid, 'pg_proc') is null
  order by 1`

describe('the schema', () => {
  it('explains every table, view, column and function', async () => {
    const pool = poolOf(database.url)
    await migrate(pool)
    expect((await pool.query(UNCOMMENTED)).rows).toEqual([])
  })

  it('also stands on Postgres 15, and one older than that is refused with a sentence', async ({ skip }) => {
    const server = await startOldServer(15)
    if (server === null) {
      process.stderr.write('No programs of Postgres 15 on this machine: its test is skipped\n')
      return skip()
    }
    try {
      const pool = poolOf(server.url)
      expect((await migrate(pool)).applied).toContain('0001_create_engine')
      const { rows } = await pool.query(
        `insert into rowbeat.scheduled_jobs (job_type, scheduled_at) values ('work', now() - interval '1 hour') returning status`,
      )
      expect(rows).toEqual([{ status: 'pending' }])
      for (const pool of pools.splice(0)) await pool.end()
    } finally {
      await server.stop()
    }
  })

  it('is refused to a server older than Postgres 15, with a sentence', async () => {
    const answers = { rows: [{ version: '14.9', number: 140_009 }] }
    const client = { query: async () => answers, release: () => undefined }
    const pool = { connect: async () => client } as unknown as pg.Pool
    await expect(migrate(pool)).rejects.toThrow('Postgres 14.9 is too old: Rowbeat needs 15 or newer')
  })
})
