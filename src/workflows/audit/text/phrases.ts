/** The phrases of a set of pages: runs of one to three content words, counted and grouped by stem. */
import type { Language } from '../types.ts'
import { isLinkWord } from './stop-words.ts'
import { isContentWord, normaliseText, stem, type Token, tokenize } from './tokens.ts'
import { countUses, endsOf, newWordUses, roleOf, type WordUses } from './word-uses.ts'

export interface TextPage {
  readonly text: string
  readonly title: string
  readonly language: Language | null
}

/** All forms of one phrase. */
export interface Phrase {
  /** Stems without accents, in order, joined by spaces. */
  readonly key: string
  /** Content words in it, 1..3. */
  readonly size: number
  /** Occurrences over all pages, titles included. */
  count: number
  /** Occurrences per page, by index of the page. */
  readonly pages: Map<number, number>
  /** Pages that have it in their title, by index. */
  readonly titled: Set<number>
  /** Occurrences of each lower-cased surface form; none is left of what only begins or ends with verbs. */
  readonly forms: Map<string, number>
  /** Of the page it was first met on. */
  readonly language: Language | null
  /** True when one of its ends is used as a noun. */
  isNominal: boolean
  /** Occurrences written in capitals only, such as RGPD. */
  capitals: number
}

interface ContentToken extends Token {
  readonly stem: string
  /** True when only spaces, a hyphen or linking words stand between it and the content word before. */
  readonly joined: boolean
}

const MAX_PAGES = 500
const MAX_TOKENS_PER_PAGE = 20_000
const MAX_LINKS = 2
export const MAX_PHRASE_WORDS = 3

/**
 * Phrases of pages by key. Words of a title count as an occurrence each. Forms that begin or end with what these
 * pages use as a verb are dropped (see `word-uses.ts`). At most 500 pages are read.
 */
export function indexPhrases(pages: readonly TextPage[]): ReadonlyMap<string, Phrase> {
  const phrases = new Map<string, Phrase>()
  const uses = newWordUses()
  pages.slice(0, MAX_PAGES).forEach((page, index) => {
    addText(phrases, uses, page, { page: index, inTitle: true })
    addText(phrases, uses, page, { page: index, inTitle: false })
  })
  for (const phrase of phrases.values()) judgeForms(phrase, uses)
  return phrases
}

function judgeForms(phrase: Phrase, uses: WordUses): void {
  let verbal = 0
  for (const [form, count] of [...phrase.forms]) {
    const roles = endsOf(form).map((word) => roleOf(uses, word, phrase.language))
    if (roles.includes('verb')) {
      phrase.forms.delete(form)
      verbal += count
    } else phrase.isNominal ||= roles.includes('noun')
  }
  // What is left of a word that is mostly a verb is a rarer form of that verb, unless it is seen as a noun.
  if (verbal * 2 > phrase.count && !phrase.isNominal) phrase.forms.clear()
}

/** Stem without accents, so that capitals without accents fall into the same group. */
export function phraseKey(text: string, language: Language | null): string {
  const normal = normaliseText(text)
  return contentTokens(normal, tokenize(normal, language), language)
    .map((token) => token.stem)
    .join(' ')
}

/** The most frequent surface form; of equals the one with more accents, then the shorter, then by name. */
export function surfaceOf(phrase: Phrase): string {
  const ordered = [...phrase.forms].sort(
    ([a, left], [b, right]) =>
      right - left || accents(b) - accents(a) || a.length - b.length || (a < b ? -1 : 1),
  )
  return ordered[0]?.[0] ?? phrase.key
}

/** Lower-cased, without accents and ligatures. */
export function foldAccents(text: string): string {
  return text
    .toLowerCase()
    .replace(/œ/g, 'oe')
    .replace(/æ/g, 'ae')
    .replace(/ß/g, 'ss')
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
}

interface Place {
  readonly page: number
  readonly inTitle: boolean
}

function addText(phrases: Map<string, Phrase>, uses: WordUses, page: TextPage, place: Place): void {
  const text = normaliseText(place.inTitle ? page.title : page.text)
  const all = tokenize(text, page.language).slice(0, MAX_TOKENS_PER_PAGE)
  if (page.language !== null) countUses(uses, text, all, page.language)
  const tokens = contentTokens(text, all, page.language)
  tokens.forEach((token, at) => {
    let key = ''
    for (let size = 1; size <= MAX_PHRASE_WORDS; size += 1) {
      const last = tokens[at + size - 1]
      if (last === undefined || (size > 1 && !last.joined)) break
      key = size === 1 ? last.stem : `${key} ${last.stem}`
      const phrase = phrases.get(key) ?? newPhrase(key, size, page.language)
      phrases.set(key, phrase)
      addOccurrence(phrase, text.slice(token.start, last.end).replace(/\s+/g, ' '), place)
    }
  })
}

function newPhrase(key: string, size: number, language: Language | null): Phrase {
  return {
    key,
    size,
    language,
    count: 0,
    pages: new Map(),
    titled: new Set(),
    forms: new Map(),
    isNominal: false,
    capitals: 0,
  }
}

function addOccurrence(phrase: Phrase, surface: string, { page, inTitle }: Place): void {
  phrase.count += 1
  phrase.pages.set(page, (phrase.pages.get(page) ?? 0) + 1)
  if (inTitle) phrase.titled.add(page)
  const form = surface.toLowerCase()
  phrase.forms.set(form, (phrase.forms.get(form) ?? 0) + 1)
  if (surface !== form && surface === surface.toUpperCase()) phrase.capitals += 1
}

function contentTokens(text: string, tokens: readonly Token[], language: Language | null): ContentToken[] {
  const found: ContentToken[] = []
  let end = -1
  let links = 0
  for (const token of tokens) {
    const near =
      end >= 0 && /^[ \n]?-?$/.test(text.slice(end, token.start)) && !/\n/.test(text.slice(end, token.start))
    if (isContentWord(token.word, language)) {
      found.push({
        ...token,
        stem: foldAccents(stem(token.word, language)),
        joined: near && links <= MAX_LINKS,
      })
      links = 0
      end = token.end
    } else if (near && isLinkWord(token.word, language)) {
      links += 1
      end = token.end
    } else {
      end = -1
      links = 0
    }
  }
  return found
}

function accents(text: string): number {
  return text.normalize('NFD').match(/\p{M}/gu)?.length ?? 0
}

/** Letters and digits only, without accents: for comparing names however they are written. */
export function compactName(text: string): string {
  return foldAccents(text).replace(/[^\p{L}\p{N}]/gu, '')
}
