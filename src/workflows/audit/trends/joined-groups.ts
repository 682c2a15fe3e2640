/** Groups of articles joined where the articles themselves show that they are about the same thing. */
import type { SparseVector } from '../text/vectors.ts'
import type { Corpus } from './corpus.ts'
import { sumOf } from './loose-articles.ts'
import { addSums, cosineOfSums, likeness, sumVectors, type VectorSum } from './vector-sums.ts'

/** Two groups are one when articles of the two are nearly as alike as articles of one of them. */
const INDISTINCT = 0.85
const MIN_SHARED_TERMS = 3
const COMPARED_TERMS = 12
const MIN_SHARED_COSINE = 0.25
/** A topic is of one language when at least this share of its articles is. */
const ONE_LANGUAGE = 0.8

interface Side {
  readonly group: readonly number[]
  readonly sum: VectorSum
}

/**
 * Joins groups (indices into `vectors`) that cannot be told apart, the most alike first. The search for communities
 * breaks up whatever is large; this puts together again what is large because it is one subject.
 */
export function joinIndistinct(
  vectors: readonly SparseVector[],
  groups: readonly (readonly number[])[],
): number[][] {
  const sides: (Side | null)[] = groups.map((group) => ({
    group,
    sum: sumVectors(group.flatMap((at) => vectors[at] ?? [])),
  }))
  const pairs = sides.flatMap((_, left) => alikePairs(sides, left, left + 1))
  for (;;) {
    const best = pairs
      .filter(({ left, right }) => sides[left] && sides[right])
      .reduce<Pair | null>((most, one) => (most === null || one.alike > most.alike ? one : most), null)
    const [a, b] = [sides[best?.left ?? -1], sides[best?.right ?? -1]]
    if (!a || !b || best === null) break
    sides[best.left] = null
    sides[best.right] = null
    sides.push({ group: [...a.group, ...b.group], sum: addSums(a.sum, b.sum) })
    pairs.push(...alikePairs(sides, sides.length - 1, 0))
  }
  return sides.flatMap((side) => (side ? [side.group.toSorted((a, b) => a - b)] : []))
}

interface Pair {
  readonly left: number
  readonly right: number
  readonly alike: number
}

/** The sides from `from` on that cannot be told from the one at `left`. */
function alikePairs(sides: readonly (Side | null)[], left: number, from: number): Pair[] {
  const side = sides[left]
  if (!side) return []
  return sides.slice(from).flatMap((other, at): Pair[] => {
    const right = from + at
    const alike = right === left || !other ? 0 : likeness(side.sum, other.sum)
    return alike < INDISTINCT ? [] : [{ left, right, alike }]
  })
}

/**
 * Joins each French group (places in the corpus) with at most one English group that shares three of its twelve
 * heaviest terms and is near it, the nearest pair first. Groups of mixed language stay as they are.
 */
export function joinLanguages(corpus: Corpus, groups: readonly (readonly number[])[]): number[][] {
  const sides = groups.map((group) => {
    const sum = sumOf(corpus, group)
    return { group: [...group], language: languageOf(corpus, group), sum, terms: heaviestTerms(sum) }
  })
  const pairs = sides.flatMap((a, left) =>
    sides.flatMap((b, right) => {
      if (a.language !== 'fr' || b.language !== 'en') return []
      const shared = [...a.terms].filter((term) => b.terms.has(term)).length
      const cosine = shared < MIN_SHARED_TERMS ? 0 : cosineOfSums(a.sum, b.sum)
      return cosine < MIN_SHARED_COSINE ? [] : [{ left, right, cosine }]
    }),
  )
  pairs.sort((a, b) => b.cosine - a.cosine || a.left - b.left || a.right - b.right)
  const taken = new Set<number>()
  for (const { left, right } of pairs) {
    if (taken.has(left) || taken.has(right)) continue
    taken.add(left).add(right)
    sides[left]?.group.push(...(sides[right]?.group.splice(0) ?? []))
  }
  return sides.map(({ group }) => group.sort((a, b) => a - b)).filter((group) => group.length > 0)
}

function heaviestTerms({ sums }: VectorSum): Set<number> {
  const heaviest = [...sums].sort(([a, left], [b, right]) => right - left || a - b)
  return new Set(heaviest.slice(0, COMPARED_TERMS).map(([term]) => term))
}

function languageOf(corpus: Corpus, group: readonly number[]): 'fr' | 'en' | null {
  const french = group.filter((at) => corpus.articles[at]?.language === 'fr').length / group.length
  if (french >= ONE_LANGUAGE) return 'fr'
  return french <= 1 - ONE_LANGUAGE ? 'en' : null
}
