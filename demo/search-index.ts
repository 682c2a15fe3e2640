/** A small search engine over the demo: BM25 on folded words, two "engines" merged as SearXNG merges them. */
import type { DemoLanguage } from './sites.ts'

export interface SearchDocument {
  readonly url: string
  readonly host: string
  readonly title: string
  /** Shown under the title. */
  readonly summary: string
  readonly text: string
  readonly language: DemoLanguage
  readonly publishedAt: Date | null
}

export interface SearchResult {
  readonly document: SearchDocument
  /** Engines that found it, in the order of `ENGINES`. */
  readonly engines: readonly string[]
  /** Its rank (1 = first) with each of those engines. */
  readonly positions: readonly number[]
  readonly score: number
}

interface Engine {
  readonly name: string
  /** What this engine reads of a document. */
  readonly field: (document: SearchDocument) => string
}

/** One engine judges by what a page says of itself, the other by all of its text. */
const ENGINES: readonly Engine[] = [
  { name: 'demo-a', field: ({ title, summary }) => `${title} ${title} ${summary}` },
  { name: 'demo-b', field: ({ title, summary, text }) => `${title} ${summary} ${text}` },
]

const K1 = 1.2
const B = 0.75
/** Most results of one host, so that one site cannot fill the page. */
const PER_HOST_MAX = 4
const ENGINE_RESULTS_MAX = 40
const QUERY_WORDS_MAX = 32
const LANGUAGE_BONUS = 1.3

interface Field {
  readonly counts: ReadonlyMap<string, number>
  readonly length: number
}

/** Words for matching: lower case, accents and plural endings off, single letters left out. */
export function foldedWords(text: string): string[] {
  const folded = text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
  const words = folded.match(/[\p{L}\p{N}]{2,}/gu) ?? []
  return words.map((word) => (word.length > 3 ? word.replace(/[sx]$/, '') : word))
}

/** Indexes the documents once; the function it gives back ranks them for a query, best first, at most 80. */
export function searchOver(documents: readonly SearchDocument[]) {
  const rankers = ENGINES.map((engine) => ({ name: engine.name, rank: rankerOf(engine, documents) }))
  return (query: string, language: DemoLanguage | null): SearchResult[] => {
    const words = [...new Set(foldedWords(query))].slice(0, QUERY_WORDS_MAX)
    const rankings = rankers.map(({ name, rank }) => ({ name, ranked: rank(words, language) }))
    return cappedPerHost(merged(rankings))
  }
}

function rankerOf(engine: Engine, documents: readonly SearchDocument[]) {
  const fields = documents.map((document) => fieldOf(foldedWords(engine.field(document))))
  const meanLength = fields.reduce((sum, { length }) => sum + length, 0) / Math.max(fields.length, 1)
  const documentsWith = new Map<string, number>()
  for (const { counts } of fields) {
    for (const word of counts.keys()) documentsWith.set(word, (documentsWith.get(word) ?? 0) + 1)
  }
  const weightOf = (word: string) => {
    const found = documentsWith.get(word) ?? 0
    return Math.log(1 + (documents.length - found + 0.5) / (found + 0.5))
  }
  return (words: readonly string[], language: DemoLanguage | null): SearchDocument[] =>
    documents
      .map((document, index) => {
        const field = fields[index] ?? fieldOf([])
        const bonus = document.language === language ? LANGUAGE_BONUS : 1
        return { document, score: bonus * bm25(words, field, meanLength, weightOf) }
      })
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score || (a.document.url < b.document.url ? -1 : 1))
      .slice(0, ENGINE_RESULTS_MAX)
      .map(({ document }) => document)
}

function fieldOf(words: readonly string[]): Field {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return { counts, length: words.length }
}

/** Okapi BM25, with the smoothed inverse document frequency of Lucene. */
function bm25(
  words: readonly string[],
  { counts, length }: Field,
  meanLength: number,
  weightOf: (word: string) => number,
): number {
  let sum = 0
  for (const word of words) {
    const count = counts.get(word) ?? 0
    if (count === 0) continue
    sum += (weightOf(word) * count * (K1 + 1)) / (count + K1 * (1 - B + (B * length) / meanLength))
  }
  return sum
}

/** Merges rankings the way SearXNG does: sum of 1/rank, times the number of engines that agree. */
function merged(rankings: readonly { name: string; ranked: readonly SearchDocument[] }[]): SearchResult[] {
  const found = new Map<string, { document: SearchDocument; engines: string[]; positions: number[] }>()
  for (const { name, ranked } of rankings) {
    ranked.forEach((document, index) => {
      const entry = found.get(document.url) ?? { document, engines: [], positions: [] }
      entry.engines.push(name)
      entry.positions.push(index + 1)
      found.set(document.url, entry)
    })
  }
  return [...found.values()]
    .map((entry) => ({
      ...entry,
      score: entry.engines.length * entry.positions.reduce((sum, position) => sum + 1 / position, 0),
    }))
    .sort((a, b) => b.score - a.score || (a.document.url < b.document.url ? -1 : 1))
}

function cappedPerHost(results: readonly SearchResult[]): SearchResult[] {
  const seen = new Map<string, number>()
  return results.filter(({ document: { host } }) => {
    const count = (seen.get(host) ?? 0) + 1
    seen.set(host, count)
    return count <= PER_HOST_MAX
  })
}
