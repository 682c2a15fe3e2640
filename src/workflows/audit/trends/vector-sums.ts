/**
 * Sums of unit vectors. Mean similarities within and between groups follow from them without looking at pairs:
 * the squared length of a sum of n unit vectors is n plus twice the sum of all pairwise cosines.
 */
import type { SparseVector } from '../text/vectors.ts'
import { clampShare } from './numbers.ts'

export interface VectorSum {
  /** Vectors added; empty ones do not count. */
  readonly size: number
  readonly sums: ReadonlyMap<number, number>
}

/** Adds up unit vectors of one space, in the order given. */
export function sumVectors(vectors: Iterable<SparseVector>): VectorSum {
  const sums = new Map<number, number>()
  let size = 0
  for (const { indices, weights } of vectors) {
    if (indices.length === 0) continue
    size += 1
    for (let at = 0; at < indices.length; at += 1) {
      const index = indices[at] ?? 0
      sums.set(index, (sums.get(index) ?? 0) + (weights[at] ?? 0))
    }
  }
  return { size, sums }
}

/** Inner product of a sum and a vector. */
export function dotVector(sum: VectorSum, vector: SparseVector): number {
  let product = 0
  for (let at = 0; at < vector.indices.length; at += 1) {
    product += (sum.sums.get(vector.indices[at] ?? 0) ?? 0) * (vector.weights[at] ?? 0)
  }
  return product
}

/** Inner product of two sums. */
export function dotSums(a: VectorSum, b: VectorSum): number {
  const [small, large] = a.sums.size <= b.sums.size ? [a, b] : [b, a]
  let product = 0
  for (const [index, weight] of small.sums) product += weight * (large.sums.get(index) ?? 0)
  return product
}

export function lengthOf(sum: VectorSum): number {
  return Math.sqrt(dotSums(sum, sum))
}

/** Cosine of two centroids, 0..1; 0 when either is empty. */
export function cosineOfSums(a: VectorSum, b: VectorSum): number {
  const lengths = lengthOf(a) * lengthOf(b)
  return lengths === 0 ? 0 : clampShare(dotSums(a, b) / lengths)
}

/** Mean cosine over the pairs of the group, 0..1; null below two vectors. */
export function meanPairwiseCosine(group: VectorSum): number | null {
  if (group.size < 2) return null
  return clampShare((dotSums(group, group) - group.size) / (group.size * (group.size - 1)))
}

/** The sum of two groups that share no vector. */
export function addSums(a: VectorSum, b: VectorSum): VectorSum {
  const sums = new Map(a.sums)
  for (const [index, weight] of b.sums) sums.set(index, (sums.get(index) ?? 0) + weight)
  return { size: a.size + b.size, sums }
}

/**
 * Mean cosine across two groups over the geometric mean of those within them, 0..1: 1 when they cannot be told
 * apart, 0 when they have nothing in common. 0 for a group of fewer than two vectors.
 */
export function likeness(a: VectorSum, b: VectorSum): number {
  const within = (meanPairwiseCosine(a) ?? 0) * (meanPairwiseCosine(b) ?? 0)
  return within === 0 ? 0 : clampShare(dotSums(a, b) / (a.size * b.size) / Math.sqrt(within))
}

/**
 * Cosine distance, 0..1, between the centroid of `part` and that of `whole`, of which it is a part. The pairs of
 * a vector with itself are left out on both sides: they would make the centroid of any few vectors look far.
 * Null when `part` has fewer than two vectors, or nothing in common to compare.
 */
export function driftWithin(part: VectorSum, whole: VectorSum): number | null {
  const withinPart = meanPairwiseCosine(part)
  const withinWhole = meanPairwiseCosine(whole)
  if (!withinPart || !withinWhole) return null
  const across = (dotSums(part, whole) - part.size) / (part.size * (whole.size - 1))
  return clampShare(1 - across / Math.sqrt(withinPart * withinWhole))
}
