import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect } from '../../src/store/database.ts'
import { type EmbeddedPostgres, startEmbedded } from '../../src/store/embedded.ts'
import { prepareRoles } from '../../src/store/embedded-roles.ts'
import { migrate } from '../../src/store/migrate.ts'
import { queryOnce } from '../support/sessions.ts'

let home = ''
let server: EmbeddedPostgres

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'rowbeat-roles-'))
  await chmod(home, 0o755)
  server = await startEmbedded({ dataDir: join(home, 'data'), settings: { fsync: 'off' }, temporary: true })
})

afterAll(async () => {
  await server.stop()
  await rm(home, { recursive: true })
})

/** The URL of a new database of the server, as the superuser. */
async function createDatabase(name: string): Promise<string> {
  await queryOnce(server.url, `create database ${name}`)
  const url = new URL(server.url)
  url.pathname = name
  return url.href
}

/** Migrates; returns what was applied and what was said. */
async function migrateAs(url: string): Promise<{ applied: readonly string[]; said: readonly string[] }> {
  const connections = connect({ url, max: 2, applicationName: 'rowbeat-migrate' })
  const said: string[] = []
  try {
    const { applied } = await migrate(connections.pool, { notice: (line) => said.push(line) })
    return { applied, said }
  } finally {
    await connections.close()
  }
}

const RIGHTS = `select current_user as name, rolsuper as super, rolcreaterole as roles,
  has_database_privilege(current_database(), 'create') as creates,
  coalesce(has_table_privilege(to_regclass('rowbeat.scheduled_jobs'), 'insert'), false) as inserts,
  coalesce(has_schema_privilege(to_regnamespace('rowbeat')::oid, 'create'), false) as alters
  from pg_roles where rolname = current_user`

describe('the roles of the embedded server', () => {
  it('migrate as rowbeat_owner without a word, and work as rowbeat_daemon, neither a superuser', async () => {
    const urls = await prepareRoles(server.url)
    const { applied, said } = await migrateAs(urls.migrate)
    expect([applied.length > 0, said]).toEqual([true, []])
    const [owner] = await queryOnce(urls.migrate, RIGHTS)
    const own = { super: false, roles: false, creates: true, inserts: true, alters: true }
    expect(owner).toEqual({ name: 'rowbeat_owner', ...own })
    const [daemon] = await queryOnce(urls.daemon, RIGHTS)
    expect(daemon).toEqual({ name: 'rowbeat_daemon', ...own, creates: false, alters: false })
    const passwords = [server.url, urls.migrate, urls.daemon].map((url) => new URL(url).password)
    expect(new Set(passwords).size).toBe(3)
  })

  it('stay as they are at the next start, and two starts at once agree', async () => {
    const look = () =>
      queryOnce(server.url, `select rolname, rolpassword, xmin from pg_authid where rolname like 'rowbeat%'`)
    const urls = await prepareRoles(server.url)
    const before = await look()
    expect(await Promise.all([prepareRoles(server.url), prepareRoles(server.url)])).toEqual([urls, urls])
    expect(await look()).toEqual(before)
  })

  it('follow another password of the superuser', async () => {
    const before = await prepareRoles(server.url)
    const moved = new URL(server.url)
    moved.password = 'another'
    await queryOnce(server.url, `alter role rowbeat password 'another'`)
    try {
      const { daemon } = await prepareRoles(moved.href)
      expect(await queryOnce(daemon, 'select 1 as one')).toEqual([{ one: 1 }])
      await expect(queryOnce(before.daemon, 'select 1')).rejects.toThrow(/password authentication failed/)
    } finally {
      await queryOnce(moved.href, `alter role rowbeat password '${new URL(server.url).password}'`)
      await prepareRoles(server.url)
    }
  })
})

describe('a data folder of the versions that did everything as the superuser', () => {
  it('is brought over with its rows: roles without login get one, and there is nothing to migrate', async () => {
    const url = await createDatabase('before')
    await queryOnce(server.url, 'alter role rowbeat_owner nologin password null')
    await queryOnce(server.url, 'alter role rowbeat_daemon nologin password null')
    await migrateAs(url)
    await queryOnce(url, `insert into rowbeat.scheduled_jobs (job_type) values ('kept')`)
    const urls = await prepareRoles(url)
    expect(new URL(urls.migrate).username).toBe('rowbeat_owner')
    expect(await migrateAs(urls.migrate)).toEqual({ applied: [], said: [] })
    expect(await queryOnce(urls.daemon, 'select job_type from rowbeat.scheduled_jobs')).toEqual([
      { job_type: 'kept' },
    ])
  })

  it('migrates once more as the superuser when the schema is still the superuser’s', async () => {
    const url = await createDatabase('older')
    await migrateAs(url)
    await queryOnce(url, 'alter table rowbeat.queues owner to rowbeat')
    expect(new URL((await prepareRoles(url)).migrate).username).toBe('rowbeat')
    await migrateAs(url)
    expect(new URL((await prepareRoles(url)).migrate).username).toBe('rowbeat_owner')
  })
})
