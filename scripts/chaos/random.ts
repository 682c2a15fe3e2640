/** Chance that can be repeated: everything the nemesis decides comes from the seed of the run. */

export interface Random {
  /** In [0, 1). */
  next(): number
  /** A whole number from `least` to `most`, both included. */
  int(least: number, most: number): number
  /** One of `items`; throws when there are none. */
  pick<T>(items: readonly T[]): T
  /** True with this probability, 0..1. */
  chance(probability: number): boolean
}

/** FNV-1a, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193)
  return value >>> 0
}

/**
 * Numbers from a seed, the same on every machine (mulberry32). `purpose` gives every user of a seed its own row of
 * numbers, so that a scenario does the same whether it runs alone or among others.
 */
export function createRandom(seed: number, purpose: string): Random {
  let state = hash(`${seed} ${purpose}`)
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const int = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1))
  return {
    next,
    int,
    pick: (items) => {
      const item = items[int(0, items.length - 1)]
      if (item === undefined) throw new RangeError('there is nothing to pick from')
      return item
    },
    chance: (probability) => next() < probability,
  }
}
