/**
 * The slot for suspects: jobs that ran on pollers that were lost (store/suspects.ts) run one at a time here, each of them
 * noted in the database before its handler starts, so that a death has at most one to blame.
 */
import type pg from 'pg'
import type { ClaimedJob } from '../store/claims.ts'
import { markAlone, POISON_DEATHS, readSuspects } from '../store/suspects.ts'
import type { Events } from './events.ts'
import { type Ended, toReleased } from './settler.ts'

export interface Suspects {
  /** Takes in claimed jobs that were claimed before: those that are under no suspicion begin as soon as that is known. */
  take(jobs: readonly ClaimedJob[]): void
  /** Jobs here that have not begun. */
  size(): number
  /**
   * Slots that are taken by jobs of which it is not yet known whether they are suspects; all there are while the next
   * death would be the last one for the suspect whose turn it is.
   */
  takes(): number
  /** Begins the next one if it can begin now. */
  next(): void
  /** Notes that a job has ended. */
  ended(job: ClaimedJob): void
  /** Hands back what has not begun. */
  release(): void
  /** Forgets everything: the lease is lost. */
  clear(): void
}

interface Suspect {
  readonly job: ClaimedJob
  /** True for one that may run only where nothing else does, so that it is not convicted of what another did. */
  readonly sole: boolean
  begun: boolean
}

/** Most that wait their turn here; the others are given back, for another poller may have its slot free. */
const WAITING_MAX = 8
/** How long they wait here before they are given back, ms. */
const WAIT_MAX_MS = 5_000
/** How long those are not due then, s: each claim counts as an attempt, so not at once. */
const REST_SECONDS = 5

export function createSuspects(options: {
  readonly pool: pg.Pool
  readonly events: Events
  /** Starts the handler of a job. */
  readonly begin: (job: ClaimedJob) => void
  /** Takes what is to be written of a job that is given back. */
  readonly add: (ended: Ended) => void
  /** True while nothing runs here, and nothing is on its way. */
  readonly isQuiet: () => boolean
  readonly mayRun: () => boolean
}): Suspects {
  const { pool, events, begin } = options
  const asked = new Set<ClaimedJob>()
  let waiting: Suspect[] = []
  /** The one whose turn it is: about to begin, or running. */
  let current: Suspect | null = null
  let timer: NodeJS.Timeout | null = null
  /** Grows whenever what waits is handed back or forgotten. */
  let epoch = 0

  const giveUp = (error: unknown, jobs: readonly ClaimedJob[]): void => {
    events.emit({ type: 'service.failed', service: 'suspects', error, failures: 1 })
    for (const job of jobs) rest(job)
  }

  /** Gives a job back that has not begun, due in so many seconds; null: as before. */
  const handBack = (job: ClaimedJob, delaySeconds: number | null): void =>
    options.add(toReleased(events, job, delaySeconds))

  const rest = (job: ClaimedJob): void => handBack(job, REST_SECONDS * (1 + Math.random()))

  const ask = async (jobs: readonly ClaimedJob[]): Promise<void> => {
    const mine = epoch
    for (const job of jobs) asked.add(job)
    try {
      const found = await readSuspects(
        pool,
        jobs.map((job) => job.id),
      )
      if (mine !== epoch) return
      for (const job of jobs) {
        asked.delete(job)
        const aloneDeaths = found.get(job.id)
        if (!options.mayRun()) handBack(job, null)
        else if (aloneDeaths === undefined) begin(job)
        else line({ job, sole: aloneDeaths >= POISON_DEATHS - 1, begun: false })
      }
      next()
    } catch (error) {
      if (mine !== epoch) return
      const left = jobs.filter((job) => asked.delete(job))
      giveUp(error, left)
    }
  }

  /** Those that need the whole poller come last. */
  const line = (suspect: Suspect): void => {
    if (waiting.length >= WAITING_MAX) {
      rest(suspect.job)
      return
    }
    waiting.push(suspect)
    waiting.sort((a, b) => Number(a.sole) - Number(b.sole))
    timer ??= setTimeout(tire, WAIT_MAX_MS)
  }

  /** Gives back who waited in vain. Who waits for the poller to be quiet is kept: else it would never be. */
  const tire = (): void => {
    timer = null
    const kept = current === null ? waiting.slice(0, 1) : []
    for (const one of waiting.slice(kept.length)) rest(one.job)
    waiting = kept
  }

  const next = (): void => {
    const head = waiting[0]
    if (head === undefined || current !== null || !options.mayRun()) return
    if (head.sole && (asked.size > 0 || !options.isQuiet())) return
    waiting.shift()
    current = head
    void run(head)
  }

  const run = async (suspect: Suspect): Promise<void> => {
    const mine = epoch
    const { job } = suspect
    try {
      const ours = await markAlone(pool, job)
      if (mine !== epoch) return
      if (ours && options.mayRun()) {
        suspect.begun = true
        begin(job)
        return
      }
      current = null
      handBack(job, null)
    } catch (error) {
      if (mine !== epoch) return
      current = null
      giveUp(error, [job])
    }
    next()
  }

  /** Forgets what has not begun; what runs keeps its slot unless `all`. */
  const empty = (all: boolean): ClaimedJob[] => {
    epoch += 1
    const left = [...asked, ...waiting.map((one) => one.job)]
    if (current !== null && !current.begun) left.push(current.job)
    asked.clear()
    waiting = []
    if (all || current?.begun === false) current = null
    if (timer !== null) clearTimeout(timer)
    timer = null
    return left
  }

  return {
    take: (jobs) => {
      void ask(jobs)
    },
    size: () => asked.size + waiting.length + (current?.begun === false ? 1 : 0),
    takes: () => ((current ?? waiting[0])?.sole === true ? Number.POSITIVE_INFINITY : asked.size),
    next,
    ended: (job) => {
      if (current?.job === job) current = null
      next()
    },
    release: () => {
      for (const job of empty(false)) handBack(job, null)
    },
    clear: () => {
      empty(true)
    },
  }
}
