/** A primary with a synchronous streaming standby, made with the programs of an installed Postgres. */
import { randomBytes } from 'node:crypto'
import { access, appendFile, chown, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startGuard } from '../../src/store/embedded/guard.ts'
import { findPlace, type Place } from '../../src/store/embedded/place.ts'
import { findFreePort } from '../../src/store/embedded/postmaster.ts'
import { isRunning, runProgram } from '../../src/store/embedded/processes.ts'
import { waitFor } from './clock.ts'
import { withClient } from './ledger.ts'
import { type ChaosServer, crashPostmaster, launch, SETTINGS, withPort } from './server.ts'

export interface Pair extends ChaosServer {
  readonly standbyPort: number
  /** Makes the standby the primary. */
  promote(): Promise<void>
}

const ROOT = '/usr/lib/postgresql'
/** Oldest major version that Rowbeat runs on. */
const MAJOR_MIN = 15
const ROLE = 'rowbeat'

/** The folder of the newest installed Postgres with its tools; null when there is none. */
export async function findTools(): Promise<string | null> {
  const majors = (await readdir(ROOT).catch(() => [])).map(Number).filter((major) => major >= MAJOR_MIN)
  for (const major of majors.sort((a, b) => b - a)) {
    const bin = join(ROOT, String(major), 'bin')
    const found = await access(join(bin, 'pg_basebackup')).then(
      () => true,
      () => false,
    )
    if (found) return bin
  }
  return null
}

/** Starts both; a commit is acknowledged when the standby has it too. */
export async function startPair(bin: string, log: (line: string) => void): Promise<Pair> {
  const folder = await mkdtemp(join(tmpdir(), 'rowbeat-chaos-pair-'))
  const { account } = await findPlace(join(folder, 'unused'), log)
  if (account !== null) await chown(folder, account.uid, account.gid)
  const placeOf = (name: string): Place => ({
    cluster: join(folder, name),
    passwordFile: join(folder, `${name}.password`),
    portFile: join(folder, `${name}.port`),
    ownerFile: join(folder, `${name}.owner`),
    logFile: join(folder, `${name}.log`),
    account,
    binaries: {
      root: bin,
      initdb: join(bin, 'initdb'),
      postgres: join(bin, 'postgres'),
      packageVersion: '',
      major: '',
    },
  })
  const run = async (program: string, ...args: readonly string[]): Promise<void> => {
    const ended = await runProgram(join(bin, program), args, { account, timeoutMs: 120_000 })
    if (ended.code !== 0) throw new Error(`${program} failed: ${ended.startError?.message ?? ended.output}`)
  }
  const [main, spare] = [placeOf('primary'), placeOf('standby')]
  const ports = { main: await findFreePort(), spare: 0 }
  const name = `standby_${randomBytes(3).toString('hex')}`
  const settings = { ...SETTINGS, wal_level: 'replica', max_wal_senders: '4', hot_standby: 'on' }
  await run('initdb', '-D', main.cluster, '-U', ROLE, '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C')
  const mainPid = await launch(main, ports.main, settings)
  const guards = [startGuard(main.cluster, mainPid, [folder])]
  const url = `postgres://${ROLE}@127.0.0.1:${ports.main}/postgres`
  await run(
    'pg_basebackup',
    '-D',
    spare.cluster,
    '-R',
    '-X',
    'stream',
    '-c',
    'fast',
    '--no-sync',
    '-d',
    `${url}?application_name=${name}`,
  )
  // pg_basebackup writes its own connection into the standby's file; the name is what the primary waits for.
  await appendFile(
    join(spare.cluster, 'postgresql.auto.conf'),
    `primary_conninfo = 'host=127.0.0.1 port=${ports.main} user=${ROLE} application_name=${name}'\n`,
  )
  ports.spare = await findFreePort()
  const sparePid = await launch(spare, ports.spare, settings)
  guards.push(startGuard(spare.cluster, sparePid, []))
  await withClient(url, async (client) => {
    await client.query(`alter system set synchronous_standby_names = '${name}'`)
    await client.query('select pg_reload_conf()')
  })
  const streams = await waitFor(async () => {
    const { rows } = await withClient(url, (client) =>
      client.query(`select from pg_stat_replication where sync_state = 'sync'`),
    )
    return rows.length === 1
  }, 20_000)
  if (!streams) throw new Error('the standby does not follow its primary')
  return {
    url,
    port: ports.main,
    standbyPort: ports.spare,
    pid: () => mainPid,
    isUp: () => isRunning(mainPid),
    crash: () => crashPostmaster(mainPid),
    start: () => Promise.reject(new Error('the old primary must not come back')),
    promote: async () => {
      await withClient(withPort(url, ports.spare), (client) => client.query('select pg_promote(true, 30)'))
    },
    stop: async () => {
      await crashPostmaster(mainPid)
      await crashPostmaster(sparePid)
      for (const guard of guards) guard.release()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
