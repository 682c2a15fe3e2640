/** Which words tell one topic from the others, in the spelling of its articles, and the label made of them. */
import type { Corpus } from './corpus.ts'
import { BREAK } from './lexicon.ts'
import { roundScore } from './numbers.ts'
import { distinctArticles, mostFrequent, type Phrase } from './phrases.ts'

export interface TopicTerm {
  /** Place of its stem in the vocabulary. */
  readonly term: number
  /** Most frequent surface form within the topic. */
  readonly word: string
  /** Class TF-IDF over that of the first term: 1 for the first, 0..1. */
  readonly score: number
  /** Places in the corpus of the articles that hold it, ascending. */
  readonly holders: readonly number[]
}

/** Terms kept per topic. */
const MAX_TERMS = 30
const MIN_ARTICLES = 2
/** Share of a topic's articles that must hold a term before it may stand for the topic. */
const MIN_HOLDER_SHARE = 0.15
/** The name of a site says nothing of a topic, unless this many sites use the word. */
const MIN_DOMAINS_OF_NAME = 3
const LABEL_TERMS = 4
const LABEL_PARTS = 3
/** A phrase stands in a label when it accounts for this share of the articles with either of its words. */
const PHRASE_SHARE = 0.4
/** Terms a label is made from. */
const LABEL_POOL = 10

/**
 * The terms of each group of articles (places in the corpus), best first. The score is class TF-IDF, w · ln(1 + A / f)
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

/**
 * A label of two to four words: the best terms, joined into the phrases they form in the articles, separated by
 * commas. Shorter when the topic has fewer terms; empty when it has none.
 */
export function labelOf(terms: readonly TopicTerm[], phrases: readonly Phrase[]): string {
  const pool = terms.slice(0, LABEL_POOL)
  const parts: string[] = []
  const used = new Set<number>()
  for (const term of pool) {
    if (used.size >= LABEL_TERMS || parts.length >= LABEL_PARTS) break
    if (used.has(term.term)) continue
    const phrase = used.size + 2 <= LABEL_TERMS ? phraseWith(term, pool, phrases, used) : undefined
    for (const one of phrase?.terms ?? [term.term]) used.add(one)
    parts.push(phrase?.text ?? term.word)
  }
  return parts.join(', ').replace(/^\p{Ll}(?!\p{Lu})/u, (letter) => letter.toUpperCase())
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
    const { holders, forms } = found.get(term) ?? { holders: [], forms: new Map<string, number>() }
    if (distinctArticles(corpus, holders) < needed) continue
    const word = mostFrequent(forms)
    if (siteNames.has(word.toLowerCase()) && domainsOf(corpus, holders) < MIN_DOMAINS_OF_NAME) continue
    chosen.push({ term, word, score, holders })
    if (chosen.length === MAX_TERMS) break
  }
  const best = chosen[0]?.score ?? 1
  return chosen.map((one) => ({ ...one, score: roundScore(one.score / best) }))
}

interface Found {
  readonly holders: number[]
  readonly forms: Map<string, number>
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
      const one = found.get(word.term) ?? { holders: [], forms: new Map<string, number>() }
      found.set(word.term, one)
      if (one.holders.at(-1) !== place) one.holders.push(place)
      one.forms.set(word.spelling, (one.forms.get(word.spelling) ?? 0) + 1)
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

function phraseWith(
  term: TopicTerm,
  pool: readonly TopicTerm[],
  phrases: readonly Phrase[],
  used: ReadonlySet<number>,
): Phrase | undefined {
  const holders = new Map(pool.map((one) => [one.term, one.holders.length]))
  return phrases.find(
    ({ terms, holders: together }) =>
      terms.includes(term.term) &&
      terms.every((one) => {
        const alone = holders.get(one)
        return alone !== undefined && !used.has(one) && together.length >= PHRASE_SHARE * alone
      }),
  )
}
