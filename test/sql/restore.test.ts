import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type GatedDemo, startGatedDemo } from '../e2e/gate.ts'
import { awaitEnd, postAudit, startRowbeat } from '../e2e/rowbeat.ts'
import { useCleanUp } from '../support/clean-up.ts'
import { hasOldServer, startOldServer } from '../support/old-server.ts'
import { openSession, queryOnce } from '../support/sessions.ts'
import { until } from '../support/wait.ts'

const run = promisify(execFile)
const cleanUp = useCleanUp()
const PATH = `/usr/lib/postgresql/15/bin:${process.env.PATH}`
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const CLIENT = 'atelier-velo.test'
const BIG = '9007199254740993'

/** The commands of the runbook's chapter, as they stand there: of everything, and of the rows alone. */
async function runbookCommands(): Promise<{ whole: string; rows: string }> {
  const text = await readFile(new URL('../../docs/runbook.md', import.meta.url), 'utf8')
  const chapter = text.split(/^## /m).find((part) => part.startsWith('Backup, restore')) ?? ''
  const [whole, rows] = [...chapter.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1])
  if (whole === undefined || rows === undefined) throw new Error('the runbook has no two ways to restore')
  return { whole, rows }
}

/** A cluster of its own, stopped after the test. */
async function startCluster(): Promise<string> {
  const server = await startOldServer(15)
  if (server === null) throw new Error('the programs of Postgres 15 went away')
  cleanUp.push(() => server.stop())
  return server.url
}

/** Runs commands of the runbook in a directory of their own. */
async function shell(commands: string, source: string, target: string): Promise<void> {
  const cwd = await mkdtemp(join(tmpdir(), 'restore-'))
  cleanUp.push(() => rm(cwd, { recursive: true }))
  await run('sh', ['-ec', commands], { cwd, env: { PATH, SOURCE_URL: source, TARGET_URL: target } })
}

/** `rowbeat migrate`, as a person types it. */
async function migrate(url: string): Promise<string> {
  const { stdout } = await run(process.execPath, [MAIN, 'migrate'], { env: { PATH, DATABASE_URL: url } })
  return stdout
}

/** A cluster whose daemon is in the middle of an audit, held by the gate, and what else is to arrive. */
async function startSource(): Promise<{
  url: string
  gated: GatedDemo
  executionId: string
  end(): unknown
}> {
  const url = await startCluster()
  await migrate(url)
  const engine = await openSession(url, { application_name: 'rowbeat' })
  await engine.query(
    `insert into rowbeat.scheduled_jobs (job_type, status, payload, finished_at)
     values ('old_work', 'completed', '{"n": ${BIG}}', now())`,
  )
  await engine.query(
    `insert into rowbeat.schedules (name, cron, job_type, payload, paused_at)
     values ('nightly', '0 3 * * *', 'send_report', '{"n": ${BIG}}', now())`,
  )
  // A cluster that has seen far more transactions than the one to come.
  await engine.query(`update rowbeat.claim_horizon set probed_xid = '9000000000', probed_at = now()`)
  await engine.end()
  const gated = await startGatedDemo(({ host }) => host === CLIENT)
  cleanUp.push(() => gated.close())
  const daemon = await startRowbeat({ ...gated.settings, DATABASE_URL: url })
  cleanUp.push(() => daemon.kill('SIGKILL'))
  const executionId = await postAudit(daemon.url, CLIENT)
  await until(() => gated.held() > 0, { what: 'the audit to be under way' })
  return { url, gated, executionId, end: () => daemon.kill('SIGKILL') }
}

