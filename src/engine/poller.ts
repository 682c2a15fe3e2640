/**
 * The poller: claims jobs, runs them, settles them.
 *
 * ```
 *        ┌────────────── claim (and settle, in one statement when both are due) ◀────────┐
 *        ▼                                                                              │
 *   handlers run ──▶ settler gathers what ended ──▶ settle ──▶ freed steps, closed runs ─┘
 * ```
 * At most two writes are under way at once; what ends meanwhile is the next batch. Everything it believes about
 * the queue may be wrong for a moment: the claim and the settlement are decided in the database.
 */
import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import type { Log, Services } from '../core/ports.ts'
import type { Registry } from '../core/registry.ts'
import { type ClaimedJob, claimSize } from '../store/claims.ts'
import { isLockTimeout, isRefusedData } from '../store/database.ts'
import type { Settled } from '../store/fence.ts'
import { look, lookForKeys } from '../store/look.ts'
import { endLeases, releaseLeases } from '../store/pollers.ts'
import { completeJobs, settleAround } from '../store/settlements.ts'
import { type Attempt, type AttemptEnd, startAttempt, withLastReport } from './attempt.ts'
import { claimTurn } from './claiming.ts'
import type { Events } from './events.ts'
import { createLanes, type Lanes, type LaneTurn } from './lanes.ts'
import { createLater } from './later.ts'
import {
  createSettler,
  type Ended,
  SETTLE_BATCH_MAX,
  toCompletion,
  toEnded,
  toSettlement,
  withoutPoison,
} from './settler.ts'
import { createStarts } from './starts.ts'
import { createSuspects } from './suspects.ts'

export interface PollerOptions {
  readonly pool: pg.Pool
  readonly registry: Registry
  readonly services: Services
  readonly events: Events
  /** Most jobs that run at once. */
  readonly concurrency: number
  readonly logFor: (job: ClaimedJob) => Log
  /** True while others take this poller for alive. */
  readonly isAlive: () => boolean
  /** Called when steps became pending that this poller has no room for. */
  readonly onSurplus: () => void
  /** Called when there is work of a kind that this poller does not know of: only a look can tell. */
  readonly onUnseen: () => void
}

export interface Poller {
  /** Begins to claim under this identity. */
  open(pollerId: string): void
  /** Claims nothing more. */
  close(): void
  /** Starts no further write, and ends every timer. */
  halt(): void
  /** True when nothing runs and nothing waits to be written. */
  isIdle(): boolean
  running(): number
  attempts(): Iterable<Attempt>
  /** Looks at every lane; returns ms until the next job is due, or null. */
  look(): Promise<number | null>
  /** Looks for jobs with a concurrency key, unless nothing was claimed since it was last asked to. */
  lookForKeys(): Promise<void>
  /** Takes in a hint; a hint about an unknown lane asks for a look. */
  wake(queue: string, priority: number | null, dueInMs: number | null): boolean
  wakeAll(): void
  /** Ends one attempt as given, whatever its handler still does. */
  finish(attempt: Attempt, end: AttemptEnd): void
  /** Drops all work: the lease is lost, nothing of it may be written. */
  drop(): number
  knowsLease(leaseId: string): boolean
  /** Removes leases that are wholly settled, and hands back claims whose answer was lost. */
  tidy(): Promise<void>
}

/** Writes under way at once. Two keep a connection busy while the other batch runs. */
const WRITES_MAX = 2
/** A claim that finds fewer jobs than this had better wait for the steps that a settlement frees, so many ms at most. */
const SPARSE = 128
const FREEING_MAX_MS = 50
/** Pause after a failed write, ms. */
const FAILURE_PAUSE_MS = 500

