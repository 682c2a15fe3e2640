/** The sentences that say best what a topic is about, taken from its own articles. */
import { contentTerms, sentences } from '../text/tokens.ts'
import type { TopicProfile } from './clusters.ts'
import type { Corpus, CorpusArticle } from './corpus.ts'
import { compareText } from './numbers.ts'
import { articlesAt } from './standing.ts'
import { dotVector, type VectorSum } from './vector-sums.ts'

const ARTICLES_READ = 12
const CHARACTERS_READ = 6_000
const MIN_LENGTH = 40
const MAX_LENGTH = 320
const MIN_TERMS = 4
/** Two sentences say the same when they share more than this part of their stems. */
const MAX_OVERLAP = 0.5

interface Sentence {
  readonly text: string
  readonly article: string
  readonly stems: ReadonlySet<string>
  readonly score: number
}

/**
 * At most `limit` sentences, best first, one per article, none that repeats another. A sentence scores the cosine
 * of its set of stems to the centroid of the topic (centroid-based summarisation, Radev et al. 2004); only the 12
 * articles nearest to the centroid are read.
 */
export function centralSentences(corpus: Corpus, profile: TopicProfile, limit: number): string[] {
  const candidates = nearestArticles(corpus, profile).flatMap((article) =>
    readSentences(corpus, article, profile.sum),
  )
  candidates.sort((a, b) => b.score - a.score || compareText(a.text, b.text))
  const chosen: Sentence[] = []
  for (const one of candidates) {
    if (chosen.length === limit) break
    const known = chosen.some(
      (other) => other.article === one.article || overlap(other.stems, one.stems) > MAX_OVERLAP,
    )
    if (!known) chosen.push(one)
  }
  return chosen.map(({ text }) => text)
}

function nearestArticles(corpus: Corpus, profile: TopicProfile): CorpusArticle[] {
  return (
    articlesAt(
      corpus,
      profile.members.filter((at) => corpus.articles[at]?.original === at),
    )
      .map((article) => ({ article, nearness: dotVector(profile.sum, article.vector) }))
      // The sort is stable: among equals the order of the corpus decides, which no id does.
      .sort((a, b) => b.nearness - a.nearness)
      .slice(0, ARTICLES_READ)
      .map(({ article }) => article)
  )
}

function readSentences(corpus: Corpus, article: CorpusArticle, sum: VectorSum): Sentence[] {
  return sentences(article.text.slice(0, CHARACTERS_READ), article.language).flatMap((text) => {
    if (text.length < MIN_LENGTH || text.length > MAX_LENGTH || !/[.!?…]["»”)]?$/.test(text)) return []
    const stems = new Set(contentTerms(text, article.language))
    if (stems.size < MIN_TERMS) return []
    let weight = 0
    for (const stem of stems) weight += sum.sums.get(corpus.indexOf.get(stem) ?? -1) ?? 0
    return [{ text, article: article.id, stems, score: weight / Math.sqrt(stems.size) }]
  })
}

function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const shared = [...a].filter((stem) => b.has(stem)).length
  return shared / (a.size + b.size - shared)
}
