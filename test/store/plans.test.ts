/**
 * What the hot statements read on a table of 240,000 jobs, 200,000 of them long finished: counted by the server
 * itself, for generic and custom plans, with statistics of the full table and of when it was empty.
 */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findLive } from '../../src/store/admissions.ts'
import { type Claim, claimJobs, exchange } from '../../src/store/claims.ts'
import { endOverdueExecutions, endOverdueJobs } from '../../src/store/deadlines.ts'
import {
  bumpVersions,
  readExecution,
  readLatestExecution,
  readRecentRuns,
  startExecutions,
} from '../../src/store/executions.ts'
import type { Completion } from '../../src/store/fence.ts'
import { raiseClaimFloors } from '../../src/store/floors.ts'
import { enqueueJobs } from '../../src/store/jobs.ts'
import { look, lookForKeys } from '../../src/store/look.ts'
import { beat, reapDeadPollers, releaseLeases } from '../../src/store/pollers.ts'
import { readSnapshot } from '../../src/store/reports.ts'
import { completeJobs, lostAttempts, settle, writeProgress } from '../../src/store/settlements.ts'
import { triage } from '../../src/store/upkeep.ts'
import { useTestDatabase } from '../support/database.ts'
import { jobsRead, rowsRead } from '../support/plans.ts'
import { addPoller, claimOf, endAttempts, endingOf, POLLER } from './fixtures.ts'

const database = useTestDatabase()
let pool: pg.Pool

const FILL = [
  `alter table rowbeat.scheduled_jobs set (autovacuum_enabled = off)`,
  `analyze`,
  `insert into rowbeat.workflow_executions (execution_id, workflow_type, subject, deadline_at, status, start_time, end_time)
   select gen_random_uuid(), 'walk', 's' || n, now() + interval '1 hour',
          case when n > 1950 then 'running' else 'completed' end, now(), case when n > 1950 then null else now() end
   from generate_series(1, 2000) n`,
  // A site that was audited every hour of four months.
  `insert into rowbeat.workflow_executions
     (execution_id, workflow_type, subject, deadline_at, status, start_time, end_time, created_at)
   select gen_random_uuid(), 'often', 'site', now() + interval '1 hour', 'completed', t.at, t.at, t.at
   from generate_series(1, 3000) n cross join lateral (select now() - make_interval(hours => n) as at) t`,
  `insert into rowbeat.scheduled_jobs (job_type, scheduled_at, status, finished_at, started_at, first_started_at, attempt)
   select 'work', now() - interval '2 minutes' - make_interval(secs => (200000 - n) * 0.1), 'completed', now(), now(), now(), 1
   from generate_series(1, 194000) n`,
  `insert into rowbeat.scheduled_jobs (job_type, scheduled_at, status, finished_at, parent_execution_id, step, sequence_index)
   select 'work', now() - interval '2 minutes', case when e.status = 'running' then 'waiting' else 'completed' end,
          case when e.status = 'running' then null else now() end, e.execution_id, 's' || n, n
   from rowbeat.workflow_executions e cross join generate_series(1, 3) n
   where e.workflow_type = 'walk'`,
  `insert into rowbeat.scheduled_jobs (job_type, scheduled_at, status, finished_at, parent_execution_id, step, sequence_index)
   select 'work', e.created_at, 'completed', e.end_time, e.execution_id, 's' || n, n
   from (select * from rowbeat.workflow_executions where workflow_type = 'often' order by created_at desc limit 30) e
   cross join generate_series(1, 3) n`,
  `insert into rowbeat.scheduled_jobs (job_type, scheduled_at)
   select 'work', now() - make_interval(secs => n / 1000.0) from generate_series(1, 20000) n`,
  `insert into rowbeat.scheduled_jobs (job_type, scheduled_at)
   select 'work', now() + make_interval(hours => 1, secs => n) from generate_series(1, 20000) n`,
  `insert into rowbeat.claim_floors (queue, priority, floor_at) values ('default', 0, now() - interval '100 seconds')`,
  `update rowbeat.claim_horizon set probed_at = now() - interval '20 seconds'`,
  `delete from rowbeat.backdated_jobs`,
]

