/** Groups of alike pages: agglomerative clustering with average linkage. */
import { cosine, type SparseVector } from './vectors.ts'

type Rows = readonly (readonly number[])[]

/** Groups tried at most, single pages included. */
const MAX_GROUPS = 16

/**
 * Groups vectors by average cosine, largest group first; each group lists indices in ascending order. Of the
 * groupings into 2..16 the one with the best mean silhouette (Rousseeuw 1987) times evenness (Simpson 1949) is
 * taken, since silhouette alone likes one blob and a few strays; one group when none is better than chance. Cubic in the number of vectors: meant for a few hundred.
 */
export function clusterVectors(vectors: readonly SparseVector[]): number[][] {
  const cosines = vectors.map((a, i) => vectors.map((b, j) => (i === j ? 1 : cosine(a, b))))
  const rows = cosines.map((row) => [...row])
  const groups = new Map(vectors.map((_, index) => [index, [index]]))
  let best = { groups: [vectors.map((_, index) => index)].filter((group) => group.length > 0), quality: 0 }
  while (groups.size > 1) {
    if (groups.size <= MAX_GROUPS && groups.size < vectors.length) {
      const grouping = [...groups.values()].map((group) => [...group])
      const quality = meanSilhouette(cosines, grouping) * evenness(grouping, vectors.length)
      if (quality > best.quality) best = { groups: grouping, quality }
    }
    const pair = closest(rows, groups)
    if (pair === null) break
    join(rows, groups, pair.a, pair.b)
  }
  return best.groups
    .map((group) => group.sort((a, b) => a - b))
    .sort((a, b) => b.length - a.length || (a[0] ?? 0) - (b[0] ?? 0))
}

/** Chance that two members drawn at random stand in different groups. */
function evenness(groups: Rows, total: number): number {
  return 1 - groups.reduce((sum, group) => sum + (group.length / total) ** 2, 0)
}

/** Mean over all members of (own − nearest other) / max, in cosine distance; single members count 0. */
function meanSilhouette(cosines: Rows, groups: Rows): number {
  let sum = 0
  for (const group of groups) {
    if (group.length < 2) continue
    for (const member of group) {
      const own = (group.length - meanCosine(cosines, member, group) * group.length) / (group.length - 1)
      const other = Math.min(
        ...groups
          .filter((candidate) => candidate !== group)
          .map((candidate) => 1 - meanCosine(cosines, member, candidate)),
      )
      sum += (other - own) / Math.max(own, other, Number.EPSILON)
    }
  }
  return sum / cosines.length
}

function meanCosine(cosines: Rows, member: number, group: readonly number[]): number {
  return group.reduce((sum, other) => sum + (cosines[member]?.[other] ?? 0), 0) / group.length
}

function closest(
  rows: Rows,
  groups: ReadonlyMap<number, readonly number[]>,
): { a: number; b: number; similarity: number } | null {
  const ids = [...groups.keys()]
  let best: { a: number; b: number; similarity: number } | null = null
  ids.forEach((a, at) => {
    for (const b of ids.slice(at + 1)) {
      const similarity = rows[a]?.[b] ?? 0
      if (best === null || similarity > best.similarity) best = { a, b, similarity }
    }
  })
  return best
}

/** Puts group b into group a; similarity to the others is the mean over members (Lance and Williams 1967). */
function join(rows: number[][], groups: Map<number, number[]>, a: number, b: number): void {
  const left = groups.get(a) ?? []
  const right = groups.get(b) ?? []
  groups.delete(b)
  groups.set(a, [...left, ...right])
  for (const other of groups.keys()) {
    const mean =
      ((rows[a]?.[other] ?? 0) * left.length + (rows[b]?.[other] ?? 0) * right.length) /
      (left.length + right.length)
    for (const [from, to] of [
      [a, other],
      [other, a],
    ] as const) {
      const row = rows[from]
      if (row !== undefined) row[to] = mean
    }
  }
}
