/** How hard a text is to read. */
import type { Language, LanguageLevel } from '../types.ts'
import { countSyllables } from './syllables.ts'
import { sentences, words } from './tokens.ts'

export interface Readability {
  /** 0 hardest .. 100 easiest, clamped; null without text or for a language without formula. */
  readonly flesch: number | null
  /** About 20 (children's books) to 60 (dense prose); null without text. */
  readonly lix: number | null
  readonly wordsPerSentence: number
  readonly syllablesPerWord: number | null
  readonly sentences: number
  readonly words: number
}

const LONG_WORD = 6
/** Shorter pieces without a closing mark are labels, headings and menu entries rather than sentences. */
const MIN_UNMARKED_WORDS = 12

/**
 * Flesch reading ease: English 206.835 − 1.015 ASL − 84.6 ASW (Flesch 1948), French 207 − 1.015 ASL − 73.6 ASW
 * (Kandel and Moles 1958); ASL words per sentence, ASW syllables per word. LIX = ASL + 100 · share of words longer
 * than six letters (Björnsson 1968). Only prose counts: see {@link proseSentences}.
 */
export function measureReadability(text: string, language: Language | null): Readability {
  const prose = proseSentences(text, language).map((sentence) => spokenWords(sentence, language))
  const list = prose.flat()
  if (list.length === 0) {
    return { flesch: null, lix: null, wordsPerSentence: 0, syllablesPerWord: null, sentences: 0, words: 0 }
  }
  const perSentence = list.length / prose.length
  const long = list.filter((word) => [...word].length > LONG_WORD).length
  const perWord = language === null ? null : syllables(list, language) / list.length
  return {
    flesch: language === null || perWord === null ? null : flesch(perSentence, perWord, language),
    lix: round(perSentence + (100 * long) / list.length, 1),
    wordsPerSentence: round(perSentence, 1),
    syllablesPerWord: perWord === null ? null : round(perWord, 2),
    sentences: prose.length,
    words: list.length,
  }
}

/** Flesch reading ease from words per sentence and syllables per word, clamped to 0..100, one decimal. */
export function flesch(wordsPerSentence: number, syllablesPerWord: number, language: Language): number {
  const score =
    language === 'fr'
      ? 207 - 1.015 * wordsPerSentence - 73.6 * syllablesPerWord
      : 206.835 - 1.015 * wordsPerSentence - 84.6 * syllablesPerWord
  return round(Math.min(100, Math.max(0, score)), 1)
}

/**
 * The level of a text: the mean of what Flesch says (70 and more simple, 50 intermediate, 30 advanced, else expert)
 * and what LIX says (up to 40, 50, 60), halves rounded to the harder one. Without either: intermediate.
 */
export function levelOf(readability: Pick<Readability, 'flesch' | 'lix'>): LanguageLevel {
  const levels = ['simple', 'intermediate', 'advanced', 'expert'] as const
  const { flesch: ease, lix } = readability
  const ranks: number[] = []
  if (ease !== null) ranks.push([70, 50, 30].filter((limit) => ease < limit).length)
  if (lix !== null) ranks.push([40, 50, 60].filter((limit) => lix > limit).length)
  if (ranks.length === 0) return 'intermediate'
  return levels[Math.round(ranks.reduce((sum, rank) => sum + rank, 0) / ranks.length)] ?? 'intermediate'
}

/** Sentences that end in a mark or are long enough; every sentence when there are no such ones. */
export function proseSentences(text: string, language: Language | null): string[] {
  const all = sentences(text, language)
  const prose = all.filter((sentence) => {
    const length = sentence.split(' ').length
    return length >= MIN_UNMARKED_WORDS || (length >= 3 && /[.!?…]["'»”)\]]*$/.test(sentence))
  })
  return prose.length > 0 ? prose : all
}

/** An elided word is spoken with the next: `l'école` is one. */
function spokenWords(sentence: string, language: Language | null): string[] {
  return words(sentence, language).filter((word) => !word.endsWith("'"))
}

function syllables(list: readonly string[], language: Language): number {
  return list.reduce((sum, word) => sum + countSyllables(word, language), 0)
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
