/** What the tests of limits and turns share. */
import { beforeEach } from 'vitest'
import type { ClaimedJob } from '../../src/store/claims.ts'
import { claimFairly, type FairAnswer, type FairClaim } from '../../src/store/fair-claims.ts'
import { claimOf, endAttempts, endingOf, type StoreDatabase, useStore } from './fixtures.ts'

type FairLane = FairClaim['lane']

export function laneOf(more: Partial<FairLane>): FairLane {
  return { queue: 'default', priority: 0, keyed: false, ratedType: null, ...more }
}

export const KEYED = laneOf({ keyed: true })

/** A fair claim of the jobs without a key of lane `default`/0. */
export function fairOf(more: Partial<FairClaim> = {}): FairClaim {
  return { ...claimOf(), until: null, afterKey: null, lane: laneOf({}), ...more }
}

export interface AddedJobs {
  readonly key?: string | null
  readonly queue?: string
  readonly type?: string
  readonly dueInSeconds?: number
}

/** A store without limits, and short ways to claim fairly and settle in it. */
export function useLimits() {
  const store: StoreDatabase = useStore()
  beforeEach(async () => {
    await store.pool.query('truncate rowbeat.queues, rowbeat.job_type_rates, rowbeat.rate_starts')
  })
  return {
    store,
    session: store.session,
    fairly: (more: Partial<FairClaim> = {}): Promise<FairAnswer> => claimFairly(store.pool, fairOf(more)),
    /** Adds due jobs, by default of type `work` without a key, the first due first. */
    add: async (count: number, more: AddedJobs = {}): Promise<string[]> => {
      const { key = null, queue = 'default', type = 'work', dueInSeconds = -20 } = more
      const { rows } = await store.pool.query<{ id: string }>(
        `insert into rowbeat.scheduled_jobs (job_type, queue, concurrency_key, scheduled_at)
         select $1, $2, $3, now() + make_interval(secs => $4 + n / 1e6) from generate_series(1, $5) n
         returning id`,
        [type, queue, key, dueInSeconds, count],
      )
      return rows.map((row) => row.id)
    },
    /** The keys of jobs, in the order given. */
    keysOf: async (jobs: readonly ClaimedJob[]): Promise<string[]> => {
      const { rows } = await store.pool.query<{ key: string }>(
        `select j.concurrency_key as key
         from unnest($1::bigint[]) with ordinality c (id, n)
         join rowbeat.scheduled_jobs j on j.id = c.id
         order by c.n`,
        [jobs.map((job) => job.id)],
      )
      return rows.map((row) => row.key)
    },
    complete: async (jobs: readonly ClaimedJob[]): Promise<void> => {
      await endAttempts(
        store.pool,
        jobs.map((job) => endingOf(job)),
      )
    },
  }
}
