/**
 * Progress and estimated end of an execution. Pure: the caller hands in the clock. Progress never falls, because
 * everything it is made of only grows: reported counts are kept at their greatest by the store, elapsed time runs
 * from the first start, and the estimate is fixed when the step row is made.
 */
import { isTerminal, type JobStatus } from './states.ts'

export interface StepProgress {
  readonly step: string
  readonly status: JobStatus
  readonly dependsOn: readonly string[]
  /** Seconds this step was expected to take when it was planned. */
  readonly estimateSeconds: number
  /** Time of the first attempt's start, ms since epoch; null before it. */
  readonly firstStartedAt: number | null
  /** Time from which on it may be claimed once it is pending, ms since epoch: ahead of one that waits for its next try. */
  readonly dueAt: number
  /** Share reported by the step, 0..100; null before the first report. */
  readonly reportedPercent: number | null
  /** When the step first reported, ms since epoch. */
  readonly reportedSince: number | null
}

/** Seconds a step type takes, and from how many past runs that is known. */
export interface StepDuration {
  readonly p50: number
  readonly p90: number
  readonly runs: number
}

/** From this percentage on the speed of a step says more than the history. */
const OWN_SPEED_PERCENT = 10

/** Percentage of one step, 0..100; 100 only when it is terminal. */
export function stepPercent(step: StepProgress, now: number): number {
  if (isTerminal(step.status)) return 100
  if (step.firstStartedAt === null) return 0
  // Until the first report the clock speaks; what it said by then stays as the floor of what is reported later.
  const until = Math.min(now, step.reportedSince ?? now)
  const elapsed = Math.max(0, until - step.firstStartedAt) / 1000
  const byClock = Math.min(90, (100 * elapsed) / Math.max(1, step.estimateSeconds))
  return round2(Math.min(99, Math.max(byClock, step.reportedPercent ?? 0)))
}

/** Mean over the steps, weighted by their estimates; 100 only when every step is terminal. */
export function overallProgress(steps: readonly StepProgress[], now: number): number {
  if (steps.length === 0 || steps.every((step) => isTerminal(step.status))) return 100
  const weight = steps.reduce((sum, step) => sum + step.estimateSeconds, 0)
  const done = steps.reduce((sum, step) => sum + stepPercent(step, now) * step.estimateSeconds, 0)
  return Math.min(99.99, round2(done / Math.max(1, weight)))
}

/**
 * Seconds until every step has ended, along the longest remaining path of the step graph; null when nothing
 * remains. `duration` gives the expected seconds of a step; a running step's remainder follows its percentage.
 */
export function remainingSeconds(
  steps: readonly StepProgress[],
  duration: (step: StepProgress) => number,
  now: number,
): number | null {
  if (steps.every((step) => isTerminal(step.status))) return null
  const byName = new Map(steps.map((step) => [step.step, step]))
  const known = new Map<string, number>()
  const pathTo = (step: StepProgress, depth: number): number => {
    const cached = known.get(step.step)
    if (cached !== undefined) return cached
    const before = step.dependsOn.flatMap((name) => byName.get(name) ?? [])
    // The graph has no circles (checked at definition); the depth bound guards against rows edited by hand.
    const start = depth > steps.length ? 0 : Math.max(0, ...before.map((one) => pathTo(one, depth + 1)))
    const end = start + ownRemainder(step, duration(step), now)
    known.set(step.step, end)
    return end
  }
  return Math.max(...steps.map((step) => pathTo(step, 0)))
}

function ownRemainder(step: StepProgress, expected: number, now: number): number {
  if (isTerminal(step.status)) return 0
  const late = lateSeconds(step, expected, now)
  if (step.status === 'waiting') return expected
  if (step.status === 'pending') return expected + Math.max(late, (step.dueAt - now) / 1000)
  const percent = step.reportedPercent ?? 0
  const elapsed = elapsedSeconds(step, now)
  if (percent >= OWN_SPEED_PERCENT) return (elapsed * (100 - percent)) / percent
  return Math.max(expected - elapsed, late, expected * 0.05)
}

/**
 * Seconds that a step is late: running for longer than expected, or due and not taken. It is unlike what is known then,
 * and is taken to need as long again, for an end that is always near is no estimate.
 */
export function lateSeconds(step: StepProgress, expected: number, now: number): number {
  if (step.status === 'pending') return Math.max(0, now - step.dueAt) / 1000
  if (step.status !== 'running' || (step.reportedPercent ?? 0) >= OWN_SPEED_PERCENT) return 0
  return Math.max(0, elapsedSeconds(step, now) - expected)
}

function elapsedSeconds(step: StepProgress, now: number): number {
  return step.firstStartedAt === null ? 0 : Math.max(0, now - step.firstStartedAt) / 1000
}

/** The expectation for a step type: history from the first run on (a wide one until there are five), else the estimate. */
export function expectedDuration(estimateSeconds: number, history: StepDuration | undefined): StepDuration {
  if (history !== undefined && history.runs >= 5) return history
  if (history !== undefined && history.runs >= 1)
    return { ...history, p90: Math.max(history.p90, history.p50 * 2) }
  return { p50: estimateSeconds, p90: estimateSeconds * 2, runs: history?.runs ?? 0 }
}

function round2(value: number): number {
  return Math.round(value * 100) / 100
}
