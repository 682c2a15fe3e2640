import { describe, expect, it } from 'vitest'
import { JOB_STATUSES, type JobStatus } from '../../src/core/states.ts'
import { completeJobs } from '../../src/store/settlements.ts'
import { until } from '../support/wait.ts'
import {
  addEnded,
  addExecution,
  addJob,
  addJobThatIs,
  addPoller,
  claim,
  hear,
  refusalOf,
  useSql,
} from './staging.ts'

const sql = useSql()

const LEGAL_BY_HAND: Readonly<Record<JobStatus, readonly JobStatus[]>> = {
  waiting: ['pending', 'skipped', 'cancelled', 'failed'],
  pending: ['skipped', 'cancelled', 'failed'],
  running: ['completed', 'failed', 'cancelled', 'skipped', 'pending'],
  completed: [],
  failed: ['pending'],
  skipped: ['pending'],
  cancelled: ['pending'],
}

describe('update … set status by hand', () => {
  it('makes every legal move, complete, and refuses every other with a hint', async () => {
    for (const from of JOB_STATUSES) {
      for (const to of JOB_STATUSES.filter((status) => status !== from)) {
        const id = await addJobThatIs(sql.engine, from)
        const move = sql.hand('update rowbeat.scheduled_jobs set status = $1 where id = $2', [to, id])
        if (!LEGAL_BY_HAND[from].includes(to)) {
          const { code, hint } = await refusalOf(move)
          expect([from, to, code], `${from} → ${to}`).toEqual([from, to, 'RB001'])
          expect(hint).toMatch(/rowbeat\.\w+/)
          continue
        }
        await move
        const job = await sql.job(id)
        const ended = ['completed', 'failed', 'skipped', 'cancelled'].includes(to)
        expect([job.status, job.finished_at !== null, job.lease_id], `${from} → ${to}`).toEqual([
          to,
          ended,
          null,
        ])
        if (ended && to !== 'completed') expect(job.last_error_code).toBe('CANCELLED')
      }
    }
    const broken = await sql.hand('select * from rowbeat.assert_invariants()')
    expect(broken.filter((row) => row.invariant !== 'a lease row has running jobs')).toEqual([])
  })

  it('fences the attempt that runs, and tells its poller', async () => {
    const id = await addJob(sql.engine)
    const leaseId = await claim(sql.engine)
    const stops = await hear(sql.url, 'rowbeat_stop')
    await sql.hand(`update rowbeat.scheduled_jobs set status = 'cancelled' where id = $1`, [id])
    await stops.stop()
    expect(stops.heard).toEqual([id])
    expect(await completeJobs(sql.engine, [{ id, leaseId }])).toEqual(new Set())
    expect((await sql.job(id)).status).toBe('cancelled')
  })

  it('refuses a status that does not exist', async () => {
    const id = await addJob(sql.engine)
    for (const status of ['paused', '', 'Pending']) {
      const { code, hint } = await refusalOf(
        sql.hand('update rowbeat.scheduled_jobs set status = $1 where id = $2', [status, id]),
      )
      expect([code, hint]).toEqual(['RB001', expect.stringContaining('rowbeat.')])
    }
    expect((await sql.job(id)).status).toBe('pending')
  })

  it('notes for the claim floor that a job handed back was due long ago', async () => {
    const id = await addJob(sql.engine, { scheduled_at: new Date(Date.now() - 3_600_000) })
    await claim(sql.engine)
    await sql.engine.query('delete from rowbeat.backdated_jobs')
    await sql.hand(`update rowbeat.scheduled_jobs set status = 'pending' where id = $1`, [id])
    expect(await sql.hand('select queue, priority from rowbeat.backdated_jobs')).toEqual([
      { queue: 'default', priority: 0 },
    ])
  })

  it('hands a running job back, so that another attempt may claim it', async () => {
    const id = await addJob(sql.engine)
    const first = await claim(sql.engine)
    const wakes = await hear(sql.url, 'rowbeat_wake')
    await sql.hand(`update rowbeat.scheduled_jobs set status = 'pending' where id = $1`, [id])
    await wakes.stop()
    expect(wakes.heard).toEqual(['0||default'])
    const second = await claim(sql.engine)
    expect(await completeJobs(sql.engine, [{ id, leaseId: first }])).toEqual(new Set())
    expect(await completeJobs(sql.engine, [{ id, leaseId: second }])).toEqual(new Set([id]))
    expect((await sql.job(id)).attempt).toBe(2)
  })

  it('remembers a running attempt that was ended as failed', async () => {
    const id = await addJobThatIs(sql.engine, 'running')
    await sql.hand(
      `update rowbeat.scheduled_jobs set status = 'failed', last_error = 'it hangs' where id = $1`,
      [id],
    )
    const job = await sql.job(id)
    expect(job.errors).toMatchObject([{ attempt: 1, code: 'CANCELLED', message: 'it hangs' }])
    expect(job.failed_at).toEqual(job.finished_at)
  })

  it('gives a retried job all its retries, a due time of now and a deadline ahead', async () => {
    const hourAgo = new Date(Date.now() - 3_600_000)
    const id = await addEnded(sql.engine, 'failed', {
      retry_count: 3,
      scheduled_at: hourAgo,
      created_at: hourAgo,
      deadline_at: new Date(hourAgo.getTime() + 60_000),
    })
    await sql.hand(`update rowbeat.scheduled_jobs set status = 'pending' where id = $1`, [id])
    const job = await sql.one(
      `select retry_count, finished_at, scheduled_at > now() - interval '1 minute' as is_due_now,
              deadline_at > now() + interval '50 seconds' as has_time
       from rowbeat.scheduled_jobs where id = $1`,
      [id],
    )
    expect(job).toEqual({ retry_count: 0, finished_at: null, is_due_now: true, has_time: true })
  })

  it('logs who did what and why, with the reason of the session', async () => {
    const id = await addJob(sql.engine)
    await sql.hand('begin')
    await sql.hand(`set local rowbeat.reason = 'wrong customer'`)
    await sql.hand(
      `update rowbeat.scheduled_jobs set status = 'cancelled', priority = priority where id = $1`,
      [id],
    )
    await sql.hand('commit')
    const logged = await sql.hand(
      'select *, session_user as me, pg_backend_pid() as pid from rowbeat.action_log',
    )
    expect(logged).toMatchObject([
      {
        action: 'update',
        job_id: id,
        old_status: 'pending',
        new_status: 'cancelled',
        reason: 'wrong customer',
      },
    ])
    expect(logged[0]?.application_name).toBe('psql')
    expect(logged[0]?.session_user_name).toBe(logged[0]?.me)
    expect(logged[0]?.backend_pid).toBe(logged[0]?.pid)
    expect((await sql.job(id)).last_error).toMatch(/^Cancelled by hand by .+: wrong customer$/)
  })

  it('leaves no trace when it is rolled back', async () => {
    const id = await addJob(sql.engine)
    const wakes = await hear(sql.url, 'rowbeat_wake')
    await sql.hand('begin')
    await sql.hand(`update rowbeat.scheduled_jobs set scheduled_at = now() where id = $1`, [id])
    await sql.hand('rollback')
    await wakes.stop()
    expect(wakes.heard).toEqual([])
    expect(await sql.hand('select from rowbeat.action_log')).toEqual([])
  })
})

