/** What to ask a search engine so that it shows a site's competitors. Pure. */
import type { Language, SiteProfile } from '../types.ts'
import { fold } from './folding.ts'
import { placeName } from './markets.ts'

const MAX_WORDS = 8
const MAX_LENGTH = 100
const MAX_TERMS = 24

/** How companies are called in each language, best first. */
const COMPANY_WORDS: Readonly<Record<Language, readonly [string, string, string]>> = {
  fr: ['entreprise', 'solution', 'fournisseur'],
  en: ['company', 'solutions', 'provider'],
}

interface Subject {
  readonly label: string
  readonly keywords: readonly string[]
}

/**
 * Queries for the competitors of a site, at most `max`, best first, no two with the same words. Each holds a
 * theme or a keyword of the profile; words for "company" and the place come in the language of the site.
 *
 * `country` is ISO 3166-1 (`FR`) or ISO 3166-2 (`FR-BRE`). Terms that spell one of `ownNames` are left out: they
 * would only find the client. Empty when the profile holds neither theme nor keyword.
 */
export function buildQueries(
  profile: SiteProfile,
  country: string | null,
  max = 12,
  ownNames: readonly string[] = [],
): string[] {
  const language = profile.language ?? 'en'
  const own = new Set(ownNames.map(squeeze))
  const usable = (term: string) => term !== '' && !own.has(squeeze(term))
  const subjects = readSubjects(profile, usable)
  const terms = profile.keywords
    .slice(0, MAX_TERMS)
    .map(({ term }) => tidy(term))
    .filter(usable)
  const clear = clarifier([...terms, ...subjects.flatMap(({ label, keywords }) => [label, ...keywords])])
  const names = subjects.map(({ label, keywords }) => clear(label, keywords))
  const keywords = terms.map((term) => clear(term))
  const place = placeName(country, language)
  const words = COMPANY_WORDS[language]
  return distinct(
    [
      ...names.slice(0, 5),
      ...names.slice(0, 3).map((name) => `${name} ${words[0]}`),
      ...(place === null ? [] : names.slice(0, 2).map((name) => `${name} ${place}`)),
      ...subjects.slice(0, 3).flatMap((subject) => pairs(subject.keywords, 1, clear)),
      ...keywords.slice(0, 2).map((term) => `${term} ${words[1]}`),
      ...pairs(terms, 4, clear),
      ...(place === null ? [] : keywords.slice(0, 2).map((term) => `${term} ${words[0]} ${place}`)),
      ...names.slice(5),
      ...names.slice(0, 4).map((name) => `${name} ${words[2]}`),
      ...keywords.slice(2, 8).map((term) => `${term} ${words[0]}`),
    ],
    max,
  )
}

function readSubjects(profile: SiteProfile, usable: (term: string) => boolean): Subject[] {
  const themes: Subject[] = profile.themes.slice(0, MAX_TERMS).map(({ label, keywords }) => ({
    label: tidy(label),
    keywords: keywords.slice(0, MAX_TERMS).map(tidy).filter(usable),
  }))
  const secondary = profile.secondaryThemes
    .slice(0, MAX_TERMS)
    .map((label) => ({ label: tidy(label), keywords: [] }))
  return [...themes, ...secondary].filter(({ label }) => usable(label))
}

type Clarify = (term: string, more?: readonly string[]) => string

/**
 * One word alone (`pieces`) finds the whole world: it gets the first phrase of the profile, else the first of
 * `more` that adds to it. Several words stand as they are.
 */
function clarifier(terms: readonly string[]): Clarify {
  const phrase = terms.find((term) => term.includes(' '))
  return (term, more = []) => {
    if (term.includes(' ')) return term
    const added = phrase ?? more.find((other) => wordKey(other) !== wordKey(term))
    if (added === undefined) return term
    return wordKey(added).split(' ').includes(wordKey(term)) ? added : `${term} ${added}`
  }
}

/** Neighbours joined two by two: first and second, third and fourth. */
function pairs(terms: readonly string[], count: number, clear: Clarify): string[] {
  return Array.from({ length: Math.min(count, Math.floor(terms.length / 2)) }, (_, index) => {
    const [first = '', second = ''] = terms.slice(index * 2, index * 2 + 2)
    return second.includes(' ') ? `${first} ${second}` : `${clear(first)} ${second}`
  })
}

/**
 * Words only. The texts come from somebody's pages: `!bang`, `site:` or `-word` would be orders to the engine.
 */
function tidy(term: string): string {
  return (
    term
      .slice(0, 300)
      .normalize('NFC')
      .match(/[\p{L}\p{N}][\p{L}\p{N}\p{M}'’.+#&-]*/gu) ?? []
  )
    .map((word) => word.replace(/[^\p{L}\p{N}\p{M}+#]+$/u, ''))
    .slice(0, MAX_WORDS)
    .join(' ')
}

/** One query per set of words, repeated words left out. */
function distinct(queries: readonly string[], max: number): string[] {
  const known = new Map<string, string>()
  for (const query of queries) {
    const words = uniqueWords(query)
    const key = wordKey(words)
    if (words !== '' && !known.has(key)) known.set(key, words)
  }
  return [...known.values()].slice(0, Math.max(0, max))
}

function uniqueWords(query: string): string {
  const seen = new Map<string, string>()
  for (const word of query.split(' ')) {
    const key = wordKey(word)
    if (!seen.has(key)) seen.set(key, word)
  }
  const kept = [...seen.values()].slice(0, MAX_WORDS)
  while (kept.join(' ').length > MAX_LENGTH) kept.pop()
  return kept.join(' ')
}

/** The folded words in one order, without the s or x of plurals: what two queries for the same share. */
function wordKey(query: string): string {
  return fold(query)
    .split(' ')
    .map((word) => (word.length > 3 ? word.replace(/[sx]$/, '') : word))
    .sort()
    .join(' ')
}

function squeeze(term: string): string {
  return fold(term).replace(/[^\p{L}\p{N}]+/gu, '')
}
