/** What a site is about: its pages in groups, each with a name, its own keywords and a sentence. */
import type { Keyword, Language, Theme } from '../types.ts'
import { clusterVectors } from './clusters.ts'
import { scorePhrase, selectPhrases } from './keywords.ts'
import {
  compactName,
  foldAccents,
  indexPhrases,
  type Phrase,
  phraseKey,
  surfaceOf,
  type TextPage,
} from './phrases.ts'
import { proseSentences } from './readability.ts'
import { isLinkWord } from './stop-words.ts'
import { contentTerms, countWords } from './tokens.ts'
import {
  buildVectors,
  centroid,
  cosine,
  projectTerms,
  type SparseVector,
  type VectorSpace,
} from './vectors.ts'

export interface ThemePage extends TextPage {
  readonly url: string
}

export interface Themes {
  /** Largest first. */
  readonly primary: readonly Theme[]
  /** Labels of subjects that are there but carry no theme of their own. */
  readonly secondary: readonly string[]
}

const MAX_PAGES = 200
const MAX_SECONDARY = 12
const KEYWORDS_PER_THEME = 10
const NAME_CANDIDATES = 30
/** In a crawl of this many pages one page alone is no theme of the site. */
const MIN_PAGES_FOR_PAIRS = 6
const TITLE_WEIGHT = 2
const MAX_SUMMARY = 300
const SUMMARY_WORDS = { min: 8, max: 40 }

interface Group {
  readonly pages: readonly number[]
  /** The phrase that names the group. */
  readonly name: Phrase | null
  /** Phrases of the group, the most telling first. */
  readonly phrases: readonly Phrase[]
}

/**
 * The themes of some pages, at most `max`, and secondary ones: pages are grouped by the cosine of their TF-IDF
 * vectors, and a phrase belongs to the one group where it is most at home, so that no two themes share keywords.
 * Labels come from titles where they can; `exclude` holds names that are no subject. Only the first 200 pages with
 * text are read.
 */
export function findThemes(
  pages: readonly ThemePage[],
  keywords: readonly Keyword[],
  max = 8,
  exclude: readonly string[] = [],
): Themes {
  const read = pages.filter((page) => page.text.trim() !== '').slice(0, MAX_PAGES)
  const space = spaceOf(read)
  const vectors = read.map((_, index) => space.vectors.get(String(index)) ?? emptyVector())
  const clusters = clusterVectors(vectors)
  const groups = describeGroups(read, clusters, keywords, new Set(exclude.map(compactName)))
  const slugs = new Set<string>()
  const enough = read.length >= MIN_PAGES_FOR_PAIRS ? 2 : 1
  const big = groups.filter(
    (group) => group.pages.length > enough || (group.pages.length === enough && isTitled(group)),
  )
  const chosen = (big.length > 0 ? big : groups)
    .filter((group) => group.name !== null)
    .slice(0, Math.max(0, max))
  const primary = chosen.map((group) => toTheme(group, { pages: read, space, vectors, slugs }))
  const rest = groups.filter((group) => !chosen.includes(group))
  return { primary, secondary: secondaryLabels(rest, keywords, primary, read) }
}

/** A small group is a theme only when one of its titles names it. */
function isTitled(group: Group): boolean {
  return group.pages.some((page) => group.name?.titled.has(page))
}

/** ASCII, lower-cased, words joined by hyphens, at most 60 characters; `theme` when nothing is left. */
export function slugOf(label: string): string {
  const slug = foldAccents(label)
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 60)
    .replace(/^-+|-+$/g, '')
  return slug === '' ? 'theme' : slug
}

function spaceOf(pages: readonly ThemePage[]): VectorSpace {
  return buildVectors(
    pages.map((page, index) => ({
      id: String(index),
      terms: [
        ...Array.from({ length: TITLE_WEIGHT }, () => contentTerms(page.title, page.language)).flat(),
        ...contentTerms(page.text, page.language),
      ],
    })),
    { minDocuments: pages.length >= MIN_PAGES_FOR_PAIRS ? 2 : 1 },
  )
}

function emptyVector(): SparseVector {
  return { indices: new Uint32Array(), weights: new Float64Array() }
}

// ── Which phrase is at home where ────────────────────────────────────────────────────────────────────────

function describeGroups(
  pages: readonly ThemePage[],
  clusters: readonly (readonly number[])[],
  keywords: readonly Keyword[],
  excluded: ReadonlySet<string>,
): Group[] {
  const phrases = indexPhrases(pages)
  const known = new Set(keywords.map((keyword) => keyword.term))
  const home = clusters.map((): { phrase: Phrase; score: number }[] => [])
  for (const phrase of selectPhrases(phrases, pages.length)) {
    if (excluded.has(compactName(surfaceOf(phrase)))) continue
    const ranked = clusters
      .map((cluster, index) => ({ index, score: belonging(phrase, cluster, pages.length) }))
      .sort((a, b) => b.score - a.score || a.index - b.index)
    const best = ranked[0]
    if (best === undefined || best.score <= 0) continue
    home[best.index]?.push({ phrase, score: best.score * (known.has(surfaceOf(phrase)) ? 1.25 : 1) })
  }
  return clusters.map((cluster, index) => {
    const ranked = (home[index] ?? []).sort(byScore)
    const named = ranked.slice(0, NAME_CANDIDATES).map(({ phrase, score }) => ({
      phrase,
      score: score * nameWeight(phrase, cluster),
    }))
    return {
      pages: cluster,
      name: named.sort(byScore)[0]?.phrase ?? null,
      phrases: ranked.map(({ phrase }) => phrase).slice(0, KEYWORDS_PER_THEME),
    }
  })
}

