import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { isDatabaseOutage } from '../../src/core/errors.ts'
import { connect, describeUrl, explainDatabaseError, transaction } from '../../src/store/database.ts'
import { startProxy } from '../support/proxy.ts'
import { until } from '../support/wait.ts'
import { useStore } from './fixtures.ts'

const store = useStore()

async function backends(name: string): Promise<number> {
  const { rows } = await store.pool.query(
    'select 1 from pg_stat_activity where datname = current_database() and application_name = $1',
    [name],
  )
  return rows.length
}

describe('connections', () => {
  it.each([
    ['through the pool alone', 'a', async (open: ReturnType<typeof connect>) => open.pool.query('select 1')],
    ['through Kysely', 'b', async (open: ReturnType<typeof connect>) => sql`select 1`.execute(open.db)],
  ])('used %s are closed', async (_how, name, use) => {
    const open = connect({ url: store.url, max: 2, applicationName: `closing-${name}` })
    await use(open)
    expect(await backends(`closing-${name}`)).toBe(1)
    await open.close()
    expect(open.pool.totalCount).toBe(0)
  })
})

describe('an application_name in the URL', () => {
  it('stands behind ours, by which the guard knows the engine', async () => {
    const url = new URL(store.url)
    url.searchParams.set('application_name', 'myapp')
    const open = connect({ url: url.href, max: 1, applicationName: 'rowbeat' })
    try {
      const { rows } = await open.pool.query(`select current_setting('application_name') as name`)
      expect(rows).toEqual([{ name: 'rowbeat myapp' }])
    } finally {
      await open.close()
    }
  })
})

describe('a transaction', () => {
  it('is rolled back when its work throws, and its connection is used again', async () => {
    const open = connect({ url: store.url, max: 1, applicationName: 'one' })
    try {
      const failing = transaction(open.pool, async (client) => {
        await client.query(`insert into rowbeat.scheduled_jobs (job_type) values ('work')`)
        throw new Error('no')
      })
      await expect(failing).rejects.toThrow('no')
      await expect(transaction(open.pool, (client) => client.query('select 1/0'))).rejects.toThrow(/division/)
      expect((await open.pool.query('select 1 from rowbeat.scheduled_jobs')).rows).toEqual([])
      expect(open.pool.totalCount).toBe(1)
    } finally {
      await open.close()
    }
  })

  it('sees what others commit, whatever the default isolation is', async () => {
    const open = connect({ url: store.url, max: 1, applicationName: 'two' })
    try {
      await open.pool.query(`set default_transaction_isolation = 'serializable'`)
      const level = await transaction(open.pool, (client) => client.query('show transaction_isolation'))
      expect(level.rows).toEqual([{ transaction_isolation: 'read committed' }])
    } finally {
      await open.close()
    }
  })

  it('that the server has ended is an outage to its caller, and the connection is replaced', async () => {
    const open = connect({ url: store.url, max: 1, applicationName: 'five' })
    try {
      const slept = transaction(open.pool, async (client) => {
        await client.query(`set local idle_in_transaction_session_timeout = '20ms'`)
        await until(async () => (await backends('five')) === 0, { timeoutMs: 5_000, what: 'the end' })
        await client.query('select 1')
      })
      const error = await slept.catch((one: unknown) => one)
      expect(isDatabaseOutage(error)).toBe(true)
      expect((await open.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    } finally {
      await open.close()
    }
  })

  it('whose connection breaks is not waited for again, and the connection is replaced', async () => {
    const proxy = await startProxy(store.url)
    const open = connect({ url: proxy.url, max: 1, applicationName: 'three' })
    try {
      const broken = transaction(open.pool, async (client) => {
        proxy.cut()
        await client.query('select 1')
      })
      await expect(broken).rejects.toThrow()
      expect((await open.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    } finally {
      await open.close()
      await proxy.close()
    }
  })
})

describe('an error of the database', () => {
  it.each([
    [{ code: 'ECONNREFUSED' }, /nothing listens at postgres:\/\/db:5432\/x/],
    [{ code: 'ENOTFOUND' }, /is not known/],
    [{ code: '28P01' }, /refuses the user or password/],
    [{ code: '3D000' }, /does not exist/],
    [new Error('odd'), /cannot be used: odd/],
  ])('is explained to the operator without the password: %j', (error, sentence) => {
    const text = explainDatabaseError(error, 'postgres://me:secret@db/x')
    expect(text).toMatch(sentence)
    expect(text).not.toContain('secret')
  })

  it('in a nonsense URL is no new error', () => {
    expect(describeUrl('::')).toBe('the database of DATABASE_URL')
  })
})
