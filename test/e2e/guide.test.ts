import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { startEmbedded } from '../../src/store/embedded.ts'
import { useCleanUp } from '../support/clean-up.ts'
import { hasOldServer } from '../support/old-server.ts'
import { queryOnce } from '../support/sessions.ts'
import { until } from '../support/wait.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const GUIDE = readFileSync(new URL('../../docs/guide.md', import.meta.url), 'utf8')
const [MAKE_ROLES = '', MIGRATE = '', START = '', ADD_PRODUCER = ''] = [
  ...GUIDE.matchAll(/^```sh\n(.*?)^```/gms),
].map((match) => match[1] ?? '')
/** Where psql is when it is not on the path. */
const PSQL = '/usr/lib/postgresql/15/bin'
const PASSWORDS = { OWNER_PASSWORD: 'o1', DAEMON_PASSWORD: 'd2', SHOP_PASSWORD: 's3' }

const cleanUp = useCleanUp()

interface Shell {
  readonly child: ChildProcess
  output(): string
  readonly exited: Promise<number | null>
}

/** Runs a block as it stands in the guide, as the leader of a group, which ends with the test. */
function shell(block: string, env: Readonly<Record<string, string>>): Shell {
  const child = spawn('sh', ['-ec', block], {
    cwd: ROOT,
    env: { PATH: `${process.env.PATH}:${PSQL}`, HOME: tmpdir(), ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const exited = once(child, 'close').then(([code]) => code as number | null)
  cleanUp.push(() => {
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined)
      process.kill(-child.pid, 'SIGKILL')
    return exited
  })
  return { child, output: () => output, exited }
}

it.skipIf(!hasOldServer(15))(
  'the guide, word for word: two users, one that migrates and one that works, and a producer',
  {
    timeout: 120_000,
  },
  async () => {
    const home = await mkdtemp(join(tmpdir(), 'rowbeat-guide-'))
    await chmod(home, 0o755)
    const server = await startEmbedded({
      dataDir: join(home, 'data'),
      settings: { fsync: 'off' },
      temporary: true,
    })
    cleanUp.push(
      () => rm(home, { recursive: true }),
      () => server.stop(),
    )
    await queryOnce(server.url, 'create database app')
    const admin = new URL(server.url)
    admin.pathname = 'app'
    const env = { ...PASSWORDS, DATABASE_HOST: admin.host, DATABASE_NAME: 'app' }

    const made = shell(MAKE_ROLES, { ...env, ADMIN_URL: admin.href })
    expect([await made.exited, made.output()]).toEqual([0, expect.not.stringContaining('ERROR')])

    const migrated = shell(MIGRATE, env)
    expect([await migrated.exited, migrated.output()]).toEqual([0, expect.stringContaining('Applied')])
    // Nothing was left undone for want of a right.
    expect(migrated.output()).not.toMatch(/missing|administrator/)

    const started = shell(START, { ...env, PORT: '0' })
    await until(
      () => started.output().includes('"event":"http.listening"') || started.child.exitCode !== null,
      {
        what: 'the daemon to listen',
      },
    )
    expect(started.output()).toContain('"event":"http.listening"')
    const users = await queryOnce(
      admin.href,
      `select distinct usename from pg_stat_activity where application_name like 'rowbeat%'`,
    )
    expect(users).toEqual([{ usename: 'rowbeat_daemon' }])

    const added = shell(ADD_PRODUCER, { ...env, ADMIN_URL: admin.href })
    expect([await added.exited, added.output()]).toEqual([0, expect.not.stringContaining('ERROR')])
    const shop = new URL(admin.href)
    shop.username = 'shop'
    shop.password = PASSWORDS.SHOP_PASSWORD
    await queryOnce(shop.href, `insert into rowbeat.scheduled_jobs (job_type) values ('send_report')`)

    if (started.child.pid === undefined) throw new Error('the daemon has no process')
    process.kill(-started.child.pid, 'SIGTERM')
    await started.exited
    expect(started.output()).toContain('"event":"poller.stopped"')
  },
)
