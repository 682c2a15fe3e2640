/**
 * How a topic moves in time. Everything is measured against an as-of date that is handed in; times are
 * milliseconds since 1970. Articles undated or dated after the as-of date are counted and left out.
 */
import type { SparseVector } from '../text/vectors.ts'
import type { TopicMetrics, TopicWindow, Trend } from '../types.ts'
import { clampShare, roundScore } from './numbers.ts'
import { driftWithin, sumVectors, type VectorSum } from './vector-sums.ts'

/** The windows that are always measured, in days. */
export const WINDOW_DAYS = [7, 14, 30, 90] as const

/** Above it a velocity reads `up`, below its negative `down`. */
const TREND_THRESHOLD = 0.1
/** Articles that both windows of a comparison must hold together. */
const MIN_SUPPORT = 4
/** Articles added to both sides of a comparison: one more or less must not look like a trend. */
const SMOOTHING = 2
/** The earlier window counts only when at least this share of the later one's source-days was observed. */
const MIN_OBSERVED_SHARE = 0.25
/** Silence is read as decline only over windows at least this long. */
const DORMANT_MIN_DAYS = 30
const DORMANT_MIN_ARTICLES = 3
const DRIFT_MIN_ARTICLES = 3
/** Three articles of one subject may differ by .2 by chance. */
const DRIFT_THRESHOLD = 0.3
const FRESH_DAYS = 7
const DAY_MS = 86_400_000
/** Dates before it are faults of a content system (1970-01-01 and the like). */
const FIRST_PLAUSIBLE_MS = Date.UTC(1995, 0, 1)

export interface TimedArticle {
  readonly domain: string
  /** Null when undated. */
  readonly publishedMs: number | null
  readonly vector: SparseVector
}

export interface TopicInTime {
  readonly topicId: number
  readonly articles: readonly TimedArticle[]
  /** Mean pairwise cosine, 0..1. */
  readonly cohesion: number
}

export interface ObservationClock {
  readonly asOfMs: number
  /** Length of the window asked for. */
  readonly timeWindowDays: number
  /** Per domain the date of the oldest article known of it, whatever its topic. */
  readonly observedSince: ReadonlyMap<string, number>
}

/** The date of an article in milliseconds; null when absent, unreadable, before 1995 or after `asOfMs`. */
export function usableDate(publishedAt: string | null, asOfMs: number): number | null {
  if (publishedAt === null) return null
  const time = Date.parse(publishedAt)
  return time >= FIRST_PLAUSIBLE_MS && time <= asOfMs ? time : null
}

/** Per domain the date of its oldest dated article: before it, nothing is known of that source. */
export function observationStarts(
  articles: Iterable<Pick<TimedArticle, 'domain' | 'publishedMs'>>,
): Map<string, number> {
  const starts = new Map<string, number>()
  for (const { domain, publishedMs } of articles) {
    if (publishedMs !== null) starts.set(domain, Math.min(publishedMs, starts.get(domain) ?? publishedMs))
  }
  return starts
}

/**
 * All metrics of one topic. `velocity` is that of the window asked for; where too little is known of the time
 * before it (a crawl reaches back only so far), that of the longest shorter window that can be compared.
 */
export function measureTopic(topic: TopicInTime, clock: ObservationClock): TopicMetrics {
  const dated = topic.articles.filter((article) => article.publishedMs !== null)
  const whole = sumVectors(topic.articles.map((article) => article.vector))
  const windows = WINDOW_DAYS.map(
    (days): TopicWindow => ({ ...measureWindow(dated, days, clock, whole), days }),
  )
  const asked = measureWindow(dated, clock.timeWindowDays, clock, whole)
  const shorter = windows.filter((window) => window.days < clock.timeWindowDays && window.velocity !== null)
  const telling = asked.velocity === null ? (shorter.at(-1) ?? asked) : asked
  const facts = {
    velocity: telling.velocity,
    freshness: asked.freshness,
    sourceDiversity: asked.sourceDiversity,
    cohesion: topic.cohesion,
  }
  return {
    topicId: topic.topicId,
    windows,
    ...facts,
    potential: potentialOf({ ...facts, size: topic.articles.length }),
    trend: telling.trend,
    datedArticles: dated.length,
    undatedArticles: topic.articles.length - dated.length,
  }
}

/**
 * Editorial potential, 0..1: .25 velocity + .25 freshness (full at .5) + .20 diversity (full at 10 domains) +
 * .15 cohesion + .15 size (full at 100 articles). What is not known earns nothing.
 */