function byScore(a: { phrase: Phrase; score: number }, b: { phrase: Phrase; score: number }): number {
  return b.score - a.score || (a.phrase.key < b.phrase.key ? -1 : 1)
}

/** Names come from titles rather than from running text, two words name better than one, and nouns name at all. */
function nameWeight(phrase: Phrase, cluster: readonly number[]): number {
  const titled = cluster.filter((page) => phrase.titled.has(page)).length / cluster.length
  return (1 + 3 * titled) * (phrase.size > 1 ? 1.5 : 1) * (phrase.isNominal ? 1 : 0.1)
}

/** TF-IDF of a phrase within a cluster, by the share of the cluster's pages that hold it and its share outside. */
function belonging(phrase: Phrase, cluster: readonly number[], pageCount: number): number {
  const inside = new Map(
    cluster.flatMap((page) => {
      const count = phrase.pages.get(page)
      return count === undefined ? [] : [[page, count] as const]
    }),
  )
  if (inside.size === 0) return 0
  const coverage = inside.size / cluster.length
  const elsewhere = (phrase.pages.size - inside.size) / Math.max(1, pageCount - cluster.length)
  const titled = new Set(cluster.filter((page) => phrase.titled.has(page)))
  return scorePhrase({ ...phrase, pages: inside, titled }, cluster.length) * coverage * (1 - 0.8 * elsewhere)
}

// ── A theme ──────────────────────────────────────────────────────────────────────────────────────────────

interface ThemeContext {
  readonly pages: readonly ThemePage[]
  readonly space: VectorSpace
  readonly vectors: readonly SparseVector[]
  readonly slugs: Set<string>
}

function toTheme(group: Group, context: ThemeContext): Theme {
  const members = group.pages.flatMap((index) => context.pages[index] ?? [])
  const label = group.name === null ? '' : labelOf(group.name, members[0]?.language ?? null)
  return {
    slug: uniqueSlug(slugOf(label), context.slugs),
    label,
    share: Number((members.length / context.pages.length).toFixed(4)),
    keywords: group.phrases.slice(0, KEYWORDS_PER_THEME).map(surfaceOf),
    summary: summarise(group.pages, context),
    pageUrls: members.map((page) => page.url),
  }
}

/** English in title case, French with a first capital; what is mostly written in capitals keeps them. */
function labelOf(phrase: Phrase, language: Language | null): string {
  const surface = surfaceOf(phrase)
  if (phrase.capitals * 2 > phrase.count && surface.length <= 6) return surface.toUpperCase()
  if (language === 'fr') return capitalise(surface)
  return surface
    .split(' ')
    .map((word, index) => (index > 0 && isLinkWord(word, language) ? word : capitalise(word)))
    .join(' ')
}

function capitalise(text: string): string {
  const [first = '', ...rest] = [...text]
  return `${first.toUpperCase()}${rest.join('')}`
}

function uniqueSlug(slug: string, taken: Set<string>): string {
  let unique = slug
  for (let copy = 2; taken.has(unique); copy += 1) unique = `${slug}-${copy}`
  taken.add(unique)
  return unique
}

/** The sentence nearest to the middle of the group; else the start of its first text. */
function summarise(pages: readonly number[], { pages: all, space, vectors }: ThemeContext): string {
  const middle = centroid(pages.flatMap((index) => vectors[index] ?? []))
  let best = { sentence: '', score: 0 }
  for (const index of pages.slice(0, 20)) {
    const page = all[index]
    if (page === undefined) continue
    for (const sentence of proseSentences(page.text, page.language).slice(0, 200)) {
      const words = countWords(sentence, page.language)
      const fits = words >= SUMMARY_WORDS.min && words <= SUMMARY_WORDS.max && sentence.length <= MAX_SUMMARY
      if (!fits || !/[.…»"]$/.test(sentence)) continue
      const score = cosine(projectTerms(space, contentTerms(sentence, page.language)), middle)
      if (score > best.score) best = { sentence, score }
    }
  }
  return best.sentence === '' ? startOf(all[pages[0] ?? 0]?.text ?? '') : best.sentence
}

function startOf(text: string): string {
  const folded = text.replace(/\s+/g, ' ').trim()
  return folded.length <= 200 ? folded : `${folded.slice(0, 200).replace(/\s\S*$/, '')}…`
}

// ── Secondary themes ─────────────────────────────────────────────────────────────────────────────────────

function secondaryLabels(
  rest: readonly Group[],
  keywords: readonly Keyword[],
  primary: readonly Theme[],
  pages: readonly ThemePage[],
): string[] {
  const language = pages[0]?.language ?? null
  const taken = new Set(primary.flatMap((theme) => [theme.label, ...theme.keywords.slice(0, 3)]).map(slugOf))
  const primaryKeys = primary.map((theme) => phraseKey(theme.label, language))
  const labels: string[] = []
  const candidates = [
    ...rest.flatMap((group) => (group.name === null ? [] : [labelOf(group.name, language)])),
    ...keywords.map((keyword) => capitalise(keyword.term)),
  ]
  for (const label of candidates) {
    const key = phraseKey(label, language)
    if (taken.has(slugOf(label)) || primaryKeys.some((known) => known.includes(key))) continue
    taken.add(slugOf(label))
    labels.push(label)
  }
  return labels.slice(0, MAX_SECONDARY)
}
