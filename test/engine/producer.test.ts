import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createProducer } from '../../src/engine/producer.ts'
import { connect } from '../../src/store/database.ts'
import { parseWake, WAKE_CHANNEL } from '../../src/store/listen.ts'
import { useTestDatabase } from '../support/database.ts'
import { until } from '../support/wait.ts'

const database = useTestDatabase()
let connections: ReturnType<typeof connect>
let listener: pg.Client
const heard: string[] = []

beforeAll(async () => {
  connections = connect({ url: database.url, max: 8, applicationName: 'rowbeat' })
  listener = new pg.Client({ connectionString: database.directUrl })
  listener.on('notification', (message) => heard.push(message.payload ?? ''))
  await listener.connect()
  await listener.query(`listen ${WAKE_CHANNEL}`)
})
afterAll(async () => {
  await listener?.end()
  await connections?.close()
})

const heardUntil = (condition: () => boolean) => until(condition, { timeoutMs: 10_000, what: 'a hint' })

const failures: unknown[] = []
const producer = () => createProducer(connections.pool, (error) => failures.push(error))

describe('a producer', () => {
  it('that adds alone sends one hint per lane, with the commit', async () => {
    heard.length = 0
    const later = new Date(Date.now() + 3_600_000)
    const ids = await producer().add([
      { jobType: 'a' },
      { jobType: 'a', scheduledAt: later },
      { jobType: 'a', queue: 'late', priority: 5, scheduledAt: later },
    ])
    expect(ids).toHaveLength(3)
    await heardUntil(() => heard.length >= 2)
    expect(heard.map(parseWake).sort((one, two) => (one?.priority ?? 0) - (two?.priority ?? 0))).toEqual([
      { queue: 'default', priority: 0, dueAt: null },
      { queue: 'late', priority: 5, dueAt: later.getTime() },
    ])
  })

  it('tells of nothing when nothing was added', async () => {
    heard.length = 0
    const one = producer()
    await one.add([{ jobType: 'a', dedupeKey: 'k' }])
    await heardUntil(() => heard.length > 0)
    heard.length = 0
    expect(await one.add([{ jobType: 'a', dedupeKey: 'k' }])).toEqual([null])
    await listener.query("select pg_notify('rowbeat_wake', '0||end')")
    await heardUntil(() => heard.includes('0||end'))
    expect(heard).toEqual(['0||end'])
  })

  it('that is one of a crowd inserts without a hint, and tells of all afterwards in few', async () => {
    heard.length = 0
    const one = producer()
    await Promise.all(Array.from({ length: 40 }, () => one.add([{ jobType: 'a', queue: 'crowd' }])))
    await one.stop()
    await heardUntil(() => heard.some((text) => text.endsWith('|crowd')))
    expect(heard.length).toBeLessThan(40)
    const { rows } = await connections.pool.query<{ n: number }>(
      "select count(*)::int as n from rowbeat.scheduled_jobs where queue = 'crowd'",
    )
    expect(rows).toEqual([{ n: 40 }])
    expect(failures).toEqual([])
  })
})
