import { createServer } from 'node:http'
import { describe, expect, it } from 'vitest'
import { connectionsOf, createTestDatabase, useSessions, useTestDatabase } from './database.ts'
import { closeServer, listenOnLoopback } from './loopback.ts'
import { dockerAnswers } from './server.ts'
import { until } from './wait.ts'

const connect = useSessions()

describe('a test database', () => {
  const database = useTestDatabase()

  it('is migrated', async () => {
    const client = await connect(database.url)
    const { rows } = await client.query(
      `select to_regclass('rowbeat.scheduled_jobs') is not null as migrated`,
    )
    expect(rows).toEqual([{ migrated: true }])
  })

  it('is nobody else’s, and is gone after drop() even when somebody is connected', async () => {
    const [one, two] = await Promise.all([createTestDatabase(), createTestDatabase()])
    expect(one.url).not.toBe(two.url)
    const client = await connect(one.url)
    await client.query('create table mine ()')
    const other = await connect(two.url)
    expect((await other.query(`select to_regclass('mine') as found`)).rows).toEqual([{ found: null }])
    await one.drop()
    await two.drop()
    await expect(connect(one.url)).rejects.toThrow(/does not exist/)
  })

  it('knows who is connected to it', async () => {
    expect(await connectionsOf(database.url)).toBe(0)
    const client = await connect(database.url)
    expect(await connectionsOf(database.url)).toBe(1)
    await client.end()
    const allGone = async (): Promise<boolean> => (await connectionsOf(database.url)) === 0
    expect(await until(allGone, { what: 'connections to close' })).toBe(true)
  })
})

describe('until', () => {
  it('returns what the condition gave and asks again after an error', async () => {
    let calls = 0
    const value = await until(
      () => {
        calls++
        if (calls === 1) throw new Error('not yet')
        return calls === 3 ? 'here' : null
      },
      { everyMs: 1, what: 'the third call' },
    )
    expect(value).toBe('here')
  })

  it('names what it waited for and what it saw last', async () => {
    const never = until(() => 0, { timeoutMs: 5, everyMs: 1, what: 'a miracle' })
    await expect(never).rejects.toThrow(/Waited \d+ ms for a miracle; last seen: 0/)
  })
})

describe('dockerAnswers', () => {
  it('is false for a missing socket, a nonsense address and an engine that is silent', async () => {
    expect(await dockerAnswers('unix:///nowhere/docker.sock', 200)).toBe(false)
    expect(await dockerAnswers('ssh nonsense', 200)).toBe(false)
    const silent = createServer(() => undefined)
    const port = await listenOnLoopback(silent)
    expect(await dockerAnswers(`tcp://127.0.0.1:${port}`, 100)).toBe(false)
    silent.closeAllConnections()
    await closeServer(silent)
  })
})
