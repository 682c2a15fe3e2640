/** Scores the contenders and says who is kept. Pure. */
import type { Competitor, SiteProfile } from '../types.ts'
import type { Contender, Terms } from './contenders.ts'
import { suspicionPenalty } from './exclusions.ts'
import {
  countEngines,
  countQueries,
  isCrossSource,
  isGoodEnough,
  isSameMarket,
  MIN_COMBINED,
  MIN_CONFIDENCE,
  relevanceOf,
  type Scores,
  scoreCandidate,
} from './score.ts'
import { similarities } from './similarity.ts'

export interface Selection {
  readonly profile: SiteProfile
  readonly terms: Terms
  readonly answeredQueries: number
  readonly maxCompetitors: number
}

const MAX_EXCLUDED = 100

interface Scored {
  readonly contender: Contender
  readonly scores: Scores
}

/**
 * Kept competitors (at most `maxCompetitors` found ones, all manual ones) by combined score and domain, then at
 * most 100 excluded ones in the same order. There is no lower bound on how many are kept.
 */
export function selectCompetitors(contenders: readonly Contender[], selection: Selection): Competitor[] {
  const texts = contenders.map((contender) => ({
    domain: contender.candidate.domain,
    text: textOf(contender),
  }))
  const similarity = similarities(selection.profile, texts)
  const scored = contenders
    .map((contender) => ({
      contender,
      scores: score(contender, similarity.get(contender.candidate.domain) ?? 0, selection),
    }))
    .sort(byScore)
  const kept: Competitor[] = []
  const excluded: Competitor[] = []
  let found = 0
  for (const entry of scored) {
    const reason = refusal(entry, found, selection.maxCompetitors)
    if (reason !== null) excluded.push(describe(entry, 'excluded', reason))
    else if (entry.contender.manual) kept.push(describe(entry, 'manual', 'Added by hand'))
    else {
      found += 1
      kept.push(describe(entry, 'validated', praise(entry)))
    }
  }
  return [...kept, ...excluded.slice(0, MAX_EXCLUDED)]
}

function score({ candidate, page }: Contender, similarity: number, selection: Selection): Scores {
  const { profile, terms, answeredQueries } = selection
  const ownWords = page === null ? candidate : { ...candidate, title: page.title, snippet: page.description }
  return scoreCandidate({
    relevance: relevanceOf(candidate.sources, answeredQueries),
    similarity,
    crossSource: isCrossSource(candidate.sources),
    sameMarket: isSameMarket({
      domain: candidate.domain,
      language: page?.language ?? null,
      clientDomain: terms.clientDomain,
      clientLanguage: profile.language,
    }),
    enriched: page !== null,
    penalty: suspicionPenalty(ownWords, terms.spared),
  })
}

function byScore(a: Scored, b: Scored): number {
  return (
    b.scores.combined - a.scores.combined ||
    (a.contender.candidate.domain < b.contender.candidate.domain ? -1 : 1)
  )
}

/** Why a contender is not kept; null when it is. */
function refusal({ contender, scores }: Scored, found: number, max: number): string | null {
  if (contender.excluded !== null) return contender.excluded
  if (contender.manual) return null
  if (!isGoodEnough(scores)) {
    return (
      `Below the minimum: combined ${scores.combined} (${MIN_COMBINED} needed), ` +
      `confidence ${scores.confidence} (${MIN_CONFIDENCE} needed)`
    )
  }
  return found >= max ? `Beyond the ${max} best` : null
}

function praise({ contender, scores }: Scored): string {
  const { sources } = contender.candidate
  const queries = count(countQueries(sources), 'query', 'queries')
  const engines = count(countEngines(sources), 'engine', 'engines')
  return (
    `Found by ${queries} and ${engines}: combined ${scores.combined}, ` + `confidence ${scores.confidence}`
  )
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`
}

function describe({ contender, scores }: Scored, status: Competitor['status'], reason: string): Competitor {
  const { candidate, page, notes } = contender
  return {
    domain: candidate.domain,
    title: page?.title || candidate.title || candidate.domain,
    description: page?.description || candidate.snippet,
    status,
    reason: [reason, ...notes].join('; '),
    ...scores,
    sources: candidate.sources,
  }
}

function textOf({ candidate, page }: Contender): string {
  const own = page === null ? [] : [page.title, page.description, page.text]
  return [candidate.title, candidate.snippet, ...own].join('\n')
}