export function potentialOf(facts: {
  readonly velocity: number | null
  readonly freshness: number | null
  readonly sourceDiversity: number
  readonly cohesion: number
  readonly size: number
}): number {
  return roundScore(
    0.25 * velocityShare(facts.velocity) +
      0.25 * clampShare((facts.freshness ?? 0) / 0.5) +
      0.2 * clampShare(facts.sourceDiversity / 10) +
      0.15 * clampShare(facts.cohesion) +
      0.15 * clampShare(facts.size / 100),
  )
}

/** A relative change as a share: 0 when the topic stopped, .5 when nothing changed, 1 from a doubling on. */
export function velocityShare(velocity: number | null): number {
  return velocity === null ? 0 : clampShare((1 + velocity) / 2)
}

/** `up` above .1, `down` below -.1. */
export function trendOf(velocity: number): Trend {
  if (velocity > TREND_THRESHOLD) return 'up'
  return velocity < -TREND_THRESHOLD ? 'down' : 'stable'
}

type WindowFacts = Omit<TopicWindow, 'days'>

function measureWindow(
  dated: readonly TimedArticle[],
  days: number,
  clock: ObservationClock,
  whole: VectorSum,
): WindowFacts {
  const inside = within(dated, clock.asOfMs, days)
  const before = within(dated, clock.asOfMs - days * DAY_MS, days)
  const velocity = changeOfRate(inside.length, before.length, observedShare(dated, days, clock))
  const drift = driftOf(inside, whole)
  const fresh = within(inside, clock.asOfMs, FRESH_DAYS).length
  return {
    start: new Date(clock.asOfMs - days * DAY_MS).toISOString(),
    end: new Date(clock.asOfMs).toISOString(),
    volume: inside.length,
    velocity,
    freshness: inside.length === 0 ? null : roundScore(fresh / inside.length),
    sourceDiversity: new Set(inside.map((article) => article.domain)).size,
    drift,
    driftDetected: drift !== null && drift > DRIFT_THRESHOLD,
    trend: velocity === null ? trendOfSilence(dated, inside.length + before.length, days) : trendOf(velocity),
  }
}

/** Articles of the `days` that end at `endMs`, the end belonging to them and the start not. */
function within(dated: readonly TimedArticle[], endMs: number, days: number): TimedArticle[] {
  const startMs = endMs - days * DAY_MS
  return dated.filter(
    ({ publishedMs }) => publishedMs !== null && publishedMs > startMs && publishedMs <= endMs,
  )
}

/** Smoothed relative change of the rate; -1 and more. Null below minimum support, or with nothing before it. */
function changeOfRate(current: number, previous: number, observed: number): number | null {
  if (current + previous < MIN_SUPPORT || observed < MIN_OBSERVED_SHARE) return null
  return roundScore((current + SMOOTHING) / (previous / observed + SMOOTHING) - 1)
}

/**
 * Source-days observed in the earlier window over those in the later one, 0..1, over the domains of the topic.
 * A crawl that stops at the newest hundred articles of a site would else make every topic look as if it rose.
 */
function observedShare(dated: readonly TimedArticle[], days: number, clock: ObservationClock): number {
  const span = days * DAY_MS
  let current = 0
  let previous = 0
  for (const domain of new Set(dated.map((article) => article.domain))) {
    const age = clock.asOfMs - (clock.observedSince.get(domain) ?? clock.asOfMs)
    current += Math.min(span, age)
    previous += Math.min(span, Math.max(0, age - span))
  }
  return current === 0 ? 0 : previous / current
}

/** A topic that once had articles and has had none for two long windows is going down, not steady. */
function trendOfSilence(dated: readonly TimedArticle[], recent: number, days: number): Trend {
  return days >= DORMANT_MIN_DAYS && recent === 0 && dated.length >= DORMANT_MIN_ARTICLES ? 'down' : 'stable'
}

/** Distance of the window's articles from the topic; null unless 3 lie inside and 3 outside. */
function driftOf(inside: readonly TimedArticle[], whole: VectorSum): number | null {
  const part = sumVectors(inside.map((article) => article.vector))
  if (part.size < DRIFT_MIN_ARTICLES || whole.size - part.size < DRIFT_MIN_ARTICLES) return null
  const drift = driftWithin(part, whole)
  return drift === null ? null : roundScore(drift)
}
