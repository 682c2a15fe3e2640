/** The words of a corpus in one language: a number for each, its stem, and how people write it. */
import { isLinkWord } from '../text/stop-words.ts'
import { isContentWord, normaliseText, stem, tokenize } from '../text/tokens.ts'
import { countUses, newWordUses, roleOf, type WordUses } from '../text/word-uses.ts'
import type { Language } from '../types.ts'
import { compareText } from './numbers.ts'

/** In a reading: the sentence or phrase ends here. */
export const BREAK = 0

/**
 * A text as numbers in reading order: a content word is its number (1 and up), a word that may link two content
 * words (`de`, `of`) or the hyphen between two words is its number negated, everything else is {@link BREAK}.
 */
export type Reading = Int32Array

export interface Lexicon {
  readonly language: Language
  readonly numbers: Map<string, number>
  /** Lower-cased words by number; entry 0 is unused. */
  readonly words: string[]
  /** Stems by number. */
  readonly stems: string[]
  /** Spellings by number, counted where a capital is not owed to the start of a sentence. */
  readonly spellings: Map<string, number>[]
  readonly uses: WordUses
}

export function newLexicon(language: Language): Lexicon {
  return {
    language,
    numbers: new Map(),
    words: [''],
    stems: [''],
    spellings: [new Map()],
    uses: newWordUses(),
  }
}

/** Reads a text, adding its words to the lexicon. `words` counts every word, an elided article not. */
export function readText(lexicon: Lexicon, text: string): { reading: Reading; words: number } {
  const normal = normaliseText(text)
  const reading: number[] = []
  let words = 0
  let previousEnd = 0
  const tokens = tokenize(normal, lexicon.language)
  countUses(lexicon.uses, normal, tokens, lexicon.language)
  for (const { word, start, end } of tokens) {
    const between = normal.slice(previousEnd, start)
    if (between === '-') reading.push(-numberOf(lexicon, '-'))
    else if (!/^\s*$/.test(between) || /\n\s*\n/.test(between)) reading.push(BREAK)
    const opensSentence = words === 0 || /[.!?:\n]/.test(between)
    previousEnd = end
    if (!word.endsWith("'")) words += 1
    if (isContentWord(word, lexicon.language)) {
      const number = numberOf(lexicon, word)
      reading.push(number)
      if (!opensSentence) countSpelling(lexicon, number, normal.slice(start, end))
    } else {
      reading.push(isLinkWord(word, lexicon.language) ? -numberOf(lexicon, word) : BREAK)
    }
  }
  return { reading: Int32Array.from(reading), words }
}

/** The stems of the content words of a reading, in order, repeats kept. */
export function stemsOf(lexicon: Lexicon, reading: Reading): string[] {
  const stems: string[] = []
  for (const number of reading) if (number > 0) stems.push(lexicon.stems[number] ?? '')
  return stems
}

/** A word as the later stages see it. */
export interface WordFacts {
  /** Place of its stem in the vocabulary; -1 when it has none. */
  readonly term: number
  /** The way it is most often written inside sentences: `SEO`, `WordPress`, `référencement`. */
  readonly spelling: string
  /** How the texts use it; null when they do not tell. */
  readonly role: 'noun' | 'verb' | null
}

/** The facts of every word by number, once all texts are read. */
export function finishLexicon(lexicon: Lexicon, indexOf: ReadonlyMap<string, number>): WordFacts[] {
  return lexicon.words.map((word, number) => {
    const spellings = [...(lexicon.spellings[number] ?? [])]
    // Of equally frequent spellings the one in lower case, which is last in code unit order.
    spellings.sort(([a, left], [b, right]) => right - left || compareText(b, a))
    return {
      term: indexOf.get(lexicon.stems[number] ?? '') ?? -1,
      spelling: spellings[0]?.[0] ?? word,
      role: roleOf(lexicon.uses, word, lexicon.language),
    }
  })
}

function numberOf(lexicon: Lexicon, word: string): number {
  const known = lexicon.numbers.get(word)
  if (known !== undefined) return known
  const number = lexicon.words.length
  lexicon.numbers.set(word, number)
  lexicon.words.push(word)
  lexicon.stems.push(stem(word, lexicon.language))
  lexicon.spellings.push(new Map())
  return number
}

/** At most this many spellings of one word are counted; text cannot make the table grow without end. */
const MAX_SPELLINGS = 8

function countSpelling(lexicon: Lexicon, number: number, spelling: string): void {
  const spellings = lexicon.spellings[number]
  if (spellings === undefined) return
  const count = spellings.get(spelling)
  if (count !== undefined) spellings.set(spelling, count + 1)
  else if (spellings.size < MAX_SPELLINGS) spellings.set(spelling, 1)
}
