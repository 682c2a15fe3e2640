import { appendFile, chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readPostmaster } from '../../src/store/embedded/postmaster.ts'
import { isRunning } from '../../src/store/embedded/processes.ts'
import { startEmbedded } from '../../src/store/embedded.ts'
import { type KeptPostgres, keepEmbedded, type ServerEvent } from '../../src/store/kept-server.ts'
import { useCleanUp } from '../support/clean-up.ts'
import { queryOnce } from '../support/sessions.ts'
import { until } from '../support/wait.ts'

const settings = { fsync: 'off' }
const cleanUp = useCleanUp()
let home = ''

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'rowbeat-kept-'))
  await chmod(home, 0o755)
})

afterAll(async () => {
  await rm(home, { recursive: true })
})

/** Keeps the server of a directory, which all tests share; it is stopped after the test. */
async function keep(rests?: readonly number[]): Promise<{ server: KeptPostgres; events: ServerEvent[] }> {
  const events: ServerEvent[] = []
  const options = { dataDir: join(home, 'data'), settings, guard: true }
  const tell = (event: ServerEvent) => events.push(event)
  const server = await keepEmbedded(options, rests === undefined ? { tell } : { tell, rests })
  cleanUp.push(() => server.stop())
  return { server, events }
}

async function pidOf(url: string): Promise<number> {
  const facts = await readPostmaster(join(home, 'data'))
  if (facts === null) throw new Error(`nothing serves ${url}`)
  return facts.pid
}

it('starts a killed server again, with its data and its address, as often as it is killed', async () => {
  const { server, events } = await keep()
  await queryOnce(server.url, 'create table survives as select 7 as n')
  for (const round of [1, 2]) {
    process.kill(await pidOf(server.url), 'SIGKILL')
    await until(() => events.filter((one) => one.type === 'database.started').length === round, {
      what: 'another server',
    })
    expect(await queryOnce(server.url, 'select n from survives')).toEqual([{ n: 7 }])
  }
  const last = await pidOf(server.url)
  await server.stop()
  await server.stop()
  expect(await isRunning(last)).toBe(false)
  expect(events.filter((one) => one.type === 'database.ended')).toHaveLength(2)
})

it('gives up after as many tries as it has rests, and says what the last one died of', async () => {
  const { server, events } = await keep([0, 1, 1])
  const file = join(home, 'data', 'postgresql.conf')
  const conf = await readFile(file, 'utf8')
  await appendFile(file, '\nno_such_setting = on\n')
  try {
    process.kill(await pidOf(server.url), 'SIGKILL')
    const error = await server.lost
    expect(error.message).toMatch(/cannot be started again \(3 tries.*no_such_setting/s)
    expect(events.filter((one) => one.type === 'database.start_failed').map((one) => one.tries)).toEqual([
      1, 2, 3,
    ])
  } finally {
    await writeFile(file, conf)
  }
})

it('goes on with the server of an owner that stops it, and owns it from then on', async () => {
  const owner = await startEmbedded({ dataDir: join(home, 'data'), settings, guard: true })
  const { server, events } = await keep()
  await owner.stop()
  await until(() => events.some((one) => one.type === 'database.started'), { what: 'a server of our own' })
  expect(await queryOnce(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
  const successor = await pidOf(server.url)
  expect(successor).not.toBe(owner.pid)
  await owner.stop()
  expect(await isRunning(successor)).toBe(true)
  await server.stop()
  expect(await isRunning(successor)).toBe(false)
})

it('leaves a server alone that ends while it is being stopped', async () => {
  const { server, events } = await keep()
  await server.stop()
  expect(events).toEqual([])
})
