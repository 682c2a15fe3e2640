import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { claimJobs } from '../../src/store/claims.ts'
import {
  beat,
  endLeases,
  markPoller,
  reapDeadPollers,
  releaseLeases,
  trimPollers,
} from '../../src/store/pollers.ts'
import { completeJobs } from '../../src/store/settlements.ts'
import { triage } from '../../src/store/upkeep.ts'
import { addJobs, addPoller, claimOf, POLLER, readJob, rowsOf, useStore } from './fixtures.ts'

const store = useStore()

async function letDie(pollerId: string = POLLER): Promise<void> {
  await store.pool.query(
    `update rowbeat.pollers set beat_at = clock_timestamp() - interval '11 seconds' where poller_id = $1`,
    [pollerId],
  )
}

describe('a heartbeat', () => {
  it('moves the clock of a live poller and names its old leases', async () => {
    await addPoller(store.pool)
    await addJobs(store.pool, [-2, -1])
    const fresh = claimOf({ limit: 1 })
    const old = claimOf({ limit: 1 })
    await claimJobs(store.pool, old)
    await claimJobs(store.pool, fresh)
    await store.pool.query(
      `update rowbeat.leases set claimed_at = now() - interval '1 minute' where lease_id = $1`,
      [old.leaseId],
    )
    await letDie()
    const answer = await beat(store.pool, POLLER, { running: 2, listening: true })
    expect(answer).toEqual({ alive: true, draining: false, leases: [old.leaseId] })
    expect(await triage(store.pool, 10)).toMatchObject({ lapsed: 0, live: 1 })
  })

  it('of a poller that was declared lost, has stopped or is unknown says so', async () => {
    await addPoller(store.pool)
    expect((await beat(store.pool, randomUUID(), { running: 0, listening: false })).alive).toBe(false)
    await markPoller(store.pool, POLLER, 'draining')
    expect((await beat(store.pool, POLLER, { running: 0, listening: false })).alive).toBe(true)
    await markPoller(store.pool, POLLER, 'stopped')
    expect((await beat(store.pool, POLLER, { running: 0, listening: false })).alive).toBe(false)
  })
})

describe('a lease', () => {
  it('whose answer was lost gives its running jobs back as they were', async () => {
    await addJobs(store.pool, [-3, -2, -1])
    const claim = claimOf()
    const [done, ...others] = await claimJobs(store.pool, claim)
    if (done === undefined) throw new Error('nothing was claimed')
    await completeJobs(store.pool, [done])
    expect(await releaseLeases(store.pool, [claim.leaseId])).toBe(2)
    expect((await readJob(store.pool, done.id)).status).toBe('completed')
    for (const job of others) {
      expect(await readJob(store.pool, job.id)).toMatchObject({
        status: 'pending',
        retry_count: 0,
        errors: null,
      })
    }
    expect(await rowsOf(store.pool, 'select 1 from rowbeat.leases')).toEqual([])
    expect(await releaseLeases(store.pool, [claim.leaseId])).toBe(0)
  })
})

