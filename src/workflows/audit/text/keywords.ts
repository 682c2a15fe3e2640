/** The keywords of a crawl. */
import type { Keyword } from '../types.ts'
import {
  compactName,
  indexPhrases,
  MAX_PHRASE_WORDS,
  type Phrase,
  surfaceOf,
  type TextPage,
} from './phrases.ts'

/** A block on more than this share of the pages belongs to the site, not to the page. */
const BOILERPLATE_SHARE = 0.3
const BOILERPLATE_MIN_PAGES = 4
/** A phrase takes the place of a shorter one when it makes up this share of its occurrences. */
const SUBSUMED_SHARE = 0.6
/** Times a phrase must occur, by number of words. */
const MIN_COUNT = [0, 1, 2, 3]
/** Share of the occurrences of its rarest word that stand in the phrase, by number of words. */
const MIN_COHESION = [0, 0, 0.25, 0.4]
/** Longer phrases say more. */
const SIZE_WEIGHT = [0, 1, 2, 2.2]
const MAX_LIMIT = 500

/**
 * Removes text blocks (parted by blank lines; digits alike) that stand on more than 30% of the pages, when there
 * are four pages or more with different texts: menus, banners, legal lines. Pages keep their order and other
 * fields; one that was nothing but boilerplate keeps an empty text.
 */
export function removeBoilerplate<Page extends { readonly text: string }>(pages: readonly Page[]): Page[] {
  const distinct = new Set(pages.map((page) => page.text))
  if (distinct.size < BOILERPLATE_MIN_PAGES) return [...pages]
  const seen = new Map<string, number>()
  for (const text of distinct) {
    for (const mark of new Set(blocksOf(text).map(markOf))) seen.set(mark, (seen.get(mark) ?? 0) + 1)
  }
  const kept = (block: string): boolean => (seen.get(markOf(block)) ?? 0) <= distinct.size * BOILERPLATE_SHARE
  return pages.map((page) => ({ ...page, text: blocksOf(page.text).filter(kept).join('\n\n') }))
}

/**
 * Keeps a text block that several pages hold only on the first of them, such as a card that announces another page.
 * A page that would lose more than half of its text keeps all of it.
 */
export function keepFirstOfRepeats<Page extends { readonly text: string }>(pages: readonly Page[]): Page[] {
  const seen = new Set<string>()
  return pages.map((page) => {
    const blocks = blocksOf(page.text)
    const fresh = blocks.filter((block) => !seen.has(markOf(block)))
    for (const block of fresh) seen.add(markOf(block))
    const text = fresh.join('\n\n')
    return text.length * 2 < page.text.length ? page : { ...page, text }
  })
}

/**
 * Keywords of one to three words, best first, `score` 0..1 relative to the best. Score of a phrase: the sum over
 * pages of 1 + ln(occurrences), times ln((1 + N) / (1 + pages with it)) + 1 (sublinear tf, smoothed idf), times a
 * weight for its length, half as much again when every page with it has it in its title. Forms of one stem are one keyword, shown as most often written; phrases that live inside
 * a longer one are merged into it. `exclude` names what is no subject, such as the brand of the site.
 */
export function extractKeywords(
  pages: readonly TextPage[],
  limit: number,
  exclude: readonly string[] = [],
): Keyword[] {
  const phrases = indexPhrases(pages)
  const excluded = new Set(exclude.map(compactName))
  const ranked = selectPhrases(phrases, pages.length)
    .map((phrase) => ({ phrase, term: surfaceOf(phrase), score: scorePhrase(phrase, pages.length) }))
    .filter(({ term }) => !excluded.has(compactName(term)))
    .sort((a, b) => b.score - a.score || (a.phrase.key < b.phrase.key ? -1 : 1))
    .slice(0, Math.min(Math.max(0, limit), MAX_LIMIT))
  const best = ranked[0]?.score ?? 1
  return ranked.map(({ phrase, term, score }) => ({
    term,
    score: Number((score / best).toFixed(4)),
    count: phrase.count,
    pages: phrase.pages.size,
  }))
}

/** The phrases that stand for themselves: no verbs, often enough, cohesive, and not swallowed by a longer one. */
export function selectPhrases(phrases: ReadonlyMap<string, Phrase>, pageCount: number): Phrase[] {
  const strong = [...phrases.values()].filter((phrase) => isStrong(phrase, phrases, pageCount))
  const longest = new Map<string, number>()
  for (const phrase of strong) {
    for (const part of partsOf(phrase.key)) longest.set(part, Math.max(longest.get(part) ?? 0, phrase.count))
  }
  return strong.filter((phrase) => (longest.get(phrase.key) ?? 0) < phrase.count * SUBSUMED_SHARE)
}

/** TF-IDF of a phrase over `pageCount` pages, as {@link extractKeywords} says. */
export function scorePhrase(phrase: Phrase, pageCount: number): number {
  const idf = Math.log((1 + pageCount) / (1 + phrase.pages.size)) + 1
  let tf = 0
  for (const count of phrase.pages.values()) tf += 1 + Math.log(count)
  const titled = phrase.titled.size / Math.max(1, phrase.pages.size)
  return tf * idf * (SIZE_WEIGHT[phrase.size] ?? 1) * (1 + titled / 2)
}

function isStrong(phrase: Phrase, phrases: ReadonlyMap<string, Phrase>, pageCount: number): boolean {
  if (phrase.forms.size === 0) return false
  if (phrase.count < (MIN_COUNT[phrase.size] ?? 0)) return false
  const words = phrase.key.split(' ')
  if (phrase.size === 1) return isWordEnough(phrase, pageCount)
  if (new Set(words).size < words.length) return false
  const rarest = Math.min(...words.map((word) => phrases.get(word)?.count ?? phrase.count))
  return phrase.count >= rarest * (MIN_COHESION[phrase.size] ?? 1)
}

/** Two letters must be an acronym; in a crawl a word seen once says nothing. */
function isWordEnough(phrase: Phrase, pageCount: number): boolean {
  if (surfaceOf(phrase).length < 3 && phrase.capitals * 2 <= phrase.count) return false
  return phrase.count > 1 || pageCount < BOILERPLATE_MIN_PAGES
}

/** The shorter runs of words inside a key. */
function partsOf(key: string): string[] {
  const words = key.split(' ')
  const parts: string[] = []
  for (let size = 1; size < Math.min(words.length, MAX_PHRASE_WORDS); size += 1) {
    for (let at = 0; at + size <= words.length; at += 1) parts.push(words.slice(at, at + size).join(' '))
  }
  return parts
}

function blocksOf(text: string): string[] {
  return text.split(/\n\s*\n/).filter((block) => block.trim() !== '')
}

function markOf(block: string): string {
  return block.toLowerCase().replace(/\d+/g, '0').replace(/\s+/g, ' ').trim()
}
