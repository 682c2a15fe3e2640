/** Hits of many queries made into one candidate per site. Pure. */
import type { Competitor, SearchHit } from '../types.ts'
import { hostOf, registrableDomain } from './domains.ts'

export type Source = Competitor['sources'][number]

/** The hits of one query that was answered. */
export interface AnsweredQuery {
  readonly query: string
  readonly hits: readonly SearchHit[]
}

/** One site that the search found, or that a person named. */
export interface Candidate {
  /** Registrable domain. */
  readonly domain: string
  /** Host names of its hits, sorted; the domain itself when there are none. */
  readonly hosts: readonly string[]
  /** Title of its best hit. */
  readonly title: string
  /** Different snippets, best hit first, separated by ` … `. */
  readonly snippet: string
  /** One per query and engine, in order of query, rank and engine. */
  readonly sources: readonly Source[]
  /** True when every hit is a PDF, an office file or an archive. */
  readonly documentsOnly: boolean
}

const MAX_SOURCES = 100
const MAX_SNIPPET = 2_000
const DOCUMENT = /\.(?:pdf|docx?|pptx?|xlsx?|odt|ods|odp|rtf|csv|zip|epub)$/i

interface Found {
  readonly hit: SearchHit
  readonly query: string
  readonly host: string
  /** Place of the query in the order they were asked. */
  readonly asked: number
}

/**
 * Merges hits by registrable domain and keeps every source. Drops the client's own domain and addresses without
 * a registrable domain. Candidates come in the order of their names.
 */
export function mergeHits(answers: readonly AnsweredQuery[], clientDomain: string): Candidate[] {
  const own = registrableDomain(clientDomain)
  const bySite = new Map<string, Found[]>()
  for (const [asked, { query, hits }] of answers.entries()) {
    for (const hit of hits) {
      const host = hostOf(hit.url)
      const domain = host === null ? null : registrableDomain(host)
      if (host === null || domain === null || domain === own) continue
      const found = bySite.get(domain) ?? []
      found.push({ hit, query, host, asked })
      bySite.set(domain, found)
    }
  }
  return [...bySite].map(([domain, found]) => toCandidate(domain, found)).sort(byDomain)
}

/** A candidate that a person named and no query found. */
export function namedCandidate(domain: string): Candidate {
  return { domain, hosts: [domain], title: '', snippet: '', sources: [], documentsOnly: false }
}

/** Both candidates as one under the domain of the second: the first redirects there. */
export function joinCandidates(from: Candidate, into: Candidate): Candidate {
  return {
    domain: into.domain,
    hosts: into.hosts,
    title: into.title || from.title,
    snippet: joinSnippets([into.snippet, from.snippet]),
    sources: uniqueSources([...into.sources, ...from.sources]),
    documentsOnly: into.sources.length > 0 ? into.documentsOnly : from.documentsOnly,
  }
}

function toCandidate(domain: string, found: readonly Found[]): Candidate {
  const best = [...found].sort((a, b) => a.hit.rank - b.hit.rank || a.asked - b.asked)
  const sources = [...found]
    .sort((a, b) => a.asked - b.asked || a.hit.rank - b.hit.rank)
    .flatMap(({ hit, query }) => engines(hit).map((engine) => ({ query, engine, rank: hit.rank })))
  return {
    domain,
    hosts: [...new Set(found.map(({ host }) => host))].sort(),
    title: best.find(({ hit }) => hit.title !== '')?.hit.title ?? '',
    snippet: joinSnippets(best.map(({ hit }) => hit.snippet)),
    sources: uniqueSources(sources),
    documentsOnly: found.every(({ hit }) => DOCUMENT.test(URL.parse(hit.url)?.pathname ?? '')),
  }
}

/** A provider that asks several engines joins their names by commas. */
function engines(hit: SearchHit): string[] {
  return [...new Set(hit.engine.split(','))].filter((name) => name !== '')
}

/** The best rank of each query and engine, first seen first. */
function uniqueSources(sources: readonly Source[]): Source[] {
  const best = new Map<string, Source>()
  for (const source of sources) {
    const key = JSON.stringify([source.query, source.engine])
    const known = best.get(key)
    if (known === undefined || source.rank < known.rank) best.set(key, source)
  }
  return [...best.values()].slice(0, MAX_SOURCES)
}

function joinSnippets(snippets: readonly string[]): string {
  return [...new Set(snippets.filter((snippet) => snippet !== ''))].join(' … ').slice(0, MAX_SNIPPET)
}

function byDomain(a: Candidate, b: Candidate): number {
  return a.domain < b.domain ? -1 : 1
}
