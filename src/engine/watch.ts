/** The watch over running attempts: time limits, attempts that are no longer ours, and what they report. */
import type pg from 'pg'
import type { Registry } from '../core/registry.ts'
import { bumpVersions } from '../store/executions.ts'
import { lostAttempts, type ProgressWrite, writeProgress } from '../store/settlements.ts'
import { type Attempt, abandon, toWrite } from './attempt.ts'
import type { Events } from './events.ts'
import { createLoop, type Service } from './loop.ts'
import type { Poller } from './poller.ts'
import { createStallMeter } from './stalls.ts'
import type { Timing } from './timing.ts'

export interface Watch extends Service {
  /** Takes in that a job was cancelled or changed: when it runs here, asks at once whether it is still ours. */
  suspect(jobId: string): void
  /** Hands back every attempt that did not stop at shutdown. */
  releaseAll(): void
}

/** Most attempts asked about or reported in one statement. */
const BATCH_MAX = 1_000
const STALL_TYPES_MAX = 10

export function createWatch(options: {
  readonly pool: pg.Pool
  readonly poller: Poller
  readonly registry: Registry
  readonly events: Events
  readonly timing: Timing
}): Watch {
  const { pool, poller, registry, events, timing } = options
  let sweepTimer: NodeJS.Timeout | null = null
  const stalled = createStallMeter(timing.sweepMs, timing.stallMs)
  /** Jobs that were said to be cancelled: asked about at once, however young. */
  let suspects = new Set<string>()

  const giveUp = (attempt: Attempt): void =>
    poller.finish(attempt, abandon(attempt, registry.job(attempt.job.jobType)))

  const sweep = (): void => {
    const now = performance.now()
    const stalledMs = stalled(now)
    if (stalledMs !== null) tellStall(stalledMs / 1000)
    for (const attempt of [...poller.attempts()]) {
      if (attempt.aborted === null && now > attempt.deadlineMs) attempt.abort('timeout')
      if (attempt.aborted === 'timeout' && now > attempt.abortedMs + timing.timeoutGraceMs) giveUp(attempt)
    }
  }

  const tellStall = (seconds: number): void => {
    const types = new Set([...poller.attempts()].map((attempt) => attempt.job.jobType))
    events.emit({ type: 'loop.stalled', seconds, jobTypes: [...types].sort().slice(0, STALL_TYPES_MAX) })
  }

  const writeReports = async (): Promise<void> => {
    const reporting = [...poller.attempts()].filter((attempt) => attempt.progress !== null)
    for (const batch of batchesOf(reporting)) {
      const reports = batch.flatMap((attempt): ProgressWrite[] => {
        const report = attempt.progress
        attempt.progress = null
        return report === null ? [] : [toWrite(attempt.job, report)]
      })
      const executionIds = await writeProgress(pool, reports)
      if (executionIds.length > 0) await bumpVersions(pool, executionIds)
    }
  }

  const abortLost = async (): Promise<void> => {
    const now = performance.now()
    const named = suspects
    suspects = new Set()
    const old = [...poller.attempts()].filter(
      (attempt) => named.has(attempt.job.id) || now - attempt.startedMs > timing.watchMs,
    )
    for (const batch of batchesOf(old)) {
      const lost = await lostAttempts(
        pool,
        batch.map((one) => one.job),
      )
      for (const attempt of batch) {
        if (!lost.has(attempt.job) || attempt.ended) continue
        attempt.abort('lost')
        // Its settlement would be refused; the slot is free for others at once.
        giveUp(attempt)
      }
    }
  }

  const loop = createLoop({
    name: 'watch',
    events,
    pass: async () => {
      await abortLost()
      return timing.watchMs
    },
  })
  // Apart from the watch: a report may wait for whoever holds the row of its execution, and no signal may wait with it.
  const reports = createLoop({
    name: 'reports',
    events,
    pass: async () => {
      await writeReports()
      return timing.watchMs
    },
  })

  return {
    name: loop.name,
    start: () => {
      sweepTimer = setInterval(sweep, timing.sweepMs)
      loop.start()
      reports.start()
    },
    stop: async () => {
      if (sweepTimer !== null) clearInterval(sweepTimer)
      await Promise.all([loop.stop(), reports.stop()])
    },
    suspect: (jobId) => {
      if (![...poller.attempts()].some((attempt) => attempt.job.id === jobId)) return
      suspects.add(jobId)
      loop.wake()
    },
    releaseAll: () => {
      for (const attempt of [...poller.attempts()]) {
        attempt.abort('shutdown')
        giveUp(attempt)
      }
    },
  }
}

function batchesOf<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / BATCH_MAX) }, (_, at) =>
    items.slice(at * BATCH_MAX, (at + 1) * BATCH_MAX),
  )
}
