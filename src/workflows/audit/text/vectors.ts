/** Sparse TF-IDF vectors of unit length, and the cosine between them. */

/** `indices` ascend and point into the vocabulary; the weights have Euclidean length 1, or there are none. */
export interface SparseVector {
  readonly indices: Uint32Array
  readonly weights: Float64Array
}

/** A vocabulary with the vectors of the documents it was built from. */
export interface VectorSpace {
  /** In code unit order. */
  readonly vocabulary: readonly string[]
  readonly indexOf: ReadonlyMap<string, number>
  /** Inverse document frequency per vocabulary entry. */
  readonly idf: Float64Array
  /** By document id, in the order of the documents. */
  readonly vectors: ReadonlyMap<string, SparseVector>
}

export interface VectorDocument {
  readonly id: string
  /** Terms with repeats, as `contentTerms` gives them. */
  readonly terms: readonly string[]
}

/** Terms kept when a corpus has more: those of most documents, then by name. */
const MAX_VOCABULARY = 100_000

/**
 * TF-IDF vectors over a corpus: weight = (1 + ln tf) · (ln((1 + N) / (1 + df)) + 1), then unit length (Salton and
 * Buckley 1988, smoothed). Documents with the same id: the last one counts. `minDocuments` drops rarer terms.
 */
export function buildVectors(
  docs: readonly VectorDocument[],
  options: { minDocuments?: number } = {},
): VectorSpace {
  const counts = new Map(docs.map((doc) => [doc.id, countTerms(doc.terms)]))
  const frequency = new Map<string, number>()
  for (const terms of counts.values()) {
    for (const term of terms.keys()) frequency.set(term, (frequency.get(term) ?? 0) + 1)
  }
  const vocabulary = chooseVocabulary(frequency, options.minDocuments ?? 1)
  const indexOf = new Map(vocabulary.map((term, index) => [term, index]))
  const idf = Float64Array.from(
    vocabulary,
    (term) => Math.log((1 + counts.size) / (1 + (frequency.get(term) ?? 0))) + 1,
  )
  const vectors = new Map<string, SparseVector>()
  for (const [id, terms] of counts) vectors.set(id, weigh(terms, indexOf, idf))
  return { vocabulary, indexOf, idf, vectors }
}

/** The vector of a text that was not part of the corpus; terms outside the vocabulary count for nothing. */
export function projectTerms(
  space: Pick<VectorSpace, 'indexOf' | 'idf'>,
  terms: readonly string[],
): SparseVector {
  return weigh(countTerms(terms), space.indexOf, space.idf)
}

/** Cosine of two vectors of one space, 0..1; 0 when either is empty. */
export function cosine(a: SparseVector, b: SparseVector): number {
  let sum = 0
  let i = 0
  let j = 0
  while (i < a.indices.length && j < b.indices.length) {
    const left = a.indices[i] ?? 0
    const right = b.indices[j] ?? 0
    if (left === right) {
      sum += (a.weights[i] ?? 0) * (b.weights[j] ?? 0)
      i += 1
      j += 1
    } else if (left < right) i += 1
    else j += 1
  }
  return Math.min(1, Math.max(0, sum))
}

/** The mean of some vectors of one space, brought back to unit length; empty without vectors. */
export function centroid(vectors: Iterable<SparseVector>): SparseVector {
  const sums = new Map<number, number>()
  for (const vector of vectors) {
    vector.indices.forEach((index, at) => {
      sums.set(index, (sums.get(index) ?? 0) + (vector.weights[at] ?? 0))
    })
  }
  return unit([...sums].sort(([a], [b]) => a - b))
}

/** The heaviest terms of a vector, heaviest first, ties by name. */
export function topTerms(
  space: Pick<VectorSpace, 'vocabulary'>,
  vector: SparseVector,
  limit: number,
): { term: string; weight: number }[] {
  return [...vector.indices]
    .map((index, at) => ({ term: space.vocabulary[index] ?? '', weight: vector.weights[at] ?? 0 }))
    .sort((a, b) => b.weight - a.weight || (a.term < b.term ? -1 : 1))
    .slice(0, Math.max(0, limit))
}

function countTerms(terms: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1)
  return counts
}

function chooseVocabulary(frequency: ReadonlyMap<string, number>, minDocuments: number): string[] {
  const kept = [...frequency].filter(([, documents]) => documents >= minDocuments)
  if (kept.length > MAX_VOCABULARY) {
    kept.sort(([a, left], [b, right]) => right - left || (a < b ? -1 : 1)).length = MAX_VOCABULARY
  }
  return kept.map(([term]) => term).sort()
}

function weigh(
  counts: ReadonlyMap<string, number>,
  indexOf: ReadonlyMap<string, number>,
  idf: Float64Array,
): SparseVector {
  const entries: [number, number][] = []
  for (const [term, count] of counts) {
    const index = indexOf.get(term)
    if (index !== undefined) entries.push([index, (1 + Math.log(count)) * (idf[index] ?? 0)])
  }
  return unit(entries.sort(([a], [b]) => a - b))
}

function unit(entries: readonly (readonly [number, number])[]): SparseVector {
  const length = Math.sqrt(entries.reduce((sum, [, weight]) => sum + weight * weight, 0))
  return {
    indices: Uint32Array.from(entries, ([index]) => index),
    weights: Float64Array.from(entries, ([, weight]) => (length === 0 ? 0 : weight / length)),
  }
}
