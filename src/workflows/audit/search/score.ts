/** The scores of a candidate, 0..1, rounded to four decimals. Weights from the contract of the audit. Pure. */
import type { Language } from '../types.ts'
import { countryOf, marketOf } from './markets.ts'
import type { Source } from './merge.ts'

/** A candidate needs both to be kept. */
export const MIN_COMBINED = 0.35
export const MIN_CONFIDENCE = 0.35

/** Queries that a candidate must lead to be fully relevant. */
const QUERIES_TO_LEAD = 3

export interface Evidence {
  /** Of {@link relevanceOf}. */
  readonly relevance: number
  /** Of `similarities`. */
  readonly similarity: number
  /** Of {@link isCrossSource}. */
  readonly crossSource: boolean
  /** Of {@link isSameMarket}. */
  readonly sameMarket: boolean
  /** True when its home page was read. */
  readonly enriched: boolean
  /** Of `suspicionPenalty`. */
  readonly penalty: number
}

export interface Scores {
  readonly relevance: number
  readonly similarity: number
  readonly combined: number
  readonly confidence: number
}

/**
 * combined = .50 relevance + .25 similarity + .15 cross-source + .10 market − penalty;
 * confidence = .40 relevance + .20 similarity + .20 cross-source + .10 enriched + .10 market; both clamped.
 */
export function scoreCandidate(evidence: Evidence): Scores {
  const relevance = clamp(evidence.relevance)
  const similarity = clamp(evidence.similarity)
  const cross = evidence.crossSource ? 1 : 0
  const market = evidence.sameMarket ? 1 : 0
  const enriched = evidence.enriched ? 1 : 0
  return {
    relevance: round(relevance),
    similarity: round(similarity),
    combined: round(
      clamp(0.5 * relevance + 0.25 * similarity + 0.15 * cross + 0.1 * market - evidence.penalty),
    ),
    confidence: round(
      clamp(0.4 * relevance + 0.2 * similarity + 0.2 * cross + 0.1 * enriched + 0.1 * market),
    ),
  }
}

/** True when both scores reach their minimum. */
export function isGoodEnough({ combined, confidence }: Scores): boolean {
  return combined >= MIN_COMBINED && confidence >= MIN_CONFIDENCE
}

/**
 * How well the hits answer the queries: the discounted gain 1 / log2(1 + rank) of the best rank per query (as in
 * DCG, Järvelin and Kekäläinen 2002), summed, over three queries or as many as were answered. First in three
 * queries is 1; first in one of many is a third.
 */
export function relevanceOf(sources: readonly Source[], answeredQueries: number): number {
  const best = new Map<string, number>()
  for (const { query, rank } of sources) best.set(query, Math.min(best.get(query) ?? rank, rank))
  const gain = [...best.values()].reduce((sum, rank) => sum + 1 / Math.log2(1 + Math.max(1, rank)), 0)
  return answeredQueries < 1 ? 0 : clamp(gain / Math.min(QUERIES_TO_LEAD, answeredQueries))
}

/** True when two or more queries, or two or more engines, found it. */
export function isCrossSource(sources: readonly Source[]): boolean {
  return countQueries(sources) >= 2 || countEngines(sources) >= 2
}

export function countQueries(sources: readonly Source[]): number {
  return new Set(sources.map(({ query }) => query)).size
}

export function countEngines(sources: readonly Source[]): number {
  return new Set(sources.map(({ engine }) => engine)).size
}

/** Where a site and its client are. Languages are ISO 639-1 codes, null when not known. */
export interface MarketEvidence {
  readonly domain: string
  readonly language: string | null
  readonly clientDomain: string
  readonly clientLanguage: Language | null
}

/**
 * True when there is evidence of one market: the same country by both names, or, where one of the names says no
 * country, the same language. Two different countries are two markets, whatever their languages.
 */
export function isSameMarket(evidence: MarketEvidence): boolean {
  const country = countryOf(marketOf(evidence.domain))
  const clientCountry = countryOf(marketOf(evidence.clientDomain))
  if (country !== null && clientCountry !== null) return country === clientCountry
  return evidence.language !== null && evidence.language === evidence.clientLanguage
}

function clamp(value: number): number {
  return Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : 0
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000
}
