/**
 * The articles of a run made ready: in a stable order, dated, cleaned of boilerplate, read once and turned into
 * vectors.
 *
 * Languages share one vector space, where equal stems are one dimension, yet each weighs its terms by how rare
 * they are in its own articles. So a small language is not drawn together by words that are merely foreign, and
 * articles of two languages are near each other only through terms that both use: product names, acronyms, loans.
 */
import { buildVectors, type SparseVector } from '../text/vectors.ts'
import type { Language, TrendArticle } from '../types.ts'
import { finishLexicon, newLexicon, type Reading, readText, stemsOf, type WordFacts } from './lexicon.ts'
import { compareText } from './numbers.ts'
import { withoutRepeatedParagraphs } from './repeated-paragraphs.ts'
import { usableDate } from './temporal.ts'

/** Longest text of one article that is read, in UTF-16 units: some 8,000 words. */
const MAX_ARTICLE_LENGTH = 50_000
/** A word of the title counts as much as this many in the text. */
const TITLE_WEIGHT = 3
const ABORT_CHECK_EVERY = 50

export interface CorpusArticle {
  readonly id: string
  readonly domain: string
  readonly role: TrendArticle['role']
  readonly title: string
  /** Without boilerplate. */
  readonly text: string
  /** The language it is read in; articles of unknown language are read in the most common one. */
  readonly language: Language
  readonly publishedMs: number | null
  readonly words: number
  readonly reading: Reading
  readonly titleReading: Reading
  /** Unit length, in the joint vocabulary; empty when nothing could be read. */
  readonly vector: SparseVector
  /** Place in the corpus of the first article with the same words; its own place when it is the first. */
  readonly original: number
}

export interface Corpus {
  /** By id, in code unit order; of equal ids only the first is kept. */
  readonly articles: readonly CorpusArticle[]
  /** Stems by index, in code unit order. */
  readonly vocabulary: readonly string[]
  readonly indexOf: ReadonlyMap<string, number>
  /** Facts of the words of each language by their number in readings; a link word's is the number negated. */
  readonly words: Readonly<Record<Language, readonly WordFacts[]>>
  /** The language to report in: that of most client articles, else of most articles, else English. */
  readonly language: Language
}

/** Reads the articles into a corpus; `signal` is looked at between chunks. */
export function readCorpus(articles: readonly TrendArticle[], asOfMs: number, signal?: AbortSignal): Corpus {
  const ordered = inStableOrder(articles)
  const language =
    mainLanguage(ordered.filter((article) => article.role === 'client')) ?? mainLanguage(ordered) ?? 'en'
  const unknown = mainLanguage(ordered) ?? 'en'
  const lexicons = { fr: newLexicon('fr'), en: newLexicon('en') }
  const texts = withoutRepeatedParagraphs(
    ordered.map(({ domain, text }) => ({ domain, text: text.slice(0, MAX_ARTICLE_LENGTH) })),
  )
  const firstWith = new Map<string, number>()
  const read = ordered.map((article, at) => {
    if (at % ABORT_CHECK_EVERY === 0) signal?.throwIfAborted()
    const lexicon = lexicons[article.language ?? unknown]
    const text = texts[at] ?? ''
    const { reading, words } = readText(lexicon, text)
    const body = stemsOf(lexicon, reading)
    const titleReading = readText(lexicon, article.title).reading
    const title = stemsOf(lexicon, titleReading)
    const key = `${lexicon.language} ${body.length === 0 ? article.id : body.join(' ')}`
    const original = firstWith.get(key) ?? at
    firstWith.set(key, original)
    const terms = [...body, ...Array.from({ length: TITLE_WEIGHT }, () => title).flat()]
    return { article, text, language: lexicon.language, reading, titleReading, words, terms, original }
  })
  const space = jointSpace(read.filter((one, at) => one.original === at))
  return {
    articles: read.map(({ article, terms: _terms, ...one }) => ({
      ...one,
      id: article.id,
      domain: article.domain,
      role: article.role,
      title: article.title,
      publishedMs: usableDate(article.publishedAt, asOfMs),
      vector: space.vectors.get(ordered[one.original]?.id ?? '') ?? EMPTY,
    })),
    vocabulary: space.vocabulary,
    indexOf: space.indexOf,
    words: {
      fr: finishLexicon(lexicons.fr, space.indexOf),
      en: finishLexicon(lexicons.en, space.indexOf),
    },
    language,
  }
}

const EMPTY: SparseVector = { indices: new Uint32Array(0), weights: new Float64Array(0) }
const LANGUAGES: readonly Language[] = ['fr', 'en']

/**
 * Sorted by address, then by the rest of their content, and only then by id, the first of each id kept. Ids say in
 * which order articles were stored: that depends on which site answered first, and must not decide between topics.
 */
function inStableOrder(articles: readonly TrendArticle[]): TrendArticle[] {
  const sorted = articles
    .map((article) => ({ ...article, domain: article.domain.toLowerCase() }))
    .sort(
      (a, b) =>
        compareText(a.url, b.url) ||
        compareText(a.title, b.title) ||
        compareText(a.text, b.text) ||
        compareText(a.id, b.id),
    )
  const seen = new Set<string>()
  return sorted.filter((article) => !seen.has(article.id) && seen.add(article.id))
}

function mainLanguage(articles: readonly TrendArticle[]): Language | null {
  const french = articles.filter((article) => article.language === 'fr').length
  const english = articles.filter((article) => article.language === 'en').length
  if (french + english === 0) return null
  return french >= english ? 'fr' : 'en'
}

interface ReadArticle {
  readonly article: TrendArticle
  readonly language: Language
  readonly terms: readonly string[]
}

/** TF-IDF per language, brought into one vocabulary. */
function jointSpace(read: readonly ReadArticle[]): {
  vocabulary: string[]
  indexOf: Map<string, number>
  vectors: Map<string, SparseVector>
} {
  const spaces = LANGUAGES.map((language) =>
    buildVectors(
      read
        .filter((one) => one.language === language)
        .map(({ article, terms }) => ({ id: article.id, terms })),
    ),
  )
  const vocabulary = [...new Set(spaces.flatMap((space) => space.vocabulary))].sort()
  const indexOf = new Map(vocabulary.map((term, index) => [term, index]))
  const vectors = new Map<string, SparseVector>()
  for (const space of spaces) {
    // Both vocabularies are in code unit order, so the indices keep ascending.
    const moved = Uint32Array.from(space.vocabulary, (term) => indexOf.get(term) ?? 0)
    for (const [id, { indices, weights }] of space.vectors) {
      vectors.set(id, { indices: indices.map((index) => moved[index] ?? 0), weights })
    }
  }
  return { vocabulary, indexOf, vectors }
}
