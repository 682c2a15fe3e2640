import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { describe, expect, it } from 'vitest'
import { CLAIM_SIZES, claimJobs, claimSize, exchange } from '../../src/store/claims.ts'
import { look } from '../../src/store/look.ts'
import { releaseLeases } from '../../src/store/pollers.ts'
import { addJobs, claimOf, POLLER, readJob, rowsOf, useStore } from './fixtures.ts'

const store = useStore()
const { session } = store

describe('a claim', () => {
  it('takes at most its limit, for every size there is', async () => {
    await addJobs(store.pool, Array<number>(1_200).fill(-1))
    let taken = 0
    for (const limit of CLAIM_SIZES) {
      const jobs = await claimJobs(store.pool, claimOf({ limit }))
      taken += jobs.length
      expect(jobs.length).toBe(Math.min(limit, 1_200 - (taken - jobs.length)))
    }
    expect(CLAIM_SIZES.map((size) => claimSize(size + 0.5))).toEqual(CLAIM_SIZES)
    expect([claimSize(0), claimSize(3), claimSize(9_999)]).toEqual([1, 2, 768])
    await expect(claimJobs(store.pool, claimOf({ limit: 3 }))).rejects.toThrow(RangeError)
  })

  it('takes the longest due first and hands jobs out in that order', async () => {
    const ids = await addJobs(store.pool, [-1, -5, -3, -5, 10])
    const jobs = await claimJobs(store.pool, claimOf({ limit: 2 }))
    expect(jobs.map((job) => job.id)).toEqual([ids[1], ids[3]])
    const rest = await claimJobs(store.pool, claimOf())
    expect(rest.map((job) => job.id)).toEqual([ids[2], ids[0]])
    expect(rest[0]?.waitedSeconds).toBeGreaterThanOrEqual(3)
  })

  it('says on the row and in a lease who runs what since when', async () => {
    const [id = ''] = await addJobs(store.pool, [-1])
    const claim = claimOf()
    const [job] = await claimJobs(store.pool, claim)
    expect(job).toMatchObject({ id, attempt: 1, retryCount: 0, leaseId: claim.leaseId, executionId: null })
    const row = await readJob(store.pool, id)
    expect(row).toMatchObject({ status: 'running', lease_id: claim.leaseId, poller_id: POLLER, attempt: 1 })
    expect(row.started_at).toEqual(row.first_started_at)
    expect(
      await rowsOf(store.pool, 'select lease_id, poller_id, queue, job_ids from rowbeat.leases'),
    ).toEqual([{ lease_id: claim.leaseId, poller_id: POLLER, queue: 'default', job_ids: [id] }])
  })

  it('keeps the first start through later attempts', async () => {
    const [id = ''] = await addJobs(store.pool, [-1])
    const claim = claimOf()
    await claimJobs(store.pool, claim)
    const first = await readJob(store.pool, id)
    await releaseLeases(store.pool, [claim.leaseId])
    const [again] = await claimJobs(store.pool, claimOf())
    const second = await readJob(store.pool, id)
    expect(again?.attempt).toBe(2)
    expect(second.first_started_at).toEqual(first.started_at)
    expect(Number(second.started_at)).toBeGreaterThanOrEqual(Number(first.started_at))
  })

  it('writes no lease when there was nothing to take', async () => {
    expect(await claimJobs(store.pool, claimOf())).toEqual([])
    expect(await rowsOf(store.pool, 'select 1 from rowbeat.leases')).toEqual([])
  })

  it('leaves alone what is not due, of an unknown type, of another queue or priority', async () => {
    await store.pool.query(`insert into rowbeat.scheduled_jobs (job_type, queue, priority, scheduled_at) values
      ('work', 'default', 0, now() + interval '1 hour'), ('other', 'default', 0, now()),
      ('work', 'mail', 0, now()), ('work', 'default', 5, now())`)
    expect(await claimJobs(store.pool, claimOf())).toEqual([])
    const urgent = await claimJobs(store.pool, claimOf({ lane: { queue: 'default', priority: 5 } }))
    expect(urgent).toHaveLength(1)
    const mail = await claimJobs(store.pool, claimOf({ lane: { queue: 'mail', priority: 0 } }))
    expect(mail.map((job) => job.queue)).toEqual(['mail'])
  })

  it('from a floor goes on among jobs of one and the same due time', async () => {
    await store.pool.query(
      `insert into rowbeat.scheduled_jobs (job_type, scheduled_at)
       select 'work', timestamptz '2026-01-01 00:00:00.123457+00' from generate_series(1, 20)`,
    )
    const seen: string[] = []
    let floor = { at: Number.NEGATIVE_INFINITY, id: '0' }
    for (let turn = 0; turn < 5; turn++) {
      const jobs = await claimJobs(store.pool, claimOf({ limit: 8, floor }))
      seen.push(...jobs.map((job) => job.id))
      const last = jobs.at(-1)
      if (last !== undefined) floor = { at: last.scheduledAt, id: last.id }
    }
    expect(seen).toHaveLength(20)
    expect(new Set(seen).size).toBe(20)
  })

  it('never shares a job with another, however many claim at once', async () => {
    const ids = await addJobs(store.pool, Array<number>(600).fill(-1))
    const claimers = Array.from({ length: 12 }, async () => {
      const mine: string[] = []
      for (let empty = 0; empty < 2; ) {
        const jobs = await claimJobs(store.pool, claimOf({ limit: 16, pollerId: randomUUID() }))
        mine.push(...jobs.map((job) => job.id))
        empty += jobs.length === 0 ? 1 : 0
      }
      return mine
    })
    const claimed = (await Promise.all(claimers)).flat()
    expect(claimed).toHaveLength(600)
    expect(new Set(claimed)).toEqual(new Set(ids))
    const leased = await rowsOf(store.pool, 'select unnest(job_ids) as id from rowbeat.leases')
    expect(leased).toHaveLength(600)
  })

  it('that is rolled back leaves the job to others', async () => {
    const [id] = await addJobs(store.pool, [-1])
    const client = await session()
    await client.query('begin')
    const mine = await client.query('select 1').then(() => claimJobs(client as unknown as pg.Pool, claimOf()))
    expect(mine.map((job) => job.id)).toEqual([id])
    expect(await claimJobs(store.pool, claimOf())).toEqual([])
    await client.query('rollback')
    expect((await claimJobs(store.pool, claimOf())).map((job) => job.id)).toEqual([id])
  })
})

