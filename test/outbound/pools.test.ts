import { describe, expect, it } from 'vitest'
import { createPools } from '../../src/outbound/pools.ts'
import { fakeClock } from './fake-clock.ts'

function setUp(originsKept: number) {
  const clock = fakeClock()
  const connect = () => {
    throw new Error('nothing connects in these tests')
  }
  return { clock, pools: createPools({ connect, originsKept, connectionsPerOrigin: 1, clock }) }
}

describe('connection pools', () => {
  it('keeps one pool per origin', () => {
    const { pools } = setUp(2)
    const first = pools.use('http://a.test')
    expect(pools.use('http://a.test').pool).toBe(first.pool)
    expect(pools.use('https://a.test').pool).not.toBe(first.pool)
  })

  it('lets the one go that was used longest ago', () => {
    const { pools } = setUp(2)
    const first = pools.use('http://a.test')
    first.release()
    const second = pools.use('http://b.test')
    second.release()
    pools.use('http://a.test').release()
    pools.use('http://c.test').release()
    expect(pools.size).toBe(2)
    expect([first.pool.destroyed, second.pool.destroyed]).toEqual([false, true])
  })

  it('never ends one that is in use, and makes up for it later', () => {
    const { pools } = setUp(1)
    const busy = ['http://a.test', 'http://b.test', 'http://c.test'].map((origin) => pools.use(origin))
    expect(busy.map(({ pool }) => pool.destroyed)).toEqual([false, false, false])
    for (const { release } of busy) release()
    pools.use('http://d.test').release()
    expect(pools.size).toBe(1)
  })

  it('lets those go that nobody used for a minute', () => {
    const { clock, pools } = setUp(10)
    pools.use('http://a.test').release()
    clock.advance(60_001)
    pools.use('http://b.test').release()
    expect(pools.size).toBe(1)
  })

  it('cuts everything in the end', async () => {
    const { pools } = setUp(10)
    const { pool } = pools.use('http://a.test')
    await pools.destroy()
    expect([pool.destroyed, pools.size]).toEqual([true, 0])
  })
})
