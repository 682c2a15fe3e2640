import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { startApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { useTestPool } from './support/database.ts'

const database = useTestPool(2)

it('starts as rowbeat_daemon, which may create nothing, when MIGRATE_DATABASE_URL names who may', async () => {
  const login = `rowbeat_test_daemon_${randomBytes(4).toString('hex')}`
  await database.pool.query('drop schema rowbeat cascade')
  await database.pool.query(
    `create role ${login} login password '${login}'; grant rowbeat_daemon to ${login}`,
  )
  const url = new URL(database.url)
  url.username = login
  url.password = login
  const env = { DATABASE_URL: url.href, PORT: '0', LOG_LEVEL: 'silent' }
  try {
    await expect(startApp(readConfig(env), { api: false, poller: true })).rejects.toThrow(/permission denied/)
    const config = readConfig({ ...env, MIGRATE_DATABASE_URL: database.url })
    const app = await startApp(config, { api: false, poller: true })
    const { rows } = await database.pool.query('select status from rowbeat.pollers')
    expect(rows).toEqual([{ status: 'live' }])
    await app.stop(0)
  } finally {
    await database.pool.query(`drop role ${login}`)
  }
})