describe('a look', () => {
  it('tells for every lane when its first job is due, with the clock of the database', async () => {
    await addJobs(store.pool, [60, 30])
    await store.pool.query(`insert into rowbeat.scheduled_jobs (job_type, queue, priority) values
      ('work', 'mail', -3), ('other', 'unknown', 0)`)
    const seen = await look(store.pool, ['work'])
    // To ten seconds, for some may have gone by since.
    const rounded = seen.lanes.map((lane) => ({
      ...lane,
      firstDueAt: lane.firstDueAt === null ? null : Math.round((lane.firstDueAt - seen.now) / 10) * 10 || 0,
    }))
    expect(rounded).toMatchObject([
      { queue: 'default', priority: 0, firstDueAt: 30 },
      { queue: 'unknown', priority: 0, firstDueAt: null },
      { queue: 'mail', priority: -3, firstDueAt: 0 },
    ])
    expect(Math.abs(seen.now - Date.now() / 1000)).toBeLessThan(60)
  })

  it('at an empty table tells the time', async () => {
    const seen = await look(store.pool, ['work'])
    expect(seen.lanes).toEqual([])
    expect(seen.now).toBeGreaterThan(1e9)
  })

  it('finds a job whose transaction committed after later ones were claimed', async () => {
    const client = await session()
    await client.query('begin')
    const [late] = await addJobs(client as unknown as pg.Pool, [-2])
    await addJobs(store.pool, [-1, -1])
    const claimed = await claimJobs(store.pool, claimOf())
    const last = claimed.at(-1)
    await client.query('commit')
    const past = { at: last?.scheduledAt ?? 0, id: last?.id ?? '0' }
    expect(await claimJobs(store.pool, claimOf({ floor: past }))).toEqual([])
    const seen = await look(store.pool, ['work'])
    const at = seen.lanes[0]?.firstDueAt ?? 0
    expect(at).toBeLessThan(past.at)
    expect((await claimJobs(store.pool, claimOf({ floor: { at, id: '0' } }))).map((job) => job.id)).toEqual([
      late,
    ])
  })

  it('gives times that a claim can start from to the microsecond', async () => {
    await store.pool.query(`insert into rowbeat.scheduled_jobs (job_type, scheduled_at)
      select 'work', timestamptz '2031-07-13 01:02:03+00' - make_interval(secs => n / 1e6)
             - (timestamptz '2031-07-13 01:02:03+00' - now()) - interval '1 second'
      from generate_series(1, 50) n`)
    for (let left = 50; left > 0; left--) {
      const at = (await look(store.pool, ['work'])).lanes[0]?.firstDueAt
      if (at === null || at === undefined) throw new Error('the look found nothing')
      expect(await claimJobs(store.pool, claimOf({ limit: 1, floor: { at, id: '0' } }))).toHaveLength(1)
    }
  })
})

