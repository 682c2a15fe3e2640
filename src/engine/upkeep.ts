/**
 * Upkeep that any poller does for all: taking work back from dead pollers, ending what is past its deadline,
 * moving the claim floors, trimming. One cheap question every few seconds; the rest only when there is something
 * to do, and safe for several processes at once.
 */
import type pg from 'pg'
import { trimActionLog } from '../store/action-log.ts'
import { trimCounts } from '../store/counts.ts'
import { endOverdueExecutions, endOverdueJobs } from '../store/deadlines.ts'
import { sumUpDurations, trimDurations } from '../store/durations.ts'
import type { Advanced } from '../store/executions.ts'
import { raiseClaimFloors } from '../store/floors.ts'
import { trimAnswers } from '../store/idempotency.ts'
import { trimRateStarts } from '../store/limits.ts'
import { BEAT_TTL_SECONDS, reapDeadPollers, trimPollers } from '../store/pollers.ts'
import { trimSuspects } from '../store/suspects.ts'
import { type Triage, triage } from '../store/upkeep.ts'
import type { Events } from './events.ts'
import { createLoop, type Service } from './loop.ts'
import type { Timing } from './timing.ts'

const TRIM_EVERY_MS = 60_000
/** Rounds of a batch in one pass; more work is left to the next. */
const ROUNDS_MAX = 20

/**
 * Why dead pollers must not be reaped yet, or null. When many leases lapse at once, or the database was just
 * away, that is our own outage and not their death: they get one full limit more.
 */
export function reasonToHold(
  found: Pick<Triage, 'lapsed' | 'live' | 'serverUpSeconds'>,
  sinceLastPassSeconds: number,
  lapsedForSeconds: number,
  ttlSeconds: number = BEAT_TTL_SECONDS,
): string | null {
  if (found.serverUpSeconds < ttlSeconds) return 'the database has just started'
  if (sinceLastPassSeconds > ttlSeconds) return 'the database was out of reach'
  const many = found.lapsed >= 2 && found.lapsed >= found.live
  return many && lapsedForSeconds < ttlSeconds ? 'many pollers lapsed at once' : null
}

export function createUpkeep(options: {
  readonly pool: pg.Pool
  readonly events: Events
  readonly timing: Timing
  /** Called when jobs became pending again. */
  readonly onFreed: () => void
}): Service {
  const { pool, events, timing } = options
  let passedAtMs: number | null = null
  let holdUntilMs = 0
  let lapsedSinceMs: number | null = null
  let trimmedAtMs = 0

  const tell = (advanced: readonly Advanced[]): void => {
    for (const { executionId, status, closed } of advanced) {
      if (closed) events.emit({ type: 'execution.closed', executionId, status })
    }
    if (advanced.some((one) => one.freed > 0)) options.onFreed()
  }

  const reap = async (found: Triage, now: number): Promise<void> => {
    if (found.lapsed === 0 && !found.orphanedLeases) {
      lapsedSinceMs = null
      return
    }
    lapsedSinceMs ??= now
    const sinceLast = passedAtMs === null ? 0 : (now - passedAtMs) / 1000
    const reason = reasonToHold(found, sinceLast, (now - lapsedSinceMs) / 1000, timing.beatTtlSeconds)
    if (reason !== null) {
      const wholeLimit = reason === 'the database was out of reach'
      if (wholeLimit) holdUntilMs = now + timing.beatTtlSeconds * 1000
      events.emit({ type: 'reaper.held', lapsed: found.lapsed, reason })
      return
    }
    if (now < holdUntilMs) return
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const reaped = await reapDeadPollers(pool, timing.beatTtlSeconds)
      if (reaped.pollers === 0) break
      const { pollers, retried, failed } = reaped
      events.emit({ type: 'pollers.reaped', pollers, retried, failed })
      tell(reaped.advanced)
      if (reaped.retried > 0) options.onFreed()
    }
    lapsedSinceMs = null
  }

  const endOverdue = async (found: Triage): Promise<void> => {
    let executions = 0
    let jobs = 0
    for (let round = 0; found.overdueExecutions && round < ROUNDS_MAX; round++) {
      const ended = await endOverdueExecutions(pool)
      for (const executionId of ended)
        events.emit({ type: 'execution.closed', executionId, status: 'failed' })
      executions += ended.length
      if (ended.length === 0) break
    }
    for (let round = 0; found.overdueJobs && round < ROUNDS_MAX; round++) {
      const { ended, advanced } = await endOverdueJobs(pool)
      tell(advanced)
      jobs += ended.length
      if (ended.length === 0) break
    }
    if (executions + jobs > 0) events.emit({ type: 'deadlines.ended', executions, jobs })
  }

  return createLoop({
    name: 'upkeep',
    events,
    pass: async () => {
      const now = performance.now()
      const found = await triage(pool, timing.beatTtlSeconds)
      await reap(found, now)
      await endOverdue(found)
      if (found.floorsDue) await raiseClaimFloors(pool)
      if (now - trimmedAtMs > TRIM_EVERY_MS) {
        trimmedAtMs = now
        await sumUpDurations(pool)
        await trimDurations(pool)
        await trimPollers(pool)
        await trimSuspects(pool)
        await trimAnswers(pool)
        await trimRateStarts(pool)
        await trimCounts(pool)
        await trimActionLog(pool)
      }
      passedAtMs = now
      return timing.upkeepMs * (0.8 + Math.random() * 0.4)
    },
  })
}