describe('steps by hand', () => {
  it('free, skip and close what follows, in one statement and one transaction', async () => {
    const { id, steps } = await addExecution(sql.engine, { a: {}, b: { after: ['a'] }, c: { needs: ['b'] } })
    const wakes = await hear(sql.url, 'rowbeat_wake')
    await sql.hand(`update rowbeat.scheduled_jobs set status = 'skipped' where id = $1`, [steps.a])
    await wakes.stop()
    expect(await sql.steps(id)).toEqual({ a: 'skipped', b: 'pending', c: 'waiting' })
    expect(wakes.heard).toEqual(['0||default'])
    await sql.hand(`update rowbeat.scheduled_jobs set status = 'cancelled' where id = $1`, [steps.b])
    expect(await sql.steps(id)).toEqual({ a: 'skipped', b: 'cancelled', c: 'skipped' })
    const execution = await sql.execution(id)
    expect(execution.status).toBe('cancelled')
    expect(execution.end_time).not.toBeNull()
    expect(Number(execution.version)).toBeGreaterThan(2)
  })

  it('end the execution when a critical one is ended as failed', async () => {
    const { id, steps } = await addExecution(sql.engine, { a: { critical: true }, b: {} })
    await sql.hand(`update rowbeat.scheduled_jobs set status = 'failed' where id = $1`, [steps.a])
    expect(await sql.steps(id)).toEqual({ a: 'failed', b: 'cancelled' })
    expect((await sql.execution(id)).status).toBe('failed')
  })

  it('are closed together when one statement ends them all, over several executions', async () => {
    const one = await addExecution(sql.engine, { a: {}, b: {} })
    const two = await addExecution(sql.engine, { a: {}, b: { after: ['a'] } }, { subject: 'there' })
    await sql.hand(`update rowbeat.scheduled_jobs set status = 'cancelled'`)
    for (const { id } of [one, two]) {
      expect(await sql.steps(id)).toEqual({ a: 'cancelled', b: 'cancelled' })
      expect((await sql.execution(id)).status).toBe('cancelled')
    }
    expect(await sql.hand('select * from rowbeat.assert_invariants()')).toEqual([])
  })

  it('of an ended execution are retried by the function that opens it again', async () => {
    const { id, steps } = await addExecution(
      sql.engine,
      { a: { status: 'failed' } },
      { status: 'failed', end_time: new Date() },
    )
    const { code, hint } = await refusalOf(
      sql.hand(`update rowbeat.scheduled_jobs set status = 'pending' where id = $1`, [steps.a]),
    )
    expect(code).toBe('RB001')
    expect(hint).toContain(`rowbeat.retry_job(${steps.a}, 'why')`)
    expect((await sql.execution(id)).status).toBe('failed')
  })

  it('give up instead of ending in a deadlock with the engine, which locks the execution first', async () => {
    const { id, steps } = await addExecution(sql.engine, { a: {} })
    const engine = await sql.engine.connect()
    try {
      await engine.query('begin')
      await engine.query(
        'select from rowbeat.workflow_executions where execution_id = $1 for no key update',
        [id],
      )
      const moves: ReturnType<typeof refusalOf>[] = []
      let underWay = false
      const cancel = `update rowbeat.scheduled_jobs set status = 'cancelled' where id = $1`
      const probe = 'select from rowbeat.scheduled_jobs where id = $1 for update skip locked'
      const held = async (): Promise<boolean> => {
        // It gives up after a second, which a busy machine may take to look.
        if (!underWay) moves.push(refusalOf(sql.hand(cancel, [steps.a])).finally(() => (underWay = false)))
        underWay = true
        return (await sql.engine.query(probe, [steps.a])).rowCount === 0
      }
      // The engine goes on to the step itself: from here on each needs what the other has.
      await until(held, { what: 'the statement to hold the step' })
      const settlement = engine.query(
        `update rowbeat.scheduled_jobs set updated_at = now() where id = $1 and status = 'pending' returning id`,
        [steps.a],
      )
      expect((await moves.at(-1))?.code).toBe('RB008')
      expect((await settlement).rowCount).toBe(1)
    } finally {
      await engine.query('rollback')
      engine.release()
    }
  })
})

