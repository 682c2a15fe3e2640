/** The angles of a topic: the phrases and terms its articles use, who uses them, and since when. */
import type { Effort } from '../types.ts'
import type { TopicProfile } from './clusters.ts'
import type { Corpus, CorpusArticle } from './corpus.ts'
import { compareText } from './numbers.ts'
import { articlesAt, isClient, type Market } from './standing.ts'
import type { AngleCounts } from './wording.ts'

export interface Angle extends AngleCounts {
  /** Places of its stems in the vocabulary. */
  readonly terms: readonly number[]
  /** Mean score of its words among the terms of the topic, 0..1. */
  readonly weight: number
  /** Competitors of the market that use it, and those that cover the topic. */
  readonly rivals: number
  readonly rivalsOfTopic: number
  readonly effort: Effort
}

export interface AngleClock {
  readonly asOfMs: number
  readonly windowDays: number
}

const DAY_MS = 86_400_000
/** A phrase stands for its words when it is in at least this share of the articles with any one of them. */
const PHRASE_SHARE = 0.6
const RELATED_TERMS = 3
/** Words that say less of the topic than this, against its best term, are no angle on it. */
const MIN_WEIGHT = 0.25
/** Dated articles of the window that must hold an angle before it can be said to rise. */
const MIN_RISING_ARTICLES = 4
/** … by this many articles from the earlier half of the window to the later. */
const MIN_RISE = 2
/** The share of an angle among the topic's articles must have grown by this factor. */
const RISING_FACTOR = 1.5
/** Mean words of the articles that hold an angle: below, writing one is easy … */
const EASY_WORDS = 700
/** … and up to here it is of medium effort. */
const MEDIUM_WORDS = 1_500

interface Candidate {
  readonly text: string
  readonly terms: readonly number[]
  readonly weight: number
  readonly holders: readonly number[]
}

/** Every angle of a topic with its counts, those of most weight first. */
export function findAngles(
  corpus: Corpus,
  market: Market,
  profile: TopicProfile,
  clock: AngleClock,
): Angle[] {
  const articles = articlesAt(corpus, profile.members)
  const ofTopic = tally(articles, market, clock)
  return candidatesOf(profile)
    .map((candidate): Angle => {
      const holders = articlesAt(corpus, candidate.holders)
      const held = tally(holders, market, clock)
      return {
        angle: candidate.text,
        label: profile.topic.label,
        articles: holders.length,
        articlesOfTopic: articles.length,
        domains: held.domains,
        domainsOfTopic: ofTopic.domains,
        recent: held.recent,
        earlier: held.earlier,
        rising: isRising(held, ofTopic),
        windowDays: clock.windowDays,
        clientArticles: held.client,
        related: relatedTerms(profile, candidate),
        terms: candidate.terms,
        weight: candidate.weight,
        rivals: held.rivals,
        rivalsOfTopic: ofTopic.rivals,
        effort: effortOf(holders),
      }
    })
    .sort((a, b) => b.weight - a.weight || compareText(a.angle, b.angle))
}

/** How much work an article is, judged by the length of the articles that exist on it. */
export function effortOf(articles: readonly Pick<CorpusArticle, 'words'>[]): Effort {
  const mean = articles.reduce((sum, { words }) => sum + words, 0) / Math.max(1, articles.length)
  if (mean < EASY_WORDS) return 'easy'
  return mean < MEDIUM_WORDS ? 'medium' : 'complex'
}

interface Tally {
  readonly domains: number
  readonly rivals: number
  readonly client: number
  /** Articles of the later and of the earlier half of the window. */
  readonly recent: number
  readonly earlier: number
}

function tally(articles: readonly CorpusArticle[], market: Market, clock: AngleClock): Tally {
  const domains = new Set(articles.map(({ domain }) => domain))
  const half = (clock.windowDays * DAY_MS) / 2
  const ages = articles.flatMap(({ publishedMs }) => (publishedMs === null ? [] : clock.asOfMs - publishedMs))
  return {
    domains: domains.size,
    rivals: [...domains].filter((domain) => market.competitors.has(domain)).length,
    client: articles.filter((article) => isClient(market, article)).length,
    recent: ages.filter((age) => age < half).length,
    earlier: ages.filter((age) => age >= half && age < 2 * half).length,
  }
}

/** Compared with the topic as a whole: where everything grows, an angle that merely goes along does not rise. */
function isRising(held: Tally, ofTopic: Tally): boolean {
  if (held.recent + held.earlier < MIN_RISING_ARTICLES || held.recent - held.earlier < MIN_RISE) return false
  const recentShare = (held.recent + 1) / (ofTopic.recent + 2)
  return recentShare >= RISING_FACTOR * ((held.earlier + 1) / (ofTopic.earlier + 2))
}

/** Phrases with a term of the topic, and the terms that no phrase speaks for. */
function candidatesOf(profile: TopicProfile): Candidate[] {
  const known = new Map(profile.terms.map((one) => [one.term, one]))
  const spokenFor = new Set<number>()
  const phrases = profile.phrases.flatMap((phrase): Candidate[] => {
    const terms = phrase.terms.flatMap((term) => known.get(term) ?? [])
    const first = terms[0]
    if (first === undefined) return []
    for (const { term, holders } of terms) {
      if (phrase.holders.length >= PHRASE_SHARE * holders.length) spokenFor.add(term)
    }
    const weight = terms.reduce((sum, { score }) => sum + score, 0) / phrase.terms.length
    return [{ text: phrase.text, terms: phrase.terms, weight, holders: phrase.holders }]
  })
  const words = profile.terms
    .filter(({ term }) => !spokenFor.has(term))
    .map(({ term, word, score, holders }) => ({ text: word, terms: [term], weight: score, holders }))
  return [...phrases, ...words].filter(({ weight }) => weight >= MIN_WEIGHT)
}

/** The topic's terms that share most articles with the angle. */
function relatedTerms(profile: TopicProfile, candidate: Candidate): string[] {
  const holders = new Set(candidate.holders)
  return profile.terms
    .filter(({ term }) => !candidate.terms.includes(term))
    .map(({ word, score, holders: theirs }) => ({
      word,
      together: score * theirs.filter((at) => holders.has(at)).length,
    }))
    .filter(({ together }) => together > 0)
    .sort((a, b) => b.together - a.together || compareText(a.word, b.word))
    .slice(0, RELATED_TERMS)
    .map(({ word }) => word)
}
