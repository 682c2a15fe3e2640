/** Two content words that stand together in two articles or more: `intelligence artificielle`, `moteur de recherche`. */
import type { Corpus, CorpusArticle } from './corpus.ts'
import { BREAK, type WordFacts } from './lexicon.ts'
import { compareText } from './numbers.ts'

export interface Phrase {
  /** Places of its two stems in the vocabulary. */
  readonly terms: readonly [number, number]
  /** Its most frequent wording. */
  readonly text: string
  /** Places in the corpus of the articles that hold it, ascending. */
  readonly holders: readonly number[]
}

/** Between two words of a phrase stand at most this many small words: `mise en place de la …` stops there. */
const MAX_LINKS = 2
/** Phrases returned at most. */
const MAX_PHRASES = 400

/** The phrases of some articles (places in the corpus), most widely held first. */
export function findPhrases(corpus: Corpus, members: readonly number[]): Phrase[] {
  const repeated = repeatedPairs(corpus, members)
  const sightings = new Map<number, { wordings: Map<string, number>; holders: number[] }>()
  for (const member of members) {
    forEachPair(corpus, member, (key, article, start, end) => {
      if (!repeated.has(key)) return
      const sighting = sightings.get(key) ?? { wordings: new Map<string, number>(), holders: [] }
      sightings.set(key, sighting)
      if (sighting.holders.at(-1) !== member) sighting.holders.push(member)
      const wording = wordingOf(corpus, article, start, end)
      sighting.wordings.set(wording, (sighting.wordings.get(wording) ?? 0) + 1)
    })
  }
  const size = corpus.vocabulary.length
  return [...sightings]
    .map(([key, { wordings, holders }]): Phrase => {
      return { terms: [Math.floor(key / size), key % size], text: mostFrequent(wordings), holders }
    })
    .sort((a, b) => b.holders.length - a.holders.length || compareText(a.text, b.text))
    .slice(0, MAX_PHRASES)
}

/** How many articles some places stand for when an article and its exact repeats count once. */
export function distinctArticles(corpus: Corpus, places: Iterable<number>): number {
  const originals = new Set<number>()
  for (const place of places) originals.add(corpus.articles[place]?.original ?? place)
  return originals.size
}

/** The key with the highest count; ties go to the first in code unit order. */
export function mostFrequent(counts: ReadonlyMap<string, number>): string {
  let best = ''
  let most = 0
  for (const [key, count] of counts) {
    if (count > most || (count === most && compareText(key, best) < 0)) {
      best = key
      most = count
    }
  }
  return best
}

/** The pairs that enough different articles hold; counted first, so that only these are spelled out. */
function repeatedPairs(corpus: Corpus, members: readonly number[]): Set<number> {
  const seenIn = new Map<number, number>()
  const repeated = new Set<number>()
  for (const member of members) {
    forEachPair(corpus, member, (key, { original }) => {
      const first = seenIn.get(key)
      if (first === undefined) seenIn.set(key, original)
      else if (first !== original) repeated.add(key)
    })
  }
  return repeated
}

type PairVisitor = (key: number, article: CorpusArticle, start: number, end: number) => void

/** Calls `visit` for each two content words of an article that stand together, with their place in its reading. */
function forEachPair(corpus: Corpus, member: number, visit: PairVisitor): void {
  const article = corpus.articles[member]
  if (article === undefined) return
  const { reading, language } = article
  const words = corpus.words[language]
  for (let start = 0; start < reading.length; start += 1) {
    const a = wordAt(words, reading[start])
    if (a < 0) continue
    let end = start + 1
    while (end - start <= MAX_LINKS && (reading[end] ?? BREAK) < BREAK) end += 1
    const b = wordAt(words, reading[end])
    if (b >= 0 && a !== b) visit(a * corpus.vocabulary.length + b, article, start, end)
  }
}

/** The vocabulary place of a content word; -1 for anything else. */
function wordAt(words: readonly WordFacts[], number = BREAK): number {
  return number > BREAK ? (words[number]?.term ?? -1) : -1
}

function wordingOf(corpus: Corpus, article: CorpusArticle, start: number, end: number): string {
  const words = corpus.words[article.language]
  let text = ''
  for (const number of article.reading.subarray(start, end + 1)) {
    const word = words[Math.abs(number)]?.spelling ?? ''
    text += text === '' || word === '-' || /['-]$/.test(text) ? word : ` ${word}`
  }
  return text
}
