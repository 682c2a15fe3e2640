/**
 * Plans that are made anew for each execution, as behind a pooler, with statistics that do not know what is going on:
 * none may compare every job of a batch with every other.
 */
import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { claimJobs, exchange } from '../../src/store/claims.ts'
import { reapDeadPollers, releaseLeases } from '../../src/store/pollers.ts'
import { completeJobs, lostAttempts, writeProgress } from '../../src/store/settlements.ts'
import { useTestPool } from '../support/database.ts'
import { type PlanNode, rowsHandled } from '../support/plans.ts'
import { addPoller, claimOf, endAttempts, endingOf, POLLER } from './fixtures.ts'

const database = useTestPool(1)
const BATCH = 512
/** Rows that any part of a plan may handle: the table once, for it is small, and not once per job of the batch. */
const ROWS_MAX = 20_000 + BATCH

beforeAll(async () => {
  await database.pool.query('alter table rowbeat.scheduled_jobs set (autovacuum_enabled = off)')
  await addPoller(database.pool)
})

/** The most rows that one node of a plan handled, over all its loops. */
function busiest(node: PlanNode): number {
  return Math.max(rowsHandled(node), ...(node.Plans ?? []).map(busiest))
}

/**
 * A client that explains each named statement and takes back what that did, before it runs it. Beginnings and ends
 * of transactions are left out: all of it is in one, which the caller rolls back.
 */
function explaining(client: pg.PoolClient, rows: Map<string, number>): Pick<pg.Pool, 'query' | 'connect'> {
  const query = async (given: string | pg.QueryConfig): Promise<unknown> => {
    if (typeof given === 'string') {
      return /^(begin|commit)/.test(given) ? { rows: [], rowCount: 0 } : client.query(given)
    }
    await client.query('savepoint explained')
    const { rows: plans } = await client.query<{ 'QUERY PLAN': readonly { readonly Plan: PlanNode }[] }>({
      text: `explain (analyze, format json) ${given.text}`,
      values: given.values ?? [],
    })
    await client.query('rollback to explained')
    const plan = plans[0]?.['QUERY PLAN'][0]?.Plan
    rows.set(given.name ?? given.text, plan === undefined ? Number.NaN : busiest(plan))
    return client.query({ ...given, name: undefined } as unknown as pg.QueryConfig)
  }
  const both = { query, release: () => undefined, connect: async () => both }
  return both as unknown as Pick<pg.Pool, 'query' | 'connect'>
}

const FILL = `insert into rowbeat.scheduled_jobs (job_type, scheduled_at)
  select 'work', now() - make_interval(secs => n / 1000.0) from generate_series(1, 10000) n`

/** What the statistics know. */
const STATISTICS: readonly (readonly [string, readonly string[]])[] = [
  ['of an empty table', ['analyze rowbeat.scheduled_jobs, rowbeat.leases', FILL]],
  ['of pending jobs only', [FILL, 'analyze rowbeat.scheduled_jobs, rowbeat.leases']],
  [
    'of finished jobs only',
    [
      FILL,
      "update rowbeat.scheduled_jobs set status = 'completed', finished_at = now()",
      'analyze rowbeat.scheduled_jobs, rowbeat.leases',
      FILL,
    ],
  ],
]

describe.each(STATISTICS)('with statistics %s', (_what, fill) => {
  it('every statement about a batch reads it a few times, not once per job', async () => {
    await database.pool.query('truncate rowbeat.scheduled_jobs, rowbeat.leases')
    for (const statement of fill) await database.pool.query(statement)
    const client = await database.pool.connect()
    const rows = new Map<string, number>()
    try {
      // As behind a pooler, where nothing is set for a session.
      await client.query('set enable_seqscan = on')
      await client.query('begin')
      const db = explaining(client, rows)
      const claimed = async (): Promise<Awaited<ReturnType<typeof claimJobs>>> =>
        claimJobs(client, claimOf({ limit: BATCH, leaseId: randomUUID() }))
      const mine = await claimed()
      expect(mine).toHaveLength(BATCH)
      expect((await lostAttempts(db, mine)).size).toBe(0)
      await writeProgress(
        db,
        mine.map((job) => ({ ...job, percent: 1, detail: {} })),
      )
      const leaseId = mine[0]?.leaseId ?? ''
      const answer = await exchange(db, claimOf({ limit: BATCH, leaseId: randomUUID() }), mine, [leaseId])
      expect(mine.every((job) => answer.settled.has(job.id))).toBe(true)
      expect((await completeJobs(db, answer.claimed)).size).toBe(BATCH)
      const endings = (await claimed()).map((job) => endingOf(job, { result: 1 }))
      expect((await endAttempts(db, endings)).size).toBe(BATCH)
      expect(await releaseLeases(db, [(await claimed())[0]?.leaseId ?? ''])).toBe(BATCH)
      await claimed()
      await client.query(`update rowbeat.pollers set beat_at = '-infinity' where poller_id = $1`, [POLLER])
      expect((await reapDeadPollers(db as pg.Pool)).retried).toBe(BATCH)
    } finally {
      await client.query('rollback')
      client.release()
    }
    const busy = [...rows].filter(([, most]) => !(most <= ROWS_MAX))
    expect(busy).toEqual([])
    expect([...rows.keys()]).toEqual(
      expect.arrayContaining([
        `exchange_${BATCH}`,
        'complete',
        'end_attempts',
        'release_leases',
        'take_back',
      ]),
    )
  })
})
