import { type ChildProcess, spawn } from 'node:child_process'
import { access, chmod, chown, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { isRunning, runProgram } from '../../src/store/embedded/processes.ts'
import { type EmbeddedOptions, type EmbeddedPostgres, startEmbedded } from '../../src/store/embedded.ts'
import { queryOnce } from '../support/sessions.ts'
import { until } from '../support/wait.ts'

const isRoot = process.getuid?.() === 0
const NOBODY = { name: 'nobody', uid: 65_534, gid: 65_534 }
const childFile = fileURLToPath(new URL('../support/embedded-child.ts', import.meta.url))
const settings = { fsync: 'off' }

let home = ''
const running: EmbeddedPostgres[] = []
const children: ChildProcess[] = []

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'rowbeat-embedded-'))
  await chmod(home, 0o755)
})

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const server of running.splice(0)) await server.stop()
})

afterAll(async () => {
  await rm(home, { recursive: true, force: true })
})

/** Starts a server that is stopped after the test; guarded, so that a killed test run leaves none. */
async function start(options: Partial<EmbeddedOptions> = {}): Promise<EmbeddedPostgres> {
  const server = await startEmbedded({ dataDir: join(home, 'shared'), settings, guard: true, ...options })
  running.push(server)
  return server
}

/** Starts a server in another process, as another user when told so. */
async function startElsewhere(
  options: EmbeddedOptions,
  user: { uid?: number; gid?: number } = {},
): Promise<{ child: ChildProcess; server: EmbeddedPostgres }> {
  const child = spawn(process.execPath, [childFile, JSON.stringify(options)], {
    ...user,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  let out = ''
  let errors = ''
  child.stdout?.on('data', (chunk) => {
    out += String(chunk)
  })
  child.stderr?.on('data', (chunk) => {
    errors += String(chunk)
  })
  await until(() => out.includes('\n') || child.exitCode !== null, {
    what: 'the other process',
  })
  if (!out.includes('\n')) throw new Error(errors)
  return { child, server: JSON.parse(out) as EmbeddedPostgres }
}

async function isGone(path: string): Promise<boolean> {
  return stat(path).then(
    () => false,
    () => true,
  )
}

describe('with PGSSLMODE=require and PGOPTIONS in the shell', () => {
  it('a server starts and is used as without', async () => {
    process.env.PGSSLMODE = 'require'
    try {
      process.env.PGOPTIONS = '-c no_such_setting=1'
      const server = await start({ dataDir: join(home, 'shell') })
      delete process.env.PGOPTIONS
      expect(await queryOnce(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
    } finally {
      delete process.env.PGSSLMODE
      delete process.env.PGOPTIONS
    }
  })
})

describe('an embedded server', () => {
  it('starts on an empty directory, listens on loopback only, and after a stop starts again with its data', async () => {
    const first = await start()
    expect(first.adopted).toBe(false)
    expect(first.version).toMatch(/^18\./)
    await queryOnce(first.url, 'create table kept (n int)')
    const [facts] = await queryOnce(
      first.url,
      `select current_setting('listen_addresses') as listens, current_setting('unix_socket_directories') as sockets,
              current_setting('password_encryption') as passwords, current_setting('jit') as jit, current_database() as name`,
    )
    expect(facts).toEqual({
      listens: '127.0.0.1',
      sockets: '',
      passwords: 'scram-sha-256',
      jit: 'off',
      name: 'rowbeat',
    })
    expect((await stat(`${first.dataDir}.password`)).mode & 0o777).toBe(0o600)
    await first.stop()
    await first.stop()
    expect(await isRunning(first.pid)).toBe(false)

    const second = await start()
    expect(second.url).toBe(first.url)
    expect(second.pid).not.toBe(first.pid)
    expect(await queryOnce(second.url, 'select count(*)::int as n from kept')).toEqual([{ n: 0 }])
  })

  it('refuses a wrong password', async () => {
    const server = await start()
    const wrong = new URL(server.url)
    wrong.password = 'wrong'
    await expect(queryOnce(wrong.href, 'select 1')).rejects.toThrow(/password authentication failed/)
  })

  it('is adopted by a second start, which leaves it running when it stops', async () => {
    const owner = await start()
    const guest = await start()
    expect(guest).toMatchObject({ adopted: true, url: owner.url, pid: owner.pid })
    await guest.stop()
    expect(await queryOnce(owner.url, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  it('recovers after kill -9 of the server', async () => {
    const first = await start()
    await queryOnce(first.url, 'create table survives as select 7 as n')
    process.kill(first.pid, 'SIGKILL')
    await until(async () => !(await isRunning(first.pid)), {
      what: 'the death of the server',
    })
    const second = await start()
    expect(second.adopted).toBe(false)
    expect(await queryOnce(second.url, 'select n from survives')).toEqual([{ n: 7 }])
  })

  it('outlives its killed owner, and the next start adopts it and becomes the owner', async () => {
    const { child, server } = await startElsewhere({ dataDir: join(home, 'shared'), settings })
    child.kill('SIGKILL')
    await until(() => child.signalCode !== null, { what: 'the death of the owner' })
    const heir = await start()
    expect(heir).toMatchObject({ adopted: true, pid: server.pid })
    await heir.stop()
    expect(await isRunning(server.pid)).toBe(false)
  })

  it('chooses another port when the one used last is taken, and fails clearly when a fixed one is', async () => {
    const server = await start()
    await server.stop()
    const port = Number(new URL(server.url).port)
    const squatter = createServer().listen(port, '127.0.0.1')
    await until(() => squatter.listening, { what: 'the squatter' })
    try {
      await expect(start({ port })).rejects.toThrow(/Port \d+ on 127\.0\.0\.1 is taken: stop/)
      const lines: string[] = []
      const moved = await start({ log: (line) => lines.push(line) })
      expect(new URL(moved.url).port).not.toBe(String(port))
      expect(lines.join('\n')).toContain(`Port ${port}`)
    } finally {
      squatter.close()
    }
  })

  it('says which process uses the directory when that server does not take our password', async () => {
    const server = await start()
    const file = `${server.dataDir}.password`
    const password = await readFile(file, 'utf8')
    await writeFile(file, 'not-this-one\n')
    try {
      await expect(start()).rejects.toThrow(`kill -INT ${server.pid}`)
    } finally {
      await writeFile(file, password)
    }
  })
})

describe('two starts at once', () => {
  it('on an empty directory end with one server and the same address', async () => {
    const dataDir = join(home, 'twins')
    const [one, two] = await Promise.all([start({ dataDir }), start({ dataDir })])
    expect(one.url).toBe(two.url)
    expect(one.pid).toBe(two.pid)
    expect([one.adopted, two.adopted].sort()).toEqual([false, true])
    const left = (await runProgram('/bin/ls', [home], { timeoutMs: 30_000 })).output
    expect(left).not.toContain('.init-')
  })
})

describe('a directory that cannot be used', () => {
  it('of another major version is refused with both versions named', async () => {
    const dataDir = join(home, 'old')
    await mkdir(dataDir)
    await writeFile(join(dataDir, 'PG_VERSION'), '15\n')
    await expect(start({ dataDir })).rejects.toThrow(
      /written by Postgres 15.*brings Postgres 18.*Move the directory away/,
    )
  })

  it('that holds other files is refused and left as it is', async () => {
    const dataDir = join(home, 'photos')
    await mkdir(dataDir)
    await writeFile(join(dataDir, 'cat.jpg'), 'cat')
    await expect(start({ dataDir })).rejects.toThrow(/holds files but no Postgres database/)
    expect(await readFile(join(dataDir, 'cat.jpg'), 'utf8')).toBe('cat')
  })

  it('whose parent is a file is refused', async () => {
    await writeFile(join(home, 'file'), '')
    await expect(start({ dataDir: join(home, 'file', 'data') })).rejects.toThrow(/cannot be created/)
  })
})

describe('with a guard', () => {
  it('a temporary server ends and its data goes when its owner is killed, also for an ordinary user', async (context) => {
    const user = isRoot ? NOBODY : {}
    const reach = await runProgram('/bin/sh', ['-c', 'test -r "$0"', childFile], {
      account: isRoot ? NOBODY : null,
      timeoutMs: 30_000,
    })
    if (reach.code !== 0) context.skip('an ordinary user cannot read this checkout')
    const place = join(home, 'ordinary')
    await mkdir(place)
    if (isRoot) await chown(place, NOBODY.uid, NOBODY.gid)
    const { child, server } = await startElsewhere(
      { dataDir: join(place, 'data'), settings, temporary: true },
      user,
    )
    expect(await queryOnce(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
    if (isRoot) expect((await stat(server.dataDir)).uid).toBe(NOBODY.uid)
    child.kill('SIGKILL')
    await until(async () => !(await isRunning(server.pid)), {
      what: 'the guard to stop the server',
    })
    await until(() => isGone(server.dataDir), { what: 'the guard to remove the data' })
    expect(await isGone(`${server.dataDir}.password`)).toBe(true)
  })
})

describe.runIf(isRoot)('as root', () => {
  it('with a private home the data is moved to a place that user postgres can reach, and the log says where', async () => {
    const privateHome = join(home, 'private')
    await mkdir(privateHome, { mode: 0o700 })
    const sharedDir = join(home, 'var-lib')
    const lines: string[] = []
    const server = await start({
      dataDir: join(privateHome, 'data'),
      sharedDir,
      temporary: true,
      log: (line) => lines.push(line),
    })
    expect(server.dataDir.startsWith(`${sharedDir}/data-`)).toBe(true)
    expect(lines.join('\n')).toContain(server.dataDir)
    expect(await queryOnce(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
    await server.stop()
    await expect(access(server.dataDir)).rejects.toThrow(/ENOENT/)
  })

  it('a directory that another user started is refused with both users named', async () => {
    const dataDir = join(home, 'foreign')
    await mkdir(dataDir)
    await writeFile(join(dataDir, 'PG_VERSION'), '18\n')
    await chown(dataDir, NOBODY.uid, NOBODY.gid)
    await expect(start({ dataDir })).rejects.toThrow(/belongs to the user with id 65534.*user postgres/)
  })

  it('a shared directory that others can write is refused', async () => {
    const privateHome = join(home, 'private-too')
    await mkdir(privateHome, { mode: 0o700 })
    const sharedDir = join(home, 'open')
    await mkdir(sharedDir)
    await chmod(sharedDir, 0o777)
    await expect(start({ dataDir: join(privateHome, 'data'), sharedDir })).rejects.toThrow(
      /only root can write/,
    )
  })
})
