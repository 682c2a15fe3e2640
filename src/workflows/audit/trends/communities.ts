/** Communities of a neighbour graph, by Louvain with a resolution that fits the corpus. */
import { UndirectedGraph } from 'graphology'
import louvainModule from 'graphology-communities-louvain'
import type { Neighbour } from './neighbours.ts'
import { seededRandom } from './random.ts'

// The package is CommonJS whose export is the function itself, while its types describe a default export.
const louvain = louvainModule as unknown as typeof louvainModule.default

/** Resolutions tried in turn; a higher one gives more and smaller communities. */
const RESOLUTIONS = [0.8, 1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 7]
const SEED = 20_240_229
/** A partition is dust when more than this share of the linked vectors is in communities below the minimum. */
const MAX_DUST_SHARE = 0.2
/** What the largest community must come down to for a higher resolution to be worth it. */
const CLEARLY_SMALLER = 0.75

export interface Communities {
  /** Members of each community, ascending; communities in the order of their first member. */
  readonly groups: readonly (readonly number[])[]
  readonly resolution: number
}

/**
 * The communities of the graph, after `refine`, which may join some of them. Takes the first resolution at which
 * none is a blob (see {@link largestShareAllowed}). A higher resolution than the first must pay: it is taken only
 * if the largest community becomes clearly smaller by it and the rest does not fall to dust.
 */
export function findCommunities(
  neighbours: readonly (readonly Neighbour[])[],
  minSize: number,
  refine: (groups: readonly (readonly number[])[]) => readonly (readonly number[])[],
): Communities {
  const graph = graphOf(neighbours)
  const singles = { groups: neighbours.map((_, index) => [index]), resolution: 1 }
  if (graph.size === 0) return singles
  const linked = neighbours.length - graph.filterNodes((node) => graph.degree(node) === 0).length
  const allowed = largestShareAllowed(linked)
  let best: { communities: Communities; largest: number } | null = null
  for (const resolution of RESOLUTIONS) {
    const communities = { groups: refine(partition(graph, resolution)), resolution }
    const { largest, dust } = shapeOf(communities.groups, linked, minSize)
    if (best !== null && dust > MAX_DUST_SHARE) break
    if (best === null || largest < CLEARLY_SMALLER * best.largest) best = { communities, largest }
    if (best.largest <= allowed) break
  }
  return best?.communities ?? singles
}

/** Share of all vectors that one community may hold: .6 in a corpus of 20, .25 from some 300 on. */
export function largestShareAllowed(size: number): number {
  return Math.max(0.25, Math.min(0.6, 0.6 - 0.13 * Math.log(Math.max(1, size / 20))))
}

function graphOf(neighbours: readonly (readonly Neighbour[])[]): UndirectedGraph {
  const graph = new UndirectedGraph()
  neighbours.forEach((_, index) => {
    graph.addNode(String(index))
  })
  neighbours.forEach((near, index) => {
    for (const { index: other, cosine } of near) {
      graph.mergeUndirectedEdge(String(index), String(other), { weight: cosine })
    }
  })
  return graph
}

function partition(graph: UndirectedGraph, resolution: number): number[][] {
  const communityOf = louvain(graph, { resolution, rng: seededRandom(SEED) })
  const groups = new Map<number, number[]>()
  graph.forEachNode((node) => {
    const community = communityOf[node] ?? -1
    const group = groups.get(community)
    if (group === undefined) groups.set(community, [Number(node)])
    else group.push(Number(node))
  })
  return [...groups.values()]
}

function shapeOf(
  groups: readonly (readonly number[])[],
  linked: number,
  minSize: number,
): { largest: number; dust: number } {
  let largest = 0
  let dust = 0
  for (const { length } of groups) {
    largest = Math.max(largest, length)
    if (length > 1 && length < minSize) dust += length
  }
  return { largest: largest / linked, dust: dust / linked }
}
