/**
 * What waits to be written: ended attempts, batched by nature (whatever gathers while a write is under way is the
 * next batch), and leases until every job of theirs is settled.
 */
import type { ClaimedJob } from '../store/claims.ts'
import type { Completion, Settled } from '../store/fence.ts'
import { type Ending, plainEnding, type Settlement } from '../store/settlements.ts'
import { type Attempt, type AttemptEnd, unstorable } from './attempt.ts'
import type { Events } from './events.ts'

/** Most attempts in one write. */
export const SETTLE_BATCH_MAX = 768

export interface Ended {
  readonly job: ClaimedJob
  /** Null for a plain completion. */
  ending: Ending | null
  /** Told whether the settlement took effect. */
  readonly onSettled: (effective: boolean) => void
  /** True when an earlier write of it failed without an answer: it may have been committed. */
  resent: boolean
  /** True when what it ended with could not be stored, and `ending` says so instead. */
  replaced: boolean
}

export interface Settler {
  size(): number
  add(ended: Ended): void
  /** Takes up to a batch of plain completions of jobs without an execution, no job twice. */
  takePlain(): Ended[]
  /** Takes up to a batch of everything else. */
  takeMixed(): Ended[]
  hasPlain(): boolean
  hasMixed(): boolean
  /** Puts a batch back whose write failed, in front. */
  giveBack(batch: readonly Ended[]): void
  /** What cannot be stored among others is written one by one, until that works again. */
  oneByOne(): void
  /** Notes the answer to a batch. */
  settled(batch: readonly Ended[], effective: Settled): void
  /** Notes a lease and how many jobs it covers. */
  openLease(leaseId: string, jobs: number): void
  /** Leases all of whose jobs are settled, to be removed with the next write. */
  takeEndedLeases(): string[]
  giveBackLeases(leaseIds: readonly string[]): void
  endedLeases(): number
  knowsLease(leaseId: string): boolean
  clear(): void
}

export function createSettler(): Settler {
  let plain: Ended[] = []
  let mixed: Ended[] = []
  let batchMax = SETTLE_BATCH_MAX
  let ended: string[] = []
  const open = new Map<string, number>()

  const isPlain = (one: Ended): boolean => one.ending === null && one.job.executionId === null

  const countDown = (leaseId: string): void => {
    const before = open.get(leaseId)
    // Dropped meanwhile: other jobs of the lease still say running, and only through its row are they taken back.
    if (before === undefined) return
    const left = before - 1
    if (left > 0) {
      open.set(leaseId, left)
    } else {
      open.delete(leaseId)
      ended.push(leaseId)
    }
  }

  return {
    size: () => plain.length + mixed.length,
    add: (one) => (isPlain(one) ? plain : mixed).push(one),
    takePlain: () => plain.splice(0, distinct(plain)),
    takeMixed: () => mixed.splice(0, batchMax),
    hasPlain: () => plain.length > 0,
    hasMixed: () => mixed.length > 0,
    giveBack: (batch) => {
      for (const one of batch) one.resent = true
      // Plain ones too: they may have failed because somebody holds one of their rows, and only the settlement of
      // mixed batches parts what is held from what is free.
      mixed = [...batch, ...mixed]
    },
    oneByOne: () => {
      batchMax = 1
    },
    settled: (batch, effective) => {
      batchMax = Math.min(SETTLE_BATCH_MAX, batchMax * 2)
      for (const one of batch) {
        countDown(one.job.leaseId)
        // A resent one that is missing was most likely committed by the first write whose answer was lost.
        one.onSettled(effective.has(one.job.id) || one.resent)
      }
    },
    openLease: (leaseId, jobs) => {
      open.set(leaseId, jobs)
    },
    takeEndedLeases: () => ended.splice(0, 1000),
    giveBackLeases: (leaseIds) => {
      ended = [...leaseIds, ...ended]
    },
    endedLeases: () => ended.length,
    knowsLease: (leaseId) => open.has(leaseId) || ended.includes(leaseId),
    clear: () => {
      plain = []
      mixed = []
      ended = []
      open.clear()
    },
  }
}

/**
 * How many of the first ones are of different jobs, a batch at most. Two attempts at one job end in one poller when the
 * first was taken from it, or its claim was lost with a crash of the server: then both even bear the same number.
 */
function distinct(ends: readonly Ended[]): number {
  const ids = new Set<string>()
  for (const one of ends) {
    if (ids.size === SETTLE_BATCH_MAX || ids.has(one.job.id)) break
    ids.add(one.job.id)
  }
  return ids.size
}

/**
 * Of a batch that was refused, what to try again: one end that cannot be stored must not keep the others from being
 * written for ever, so it says that instead, and what not even then is stored is given up.
 */
export function withoutPoison(settler: Settler, batch: readonly Ended[], error: unknown): readonly Ended[] {
  settler.oneByOne()
  const [only] = batch
  if (only === undefined || batch.length > 1) return batch
  // Nothing of it can be stored: its row stays as it is until this poller's leases are taken back.
  if (only.replaced) return []
  only.replaced = true
  only.ending = unstorable(only.job, error)
  return batch
}

/** The end of an attempt as it is written, `ending` with the last report; its event is told when it is. */
export function toEnded(
  events: Events,
  { job, startedMs }: Pick<Attempt, 'job' | 'startedMs'>,
  end: Omit<AttemptEnd, 'ending'>,
  ending: Ending | null,
): Ended {
  return {
    job,
    ending,
    resent: false,
    replaced: false,
    onSettled: (effective) =>
      events.emit({
        type: 'job.ended',
        jobId: job.id,
        jobType: job.jobType,
        queue: job.queue,
        executionId: job.executionId,
        attempt: job.attempt,
        outcome: effective ? end.outcome : 'refused',
        code: end.code,
        message: end.message,
        seconds: (performance.now() - startedMs) / 1000,
        waitedSeconds: job.waitedSeconds,
      }),
  }
}

const RELEASED: Omit<AttemptEnd, 'ending'> = { outcome: 'released', code: null, message: null }

/** The end of a job that was claimed and has not begun: pending again, due in so many seconds; null: as before. */
export function toReleased(events: Events, job: ClaimedJob, delaySeconds: number | null): Ended {
  const ending: Ending = { ...plainEnding(job), status: 'pending', delaySeconds }
  return toEnded(events, { job, startedMs: performance.now() }, RELEASED, ending)
}

/** The statement's view of a batch. */
export function toSettlement(batch: readonly Ended[]): Settlement {
  return {
    completions: batch.filter((one) => one.ending === null).map(toCompletion),
    endings: batch.flatMap((one) => one.ending ?? []),
    executionIds: batch.flatMap((one) => one.job.executionId ?? []),
  }
}

export function toCompletion(one: Ended): Completion {
  return { id: one.job.id, leaseId: one.job.leaseId }
}
