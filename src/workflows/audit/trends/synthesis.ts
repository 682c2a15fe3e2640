/**
 * What the articles of a topic say, which angles are worn out and which are open. Extractive: sentences are those
 * of the articles, angles are their words, numbers are counts. Nothing is made up.
 */
import type { Language, Recommendation, TopicSynthesis } from '../types.ts'
import { type Angle, type AngleClock, effortOf, findAngles } from './angles.ts'
import { centralSentences } from './central-sentences.ts'
import type { TopicProfile } from './clusters.ts'
import type { Corpus } from './corpus.ts'
import { clampShare, compareText, roundScore } from './numbers.ts'
import { articlesAt, type Market } from './standing.ts'
import { type TopicCounts, WORDING } from './wording.ts'

/** Topics with a synthesis, by potential; the tail of a long list is not read by anybody. */
export const MAX_SYNTHESES = 50
const SENTENCES = 3
const MAX_ANGLES = 5
const MAX_RECOMMENDATIONS = 3
/** An angle is worn out when this share of the competitors on the topic use it … */
const SATURATED_SOURCES = 0.6
/** … in this share of its articles, and no fewer competitors than two. */
const SATURATED_ARTICLES = 0.4
const MIN_SATURATED_SOURCES = 2
/** Few sources: at most this share of the domains on the topic. */
const FEW_SOURCES = 0.34
/** The words a topic is named after are the topic, not an angle on it. */
const NAMING_TERMS = 3

export interface TopicToSynthesise {
  readonly profile: TopicProfile
  readonly counts: TopicCounts
  /** Of the topic, 0..1. */
  readonly potential: number
}

export interface SynthesisedTopic {
  readonly synthesis: TopicSynthesis
  readonly recommendations: readonly Recommendation[]
}

interface Opportunity {
  readonly angle: Angle
  readonly potential: number
  readonly differentiation: number
}

/** Synthesis and up to three recommendations of one topic, in the language of the corpus. */
export function synthesiseTopic(
  corpus: Corpus,
  market: Market,
  subject: TopicToSynthesise,
  clock: AngleClock,
): SynthesisedTopic {
  const { profile, counts } = subject
  const wording = WORDING[corpus.language]
  const { topicId } = profile.topic
  const angles = findAngles(corpus, market, profile, clock)
  const saturated = distinct(angles.filter(isSaturated).sort(byFrequency), ({ terms }) => terms)
  const named = new Set(profile.terms.slice(0, NAMING_TERMS).map(({ term }) => term))
  const open = distinct(
    angles
      .filter((angle) => isOpen(angle) && !angle.terms.every((term) => named.has(term)))
      .map((angle) => weighOpportunity(angle, subject.potential))
      .sort(byPromise),
    ({ angle }) => angle.terms,
  )
  const sentences = centralSentences(corpus, profile, SENTENCES)
  return {
    synthesis: {
      topicId,
      method: 'extractive',
      synthesis: [wording.intro(counts), ...sentences].join(' '),
      saturatedAngles: saturated.map((angle) => ({
        angle: angle.angle,
        frequency: angle.articles,
        reason: wording.reason(angle),
      })),
      opportunities: open.map(({ angle, potential, differentiation }) => ({
        angle: angle.angle,
        potential,
        differentiation,
        effort: angle.effort,
      })),
    },
    recommendations: open
      .slice(0, MAX_RECOMMENDATIONS)
      .map((opportunity) => recommendAngle(topicId, opportunity, corpus.language)),
  }
}

/** A recommendation for a topic without a known angle, made of its own terms and counts. */
export function recommendTopic(
  corpus: Corpus,
  subject: Omit<TopicToSynthesise, 'potential'>,
): Recommendation {
  const { profile, counts } = subject
  const wording = WORDING[corpus.language]
  const terms = profile.terms.slice(0, MAX_ANGLES).map(({ word }) => word)
  const sources = counts.competitors === 0 ? 0 : counts.sources / counts.competitors
  return {
    topicId: profile.topic.topicId,
    title: wording.basicTitle(counts),
    hook: wording.basicHook(counts),
    outline: sectionsOf(wording.basicOutline(counts, terms)),
    effort: effortOf(articlesAt(corpus, profile.members)),
    differentiation: roundScore(clampShare(1 - sources)),
  }
}

function isSaturated(angle: Angle): boolean {
  return (
    angle.rivals >= MIN_SATURATED_SOURCES &&
    angle.rivals >= SATURATED_SOURCES * angle.rivalsOfTopic &&
    angle.articles >= SATURATED_ARTICLES * angle.articlesOfTopic
  )
}

function isOpen(angle: Angle): boolean {
  if (isSaturated(angle)) return false
  const few = angle.domainsOfTopic > 1 && angle.domains <= Math.max(1, FEW_SOURCES * angle.domainsOfTopic)
  return angle.rising || few
}

/**
 * Potential: .5 that of the topic + .3 weight of the angle in it + .2 when it rises. Differentiation: .8 the share
 * of domains on the topic that do not use it + .2 when the client does not either. Both 0..1.
 */
function weighOpportunity(angle: Angle, topicPotential: number): Opportunity {
  const unused = 1 - angle.domains / Math.max(1, angle.domainsOfTopic)
  return {
    angle,
    potential: roundScore(
      clampShare(0.5 * topicPotential + 0.3 * clampShare(angle.weight) + (angle.rising ? 0.2 : 0)),
    ),
    differentiation: roundScore(
      clampShare(0.8 * clampShare(unused) + (angle.clientArticles === 0 ? 0.2 : 0)),
    ),
  }
}

function byFrequency(a: Angle, b: Angle): number {
  return b.articles - a.articles || compareText(a.angle, b.angle)
}

function byPromise(a: Opportunity, b: Opportunity): number {
  const promise = (one: Opportunity): number => one.potential + one.differentiation
  return promise(b) - promise(a) || compareText(a.angle.angle, b.angle.angle)
}

/** The first five that share no word with one before them: `budget` and `budget annuel` are one angle. */
function distinct<T>(items: readonly T[], termsOf: (item: T) => readonly number[]): T[] {
  const used = new Set<number>()
  const kept: T[] = []
  for (const item of items) {
    if (kept.length === MAX_ANGLES) break
    const terms = termsOf(item)
    if (terms.some((term) => used.has(term))) continue
    for (const term of terms) used.add(term)
    kept.push(item)
  }
  return kept
}

function recommendAngle(topicId: number, opportunity: Opportunity, language: Language): Recommendation {
  const { angle, differentiation } = opportunity
  const wording = WORDING[language]
  return {
    topicId,
    title: wording.title(angle),
    hook: wording.hook(angle),
    outline: sectionsOf(wording.outline(angle)),
    effort: angle.effort,
    differentiation,
  }
}

/** Keys of equal length in order, because a JSON column sorts keys by length and then by letter. */
function sectionsOf(sentences: readonly string[]): Record<string, string> {
  return Object.fromEntries(sentences.map((sentence, at) => [`section_${at + 1}`, sentence]))
}
