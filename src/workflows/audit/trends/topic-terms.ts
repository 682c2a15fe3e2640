/** Which words tell one topic from the others, in the spelling of its articles. */
import type { Corpus } from './corpus.ts'
import { BREAK } from './lexicon.ts'
import { roundScore } from './numbers.ts'
import { distinctArticles, mostFrequent } from './phrases.ts'

export interface TopicTerm {
  /** Place of its stem in the vocabulary. */
  readonly term: number
  /** Most frequent surface form within the topic. */
  readonly word: string
  /** Class TF-IDF over that of the first term: 1 for the first, 0..1. */
  readonly score: number
  /** Places in the corpus of the articles that hold it, ascending. */
  readonly holders: readonly number[]
  /** True when the texts use its word as a noun. */
  readonly isNominal: boolean
}

/** Terms kept per topic. */
const MAX_TERMS = 30
const MIN_ARTICLES = 2
/** Share of a topic's articles that must hold a term before it may stand for the topic. */
const MIN_HOLDER_SHARE = 0.15
/** The name of a site says nothing of a topic, unless this many sites use the word. */
const MIN_DOMAINS_OF_NAME = 3

/**
 * The terms of each group of articles (places in the corpus), best first; stems that are used as verbs are left
 * out. The score is class TF-IDF, w · ln(1 + A / f)
 * with w the mean weight of the term in an article of the group, f the sum of that over all groups and A the mean
 * total weight of a group (after Grootendorst 2022, "BERTopic", with document vectors for raw counts), times w / f:
 * with few groups the logarithm alone lets common words through.
 */
export function termsOfGroups(corpus: Corpus, groups: readonly (readonly number[])[]): TopicTerm[][] {
  const weights = groups.map((group) => meanWeights(corpus, group))
  const overall = new Map<number, number>()
  let total = 0
  for (const group of weights) {
    for (const [term, weight] of group) {
      overall.set(term, (overall.get(term) ?? 0) + weight)
      total += weight
    }
  }
  const mean = total / Math.max(1, groups.length)
  const siteNames = namesOfSites(corpus)
  return groups.map((group, at) => {
    const scored = [...(weights[at] ?? [])]
      .map(([term, weight]) => {
        const everywhere = overall.get(term) ?? weight
        return { term, score: weight * Math.log(1 + mean / everywhere) * (weight / everywhere) }
      })
      .sort((a, b) => b.score - a.score || a.term - b.term)
    return chooseTerms(corpus, group, scored, siteNames)
  })
}

function meanWeights(corpus: Corpus, group: readonly number[]): Map<number, number> {
  const weights = new Map<number, number>()
  for (const place of group) {
    const vector = corpus.articles[place]?.vector
    vector?.indices.forEach((term, at) => {
      weights.set(term, (weights.get(term) ?? 0) + (vector.weights[at] ?? 0) / group.length)
    })
  }
  return weights
}

function chooseTerms(
  corpus: Corpus,
  group: readonly number[],
  scored: readonly { term: number; score: number }[],
  siteNames: ReadonlySet<string>,
): TopicTerm[] {
  const candidates = scored.slice(0, MAX_TERMS * 10)
  const found = holdersAndForms(corpus, group, new Set(candidates.map(({ term }) => term)))
  const needed = Math.max(MIN_ARTICLES, MIN_HOLDER_SHARE * distinctArticles(corpus, group))
  const chosen: TopicTerm[] = []
  for (const { term, score } of candidates) {
    const { holders, forms, nouns, seen } = found.get(term) ?? newFound()
    if (seen.verbs > seen.others && nouns.size === 0) continue
    if (forms.size === 0 || distinctArticles(corpus, holders) < needed) continue
    const word = mostFrequent(nouns.size > 0 ? nouns : forms)
    if (siteNames.has(word.toLowerCase()) && domainsOf(corpus, holders) < MIN_DOMAINS_OF_NAME) continue
    chosen.push({ term, word, score, holders, isNominal: nouns.size > 0 })
    if (chosen.length === MAX_TERMS) break
  }
  const best = chosen[0]?.score ?? 1
  return chosen.map((one) => ({ ...one, score: roundScore(one.score / best) }))
}

interface Found {
  readonly holders: number[]
  /** Spellings of its words that are not used as verbs. */
  readonly forms: Map<string, number>
  /** Of those, the ones that are used as nouns. */
  readonly nouns: Map<string, number>
  readonly seen: { verbs: number; others: number }
}

function newFound(): Found {
  return { holders: [], forms: new Map(), nouns: new Map(), seen: { verbs: 0, others: 0 } }
}

function holdersAndForms(
  corpus: Corpus,
  group: readonly number[],
  wanted: ReadonlySet<number>,
): Map<number, Found> {
  const found = new Map<number, Found>()
  for (const place of group) {
    const article = corpus.articles[place]
    if (article === undefined) continue
    const words = corpus.words[article.language]
    for (const number of article.reading) {
      const word = number > BREAK ? words[number] : undefined
      if (word === undefined || !wanted.has(word.term)) continue
      const one = found.get(word.term) ?? newFound()
      found.set(word.term, one)
      if (one.holders.at(-1) !== place) one.holders.push(place)
      one.seen[word.role === 'verb' ? 'verbs' : 'others'] += 1
      if (word.role === 'verb') continue
      one.forms.set(word.spelling, (one.forms.get(word.spelling) ?? 0) + 1)
      if (word.role === 'noun') one.nouns.set(word.spelling, (one.nouns.get(word.spelling) ?? 0) + 1)
    }
  }
  return found
}

/** The names of the sites themselves: `acme` of `blog.acme.com`. */
function namesOfSites(corpus: Corpus): Set<string> {
  return new Set(corpus.articles.flatMap(({ domain }) => domain.split('.').slice(0, -1)))
}

function domainsOf(corpus: Corpus, places: Iterable<number>): number {
  const domains = new Set<string>()
  for (const place of places) domains.add(corpus.articles[place]?.domain ?? '')
  return domains.size
}
