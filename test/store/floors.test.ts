import type pg from 'pg'
import { describe, expect, it } from 'vitest'
import { claimJobs } from '../../src/store/claims.ts'
import { transaction } from '../../src/store/database.ts'
import { raiseClaimFloors } from '../../src/store/floors.ts'
import { look } from '../../src/store/look.ts'
import { releaseLeases } from '../../src/store/pollers.ts'
import { until } from '../support/wait.ts'
import { addJobs, claimAll, claimOf, endAttempts, endingOf, rowsOf, useStore } from './fixtures.ts'

const store = useStore()
const { session } = store

/** Passes until every transaction of before has ended: those of other databases of the server count as well. */
async function raiseFully(): Promise<void> {
  const [begun] = await rowsOf(store.pool, 'select clock_timestamp() as at')
  const reached = async (): Promise<boolean> => {
    await raiseClaimFloors(store.pool)
    const found = await rowsOf(store.pool, 'select 1 from rowbeat.claim_horizon where safe_at >= $1', [
      begun?.at,
    ])
    return found.length === 1
  }
  await until(reached, { everyMs: 5, what: 'the horizon to pass the present' })
}

/** The floor lies this far from now; a slow machine adds some seconds since it was set. */
async function expectFloor(seconds: number): Promise<void> {
  const found = await floor()
  expect(found).toBeLessThan(seconds + 0.5)
  expect(found).toBeGreaterThan(seconds - 20)
}

/** The floor of lane `default`/0 in seconds from now; −Infinity at the beginning. */
async function floor(): Promise<number> {
  const [row] = await rowsOf(
    store.pool,
    `select extract(epoch from floor_at)::float8 - extract(epoch from now())::float8 as at
     from rowbeat.claim_floors where queue = 'default' and priority = 0`,
  )
  return Number(row?.at ?? Number.NaN)
}

async function firstDue(): Promise<number | null> {
  return (await look(store.pool, ['work'])).lanes[0]?.firstDueAt ?? null
}

async function settleAll(): Promise<void> {
  await store.pool.query(
    `update rowbeat.scheduled_jobs set status = 'completed', finished_at = now() where status = 'running'`,
  )
}

describe('a claim floor', () => {
  it('follows the present at a distance once nothing is pending', async () => {
    await addJobs(store.pool, [-600])
    await claimAll(store.pool, ['work'])
    await settleAll()
    await raiseFully()
    expect(await floor()).toBeGreaterThan(-75)
    expect(await floor()).toBeLessThanOrEqual(-60)
  })

  it('stops at the first pending job, known type or not', async () => {
    await addJobs(store.pool, [-600])
    await store.pool.query(
      `insert into rowbeat.scheduled_jobs (job_type, scheduled_at) values ('unknown', now() - interval '300 seconds')`,
    )
    await claimAll(store.pool, ['work'])
    await raiseFully()
    await expectFloor(-300)
  })

  it('waits for every transaction that was open when the probe was taken', async () => {
    await addJobs(store.pool, [0])
    await claimAll(store.pool, ['work'])
    await settleAll()
    const slow = await session()
    await slow.query('begin')
    await slow.query(`insert into rowbeat.scheduled_jobs (job_type, queue) values ('work', 'elsewhere')`)
    const [opened] = await rowsOf(store.pool, 'select clock_timestamp()::text as at')
    for (let pass = 0; pass < 5; pass++) await raiseClaimFloors(store.pool)
    const passed = (): Promise<unknown[]> =>
      rowsOf(store.pool, 'select 1 from rowbeat.claim_horizon where safe_at > $1', [opened?.at])
    expect(await passed()).toEqual([])
    await slow.query('commit')
    await raiseFully()
    expect(await passed()).toHaveLength(1)
  })

  it('moves on after a restore into a younger cluster, where the noted transaction id lies in the future', async () => {
    await store.pool.query(`update rowbeat.claim_horizon
      set probed_xid = '9000000000000', probed_at = now(), safe_at = now() - interval '1 day'`)
    await raiseClaimFloors(store.pool)
    const [probe] = await rowsOf(
      store.pool,
      `select probed_xid <= pg_snapshot_xmax(pg_current_snapshot()) as ours,
         safe_at < now() - interval '23 hours' as waits from rowbeat.claim_horizon`,
    )
    expect(probe).toEqual({ ours: true, waits: true })
    await addJobs(store.pool, [0])
    await claimAll(store.pool, ['work'])
    await raiseFully()
    expect(await floor()).toBeGreaterThan(-100)
  })

  it('is lowered by an insert in the past, and the look does not wait for that', async () => {
    await addJobs(store.pool, [0])
    await claimAll(store.pool, ['work'])
    await raiseFully()
    const [id] = await addJobs(store.pool, [-3_600])
    expect(await floor()).toBeGreaterThan(-100)
    expect(await firstDue()).not.toBeNull()
    await raiseClaimFloors(store.pool)
    await expectFloor(-3_600)
    expect(await rowsOf(store.pool, 'select 1 from rowbeat.backdated_jobs')).toEqual([])
    expect((await claimJobs(store.pool, claimOf())).map((job) => job.id)).toEqual([id])
    await raiseClaimFloors(store.pool)
    expect(await floor()).toBeGreaterThan(-100)
  })

  it('does not hide what a transaction with an old snapshot inserts', async () => {
    await addJobs(store.pool, [0])
    await claimAll(store.pool, ['work'])
    const old = await session()
    await old.query('begin isolation level repeatable read')
    await old.query('select 1 from rowbeat.claim_floors')
    // The floor moves on while the snapshot of the other transaction still shows it at the beginning.
    await raiseFully()
    expect(await floor()).toBeGreaterThan(-100)
    await old.query(
      `insert into rowbeat.scheduled_jobs (job_type, scheduled_at) values ('work', now() - interval '10 minutes')`,
    )
    await raiseClaimFloors(store.pool)
    await old.query('commit')
    expect(await firstDue()).not.toBeNull()
    await raiseClaimFloors(store.pool)
    await expectFloor(-600)
    expect(await claimAll(store.pool, ['work'])).toHaveLength(1)
  })

  it('is not passed over a job that commits between two passes', async () => {
    await addJobs(store.pool, [0])
    await claimAll(store.pool, ['work'])
    const slow = await session()
    await slow.query('begin')
    await slow.query(
      `insert into rowbeat.scheduled_jobs (job_type, scheduled_at) values ('work', now() - interval '5 minutes')`,
    )
    for (let pass = 0; pass < 3; pass++) await raiseClaimFloors(store.pool)
    await slow.query('commit')
    expect(await firstDue()).not.toBeNull()
    for (let pass = 0; pass < 3; pass++) await raiseClaimFloors(store.pool)
    expect(await firstDue()).not.toBeNull()
    await expectFloor(-300)
  })

  it('is lowered by a job that is handed back with its old due time', async () => {
    await addJobs(store.pool, [-900, -800])
    const [one, two] = await claimJobs(store.pool, claimOf())
    if (one === undefined || two === undefined) throw new Error('two jobs were expected')
    await raiseFully()
    expect(await floor()).toBeGreaterThan(-100)
    await endAttempts(store.pool, [endingOf(two, { status: 'pending' })])
    expect(await firstDue()).toBeCloseTo(two.scheduledAt, 3)
    await releaseLeases(store.pool, [one.leaseId])
    expect(await firstDue()).toBeCloseTo(one.scheduledAt, 3)
    await raiseClaimFloors(store.pool)
    await expectFloor(-900)
  })

  it('leaves one note for many backdated jobs of one transaction', async () => {
    await addJobs(
      store.pool,
      Array.from({ length: 500 }, (_, at) => at - 1_000),
    )
    expect(await rowsOf(store.pool, 'select 1 from rowbeat.backdated_jobs')).toHaveLength(1)
  })

  it('is moved by one pass at a time; the others return at once', async () => {
    await transaction(store.pool, async (client) => {
      await client.query('select pg_advisory_xact_lock(19047, 1)')
      expect(await raiseClaimFloors(store.pool)).toBe(false)
    })
    expect(await raiseClaimFloors(store.pool)).toBe(true)
  })
})

