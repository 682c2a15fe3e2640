/**
 * Two or three content words that stand together in two articles or more: `intelligence artificielle`, `moteur de
 * recherche`, `zone à faibles émissions`.
 */
import type { Corpus, CorpusArticle } from './corpus.ts'
import { BREAK, type Reading, type WordFacts } from './lexicon.ts'
import { compareText } from './numbers.ts'

export interface Phrase {
  /** Places of its stems in the vocabulary, in order. */
  readonly terms: readonly number[]
  /** Its most frequent wording. */
  readonly text: string
  /** Places in the corpus of the articles that hold it, ascending. */
  readonly holders: readonly number[]
}

/** Between two words of a phrase stand at most this many small words: `mise en place de la …` stops there. */
const MAX_LINKS = 2
const MAX_WORDS = 3
/** A longer phrase takes the place of a shorter one when it is in at least this share of its articles. */
const LONGER_SHARE = 0.6
/** Phrases returned at most. */
const MAX_PHRASES = 400

/**
 * The phrases of some articles (places in the corpus), most widely held first. None begins or ends with what the
 * texts use as a verb.
 */
export function findPhrases(corpus: Corpus, members: readonly number[]): Phrase[] {
  const repeated = repeatedRuns(corpus, members)
  const sightings = new Map<string, Sighting>()
  for (const member of members) {
    forEachRun(corpus, member, ({ key, terms, article, start, end }) => {
      if (!repeated.has(key)) return
      const sighting = sightings.get(key) ?? {
        terms,
        wordings: new Map<string, number>(),
        holders: [] as number[],
      }
      sightings.set(key, sighting)
      if (sighting.holders.at(-1) !== member) sighting.holders.push(member)
      const wording = wordingOf(corpus, article, start, end)
      sighting.wordings.set(wording, (sighting.wordings.get(wording) ?? 0) + 1)
    })
  }
  const phrases = [...sightings.values()]
    .map(({ terms, wordings, holders }): Phrase => ({ terms, text: mostFrequent(wordings), holders }))
    .sort((a, b) => b.holders.length - a.holders.length || compareText(a.text, b.text))
  return withoutParts(phrases).slice(0, MAX_PHRASES)
}

interface Sighting {
  readonly terms: readonly number[]
  readonly wordings: Map<string, number>
  readonly holders: number[]
}

/** Without the pairs that are nearly always met inside one longer phrase. */
function withoutParts(phrases: readonly Phrase[]): Phrase[] {
  const longest = new Map<string, number>()
  for (const { terms, holders } of phrases) {
    for (let at = 0; terms.length === MAX_WORDS && at + 2 <= terms.length; at += 1) {
      const part = terms.slice(at, at + 2).join(' ')
      longest.set(part, Math.max(longest.get(part) ?? 0, holders.length))
    }
  }
  return phrases.filter(({ terms, holders }) => {
    return (longest.get(terms.join(' ')) ?? 0) < LONGER_SHARE * holders.length
  })
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

/** The runs that enough different articles hold; counted first, so that only these are spelled out. */
function repeatedRuns(corpus: Corpus, members: readonly number[]): Set<string> {
  const seenIn = new Map<string, number>()
  const repeated = new Set<string>()
  for (const member of members) {
    forEachRun(corpus, member, ({ key, article: { original } }) => {
      const first = seenIn.get(key)
      if (first === undefined) seenIn.set(key, original)
      else if (first !== original) repeated.add(key)
    })
  }
  return repeated
}

/** Content words that stand together, with their place in the reading of an article. */
interface Run {
  readonly key: string
  readonly terms: readonly number[]
  readonly article: CorpusArticle
  readonly start: number
  readonly end: number
}

/** Calls `visit` for each two and three different content words of an article that stand together. */
function forEachRun(corpus: Corpus, member: number, visit: (run: Run) => void): void {
  const article = corpus.articles[member]
  if (article === undefined) return
  const { reading, language } = article
  const words = corpus.words[language]
  for (let start = 0; start < reading.length; start += 1) {
    const first = wordAt(words, reading[start])
    if (first === undefined || first.role === 'verb') continue
    const terms = [first.term]
    let key = String(first.term)
    for (let end = nextWord(reading, start); end > 0; end = nextWord(reading, end)) {
      const word = wordAt(words, reading[end])
      if (word === undefined || terms.includes(word.term)) break
      terms.push(word.term)
      key += ` ${word.term}`
      if (word.role !== 'verb') visit({ key, terms: [...terms], article, start, end })
      if (terms.length === MAX_WORDS) break
    }
  }
}

/** Place of the next content word that only small words part from the one at `at`; 0 when there is none. */
function nextWord(reading: Reading, at: number): number {
  let next = at + 1
  while (next - at <= MAX_LINKS && (reading[next] ?? BREAK) < BREAK) next += 1
  return (reading[next] ?? BREAK) > BREAK ? next : 0
}

/** The facts of a content word that is in the vocabulary; undefined for anything else. */
function wordAt(words: readonly WordFacts[], number = BREAK): WordFacts | undefined {
  const word = number > BREAK ? words[number] : undefined
  return word !== undefined && word.term >= 0 ? word : undefined
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