describe('reaping', () => {
  it('leaves pollers alone that beat', async () => {
    await addPoller(store.pool)
    await addJobs(store.pool, [-1])
    await claimJobs(store.pool, claimOf())
    expect(await reapDeadPollers(store.pool)).toMatchObject({ pollers: 0 })
  })

  it('gives the jobs of a dead poller back and charges none of them, not even one without retries', async () => {
    await addPoller(store.pool)
    const [one = '', two = ''] = await addJobs(store.pool, [-2, -1])
    await store.pool.query('update rowbeat.scheduled_jobs set max_retries = 0 where id = $1', [two])
    const jobs = await claimJobs(store.pool, claimOf())
    await letDie()
    expect(await triage(store.pool, 10)).toMatchObject({ lapsed: 1, live: 0 })
    expect(await reapDeadPollers(store.pool)).toEqual({ pollers: 1, retried: 2, failed: 0, advanced: [] })
    for (const id of [one, two]) {
      const back = await readJob(store.pool, id)
      expect(back).toMatchObject({ status: 'pending', retry_count: 0, last_error_code: 'POLLER_LOST' })
      expect(back.errors).toMatchObject([{ attempt: 1, code: 'POLLER_LOST', poller_id: POLLER }])
      expect(Number(back.scheduled_at)).toBeGreaterThan(Number(back.started_at))
    }
    expect(await completeJobs(store.pool, jobs)).toEqual(new Set())
    expect(await rowsOf(store.pool, 'select status from rowbeat.pollers')).toEqual([{ status: 'lost' }])
    expect(await reapDeadPollers(store.pool)).toMatchObject({ pollers: 0 })
  })

  it('goes on with leases that a reaper before it left, in batches', async () => {
    await addPoller(store.pool)
    await addJobs(store.pool, Array<number>(60).fill(-1))
    for (let at = 0; at < 60; at++) await claimJobs(store.pool, claimOf({ limit: 1 }))
    await letDie()
    expect(await reapDeadPollers(store.pool)).toMatchObject({ pollers: 1, retried: 50 })
    expect(await triage(store.pool, 10)).toMatchObject({ lapsed: 0, orphanedLeases: true })
    expect(await reapDeadPollers(store.pool)).toMatchObject({ pollers: 1, retried: 10 })
    expect(await triage(store.pool, 10)).toMatchObject({ orphanedLeases: false })
  })

  it('by several at once takes each job back once', async () => {
    const pollers = Array.from({ length: 4 }, () => randomUUID())
    await addJobs(store.pool, Array<number>(64).fill(-1))
    for (const pollerId of pollers) {
      await addPoller(store.pool, pollerId)
      for (let batch = 0; batch < 2; batch++) await claimJobs(store.pool, claimOf({ limit: 8, pollerId }))
      await letDie(pollerId)
    }
    const reaped = await Promise.all(Array.from({ length: 6 }, () => reapDeadPollers(store.pool)))
    expect(reaped.reduce((sum, one) => sum + one.retried, 0)).toBe(64)
    const counts = await rowsOf(store.pool, 'select distinct retry_count, status from rowbeat.scheduled_jobs')
    expect(counts).toEqual([{ retry_count: 0, status: 'pending' }])
  })

  it('gets along with a poller that settles at the same moment: each job ends one way', async () => {
    await addPoller(store.pool)
    await addJobs(store.pool, Array<number>(200).fill(-1))
    const jobs = await claimJobs(store.pool, claimOf({ limit: 256 }))
    await letDie()
    const settles = Array.from({ length: 8 }, (_, at) =>
      completeJobs(store.pool, jobs.filter((_job, index) => index % 8 === at).reverse()),
    )
    const [reaped, ...settled] = await Promise.all([reapDeadPollers(store.pool), ...settles])
    const completed = settled.reduce((sum, one) => sum + one.size, 0)
    expect(completed + reaped.retried).toBe(200)
  })
})

describe('pollers that have ended', () => {
  it('are forgotten after a day, but not while a lease is left', async () => {
    const [gone, kept, fresh] = [randomUUID(), randomUUID(), randomUUID()]
    for (const pollerId of [gone, kept, fresh]) {
      await addPoller(store.pool, pollerId)
      await markPoller(store.pool, pollerId, 'stopped')
    }
    await addJobs(store.pool, [-1])
    const claim = claimOf({ pollerId: kept })
    await claimJobs(store.pool, claim)
    await store.pool.query(
      `update rowbeat.pollers set ended_at = now() - interval '2 days' where poller_id <> $1`,
      [fresh],
    )
    await trimPollers(store.pool)
    const ids = async (): Promise<unknown[]> =>
      (await rowsOf(store.pool, 'select poller_id from rowbeat.pollers')).map((row) => row.poller_id)
    expect((await ids()).sort()).toEqual([kept, fresh].sort())
    await endLeases(store.pool, [claim.leaseId])
    await trimPollers(store.pool)
    expect(await ids()).toEqual([fresh])
  })
})