/** A small generator of chance, so that a failure can be repeated. */
function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

describe('claim floors under a storm', () => {
  it.each([1, 2])('hide no due job from a look, whatever commits when (seed %i)', async (seed) => {
    const roll = dice(seed)
    const committed = new Set<string>()
    const claimed: string[] = []
    let inserting = 4

    const insertMany = async (client: pg.Client): Promise<void> => {
      for (let round = 0; round < 40; round++) {
        const level = roll() < 0.3 ? 'repeatable read' : 'read committed'
        await client.query(`begin isolation level ${level}`)
        await client.query('select count(*) from rowbeat.claim_floors')
        const ids: string[] = []
        for (let part = 0; part <= roll() * 3; part++) {
          const due = roll() < 0.4 ? -7_200 * roll() : roll() < 0.5 ? -0.01 : 0.2 * roll()
          ids.push(...(await addJobs(client as unknown as pg.Pool, [due, due])))
        }
        if (roll() < 0.25) await client.query('rollback')
        else {
          await client.query('commit')
          for (const id of ids) committed.add(id)
        }
      }
      inserting -= 1
    }
    const claimAndSettle = async (): Promise<boolean> => {
      const seen = await look(store.pool, ['work'])
      const at = seen.lanes[0]?.firstDueAt
      if (at === null || at === undefined) return false
      const claim = claimOf({ floor: { at, id: '0' }, limit: 8 })
      const jobs = await claimJobs(store.pool, claim)
      const back = jobs.filter(() => roll() < 0.2)
      const done = jobs.filter((job) => !back.includes(job))
      await endAttempts(store.pool, [
        ...done.map((job) => endingOf(job)),
        ...back.map((job) => endingOf(job, { status: 'pending' })),
      ])
      claimed.push(...done.map((job) => job.id))
      return true
    }
    const drain = async (): Promise<void> => {
      while ((await claimAndSettle()) || inserting > 0 || committed.size > claimed.length) {
        if (claimed.length > committed.size + 1_000) break
      }
    }
    const raise = async (): Promise<void> => {
      while (inserting > 0 || committed.size > claimed.length) {
        // The horizon believes that a minute has gone by, so that floors are always as high as they may be.
        await store.pool.query(
          `update rowbeat.claim_floors set floor_at = greatest(floor_at, now() - interval '1 hour')
           where not exists (select from rowbeat.scheduled_jobs where status = 'pending' and scheduled_at < now() - interval '1 hour')
             and not exists (select from rowbeat.backdated_jobs)`,
        )
        await raiseClaimFloors(store.pool)
      }
    }
    const sessions = await Promise.all([session(), session(), session(), session()])
    await Promise.all([...sessions.map(insertMany), drain(), drain(), raise()])
    expect(claimed).toHaveLength(committed.size)
    expect(new Set(claimed)).toEqual(committed)
  })
})
