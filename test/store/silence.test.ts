import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Connections, connect, transaction, within } from '../../src/store/database.ts'
import { type NetworkProxy, startProxy } from '../support/proxy.ts'
import { until } from '../support/wait.ts'
import { addPoller, POLLER, rowsOf, useStore } from './fixtures.ts'

const store = useStore()
const LIMIT_MS = 300
let proxy: NetworkProxy
let open: Connections

beforeEach(async () => {
  proxy = await startProxy(store.url)
  open = connect({ url: proxy.url, max: 4, applicationName: 'rowbeat test', queryTimeoutMs: LIMIT_MS })
})
afterEach(async () => {
  await open.close()
  await proxy.close()
})

/** Leaves this many connections idle in the pool. */
async function warm(count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => open.pool.query('select pg_sleep(0.02)')))
  expect(open.pool.idleCount).toBe(count)
}

/** The network forgets every connection, without a word. */
function forget(): void {
  proxy.blackHole()
  proxy.heal()
}

describe('connections that were cut off without a word', () => {
  it('cost the time limit of one statement, however many there are', async () => {
    await warm(4)
    forget()
    const begun = performance.now()
    await expect(open.pool.query('select 1')).rejects.toThrow('Query read timeout')
    const answers = await Promise.all([1, 2, 3, 4].map(() => open.pool.query('select 1 as one')))
    expect(answers.map((answer) => answer.rows)).toEqual([1, 2, 3, 4].map(() => [{ one: 1 }]))
    expect(performance.now() - begun).toBeLessThan(2 * LIMIT_MS)
  })

  it('cost no more through Kysely, which gives every connection back as if it were whole', async () => {
    await warm(2)
    forget()
    await expect(sql`select 1`.execute(open.db)).rejects.toThrow('Query read timeout')
    await until(() => open.pool.totalCount === 0, { timeoutMs: 1_000, what: 'both to be closed', everyMs: 5 })
    expect((await sql`select 1 as one`.execute(open.db)).rows).toEqual([{ one: 1 }])
  })

  it('in the middle of a transaction keep no locks that others wait for', async () => {
    await addPoller(store.pool)
    const cut = transaction(open.pool, async (client) => {
      await client.query('update rowbeat.pollers set running = 7')
      forget()
      await client.query('select 1')
    })
    await expect(cut).rejects.toThrow('Query read timeout')
    const patient = within(5_000, { text: 'update rowbeat.pollers set running = 1' })
    await store.pool.query(patient)
    expect(await rowsOf(store.pool, 'select poller_id, running from rowbeat.pollers')).toEqual([
      { poller_id: POLLER, running: 1 },
    ])
  })
})

describe('a statement that is only slow', () => {
  it('takes no connection with it that has answered meanwhile', async () => {
    await warm(2)
    const late = expect(open.pool.query('select pg_sleep(1)')).rejects.toThrow('Query read timeout')
    const pid = async (): Promise<unknown> =>
      (await open.pool.query('select pg_backend_pid() as pid')).rows[0]?.pid
    const before = await pid()
    await late
    expect(await pid()).toBe(before)
  })

  it('may be given more time than others, or less', async () => {
    await expect(open.pool.query(within(50, { text: 'select pg_sleep(0.2)' }))).rejects.toThrow('timeout')
    const { rows } = await open.pool.query(within(2_000, { text: 'select pg_sleep(0.4), 1 as one' }))
    expect(rows).toMatchObject([{ one: 1 }])
  })

  it('is ended by the server too, soon after nobody waits for it any more', async () => {
    const { rows } = await open.pool.query(
      `select name, setting::int from pg_settings
       where name in ('statement_timeout', 'idle_in_transaction_session_timeout') order by name`,
    )
    expect(rows).toEqual([
      { name: 'idle_in_transaction_session_timeout', setting: LIMIT_MS },
      { name: 'statement_timeout', setting: LIMIT_MS + 5_000 },
    ])
  })
})