/** What became of roles, rights and values in the target. */
function lookAt(url: string): Promise<unknown[]> {
  return queryOnce(
    url,
    `select
    (select count(*)::int from pg_roles where rolname in ('rowbeat_owner', 'rowbeat_daemon', 'rowbeat_operator', 'rowbeat_reader', 'rowbeat_producer')) as roles,
    has_function_privilege('rowbeat_operator', 'rowbeat.cancel_job(bigint, text)', 'execute') as cancels,
    (select array_agg(p.proname::text) from pg_proc p where p.pronamespace = 'rowbeat'::regnamespace
      and exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0)) as open,
    (select count(*)::int from pg_class where relnamespace = 'rowbeat'::regnamespace and relkind in ('r', 'v')
      and relowner <> 'rowbeat_owner'::regrole) as strangers,
    (select payload::text from rowbeat.scheduled_jobs where job_type = 'old_work') as job,
    (select payload::text from rowbeat.schedules) as schedule`,
  )
}

/** A daemon on the target goes on with the audit to its end; then doctor() has nothing to say. */
async function goOn(url: string, gated: GatedDemo, executionId: string): Promise<void> {
  gated.open()
  const daemon = await startRowbeat({ ...gated.settings, DATABASE_URL: url })
  cleanUp.push(() => daemon.kill('SIGKILL'))
  expect((await awaitEnd(daemon.url, CLIENT, executionId, 120_000)).overall_status).toBe('completed')
  const another = await postAudit(daemon.url, CLIENT, { force: true })
  expect((await awaitEnd(daemon.url, CLIENT, another, 60_000)).overall_status).toBe('completed')
  const findings = () => queryOnce(url, 'select severity, code, evidence from rowbeat.doctor()')
  await until(async () => (await findings()).length === 0, { what: 'doctor() to be content' }).catch(
    async () => expect(await findings()).toEqual([]),
  )
}

const ARRIVED = {
  roles: 5,
  cancels: true,
  open: ['is_by_hand'],
  strangers: 0,
  job: `{"n": ${BIG}}`,
  schedule: `{"n": ${BIG}}`,
}

describe.skipIf(!hasOldServer(15))('a database in the middle of an audit', { timeout: 240_000 }, () => {
  it.each([
    ['', 'as the runbook says'],
    [' --no-privileges --no-owner', 'without owners and privileges'],
  ])(
    'is dumped%s, restored into a younger cluster without our roles, migrated, and goes on: %s',
    async (flags) => {
      const { url, gated, executionId, end } = await startSource()
      const target = await startCluster()
      const { whole } = await runbookCommands()
      // Only ON_ERROR_STOP would make psql fail for the roles that are missing.
      await shell(whole.replace('--schema=rowbeat', `--schema=rowbeat${flags}`), url, target)
      end()
      await migrate(target)
      expect(await lookAt(target)).toEqual([ARRIVED])
      await goOn(target, gated, executionId)
    },
  )

  it('moves its rows alone into a migrated database, also by hand of somebody who is no superuser', async () => {
    const { url, gated, executionId, end } = await startSource()
    const target = await startCluster()
    await migrate(target)
    const login = `mover_${randomBytes(4).toString('hex')}`
    await queryOnce(target, `create role ${login} login in role rowbeat_owner, rowbeat_daemon`)
    const mover = new URL(target)
    mover.username = login
    const { rows } = await runbookCommands()
    await shell(rows, url, mover.href)
    end()
    expect(await migrate(target)).toContain('up to date')
    expect(await lookAt(target)).toEqual([ARRIVED])
    await goOn(target, gated, executionId)
  })

  it('and rows that are restored without saying so are refused, all of them', async () => {
    const source = await startCluster()
    await migrate(source)
    await queryOnce(source, `insert into rowbeat.scheduled_jobs (job_type) values ('work')`)
    const target = await startCluster()
    await migrate(target)
    const { rows } = await runbookCommands()
    const said = shell(rows.replace('PGAPPNAME=rowbeat-restore ', ''), source, target)
    await expect(said).rejects.toThrow(/To restore a dump, see the runbook|written by pollers only/)
    expect(await queryOnce(target, 'select from rowbeat.scheduled_jobs')).toEqual([])
  })
})
