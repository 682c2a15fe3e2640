/** Sentences, words and stems of French and English text: the one tokenizer of the audit. */
import { createRequire } from 'node:module'
import type snowball from 'snowball-stemmers'
import type { Language } from '../types.ts'
import { isStopWord } from './stop-words.ts'

/** A word of a text. `start` and `end` are offsets in {@link normaliseText} of it. */
export interface Token {
  /** Lower-cased, NFC, straight apostrophes. An elided article keeps its apostrophe: `l'`. */
  readonly word: string
  readonly start: number
  readonly end: number
}

/** Longest text that is looked at, in UTF-16 units; the rest is left out. */
export const MAX_TEXT_LENGTH = 500_000
const MAX_WORD_LENGTH = 60
const MAX_STEM_CACHE = 50_000

const ELISION = /^(?:l|d|j|n|s|c|m|t|qu|jusqu|lorsqu|puisqu|quoiqu)'(?=[\p{L}\p{N}])/iu
const WHOLE = new Set(["aujourd'hui", "d'abord", "d'accord", "d'ailleurs", "c'est-à-dire"])
/** Hashes, part numbers and names from code. */
const IDENTIFIER = /_|\d.*\d.*\d/
/** A closing quote that was parted from its sentence. */
const CLOSING = /^[»"”)\]]/
const ABBREVIATION =
  /(?:^|[\s(])(?:m|mm|mme|mlle|mr|mrs|ms|dr|me|pr|prof|st|ste|art|al|cf|ex|env|fig|inc|jr|ltd|no|nos|p|pp|sr|tél|vol|vs|e\.g|i\.e|[A-Z])\.$/iu

const wordSegmenters: Readonly<Record<Language, Intl.Segmenter>> = {
  fr: new Intl.Segmenter('fr', { granularity: 'word' }),
  en: new Intl.Segmenter('en', { granularity: 'word' }),
}
const sentenceSegmenters: Readonly<Record<Language, Intl.Segmenter>> = {
  fr: new Intl.Segmenter('fr', { granularity: 'sentence' }),
  en: new Intl.Segmenter('en', { granularity: 'sentence' }),
}
type Stemmer = ReturnType<typeof snowball.newStemmer>

const load = createRequire(import.meta.url)
let stemmers: Readonly<Record<Language, Stemmer>> | null = null

/** Loaded with the first word: the tables are 1 MiB of program that an idle daemon need not hold. */
function stemmerOf(language: Language): Stemmer {
  if (stemmers === null) {
    const { newStemmer } = load('snowball-stemmers') as typeof snowball
    stemmers = { fr: newStemmer('french'), en: newStemmer('english') }
  }
  return stemmers[language]
}
const stemCaches: Readonly<Record<Language, Map<string, string>>> = { fr: new Map(), en: new Map() }

/** NFC, straight apostrophes, plain spaces, no soft hyphens; at most {@link MAX_TEXT_LENGTH} units. */
export function normaliseText(text: string): string {
  return text
    .slice(0, MAX_TEXT_LENGTH)
    .normalize('NFC')
    .replace(/[\u2019\u02BC\u2018]/g, "'")
    .replace(/[\u00AD\u200B\uFEFF]/g, '')
    .replace(/[\u00A0\u2009\u202F\u2011]/g, (mark) => (mark === '\u2011' ? '-' : ' '))
}

/** Number of words, an elided article and its noun counting as one. */
export function countWords(text: string, language: Language | null = null): number {
  let count = 0
  for (const segment of wordSegmenters[language ?? 'en'].segment(text.slice(0, MAX_TEXT_LENGTH))) {
    if (segment.isWordLike) count += 1
  }
  return count
}

/** The sentences of a text, trimmed, whitespace folded. A blank line always ends a sentence. */
export function sentences(text: string, language: Language | null = null): string[] {
  const found: string[] = []
  for (const paragraph of normaliseText(text).split(/\n\s*\n/)) {
    let held = ''
    const folded = paragraph.replace(/\s+/g, ' ').trim()
    for (const { segment } of sentenceSegmenters[language ?? 'en'].segment(folded)) {
      if (held === '' && CLOSING.test(segment)) held = `${found.pop() ?? ''} ${segment}`
      else held += segment
      if (ABBREVIATION.test(held.trimEnd())) continue
      if (held.trim() !== '') found.push(held.trim())
      held = ''
    }
    if (held.trim() !== '') found.push(held.trim())
  }
  return found
}

/** The words of a text in order, with their place in `normaliseText(text)`; French elisions are split. */
export function tokenize(text: string, language: Language | null = null): Token[] {
  const normal = normaliseText(text)
  const tokens: Token[] = []
  for (const segment of wordSegmenters[language ?? 'en'].segment(normal)) {
    if (!segment.isWordLike || segment.segment.length > MAX_WORD_LENGTH) continue
    const parts = language === 'en' ? [segment.segment] : splitElision(segment.segment)
    let start = segment.index
    for (const part of parts) {
      pushToken(tokens, normal, { word: part.toLowerCase(), start, end: start + part.length })
      start += part.length
    }
  }
  return tokens
}

/** The lower-cased words of a text in order; `l'école` gives `l'` and `école`. */
export function words(text: string, language: Language | null = null): string[] {
  return tokenize(text, language).map((token) => token.word)
}

/** Snowball stem of a lower-cased word. Without a language the word itself. */
export function stem(word: string, language: Language | null): string {
  if (language === null) return word
  const cache = stemCaches[language]
  const known = cache.get(word)
  if (known !== undefined) return known
  const root = language === 'fr' ? singular(stemmerOf('fr').stem(word)) : stemmerOf('en').stem(word)
  if (cache.size >= MAX_STEM_CACHE) cache.clear()
  cache.set(word, root)
  return root
}

/** True when a lower-cased word may carry a subject: two letters or more, no stop word, number or identifier. */
export function isContentWord(word: string, language: Language | null): boolean {
  if (word.length < 2 || word.endsWith("'") || !/\p{L}/u.test(word) || IDENTIFIER.test(word)) return false
  return !isStopWord(word, language)
}

/** The stems of the words that carry the subject, in order, repeats kept: the input of `buildVectors`. */
export function contentTerms(text: string, language: Language | null): string[] {
  return words(text, language)
    .filter((word) => isContentWord(word, language))
    .map((word) => stem(word, language))
}

/** The French algorithm keeps the s of `vélos`; a plural and its singular must meet. */
function singular(root: string): string {
  return root.length > 4 && /[aiouéû]s$/.test(root) ? root.slice(0, -1) : root
}

function splitElision(segment: string): string[] {
  const elided = WHOLE.has(segment.toLowerCase()) ? null : ELISION.exec(segment)
  if (elided === null) return [segment]
  return [elided[0], ...splitElision(segment.slice(elided[0].length))]
}

/** Adds a token; one letter and a hyphen before it belong to the word: `e-commerce`. */
function pushToken(tokens: Token[], text: string, token: Token): void {
  const last = tokens.at(-1)
  const joins =
    last !== undefined &&
    last.end - last.start === 1 &&
    last.end + 1 === token.start &&
    text[last.end] === '-' &&
    text[last.start - 1] !== '-' &&
    /\p{L}/u.test(last.word) &&
    /^\p{L}{3}/u.test(token.word)
  if (!joins) {
    tokens.push(token)
    return
  }
  tokens.pop()
  tokens.push({ word: `${last.word}-${token.word}`, start: last.start, end: token.end })
}
