import { describe, expect, it } from 'vitest'
import { createRandom } from '../../scripts/chaos/random.ts'

const draw = (seed: number, purpose: string): number[] => {
  const random = createRandom(seed, purpose)
  return Array.from({ length: 20 }, () => random.int(0, 1_000_000))
}

describe('chance from a seed', () => {
  it('repeats itself for the same seed and purpose', () => {
    expect(draw(7, 'kills')).toEqual(draw(7, 'kills'))
  })

  it('differs between seeds and between purposes', () => {
    expect(draw(7, 'kills')).not.toEqual(draw(8, 'kills'))
    expect(draw(7, 'kills')).not.toEqual(draw(7, 'load'))
  })

  it('stays within its bounds and reaches both of them', () => {
    const random = createRandom(1, 'bounds')
    const drawn = new Set(Array.from({ length: 500 }, () => random.int(3, 6)))
    expect([...drawn].sort()).toEqual([3, 4, 5, 6])
  })

  it('refuses to pick from nothing', () => {
    expect(() => createRandom(1, 'none').pick([])).toThrow('nothing to pick')
  })
})
