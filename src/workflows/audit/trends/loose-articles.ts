/** Articles that no community claimed: given to the topic they clearly belong to, else outliers with a reason. */
import type { SparseVector } from '../text/vectors.ts'
import type { Outlier } from '../types.ts'
import type { Corpus } from './corpus.ts'
import { clampShare, roundScore } from './numbers.ts'
import { dotVector, lengthOf, sumVectors, type VectorSum } from './vector-sums.ts'

/** An article belongs to a topic when the cosine to the centroid of its other articles is at least this. */
export const MIN_MEMBERSHIP = 0.15
/** Between two topics an article is undecided when the second is at least this share as near as the first. */
const UNDECIDED = 0.8
const SHORT_ARTICLE_WORDS = 100

/** The vector of the article at a place of the corpus. */
export function vectorAt(corpus: Corpus, at: number): SparseVector {
  const article = corpus.articles[at]
  if (article === undefined) throw new RangeError(`no article at ${at}`)
  return article.vector
}

/** The sum of the vectors at some places of the corpus. */
export function sumOf(corpus: Corpus, members: readonly number[]): VectorSum {
  return sumVectors(members.map((at) => vectorAt(corpus, at)))
}

/** How near an article came to the topics. */
export interface Nearness {
  /** Cosine to the nearest and the second nearest topic. */
  readonly first: number
  readonly second: number
}

/**
 * Gives loose articles (places in the corpus) to the topic they clearly belong to; the others are left, with how
 * near they came.
 */
export function settleLoose(
  corpus: Corpus,
  topics: readonly (readonly number[])[],
  originals: readonly number[],
): { topics: number[][]; left: Map<number, Nearness> } {
  const placed = new Set(topics.flat())
  const centroids = topics.map((topic) => {
    const sum = sumOf(corpus, topic)
    return { sum, length: lengthOf(sum) }
  })
  const grown = topics.map((topic) => [...topic])
  const left = new Map<number, Nearness>()
  for (const at of originals) {
    if (placed.has(at)) continue
    const vector = vectorAt(corpus, at)
    const cosines = centroids.map(({ sum, length }) => clampShare(dotVector(sum, vector) / length))
    const [first = 0, second = 0] = cosines.toSorted((a, b) => b - a)
    const home = grown[cosines.indexOf(first)]
    if (first >= MIN_MEMBERSHIP && second < UNDECIDED * first && home !== undefined) home.push(at)
    else left.set(at, { first, second })
  }
  return { topics: grown.map((topic) => topic.sort((a, b) => a - b)), left }
}

/** The outliers at some places of the corpus, farthest first. `linked`: those with any near neighbour. */
export function describeOutliers(
  corpus: Corpus,
  places: readonly number[],
  facts: { readonly left: ReadonlyMap<number, Nearness>; readonly linked: ReadonlySet<number> },
): Outlier[] {
  const outliers = places.flatMap((at): Outlier[] => {
    const article = corpus.articles[at]
    if (article === undefined) return []
    const nearness = facts.left.get(article.original) ?? { first: 0, second: 0 }
    const category = categoryOf(article.words, nearness, facts.linked.has(article.original))
    return [{ articleId: article.id, category, distance: roundScore(1 - clampShare(nearness.first)) }]
  })
  // The sort is stable: among equals the order of the places decides, which no id does.
  return outliers.sort((a, b) => b.distance - a.distance)
}

/** Why an article is in no topic: too little text, like nothing else, between topics, or too few like it yet. */
function categoryOf(words: number, { first, second }: Nearness, linked: boolean): Outlier['category'] {
  if (words < SHORT_ARTICLE_WORDS) return 'too_short'
  if (!linked) return 'too_unique'
  return first >= MIN_MEMBERSHIP && second >= UNDECIDED * first ? 'mixed_topics' : 'emerging'
}
