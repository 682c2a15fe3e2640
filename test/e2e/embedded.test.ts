import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { appendFile, chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { isRunning } from '../../src/store/embedded/processes.ts'
import { useCleanUp } from '../support/clean-up.ts'
import { hasOldServer } from '../support/old-server.ts'
import { until } from '../support/wait.ts'
import { startGatedDemo } from './gate.ts'
import { awaitEnd, postAudit, type Rowbeat, startRowbeat, stopAll } from './rowbeat.ts'

const run = promisify(execFile)
const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
/** Where psql is when it is not on the path. */
const PSQL = '/usr/lib/postgresql/15/bin'
const CLIENT = 'atelier-velo.test'

const cleanUp = useCleanUp('all')
afterAll(stopAll)

interface Embedded {
  /** Where the folder `.rowbeat` is. */
  readonly home: string
  readonly rowbeat: Rowbeat
  /** Postgres' data directory. */
  readonly cluster: string
  /** Process id in postmaster.pid. */
  postmaster(): Promise<number>
}

/** How the README says to look into the embedded database. */
function readmeCommand(): string {
  const command = /^psql "postgres:.*$/m.exec(README)?.[0]
  if (command === undefined) throw new Error('the README has no psql command for the embedded database')
  return command
}

/** A daemon on a data folder of its own, with the demo sites; all of it goes after the tests. */
async function startOnEmbedded(): Promise<Embedded> {
  const home = await mkdtemp(join(tmpdir(), 'rowbeat-kept-'))
  await chmod(home, 0o755)
  const cluster = join(home, '.rowbeat', 'postgres')
  const postmaster = async (): Promise<number> =>
    Number((await readFile(join(cluster, 'postmaster.pid'), 'utf8')).split('\n')[0])
  cleanUp.push(async () => {
    const pid = await postmaster().catch(() => null)
    if (pid !== null && (await isRunning(pid))) process.kill(pid, 'SIGQUIT')
    await until(async () => pid === null || !(await isRunning(pid)), { what: 'the server to end' })
    await rm(home, { recursive: true })
  })
  const gated = await startGatedDemo(() => false)
  cleanUp.push(() => gated.close())
  const rowbeat = await startRowbeat({ ...gated.settings, ROWBEAT_DATA_DIR: join(home, '.rowbeat') })
  return { rowbeat, home, cluster, postmaster }
}

it.skipIf(!hasOldServer(15))(
  'works as rowbeat_daemon, which is no superuser, and the command of the README still looks into the database',
  async () => {
    const { home } = await startOnEmbedded()
    const { stdout } = await run('sh', ['-c', `${readmeCommand()} -X -A -t -c "$QUESTION"`], {
      cwd: home,
      env: {
        PATH: `${PSQL}:${process.env.PATH}`,
        QUESTION: `select distinct a.usename, r.rolsuper, (select rolsuper from pg_roles where rolname = current_user)
        from pg_stat_activity a join pg_roles r on r.rolname = a.usename where a.application_name like 'rowbeat%'`,
      },
    })
    expect(stdout.trim()).toBe('rowbeat_daemon|f|t')
  },
)

describe('an embedded server that is killed under a living daemon', { timeout: 240_000 }, () => {
  it.concurrent('is started again in its folder and on its port, and the work goes on', async () => {
    const { rowbeat, postmaster } = await startOnEmbedded()
    const killed = await postmaster()
    process.kill(killed, 'SIGKILL')
    await until(async () => (await postmaster()) !== killed, { what: 'another server in the folder' })
    const ready = async (): Promise<boolean> => (await fetch(`${rowbeat.url}/health/ready`)).ok
    await until(ready, { what: 'the daemon to be ready again' })
    const executionId = await postAudit(rowbeat.url, CLIENT)
    const status = await awaitEnd(rowbeat.url, CLIENT, executionId, 90_000)
    expect(status.overall_status).toBe('completed')
    expect(rowbeat.output()).toMatch(/"event":"database\.ended".*"event":"database\.started"/s)
    const successor = await postmaster()
    rowbeat.kill('SIGTERM')
    expect(await rowbeat.exited).toEqual({ code: 0, signal: null })
    expect(await isRunning(successor)).toBe(false)
  })

  it.concurrent('and cannot be started again: the process says why and ends with 1', async () => {
    const { rowbeat, cluster, postmaster } = await startOnEmbedded()
    await appendFile(join(cluster, 'postgresql.conf'), '\nno_such_setting = on\n')
    process.kill(await postmaster(), 'SIGKILL')
    expect(await rowbeat.exited).toEqual({ code: 1, signal: null })
    expect(rowbeat.output()).toMatch(/cannot be started again.*no_such_setting/s)
    expect(rowbeat.output()).toContain('"event":"poller.stopped"')
  })
})