export function createPoller(options: PollerOptions): Poller {
  const { pool, registry, events } = options
  const running = new Set<Attempt>()
  const settler = createSettler()
  const doubtful = new Set<string>()
  let pollerId: string | null = null
  let writes = 0
  let claiming = 0
  let mixedUnderWay = false
  let mixedSinceMs = 0
  /** True when the last claim found little. */
  let sparse = false
  let keysWanted = false
  /** Grows whenever all work is dropped: what was under way by then must not be taken up. */
  let epoch = 0
  let halted = false
  let pausedUntil = 0
  const later = createLater(() => pump())
  const lanes: Lanes = createLanes(() => pump())
  const starts = createStarts({ pool, events, running })

  const mayRun = (): boolean => pollerId !== null && options.isAlive()

  const busy = (): number => running.size + claiming + suspects.takes()
  const capacity = (): number =>
    mayRun() ? options.concurrency - busy() - Math.max(0, settler.size() - SETTLE_BATCH_MAX) : 0

  /** True while steps are being freed that the next claim had better take with it; bounded, for it may wait for a lock. */
  const awaitsFreed = (): boolean => {
    const leftMs = sparse && mixedUnderWay ? mixedSinceMs + FREEING_MAX_MS - performance.now() : 0
    if (leftMs > 0) later.within(leftMs)
    return leftMs > 0
  }

  /** Starts whatever can be started now. */
  const pump = (): void => {
    if (halted) return
    const pause = pausedUntil - performance.now()
    if (pause > 0) {
      later.within(pause)
      return
    }
    // A claim that is still under way when we close would take again what is handed back.
    const closing = pollerId === null && claiming > 0
    suspects.next()
    if (!closing && settler.hasMixed() && !mixedUnderWay && writes < WRITES_MAX) void settleMixed()
    while (writes < WRITES_MAX && !awaitsFreed()) {
      const turn = capacity() > 0 ? lanes.next() : null
      if (turn !== null) void claimNext(turn)
      else if (settler.hasPlain() && writes === 0) void settlePlain()
      else return
    }
  }

  const write = async (what: () => Promise<void>, onFailure: (error: unknown) => void): Promise<void> => {
    writes += 1
    try {
      await what()
      pausedUntil = 0
    } catch (error) {
      // What is given back goes round the rows that somebody holds: no failure, and the wait was the pause.
      if (!isLockTimeout(error)) {
        pausedUntil = performance.now() + FAILURE_PAUSE_MS
        events.emit({ type: 'service.failed', service: 'poller', error, failures: 1 })
      }
      onFailure(error)
    } finally {
      writes -= 1
      pump()
    }
  }

  const claimNext = (turn: LaneTurn): Promise<void> => {
    // One that waits leaves room for others meanwhile.
    const limit = claimSize(turn.waits ? Math.ceil(capacity() / 2) : capacity())
    const leaseId = randomUUID()
    const batch = settler.takePlain()
    // What a limited queue runs is read from the leases: the fewer, the faster.
    const endedLeases = batch.length > 0 || turn.fair ? settler.takeEndedLeases() : []
    const claim = { limit, leaseId, pollerId: pollerId ?? '', jobTypes: registry.jobTypes }
    claiming += limit
    const mine = epoch
    const begun = performance.now()
    return write(
      async () => {
        try {
          const answer = await claimTurn(pool, turn, claim, batch.map(toCompletion), endedLeases)
          noteSettled(batch, answer.settled, turn.lane)
          if (answer.problem !== null) {
            events.emit({ type: 'service.failed', service: 'limits', error: answer.problem, failures: 1 })
          }
          if (mine !== epoch || !mayRun()) {
            // Claimed when we shut down, slept, or under an identity that we gave up: to be handed back, not run.
            if (answer.claimed.length > 0) doubtful.add(leaseId)
            turn.fail()
            return
          }
          answer.settleTurn()
          sparse = answer.claimed.length < SPARSE
          if (answer.claimed.length === 0 && turn.hinted && !turn.fair && !lanes.hasFair(turn.lane)) {
            keysWanted = true
            options.onUnseen()
          }
          take(answer.claimed, leaseId, (performance.now() - begun) / 1000)
        } finally {
          claiming -= limit
        }
      },
      () => {
        settler.giveBackLeases(endedLeases)
        // The claim may have been committed although its answer never came.
        doubtful.add(leaseId)
        if (mine !== epoch) return
        turn.fail()
        settler.giveBack(batch)
      },
    )
  }

  const noteSettled = (batch: readonly Ended[], effective: Settled, by?: LaneTurn['lane']): void => {
    settler.settled(batch, effective)
    const jobs = batch.map((one) => one.job)
    lanes.freed(jobs, by)
  }

  /** Runs what was claimed. */
  const take = (claimed: readonly ClaimedJob[], leaseId: string, seconds: number): void => {
    const first = claimed[0]
    if (first === undefined) return
    keysWanted = true
    settler.openLease(leaseId, claimed.length)
    events.emit({ type: 'jobs.claimed', queue: first.queue, count: claimed.length, seconds })
    const now = performance.now()
    const again: ClaimedJob[] = []
    for (const job of claimed) {
      // What was never claimed before was on no poller that died: nobody need be asked about it.
      if (job.attempt > 1) again.push(job)
      else begin(job, now)
    }
    if (again.length > 0) suspects.take(again)
  }

  const begin = (job: ClaimedJob, now: number): void => {
    if (job.executionId !== null) starts.note(job.executionId)
    const definition = registry.job(job.jobType)
    // Cannot happen: the claim names the types of the registry.
    if (definition === undefined) throw new Error(`claimed a job of unknown type ${job.jobType}`)
    const attempt = startAttempt(host, job, definition, now)
    if (!attempt.ended) running.add(attempt)
  }

  const host = {
    services: options.services,
    logFor: options.logFor,
    onEnd: (attempt: Attempt, end: AttemptEnd): void => finish(attempt, end),
  }

  const finish = (attempt: Attempt, end: AttemptEnd): void => {
    attempt.ended = true
    running.delete(attempt)
    const { job } = attempt
    add(toEnded(events, attempt, end, withLastReport(attempt, end.ending)))
    suspects.ended(job)
    // The claim that the slot is for settles this one too, in one statement.
    if (end.ending === null && job.executionId === null) lanes.freed([job])
  }

  const add = (ended: Ended): void => {
    settler.add(ended)
    // Once for all handlers that end in this turn.
    later.afterThisTurn()
  }

  const suspects = createSuspects({
    pool,
    events,
    begin: (job) => begin(job, performance.now()),
    add,
    isQuiet: () => running.size === 0 && claiming === 0,
    mayRun,
  })

  const settlePlain = (): Promise<void> => {
    const batch = settler.takePlain()
    const mine = epoch
    return write(
      async () => noteSettled(batch, await completeJobs(pool, batch.map(toCompletion))),
      () => {
        if (mine === epoch) settler.giveBack(batch)
      },
    )
  }

  const settleMixed = (): Promise<void> => {
    const batch: Ended[] = settler.takeMixed()
    const mine = epoch
    mixedUnderWay = true
    mixedSinceMs = performance.now()
    return write(
      async () => {
        try {
          const { settled, freed, closed, held } = await settleAround(pool, toSettlement(batch))
          noteSettled(
            batch.filter((one) => !held.has(one.job.id)),
            settled,
          )
          // Behind the others; the wait for its lock is the pause before the next try.
          if (mine === epoch) for (const one of batch) if (held.has(one.job.id)) settler.add(one)
          for (const one of closed) events.emit({ type: 'execution.closed', ...one })
          if (freed > 0 || batch.some((one) => one.ending?.status === 'pending')) lanes.wakeAll()
          if (freed > capacity()) options.onSurplus()
        } finally {
          mixedUnderWay = false
        }
      },
      (error) => {
        if (mine !== epoch) return
        settler.giveBack(isRefusedData(error) ? withoutPoison(settler, batch, error) : batch)
      },
    )
  }

  return {
    open: (id) => {
      pollerId = id
      pump()
    },
    close: () => {
      pollerId = null
      suspects.release()
      lanes.clear()
    },
    halt: () => {
      halted = true
      epoch += 1
      pollerId = null
      suspects.clear()
      lanes.clear()
      later.clear()
      starts.clear()
    },
    isIdle: () => running.size + suspects.size() === 0 && settler.size() === 0 && writes === 0,
    running: () => running.size,
    attempts: () => running,
    look: async () => {
      if (pollerId === null) return null
      const mine = epoch
      const seen = await look(pool, registry.jobTypes)
      if (pollerId === null || mine !== epoch) return null
      const next = lanes.update(seen)
      pump()
      return next
    },
    lookForKeys: async () => {
      if (pollerId === null || !keysWanted) return
      keysWanted = false
      const mine = epoch
      const seen = await lookForKeys(pool, registry.jobTypes)
      if (pollerId === null || mine !== epoch) return
      lanes.update(seen)
      pump()
    },
    wake: (queue, priority, dueInMs) => {
      if (pollerId === null) return true
      const known = lanes.wake(queue, priority, dueInMs)
      if (known) pump()
      return known
    },
    wakeAll: () => {
      lanes.wakeAll()
      pump()
    },
    finish,
    drop: () => {
      epoch += 1
      const dropped = running.size
      for (const attempt of running) {
        attempt.abort('lost')
        attempt.ended = true
      }
      running.clear()
      suspects.clear()
      settler.clear()
      doubtful.clear()
      lanes.clear()
      starts.clear()
      return dropped
    },
    knowsLease: (leaseId) => settler.knowsLease(leaseId) || doubtful.has(leaseId),
    tidy: async () => {
      const lost = [...doubtful]
      if (lost.length > 0) {
        await releaseLeases(pool, lost)
        for (const leaseId of lost) doubtful.delete(leaseId)
      }
      const ended = settler.takeEndedLeases()
      if (ended.length === 0) return
      try {
        await endLeases(pool, ended)
      } catch (error) {
        settler.giveBackLeases(ended)
        throw error
      }
    },
  }
}