beforeAll(async () => {
  // One connection, so that the server's counts are all of ours and can be asked for at any time.
  pool = new pg.Pool({ connectionString: database.url, max: 1, application_name: 'rowbeat test' })
  pool.on('error', () => undefined)
  for (const statement of FILL) await pool.query(statement)
  await addPoller(pool)
})
afterAll(async () => {
  await pool.end()
})

/** Lets the floor be as high as the last pass over the floors would have left it. */
async function lift(): Promise<void> {
  await pool.query(`update rowbeat.claim_floors f set floor_at = (
    select j.scheduled_at from rowbeat.scheduled_jobs j
    where j.queue = f.queue and j.priority = f.priority and j.status = 'pending' and j.scheduled_at >= f.floor_at
    order by j.scheduled_at, j.id limit 1)`)
}

/** A claim as a poller makes it: from the first pending job on. */
async function claimFromFloor(limit: number): Promise<Claim> {
  await lift()
  const { rows } = await pool.query<{ at: number }>(
    'select date_part($1, floor_at) as at from rowbeat.claim_floors',
    ['epoch'],
  )
  return claimOf({ limit, floor: { at: rows[0]?.at ?? 0, id: '0' } })
}

async function claim(limit: number): Promise<Completion[]> {
  return claimJobs(pool, await claimFromFloor(limit))
}

async function executions(): Promise<string[]> {
  const { rows } = await pool.query<{ execution_id: string }>(
    `select execution_id from rowbeat.workflow_executions where status = 'running' order by execution_id limit 2`,
  )
  return rows.map((row) => row.execution_id)
}

/** Each hot statement with the most rows it may read. */
const STATEMENTS: readonly (readonly [string, number, () => Promise<() => Promise<unknown>>])[] = [
  [
    'claim of 1',
    20,
    async () => {
      const next = await claimFromFloor(1)
      return () => claimJobs(pool, next)
    },
  ],
  [
    'claim of 512',
    1_600,
    async () => {
      const next = await claimFromFloor(512)
      return () => claimJobs(pool, next)
    },
  ],
  [
    'claim from within the lane',
    100,
    async () => {
      const jobs = await claimJobs(pool, await claimFromFloor(16))
      const last = jobs.at(-1)
      return () => claimJobs(pool, claimOf({ floor: { at: last?.scheduledAt ?? 0, id: last?.id ?? '0' } }))
    },
  ],
  [
    'exchange of 128',
    900,
    async () => {
      const done = await claim(128)
      const next = await claimFromFloor(128)
      return () => exchange(pool, next, done, [done[0]?.leaseId ?? ''])
    },
  ],
  [
    'complete',
    200,
    async () => {
      const done = await claim(64)
      return () => completeJobs(pool, done)
    },
  ],
  [
    'end_attempts',
    200,
    async () => {
      const done = await claim(64)
      return () =>
        endAttempts(
          pool,
          done.map((job) => endingOf(job, { result: 1 })),
        )
    },
  ],
  [
    'settle of a step with advance_executions',
    400,
    async () => {
      const ids = await executions()
      const done = await claim(2)
      return () => settle(pool, { completions: done, endings: [], executionIds: ids })
    },
  ],
  [
    'lost_attempts',
    200,
    async () => {
      const mine = await claim(64)
      return () => lostAttempts(pool, mine)
    },
  ],
  [
    'write_progress',
    200,
    async () => {
      const mine = await claim(64)
      return () =>
        writeProgress(
          pool,
          mine.map((job) => ({ ...job, percent: 1, detail: {} })),
        )
    },
  ],
  [
    'release_leases',
    400,
    async () => {
      const mine = await claim(64)
      return () => releaseLeases(pool, [mine[0]?.leaseId ?? ''])
    },
  ],
  [
    'reap',
    600,
    async () => {
      const pollerId = randomUUID()
      await addPoller(pool, pollerId)
      await claimJobs(pool, { ...(await claimFromFloor(64)), pollerId })
      await pool.query(`update rowbeat.pollers set beat_at = '-infinity' where poller_id = $1`, [pollerId])
      return () => reapDeadPollers(pool)
    },
  ],
  [
    'look',
    20,
    async () => {
      await lift()
      return () => look(pool, ['work'])
    },
  ],
  ['look_for_keys', 10, async () => () => lookForKeys(pool, ['work'])],
  [
    'raise floors',
    20,
    async () => {
      await lift()
      return () => raiseClaimFloors(pool)
    },
  ],
  ['triage', 10, async () => () => triage(pool, 10)],
  ['beat', 10, async () => () => beat(pool, POLLER, { running: 1, listening: true })],
  // Counts pending jobs, to 10,000 in a lane, and reads the running ones.
  [
    'read_snapshot',
    14_000,
    async () => {
      await pool.query('delete from rowbeat.leases')
      await claim(512)
      return () => readSnapshot(pool)
    },
  ],
  ['end overdue jobs', 10, async () => () => endOverdueJobs(pool)],
  ['end overdue executions', 10, async () => () => endOverdueExecutions(pool)],
  [
    'read_execution',
    10,
    async () => {
      const [id] = await executions()
      return () => readExecution(pool, id ?? '')
    },
  ],
  ['read_latest_execution', 10, async () => () => readLatestExecution(pool, 'walk', 's7')],
  [
    'start_executions and bump_versions',
    20,
    async () => {
      const ids = await executions()
      return async () => {
        await startExecutions(pool, ids)
        await bumpVersions(pool, ids)
      }
    },
  ],
  ['enqueue', 10, async () => () => enqueueJobs(pool, [{ jobType: 'work', dedupeKey: randomUUID() }])],
]

