import { describe, expect, it } from 'vitest'
import { missingFrom } from '../../scripts/chaos/builds.ts'

const mine = new Map([
  ['0001_first.sql', 'a'],
  ['0002_second.sql', 'b'],
  ['0003_third.sql', 'c'],
])

describe('the version before', () => {
  it('lacks the newest migrations and has the others as they are', () => {
    expect(missingFrom(mine, new Map([['0001_first.sql', 'a']]))).toEqual([
      '0002_second.sql',
      '0003_third.sql',
    ])
    expect(missingFrom(mine, mine)).toEqual([])
  })

  it('is none when a migration was edited, came in between, is unknown here, or when there are none', () => {
    expect(missingFrom(mine, new Map([['0001_first.sql', 'z']]))).toBeNull()
    const gap = new Map([
      ['0001_first.sql', 'a'],
      ['0003_third.sql', 'c'],
    ])
    expect(missingFrom(mine, gap)).toBeNull()
    expect(missingFrom(mine, new Map([['0000_other.sql', 'a']]))).toBeNull()
    expect(missingFrom(mine, new Map())).toBeNull()
  })
})
