/**
 * Topics of a corpus: a graph of nearest neighbours over TF-IDF vectors, its communities, and what is left over.
 *
 * All languages are clustered together. Their words keep them apart, and topics of two languages are joined only
 * on evidence: several of their best terms are the same (names, acronyms) and their centroids are near.
 */
import { RowbeatError } from '../../../core/errors.ts'
import type { Outlier, Topic } from '../types.ts'
import { findCommunities } from './communities.ts'
import type { Corpus } from './corpus.ts'
import { joinIndistinct, joinLanguages } from './joined-groups.ts'
import { labelOf } from './labels.ts'
import { describeOutliers, MIN_MEMBERSHIP, settleLoose, sumOf, vectorAt } from './loose-articles.ts'
import { nearestNeighbours } from './neighbours.ts'
import { roundScore } from './numbers.ts'
import { findPhrases, type Phrase } from './phrases.ts'
import { type ClientTheme, scopeOf, themeStems } from './scope.ts'
import { type TopicTerm, termsOfGroups } from './topic-terms.ts'
import { dotSums, dotVector, meanPairwiseCosine, type VectorSum } from './vector-sums.ts'

/** Fewest articles that topics can be made from. */
export const MIN_ARTICLES = 20
const MAX_NEIGHBOURS = 15
const MIN_COSINE = 0.1
const TERMS_SHOWN = 10

/** A topic with what the later stages need of it. */
export interface TopicProfile {
  readonly topic: Topic
  /** Places in the corpus, ascending. */
  readonly members: readonly number[]
  readonly sum: VectorSum
  readonly terms: readonly TopicTerm[]
  readonly phrases: readonly Phrase[]
}

/** Outliers listed; all are counted. */
export const MAX_OUTLIERS = 100

export interface Clusters {
  readonly profiles: readonly TopicProfile[]
  /** Farthest first, at most {@link MAX_OUTLIERS}. */
  readonly outliers: readonly Outlier[]
  readonly outlierCount: number
}

/** Distinct articles a topic needs: 3 in a corpus of up to some 300, 9 with 2,100. */
export function minTopicSize(articles: number): number {
  return Math.min(10, Math.max(3, Math.round(Math.sqrt(articles) / 5)))
}

/** Groups the articles into topics. Throws INSUFFICIENT_ARTICLES below {@link MIN_ARTICLES} articles. */
export function clusterTopics(
  corpus: Corpus,
  themes: readonly ClientTheme[],
  signal?: AbortSignal,
): Clusters {
  if (corpus.articles.length < MIN_ARTICLES) {
    throw new RowbeatError(
      'INSUFFICIENT_ARTICLES',
      `${corpus.articles.length} articles are too few to find topics: at least ${MIN_ARTICLES} are needed.`,
    )
  }
  const originals = corpus.articles.flatMap(({ original, vector }, at) =>
    original === at && vector.indices.length > 0 ? [at] : [],
  )
  const vectors = originals.map((at) => vectorAt(corpus, at))
  const near = nearestNeighbours(vectors, {
    limit: neighbourLimit(originals.length),
    minCosine: MIN_COSINE,
    signal,
  })
  const linked = new Set(originals.filter((_, at) => (near[at]?.length ?? 0) > 0))
  const minSize = minTopicSize(originals.length)
  signal?.throwIfAborted()
  const { groups } = findCommunities(near, minSize, (found) => {
    signal?.throwIfAborted()
    return joinIndistinct(vectors, found)
  })
  const kept = groups
    .map((group) =>
      withoutStrangers(
        corpus,
        group.map((at) => originals[at] ?? 0),
      ),
    )
    .filter((group) => group.length >= minSize)
  const joined = joinLanguages(corpus, kept)
  const { topics, left } = settleLoose(corpus, joined, originals)
  signal?.throwIfAborted()
  const profiles = describe(corpus, withRepeats(corpus, topics), themes)
  const unreadable = corpus.articles.flatMap(({ vector }, at) => (vector.indices.length === 0 ? [at] : []))
  const outliers = describeOutliers(corpus, withRepeats(corpus, [[...left.keys(), ...unreadable]])[0] ?? [], {
    left,
    linked,
  })
  return { profiles, outliers: outliers.slice(0, MAX_OUTLIERS), outlierCount: outliers.length }
}

/** Fewer neighbours in a small corpus, where 15 would join everything: the square root of its size, 5 to 15. */
function neighbourLimit(size: number): number {
  return Math.min(MAX_NEIGHBOURS, Math.max(5, Math.round(Math.sqrt(size))))
}

/** Leaves out the members that have next to nothing in common with the rest of their community. */
function withoutStrangers(corpus: Corpus, group: readonly number[]): number[] {
  const sum = sumOf(corpus, group)
  const squared = dotSums(sum, sum)
  return group.filter((at) => {
    const product = dotVector(sum, vectorAt(corpus, at))
    const others = Math.sqrt(Math.max(0, squared - 2 * product + 1))
    return others > 0 && (product - 1) / others >= MIN_MEMBERSHIP
  })
}

/** Adds to each group the exact repeats of its articles. */
function withRepeats(corpus: Corpus, groups: readonly (readonly number[])[]): number[][] {
  const repeats = new Map<number, number[]>()
  corpus.articles.forEach(({ original }, at) => {
    const known = repeats.get(original)
    if (known === undefined) repeats.set(original, [at])
    else known.push(at)
  })
  return groups.map((group) => group.flatMap((at) => repeats.get(at) ?? [at]).sort((a, b) => a - b))
}

function describe(
  corpus: Corpus,
  groups: readonly number[][],
  themes: readonly ClientTheme[],
): TopicProfile[] {
  const ordered = groups.toSorted((a, b) => b.length - a.length || (a[0] ?? 0) - (b[0] ?? 0))
  const terms = termsOfGroups(corpus, ordered)
  const stems = themeStems(themes)
  const labels = new Set<string>()
  return ordered.map((members, topicId) => {
    const ofTopic = terms[topicId] ?? []
    const phrases = findPhrases(corpus, members)
    const label = uniqueLabel(labelOf(corpus, members, ofTopic, phrases), ofTopic, labels)
    labels.add(label)
    const weighted = ofTopic.map(({ term, score }) => ({ stem: corpus.vocabulary[term] ?? '', score }))
    const topic: Topic = {
      topicId,
      label,
      terms: ofTopic.slice(0, TERMS_SHOWN).map(({ word, score }) => ({ word, score })),
      articleIds: members.map((at) => corpus.articles[at]?.id ?? ''),
      size: members.length,
      coherence: coherenceOf(corpus, members),
      scope: scopeOf(weighted, stems),
    }
    return { topic, members, sum: sumOf(corpus, members), terms: ofTopic, phrases }
  })
}

/** Exact repeats count once: they would make any topic look coherent. */
function coherenceOf(corpus: Corpus, members: readonly number[]): number {
  const distinct = members.filter((at) => corpus.articles[at]?.original === at)
  return roundScore(meanPairwiseCosine(sumOf(corpus, distinct)) ?? 1)
}

function uniqueLabel(label: string, terms: readonly TopicTerm[], taken: ReadonlySet<string>): string {
  if (label !== '' && !taken.has(label)) return label
  const longer = terms.map(({ word }) => (label === '' ? word : `${label}, ${word}`))
  const free = longer.find((one) => !taken.has(one))
  return free ?? `${label === '' ? 'Topic' : label} (${taken.size + 1})`
}