/** Statements on executions, each with the most executions and the most jobs that it may read. */
const OF_EXECUTIONS: readonly (readonly [string, number, number, () => Promise<unknown>])[] = [
  ['read_recent_runs of the last hours', 21, 70, () => readRecentRuns(pool, 'often', 'site', 20_000)],
  ['read_recent_runs when there is none', 21, 0, () => readRecentRuns(pool, 'often', 'site', 300)],
  ['read_recent_runs of a site with one', 2, 4, () => readRecentRuns(pool, 'walk', 's7', 300)],
  ['read_latest_execution of a site with many', 2, 4, () => readLatestExecution(pool, 'often', 'site')],
  // The live ones at most, by whichever of their two indexes: those fit on a page.
  ['find_live_execution', 50, 0, () => findLive(pool, 'often', 'site')],
]

describe.each(['when it was empty', 'as it is'])('with statistics of the table %s', (statistics) => {
  beforeAll(async () => {
    if (statistics === 'as it is') await pool.query('analyze')
  })

  describe.each(['force_generic_plan', 'force_custom_plan'])('and %s', (mode) => {
    beforeAll(async () => {
      await pool.query(`set plan_cache_mode = ${mode}`)
      await pool.query('discard plans')
    })

    it.each(STATEMENTS)('%s reads at most %i jobs', async (_name, most, prepare) => {
      const work = await prepare()
      expect(await jobsRead(pool, work)).toBeLessThanOrEqual(most)
    })

    it.each(OF_EXECUTIONS)('%s reads at most %i executions and %i jobs', async (_name, most, jobs, work) => {
      expect(await rowsRead(pool, 'workflow_executions', work)).toBeLessThanOrEqual(most)
      expect(await jobsRead(pool, work)).toBeLessThanOrEqual(jobs)
    })
  })
})

describe('claims and settlements', () => {
  it('leave the indexes alone: nine updates of ten are heap-only', async () => {
    await pool.query(`truncate rowbeat.scheduled_jobs, rowbeat.leases`)
    await pool.query(
      `insert into rowbeat.scheduled_jobs (job_type) select 'work' from generate_series(1, 4000)`,
    )
    const updates = async (): Promise<{ all: number; hot: number }> => {
      await pool.query('select pg_stat_force_next_flush()')
      const { rows } = await pool.query<{ all: number; hot: number }>(
        `select n_tup_upd::int as all, n_tup_hot_upd::int as hot
         from pg_stat_user_tables where schemaname = 'rowbeat' and relname = 'scheduled_jobs'`,
      )
      return rows[0] ?? { all: 0, hot: 0 }
    }
    const before = await updates()
    let done = await claim(256)
    let settled = 0
    while (done.length > 0) {
      const answer = await exchange(pool, claimOf({ limit: 256 }), done, [])
      settled += done.filter((job) => answer.settled.has(job.id)).length
      done = answer.claimed
    }
    const after = await updates()
    expect(settled).toBe(4_000)
    expect(after.all - before.all).toBe(8_000)
    expect((after.hot - before.hot) / (after.all - before.all)).toBeGreaterThanOrEqual(0.9)
  })
})
