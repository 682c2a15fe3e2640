/** Which steps an audit needs, and what a request for it leads to. Pure: facts, options and the clock come in. */
import type { ExecutionStatus } from '../../core/states.ts'

/** The steps of the audit in the order they are numbered. */
export const AUDIT_STEPS = [
  'editorial_analysis',
  'competitor_search',
  'client_scraping',
  'enhanced_scraping',
  'trend_pipeline',
] as const
export type AuditStep = (typeof AUDIT_STEPS)[number]

/** What people call the steps. */
export const STEP_TITLES: Readonly<Record<AuditStep, string>> = {
  editorial_analysis: 'Editorial Analysis',
  competitor_search: 'Competitor Search',
  client_scraping: 'Client Site Scraping',
  enhanced_scraping: 'Competitor Scraping',
  trend_pipeline: 'Trend Pipeline',
}

/** The title of a step by its name; a name that this build does not know is its own title. */
export function stepTitle(step: string): string {
  return Object.hasOwn(STEP_TITLES, step) ? STEP_TITLES[step as AuditStep] : step
}

/** What is stored about a domain. Times are ms since epoch, null when there is nothing. */
export interface DataFacts {
  readonly profileAt: number | null
  /** Validated and manual competitors. */
  readonly competitors: number
  readonly competitorsAt: number | null
  /** Articles of the client, counted up to the threshold asked for. */
  readonly clientArticles: number
  readonly clientScrapedAt: number | null
  /** Articles of validated and manual competitors, counted up to the threshold asked for. */
  readonly competitorArticles: number
  readonly competitorsScrapedAt: number | null
  /** The newest trend run whose first three stages completed. */
  readonly trendAt: number | null
}

export interface DataThresholds {
  readonly minClientArticles: number
  readonly minCompetitorArticles: number
  /** Older data counts as missing; null for any age. */
  readonly maxAgeHours: number | null
}

/** Which data an audit has, in the words of the API. */
export interface DataStatus {
  readonly has_profile: boolean
  readonly has_competitors: boolean
  readonly has_client_articles: boolean
  readonly has_competitor_articles: boolean
  readonly has_trend_pipeline: boolean
}

/** Judges the facts by the thresholds. `now` is the time of the database, ms since epoch. */
export function dataStatus(facts: DataFacts, thresholds: DataThresholds, now: number): DataStatus {
  const oldest = thresholds.maxAgeHours === null ? null : now - thresholds.maxAgeHours * 3_600_000
  const recent = (at: number | null): boolean => oldest === null || (at !== null && at >= oldest)
  return {
    has_profile: facts.profileAt !== null && recent(facts.profileAt),
    has_competitors: facts.competitors > 0 && recent(facts.competitorsAt),
    has_client_articles:
      facts.clientArticles >= thresholds.minClientArticles && recent(facts.clientScrapedAt),
    has_competitor_articles:
      facts.competitors > 0 &&
      facts.competitorArticles >= thresholds.minCompetitorArticles &&
      recent(facts.competitorsScrapedAt),
    has_trend_pipeline: facts.trendAt !== null && recent(facts.trendAt),
  }
}

/**
 * The steps whose data is missing, and those that work on what they renew: a new list of competitors is scraped,
 * new articles are clustered. A new profile voids nothing: it only steers the next search.
 */
export function neededSteps(status: DataStatus): AuditStep[] {
  const competitors = !status.has_competitors
  const clientArticles = !status.has_client_articles
  const competitorArticles = !status.has_competitor_articles || competitors
  const needed: Record<AuditStep, boolean> = {
    editorial_analysis: !status.has_profile,
    competitor_search: competitors,
    client_scraping: clientArticles,
    enhanced_scraping: competitorArticles,
    trend_pipeline: !status.has_trend_pipeline || clientArticles || competitorArticles,
  }
  return AUDIT_STEPS.filter((step) => needed[step])
}

/** What is known of the newest execution of a domain. */
export interface LatestExecution {
  readonly executionId: string
  readonly status: ExecutionStatus
  /** ms since epoch; null while it is live. */
  readonly endedAt: number | null
  readonly steps: readonly string[]
}

export type Decision =
  | { readonly kind: 'answer' }
  | { readonly kind: 'running'; readonly executionId: string; readonly steps: readonly AuditStep[] }
  | { readonly kind: 'start'; readonly steps: readonly AuditStep[] }
  /** Recent runs tried all that is missing, failed or were cancelled, and there is nothing to show. */
  | {
      readonly kind: 'rest'
      readonly executionId: string
      readonly status: ExecutionStatus
      readonly retryAfterSeconds: number
    }

/**
 * Decides what a GET leads to. Data all there: the audit. Else the live execution, or a new one with the steps
 * that are needed (all of them with `refresh`). What runs that ended within `freshSeconds` tried in vain is not
 * repeated, whether they failed or were cancelled: the audit is answered as far as it goes, or, without a profile,
 * the caller is told to wait. `refresh` tries again what failed, and does not undo a cancellation. `now` is ms since epoch.
 */
export function decide(given: {
  readonly status: DataStatus
  readonly refresh: boolean
  readonly latest: LatestExecution | null
  /** Runs before the latest one; those that ended longer than `freshSeconds` ago do not matter. */
  readonly earlier?: readonly LatestExecution[]
  readonly now: number
  readonly freshSeconds: number
}): Decision {
  const steps = given.refresh ? [...AUDIT_STEPS] : neededSteps(given.status)
  if (steps.length === 0) return { kind: 'answer' }
  const { latest } = given
  if (latest === null) return { kind: 'start', steps }
  if (latest.endedAt === null) {
    return { kind: 'running', executionId: latest.executionId, steps }
  }
  const resting = restOf([latest, ...(given.earlier ?? [])], steps, given)
  if (resting === null) return { kind: 'start', steps }
  if (given.status.has_profile && !given.refresh) return { kind: 'answer' }
  return resting
}

/**
 * The rest that runs owe these steps, each by the last run that had it; null when they may be tried now. Any that was
 * cancelled keeps all from being started; failures do when there is none that may be tried, and `refresh` ends theirs.
 */
function restOf(
  runs: readonly LatestExecution[],
  steps: readonly string[],
  given: { readonly refresh: boolean; readonly now: number; readonly freshSeconds: number },
): Extract<Decision, { kind: 'rest' }> | null {
  const owed = steps.flatMap((step) => {
    const tried = runs.filter((run) => run.steps.includes(step))
    const run = tried.reduce<LatestExecution | null>(
      (last, one) => (last === null || (one.endedAt ?? 0) > (last.endedAt ?? 0) ? one : last),
      null,
    )
    if (run === null) return []
    const seconds = Math.ceil(given.freshSeconds - (given.now - (run.endedAt ?? 0)) / 1000)
    return seconds > 0 ? [{ run, seconds }] : []
  })
  const cancelled = owed.filter(({ run }) => run.status === 'cancelled').sort((a, b) => b.seconds - a.seconds)
  const allOwe = owed.length === steps.length && !given.refresh
  const rest = cancelled[0] ?? (allOwe ? owed.sort((a, b) => a.seconds - b.seconds)[0] : undefined)
  if (rest === undefined) return null
  return {
    kind: 'rest',
    executionId: rest.run.executionId,
    status: rest.run.status,
    retryAfterSeconds: Math.min(rest.seconds, Math.max(1, given.freshSeconds)),
  }
}
