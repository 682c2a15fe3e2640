import { EventEmitter } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import type pg from 'pg'
import { describe, expect, it } from 'vitest'
import {
  armFailpoints,
  describeFailpoint,
  type Failpoint,
  NAMED_STATEMENTS,
} from '../../scripts/chaos/failpoints.ts'

type Query = (statement: unknown, callback?: (error: unknown, result: unknown) => void) => Promise<string>

/** A pool with one connection that notes what is sent to it. */
function setUp(points: readonly Failpoint[]): { query: Query; log: string[] } {
  const log: string[] = []
  const send: Query = (statement, callback) => {
    const { name } = statement as { name?: string }
    log.push(`sent ${name ?? String(statement)}`)
    callback?.(null, 'answer')
    return Promise.resolve('answer')
  }
  const client = { query: send }
  const pool = new EventEmitter()
  armFailpoints(pool as unknown as pg.Pool, points, () => log.push('died'))
  pool.emit('connect', client)
  return { query: (...given) => client.query(...given), log }
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

describe('a failpoint', () => {
  it('dies before the statement is sent', async () => {
    const { query, log } = setUp([{ statement: 'commit', moment: 'before', nth: 1 }])
    await query('commit')
    expect(log).toEqual(['died', 'sent commit'])
  })

  it('dies when the statement was sent, before its answer matters', async () => {
    const { query, log } = setUp([{ statement: 'exchange_', moment: 'sent', nth: 1 }])
    await query({ name: 'exchange_16' })
    await tick()
    expect(log).toEqual(['sent exchange_16', 'died'])
  })

  it('dies in place of the callback that would bring the answer', async () => {
    const { query, log } = setUp([{ statement: 'claim_', moment: 'after', nth: 1 }])
    let heard = false
    await query({ name: 'claim_8' }, () => {
      heard = true
    })
    expect(log).toContain('died')
    expect(heard).toBe(false)
  })

  it('waits for the run of the statement that was named', async () => {
    const { query, log } = setUp([{ statement: 'beat', moment: 'before', nth: 3 }])
    for (let run = 1; run <= 4; run++) await query({ name: 'beat' })
    expect(log).toEqual(['sent beat', 'sent beat', 'died', 'sent beat', 'sent beat'])
  })

  it('leaves other statements alone', async () => {
    const { query, log } = setUp([{ statement: 'commit', moment: 'before', nth: 1 }])
    await query('begin')
    await query({ name: 'look' })
    await query({ text: 'select 1' })
    await tick()
    expect(log).not.toContain('died')
  })

  it('is at a statement that the engine sends', () => {
    const store = new URL('../../src/store/', import.meta.url)
    const source = readdirSync(store)
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(new URL(file, store), 'utf8'))
    const sent = (name: string): boolean =>
      source.some((text) => text.includes(`name: '${name}'`) || text.includes(`name: \`${name}\${`))
    expect(NAMED_STATEMENTS.filter((name) => name !== 'commit' && !sent(name))).toEqual([])
  })

  it('is named for people', () => {
    expect(describeFailpoint({ statement: 'take_back', moment: 'after', nth: 2 })).toBe('after take_back #2')
  })
})
