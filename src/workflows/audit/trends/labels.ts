/** The name of a topic, as an editor might write it: one phrase, or two. */
import type { Language } from '../types.ts'
import type { Corpus } from './corpus.ts'
import { BREAK } from './lexicon.ts'
import { compareText } from './numbers.ts'
import { distinctArticles, type Phrase } from './phrases.ts'
import type { TopicTerm } from './topic-terms.ts'

/** Terms and phrases that a label is chosen from. */
const POOL = 12
/** Score of a word that is none of the topic's terms. */
const UNKNOWN_SCORE = 0.05
/** More words say more, up to a point. */
const SIZE_WEIGHT = [0, 1, 1.5, 1.6]
/** A word that is never seen as a noun names little. */
const PLAIN_WEIGHT = 0.4
/** What a place in the titles of all articles adds. */
const TITLE_WEIGHT = 2
/** A term in this share of the titles may name the topic, however common it is elsewhere. */
const MIN_TITLED = 0.4
/** A phrase takes the place of its word when it is in this share of the articles with the word. */
const PHRASE_SHARE = 0.4
/** A phrase in this share of the articles names the topic alone. */
const ENOUGH = 0.5
/** A second part must be in this share of the articles, and be worth this share of the first. */
const MIN_SECOND_SHARE = 0.25
const MIN_SECOND_VALUE = 0.1

/** `cage's arrival` is a piece of a sentence. */
const POSSESSIVE = /['’]s\b/i

const AND: Readonly<Record<Language, string>> = { fr: 'et', en: 'and' }

interface Candidate {
  readonly text: string
  readonly terms: readonly number[]
  /** Places of the articles that hold it. */
  readonly holders: readonly number[]
  readonly value: number
}

/**
 * A label for the articles of a topic (places in the corpus): the phrase or noun of most value, and where that does
 * not speak for half of them, or is a single word, the next best with no word in common that brings in most others.
 * Value is √(share of articles) × mean term score × a weight for its length × (1 + 2 × share of titles with all its
 * words). Empty when the topic has no term.
 */
export function labelOf(
  corpus: Corpus,
  members: readonly number[],
  terms: readonly TopicTerm[],
  phrases: readonly Phrase[],
): string {
  const all = distinctArticles(corpus, members)
  const candidates = candidatesOf(corpus, members, terms, phrases)
  const best = candidates[0]
  if (best === undefined) return ''
  const first = asPhrase(best, candidates)
  const isEnough = first.text.includes(' ') && distinctArticles(corpus, first.holders) >= ENOUGH * all
  const second = isEnough ? undefined : secondOf(corpus, candidates, first, all)
  const parts = second === undefined ? [first.text] : [first.text, second.text]
  return capitalise(parts.join(` ${AND[languageOf(corpus, members)]} `))
}

function secondOf(
  corpus: Corpus,
  candidates: readonly Candidate[],
  first: Candidate,
  all: number,
): Candidate | undefined {
  const known = new Set(first.holders)
  const taken = new Set(first.terms)
  const free = candidates.filter(({ terms }) => !terms.some((term) => taken.has(term)))
  const worth = ({ value, holders }: Candidate): number => {
    const added = distinctArticles(
      corpus,
      holders.filter((place) => !known.has(place)),
    )
    return value * (1 + added / all)
  }
  const second = free
    .filter((one) => distinctArticles(corpus, one.holders) >= MIN_SECOND_SHARE * all)
    .filter((one) => one.value >= MIN_SECOND_VALUE * first.value)
    .map((one) => ({ ...one, value: worth(one) }))
    .sort(byValue)[0]
  return second === undefined ? undefined : asPhrase(second, free)
}

/** The best phrase that a word is mostly met in, instead of the word: `robot de trottoir` for `robot`. */
function asPhrase(one: Candidate, candidates: readonly Candidate[]): Candidate {
  const [word] = one.terms
  if (word === undefined || one.terms.length > 1) return one
  const phrase = candidates.find(({ terms, holders }) => {
    return terms.length > 1 && terms.includes(word) && holders.length >= PHRASE_SHARE * one.holders.length
  })
  return phrase ?? one
}

/** The candidates of most value first. */
function candidatesOf(
  corpus: Corpus,
  members: readonly number[],
  terms: readonly TopicTerm[],
  phrases: readonly Phrase[],
): Candidate[] {
  const known = new Map(terms.map((one) => [one.term, one]))
  const all = distinctArticles(corpus, members)
  const titles = titleTerms(corpus, members)
  const titledShare = (own: readonly number[]): number =>
    titles.filter((title) => own.every((term) => title.has(term))).length / Math.max(1, titles.length)
  const pool = terms.filter(({ term }, at) => at < POOL || titledShare([term]) >= MIN_TITLED)
  const naming = new Set(pool.map(({ term }) => term))
  const weigh = (own: readonly number[], holders: readonly number[]): number => {
    const share = distinctArticles(corpus, holders) / all
    const score = own.reduce((sum, term) => sum + (known.get(term)?.score ?? UNKNOWN_SCORE), 0) / own.length
    const nominal = own.some((term) => known.get(term)?.isNominal !== false) ? 1 : PLAIN_WEIGHT
    return (
      Math.sqrt(share) *
      score *
      (SIZE_WEIGHT[own.length] ?? 1) *
      nominal *
      (1 + TITLE_WEIGHT * titledShare(own))
    )
  }
  const words = pool.map(({ word, term, holders }) => {
    return { text: word, terms: [term], holders, value: weigh([term], holders) }
  })
  const runs = phrases
    .filter(({ terms: own, text }) => own.some((term) => naming.has(term)) && !POSSESSIVE.test(text))
    .map(({ text, terms: own, holders }) => ({ text, terms: own, holders, value: weigh(own, holders) }))
  return [...runs, ...words].sort(byValue)
}

function byValue(a: Candidate, b: Candidate): number {
  return b.value - a.value || compareText(a.text, b.text)
}

/** The vocabulary places of the words of each title. */
function titleTerms(corpus: Corpus, members: readonly number[]): ReadonlySet<number>[] {
  return members.flatMap((place) => {
    const article = corpus.articles[place]
    if (article === undefined) return []
    const words = corpus.words[article.language]
    const terms = [...article.titleReading].map((number) =>
      number > BREAK ? (words[number]?.term ?? -1) : -1,
    )
    return [new Set(terms)]
  })
}

/** The language of most of the articles; French of equals, as everywhere. */
function languageOf(corpus: Corpus, members: readonly number[]): Language {
  const french = members.filter((place) => corpus.articles[place]?.language === 'fr').length
  return french * 2 >= members.length ? 'fr' : 'en'
}

/** A first capital, unless the word has capitals of its own, such as `iPhone`. */
function capitalise(text: string): string {
  return text.replace(/^\p{Ll}(?!\p{Lu})/u, (letter) => letter.toUpperCase())
}
