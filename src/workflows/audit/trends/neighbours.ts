/** The nearest neighbours of every vector, found through an inverted index rather than by all pairs. */
import type { SparseVector } from '../text/vectors.ts'

export interface Neighbour {
  readonly index: number
  /** Cosine, above 0 and at most 1. */
  readonly cosine: number
}

export interface NeighbourOptions {
  /** Neighbours per vector, at most. */
  readonly limit: number
  /** Vectors less alike than this are no neighbours. */
  readonly minCosine: number
  readonly signal?: AbortSignal | undefined
}

const ABORT_CHECK_EVERY = 100

/**
 * Per vector its nearest neighbours, most alike first, ties by index. Time grows with the sum over terms of the
 * square of their document count; memory with the number of non-zero weights.
 */
export function nearestNeighbours(
  vectors: readonly SparseVector[],
  options: NeighbourOptions,
): Neighbour[][] {
  const index = invert(vectors)
  const scores = new Float64Array(vectors.length)
  return vectors.map((vector, self) => {
    if (self % ABORT_CHECK_EVERY === 0) options.signal?.throwIfAborted()
    scores.fill(0)
    for (let at = 0; at < vector.indices.length; at += 1) {
      const term = vector.indices[at] ?? 0
      const weight = vector.weights[at] ?? 0
      const end = index.starts[term + 1] ?? 0
      for (let posting = index.starts[term] ?? 0; posting < end; posting += 1) {
        const other = index.documents[posting] ?? 0
        scores[other] = (scores[other] ?? 0) + weight * (index.weights[posting] ?? 0)
      }
    }
    return nearest(scores, self, options)
  })
}

interface InvertedIndex {
  /** Where the postings of each term start; one entry more than there are terms. */
  readonly starts: Uint32Array
  readonly documents: Uint32Array
  readonly weights: Float64Array
}

function invert(vectors: readonly SparseVector[]): InvertedIndex {
  let terms = 0
  let size = 0
  for (const { indices } of vectors) {
    terms = Math.max(terms, (indices.at(-1) ?? -1) + 1)
    size += indices.length
  }
  const starts = new Uint32Array(terms + 1)
  for (const { indices } of vectors) {
    for (const term of indices) starts[term + 1] = (starts[term + 1] ?? 0) + 1
  }
  for (let term = 0; term < terms; term += 1) starts[term + 1] = (starts[term + 1] ?? 0) + (starts[term] ?? 0)
  const next = starts.slice()
  const documents = new Uint32Array(size)
  const weights = new Float64Array(size)
  vectors.forEach((vector, document) => {
    vector.indices.forEach((term, at) => {
      const place = next[term] ?? 0
      next[term] = place + 1
      documents[place] = document
      weights[place] = vector.weights[at] ?? 0
    })
  })
  return { starts, documents, weights }
}

function nearest(scores: Float64Array, self: number, options: NeighbourOptions): Neighbour[] {
  const found: Neighbour[] = []
  scores.forEach((cosine, index) => {
    if (index !== self && cosine >= options.minCosine) found.push({ index, cosine: Math.min(1, cosine) })
  })
  return found.sort((a, b) => b.cosine - a.cosine || a.index - b.index).slice(0, options.limit)
}
