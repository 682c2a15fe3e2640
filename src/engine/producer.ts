/** Adding jobs from a process that need not run any, and waking those that do. */
import type pg from 'pg'
import { withFreeIds } from '../store/job-ids.ts'
import { enqueueJobs, type NewJob } from '../store/jobs.ts'
import { createTeller } from './teller.ts'

export interface Producer {
  /** Adds jobs in a transaction of their own; returns what {@link enqueueJobs} returns. */
  add(jobs: readonly NewJob[]): Promise<(string | null)[]>
  /** Waits for the hint that is being sent. */
  stop(): Promise<void>
}

/**
 * Who adds alone lets the insert's own transaction carry the hint, which then arrives with the commit and costs no
 * round trip. A transaction that notifies makes the commits of all others that do wait for it, so a crowd inserts
 * without, and tells of all its jobs at once and afterwards.
 */
export function createProducer(pool: pg.Pool, onFailure: (error: unknown) => void): Producer {
  const teller = createTeller(pool, onFailure)
  let adding = 0
  return {
    add: async (jobs) => {
      const wake = adding === 0
      adding += 1
      try {
        const ids = await withFreeIds(pool, () => enqueueJobs(pool, jobs, { wake }))
        if (!wake)
          for (const job of jobs) teller.tell({ queue: job.queue ?? 'default', priority: job.priority ?? 0 })
        return ids
      } finally {
        adding -= 1
      }
    },
    stop: () => teller.stop(),
  }
}