describe('an exchange', () => {
  it('settles, ends leases and claims in one statement', async () => {
    await addJobs(store.pool, [-2, -1])
    const first = claimOf({ limit: 1 })
    const [done] = await claimJobs(store.pool, first)
    if (done === undefined) throw new Error('nothing was claimed')
    const answer = await exchange(store.pool, claimOf(), [done], [first.leaseId])
    expect(answer.settled.has(done.id)).toBe(true)
    expect(answer.claimed).toHaveLength(1)
    expect(await readJob(store.pool, done.id)).toMatchObject({ status: 'completed', lease_id: first.leaseId })
    const leases = await rowsOf(store.pool, 'select lease_id from rowbeat.leases')
    expect(leases).toEqual([{ lease_id: answer.claimed[0]?.leaseId }])
  })

  it('is fenced: a wrong lease or a job that has ended settles nothing', async () => {
    await addJobs(store.pool, [-2, -1])
    const claim = claimOf()
    const [one, two] = await claimJobs(store.pool, claim)
    if (one === undefined || two === undefined) throw new Error('two jobs were expected')
    const wrong = [{ ...one, leaseId: randomUUID() }, two]
    expect((await exchange(store.pool, claimOf(), wrong, [])).settled).toEqual(new Set([two.id]))
    expect((await exchange(store.pool, claimOf(), [two], [])).settled).toEqual(new Set())
    expect((await readJob(store.pool, one.id)).status).toBe('running')
  })
})

describe('slots', () => {
  it('let two claims of a lane be under way, others claim nothing and say so, and settle all the same', async () => {
    await addJobs(store.pool, Array<number>(8).fill(-1))
    const [mine] = await claimJobs(store.pool, claimOf({ limit: 1 }))
    if (mine === undefined) throw new Error('nothing was claimed')
    const sessions = [await store.session(), await store.session()]
    for (const session of sessions) {
      await session.query('begin')
      expect(await claimJobs(session as never, claimOf({ limit: 2 }))).toHaveLength(2)
    }
    const crowded = await exchange(store.pool, claimOf(), [mine], [])
    expect(crowded).toMatchObject({ claimed: [], crowded: true })
    expect(crowded.settled.has(mine.id)).toBe(true)
    expect((await readJob(store.pool, mine.id)).status).toBe('completed')
    const elsewhere = await exchange(store.pool, claimOf({ lane: { queue: 'other', priority: 0 } }), [], [])
    expect(elsewhere.crowded).toBe(false)
    expect((await exchange(store.pool, claimOf({ limit: 1, force: true }), [], [])).claimed).toHaveLength(1)
    for (const session of sessions) await session.query('commit')
    expect(await exchange(store.pool, claimOf(), [], [])).toMatchObject({ crowded: false })
  })
})

describe('the table of jobs', () => {
  it.each([
    ['running without a lease', "status = 'running'"],
    ['a lease while pending', 'lease_id = gen_random_uuid()'],
    ['an end without a time', "status = 'completed'"],
    ['a time without an end', 'finished_at = now()'],
    ['an unknown status', "status = 'paused'"],
  ])('refuses %s, whoever writes it', async (_what, assignment) => {
    const [id] = await addJobs(store.pool, [0])
    await expect(
      store.pool.query(`update rowbeat.scheduled_jobs set ${assignment} where id = $1`, [id]),
    ).rejects.toMatchObject({ code: '23514' })
  })
})