describe('insert by hand', () => {
  it('needs a job type and a payload, and wakes the pollers at commit', async () => {
    const wakes = await hear(sql.url, 'rowbeat_wake')
    await sql.hand(
      `insert into rowbeat.scheduled_jobs (job_type, payload) select 'work', '{}' from generate_series(1, 3)`,
    )
    await wakes.stop()
    expect(wakes.heard).toEqual(['0||default'])
    expect(await sql.hand('select from rowbeat.action_log')).toEqual([])
  })

  it.each([
    `(job_type, status, finished_at) values ('work', 'completed', now())`,
    `(job_type, attempt) values ('work', 1)`,
    `(job_type, status) values ('work', 'waiting')`,
    `(job_type, status) values ('work', 'running')`,
    `(job_type, parent_execution_id, step, sequence_index) values ('work', gen_random_uuid(), 'a', 1)`,
  ])('refuses what only a run can know: %s', async (values) => {
    const { code, hint } = await refusalOf(sql.hand(`insert into rowbeat.scheduled_jobs ${values}`))
    expect(code).toBe('RB003')
    expect(hint).toMatch(/rowbeat\.(enqueue|scheduled_jobs)/)
  })

  it.each([
    [`'waiting', null`, 'waits for no step'],
    [`'pending', '{a}'`, 'steps that it depends on are open'],
    [`'waiting', '{extra}'`, 'would wait for ever'],
  ])('refuses a step that is %s', async (values, message) => {
    const { id } = await addExecution(sql.engine, { a: {} })
    const refusal = await refusalOf(
      sql.hand(
        `insert into rowbeat.scheduled_jobs (job_type, parent_execution_id, step, sequence_index, status, depends_on)
         values ('work', $1, 'extra', 9, ${values})`,
        [id],
      ),
    )
    expect(refusal.code).toBe('RB003')
    expect(refusal.message).toContain(message)
    expect(refusal.hint.length).toBeGreaterThan(20)
  })

  it('refuses steps that wait for each other', async () => {
    const { id } = await addExecution(sql.engine, { a: {} })
    const both = sql.hand(
      `insert into rowbeat.scheduled_jobs (job_type, parent_execution_id, step, sequence_index, status, depends_on)
       values ('work', $1, 'x', 8, 'waiting', '{y}'), ('work', $1, 'y', 9, 'waiting', '{x}')`,
      [id],
    )
    expect((await refusalOf(both)).message).toContain('would wait for itself')
  })

  it('adds a step to a live execution only', async () => {
    const { id } = await addExecution(sql.engine, { a: {} })
    const insert = `insert into rowbeat.scheduled_jobs (job_type, parent_execution_id, step, sequence_index, status, depends_on)
      values ('work', $1, 'extra', 9, 'waiting', '{a}')`
    await sql.hand(insert, [id])
    expect(await sql.steps(id)).toEqual({ a: 'pending', extra: 'waiting' })
    await sql.hand('select rowbeat.cancel_execution($1, $2)', [id, 'done'])
    expect((await refusalOf(sql.hand(insert.replace("'extra'", "'more'"), [id]))).message).toContain(
      'has ended as cancelled',
    )
  })
})

