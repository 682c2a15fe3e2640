/** Where the client writes less than its competitors (gaps) and where more (strengths). */
import type { Gap, Language, Strength, Topic, TopicMetrics } from '../types.ts'
import { clampShare, roundScore } from './numbers.ts'
import { velocityShare } from './temporal.ts'
import { type TopicCounts, WORDING } from './wording.ts'

export type CoverageLevel = 'excellent' | 'good' | 'weak' | 'gap'

/** What of one topic the gap analysis looks at. */
export interface TopicStanding {
  readonly topic: Pick<Topic, 'topicId' | 'label'>
  readonly metrics: Pick<TopicMetrics, 'velocity' | 'potential' | 'trend'>
  readonly counts: TopicCounts
  /** The best angle found for the topic; null without one. */
  readonly angle: string | null
}

const STRENGTH_COVERAGE = 1.5
/** Relative change that stands for a rate one and a half times what it was. */
const FAST_RISE = 0.5
const MANY_SOURCES = 5
/** The effort of an article is not known before it is planned: the middle of the scale. */
const EFFORT_SHARE = 0.5

/**
 * Client articles over mean articles per competitor; a ratio, 0 and more. Without a competitor's article to
 * compare with: 1 when the client has any, else 0.
 */
export function coverageOf(
  counts: Pick<TopicCounts, 'clientArticles' | 'competitorArticles' | 'competitors'>,
): number {
  if (counts.competitors === 0 || counts.competitorArticles === 0) return counts.clientArticles > 0 ? 1 : 0
  return roundScore(counts.clientArticles / (counts.competitorArticles / counts.competitors))
}

/** `excellent` from .8, `good` from .5, `weak` from .2, else `gap`. */
export function levelOf(coverage: number): CoverageLevel {
  if (coverage >= 0.8) return 'excellent'
  if (coverage >= 0.5) return 'good'
  return coverage >= 0.2 ? 'weak' : 'gap'
}

/** How much a gap matters, 0..1: .30 missing coverage + .25 potential + .20 velocity + .15 sources + .10 effort. */
export function priorityOf(facts: {
  readonly coverage: number
  readonly potential: number
  readonly velocity: number | null
  readonly sources: number
}): number {
  return roundScore(
    0.3 * (1 - clampShare(facts.coverage)) +
      0.25 * clampShare(facts.potential) +
      0.2 * velocityShare(facts.velocity) +
      0.15 * clampShare(facts.sources / 10) +
      0.1 * EFFORT_SHARE,
  )
}

/** The risk of leaving the topic to the competitors. */
export function riskOf(coverage: number, metrics: TopicStanding['metrics'], sources: number): Gap['risk'] {
  if (coverage < 0.1 && (metrics.velocity ?? 0) > FAST_RISE && sources >= MANY_SOURCES) return 'high'
  return coverage < 0.3 && metrics.trend === 'up' ? 'medium' : 'low'
}

/** Gaps by priority, strengths by advantage, highest first; sentences in `language`. */
export function assessCoverage(
  standings: readonly TopicStanding[],
  language: Language,
): { gaps: Gap[]; strengths: Strength[] } {
  const gaps: Gap[] = []
  const strengths: Strength[] = []
  for (const standing of standings) {
    const coverage = coverageOf(standing.counts)
    const level = levelOf(coverage)
    if (level === 'weak' || level === 'gap') gaps.push(gapOf(standing, coverage, level, language))
    if (coverage >= STRENGTH_COVERAGE) strengths.push(strengthOf(standing, coverage, language))
  }
  gaps.sort((a, b) => b.priority - a.priority || a.topicId - b.topicId)
  strengths.sort((a, b) => b.advantage - a.advantage || a.topicId - b.topicId)
  return { gaps, strengths }
}

function gapOf(standing: TopicStanding, coverage: number, level: Gap['level'], language: Language): Gap {
  const { topic, metrics, counts } = standing
  const wording = WORDING[language]
  const risk = riskOf(coverage, metrics, counts.sources)
  return {
    topicId: topic.topicId,
    coverage,
    level,
    priority: priorityOf({ ...metrics, coverage, sources: counts.sources }),
    diagnostic: wording.diagnostic(counts, coverage),
    opportunity: wording.opportunity(counts, standing.angle),
    risk,
    riskAssessment: wording.risk(risk, counts, metrics.trend === 'up'),
  }
}

function strengthOf({ topic, counts }: TopicStanding, coverage: number, language: Language): Strength {
  return {
    topicId: topic.topicId,
    coverage,
    advantage: roundScore(coverage - 1),
    description: WORDING[language].strength(counts, coverage),
  }
}
