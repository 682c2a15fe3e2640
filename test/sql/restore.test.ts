import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type pg from 'pg'
import { expect, it } from 'vitest'
import { connect } from '../../src/store/database.ts'
import { raiseClaimFloors } from '../../src/store/floors.ts'
import { migrate } from '../../src/store/migrate.ts'
import { useCleanUp } from '../support/clean-up.ts'
import { hasOldServer, startOldServer } from '../support/old-server.ts'
import { addPoller, claim } from './staging.ts'

const run = promisify(execFile)
const cleanUp = useCleanUp()
const BIN = '/usr/lib/postgresql/15/bin'

/** The commands of the runbook's chapter, as they stand there. */
async function runbookCommands(): Promise<string> {
  const text = await readFile(new URL('../../docs/runbook.md', import.meta.url), 'utf8')
  const chapter = text.split(/^## /m).find((part) => part.startsWith('Backup, restore'))
  const block = chapter?.match(/^```sh\n([\s\S]*?)^```$/m)?.[1]
  if (block === undefined) throw new Error('the runbook has no chapter on backup and restore')
  return block
}

/** A cluster of its own, stopped after the test. */
async function startCluster(): Promise<{ url: string; pool: pg.Pool }> {
  const server = await startOldServer(15)
  if (server === null) throw new Error('the programs of Postgres 15 went away')
  const connections = connect({ url: server.url, max: 3, applicationName: 'rowbeat' })
  cleanUp.push(
    () => server.stop(),
    () => connections.close(),
  )
  return { url: server.url, pool: connections.pool }
}

it.skipIf(!hasOldServer(15)).each([
  ['', 'as the runbook says'],
  [' --no-privileges --no-owner', 'without owners and privileges'],
])(
  'a dump%s is restored into a younger cluster without our roles, migrated, and works: %s',
  async (flags) => {
    const directory = await mkdtemp(join(tmpdir(), 'restore-'))
    cleanUp.push(() => rm(directory, { recursive: true }))
    const source = await startCluster()
    await migrate(source.pool)
    await source.pool.query(
      `insert into rowbeat.scheduled_jobs (job_type, payload) values ('work', '{"n": 9007199254740993}')`,
    )
    // A cluster that has seen far more transactions than the one to come.
    await source.pool.query(`update rowbeat.claim_horizon set probed_xid = '9000000000', probed_at = now()`)
    const target = await startCluster()
    await run(
      'sh',
      ['-c', (await runbookCommands()).replace('--schema=rowbeat', `--schema=rowbeat${flags}`)],
      {
        cwd: directory,
        env: { PATH: `${BIN}:/usr/bin:/bin`, SOURCE_URL: source.url, TARGET_URL: target.url },
      },
    )
    await migrate(target.pool)
    const { rows } = await target.pool.query(`select
    (select count(*)::int from pg_roles where rolname in ('rowbeat_owner', 'rowbeat_daemon', 'rowbeat_operator', 'rowbeat_reader', 'rowbeat_producer')) as roles,
    has_function_privilege('rowbeat_operator', 'rowbeat.cancel_job(bigint, text)', 'execute') as cancels,
    (select array_agg(p.proname::text) from pg_proc p where p.pronamespace = 'rowbeat'::regnamespace
      and exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0)) as open,
    (select count(*)::int from pg_class where relnamespace = 'rowbeat'::regnamespace and relkind in ('r', 'v')
      and relowner <> 'rowbeat_owner'::regrole) as strangers`)
    expect(rows).toEqual([{ roles: 5, cancels: true, open: ['is_by_hand'], strangers: 0 }])
    await raiseClaimFloors(target.pool)
    await target.pool.query(`insert into rowbeat.scheduled_jobs (job_type) values ('work')`)
    const found = await target.pool.query(
      'select payload::text as payload from rowbeat.scheduled_jobs order by id',
    )
    expect(found.rows).toEqual([{ payload: '{"n": 9007199254740993}' }, { payload: '{}' }])
    await claim(target.pool, await addPoller(target.pool))
    const running = await target.pool.query(`select id from rowbeat.scheduled_jobs where status = 'running'`)
    expect(running.rows.length).toBeGreaterThan(0)
    expect(
      (
        await target.pool.query(
          `select code, evidence from rowbeat.doctor() where severity <> 'notice' and code <> 'not_listening'`,
        )
      ).rows,
    ).toEqual([])
  },
)