describe('delete by hand', () => {
  it('removes what has ended and logs it', async () => {
    const id = await addEnded(sql.engine, 'failed')
    await sql.hand('delete from rowbeat.scheduled_jobs where id = $1', [id])
    expect(await sql.hand('select action, old_status, new_status from rowbeat.action_log')).toEqual([
      { action: 'delete', old_status: 'failed', new_status: null },
    ])
  })

  it.each(['waiting', 'pending', 'running'] as const)('refuses a %s job', async (status) => {
    const id = await addJobThatIs(sql.engine, status)
    const { code, hint } = await refusalOf(sql.hand('delete from rowbeat.scheduled_jobs where id = $1', [id]))
    expect(code).toBe('RB004')
    expect(hint).toContain(`rowbeat.cancel_job(${id}`)
  })

  it('refuses a step that ended, which goes with its execution', async () => {
    const { steps } = await addExecution(sql.engine, { a: { status: 'completed' }, b: {} })
    const { code } = await refusalOf(sql.hand('delete from rowbeat.scheduled_jobs where id = $1', [steps.a]))
    expect(code).toBe('RB004')
  })

  it('does not empty the tables', async () => {
    const { code, hint } = await refusalOf(sql.hand('truncate rowbeat.scheduled_jobs'))
    expect(code).toBe('RB005')
    expect(hint).toContain('rowbeat.purge')
    expect((await refusalOf(sql.hand('truncate rowbeat.workflow_executions'))).code).toBe('RB005')
  })
})

describe('the guard', () => {
  it('does not look at the engine, whatever its pools add to their name', async () => {
    const id = await addJob(sql.engine)
    const pollerId = await addPoller(sql.engine)
    const leaseId = await claim(sql.engine, pollerId)
    expect(await completeJobs(sql.engine, [{ id, leaseId }])).toEqual(new Set([id]))
    await sql.hand(`set application_name = 'rowbeat - 10.0.0.1:5432'`)
    await sql.hand('update rowbeat.scheduled_jobs set attempt = 9 where id = $1', [id])
    await sql.hand(`set application_name = 'psql'`)
    expect(await sql.hand('select from rowbeat.action_log')).toEqual([])
  })

  it('lets no session store a row that is neither completed nor refused', async () => {
    const id = await addJob(sql.engine)
    const { code } = await refusalOf(
      sql.engine.query(`update rowbeat.scheduled_jobs set status = 'cancelled' where id = $1`, [id]),
    )
    expect(code).toBe('23514')
  })
})
