import { describe, expect, it } from 'vitest'
import type { ClaimedJob } from '../../src/store/claims.ts'
import { connect, transaction } from '../../src/store/database.ts'
import { endOverdueExecutions, endOverdueJobs } from '../../src/store/deadlines.ts'
import {
  bumpVersions,
  createExecution,
  readExecution,
  readLatestExecution,
  readRecentRuns,
  startExecutions,
} from '../../src/store/executions.ts'
import { type Ending, settle } from '../../src/store/settlements.ts'
import { claimAll, endingOf, readJob, rowsOf, useStore, workflowOf } from './fixtures.ts'

const store = useStore()

const failed = { status: 'failed', failure: true, code: 'NO_CONTENT', message: 'nothing there' } as const

/** Claims all that is due and settles each step as `how` says; returns what ran and which executions it closed. */
async function runSteps(names: readonly string[], how: Readonly<Record<string, Partial<Ending>>> = {}) {
  const jobs = await claimAll(store.pool, names)
  const { freed, closed } = await settleJobs(jobs, how)
  return { ran: jobs.map((job) => job.jobType).sort(), freed, closed }
}

function settleJobs(jobs: readonly ClaimedJob[], how: Readonly<Record<string, Partial<Ending>>> = {}) {
  return settle(store.pool, {
    completions: [],
    endings: jobs.map((job) => endingOf(job, how[job.jobType] ?? {})),
    executionIds: jobs.flatMap((job) => job.executionId ?? []),
  })
}

async function statusesOf(executionId: string): Promise<Record<string, string>> {
  const view = await readExecution(store.pool, executionId)
  return Object.fromEntries([
    ['run', view?.status ?? 'gone'],
    ...(view?.steps ?? []).map((step) => [step.step, step.status] as const),
  ])
}

const chain = workflowOf({
  first: { critical: true },
  left: { after: ['first'] },
  right: { after: ['first'] },
  needy: { needs: ['left'] },
  last: { after: ['needy', 'right'] },
})
const names = chain.steps.map((one) => one.jobType)

describe('an execution', () => {
  it('is made with its steps, the free ones pending, and read whole', async () => {
    const input = { subject: 'example.com', note: 'a\0' }
    const made = await createExecution(store.pool, { workflow: chain, input, requestId: 'r-1' })
    expect(made.created).toBe(true)
    const view = await readExecution(store.pool, made.executionId)
    expect(view).toMatchObject({
      workflowType: 'walk',
      subject: 'example.com',
      status: 'pending',
      version: 1,
      requestId: 'r-1',
      input: { subject: 'example.com', note: 'a\ufffd' },
      startTime: null,
      endTime: null,
    })
    expect(view?.steps.map((one) => [one.step, one.index, one.status, one.dependsOn, one.needs])).toEqual([
      ['first', 1, 'pending', [], []],
      ['left', 2, 'waiting', ['first'], []],
      ['right', 3, 'waiting', ['first'], []],
      ['needy', 4, 'waiting', ['left'], ['left']],
      ['last', 5, 'waiting', ['needy', 'right'], []],
    ])
    expect(view?.deadlineAt.getTime()).toBe((view?.createdAt.getTime() ?? 0) + 600_000)
    expect(await readLatestExecution(store.pool, 'walk', 'example.com')).toMatchObject({
      executionId: made.executionId,
    })
    expect(await readExecution(store.pool, '00000000-0000-7000-8000-000000000000')).toBeNull()
  })

  it('of a subject is one, however many ask at once over several pools', async () => {
    const other = connect({ url: store.url, max: 10, applicationName: 'other' })
    try {
      const asked = await Promise.all(
        Array.from({ length: 200 }, (_, at) =>
          createExecution(at % 2 === 0 ? store.pool : other.pool, { workflow: chain, input: {} }),
        ),
      )
      expect(new Set(asked.map((one) => one.executionId)).size).toBe(1)
      expect(asked.filter((one) => one.created)).toHaveLength(1)
      expect(await rowsOf(store.pool, 'select 1 from rowbeat.scheduled_jobs')).toHaveLength(5)
    } finally {
      await other.close()
    }
  })

  it('of a subject can be made again once the one before has ended', async () => {
    const once = workflowOf({ only: {} })
    const first = await createExecution(store.pool, { workflow: once, input: {} })
    await runSteps(['only'])
    const second = await createExecution(store.pool, { workflow: once, input: {} })
    expect(second).toMatchObject({ created: true })
    expect(second.executionId).not.toBe(first.executionId)
    expect((await readLatestExecution(store.pool, 'walk', 'here'))?.executionId).toBe(second.executionId)
  })

  it('that ended a short while ago is found with the steps it had, the newest first; a live one is not', async () => {
    const recent = (seconds: number) => readRecentRuns(store.pool, 'walk', 'here', seconds)
    const input = { subject: 'here' }
    const whole = await createExecution(store.pool, { workflow: chain, input })
    await runSteps(names, { first: failed })
    const part = await createExecution(store.pool, { workflow: chain, input, steps: ['first'] })
    await runSteps(names, { first: failed })
    await createExecution(store.pool, { workflow: chain, input })
    expect(await recent(300)).toEqual([
      { executionId: part.executionId, status: 'failed', endedAt: expect.any(Number), steps: ['first'] },
      { executionId: whole.executionId, status: 'failed', endedAt: expect.any(Number), steps: names },
    ])
    expect(await recent(0)).toEqual([])
  })

  it('made in a transaction that is rolled back was never made', async () => {
    const attempt = transaction(store.pool, async (client) => {
      await createExecution(client, { workflow: chain, input: {} })
      throw new Error('changed my mind')
    })
    await expect(attempt).rejects.toThrow('changed my mind')
    expect(await rowsOf(store.pool, 'select 1 from rowbeat.scheduled_jobs')).toEqual([])
  })

  it('starts when its first step was claimed, even when that is written late', async () => {
    const only = workflowOf({ only: {} })
    const { executionId } = await createExecution(store.pool, { workflow: only, input: {} })
    const jobs = await claimAll(store.pool, ['only'])
    await settleJobs(jobs)
    await startExecutions(store.pool, [executionId])
    const view = await readExecution(store.pool, executionId)
    expect(view?.status).toBe('completed')
    expect(view?.startTime).toEqual(view?.steps[0]?.startedAt)
    const [row] = await rowsOf(store.pool, 'select duration_seconds from rowbeat.workflow_executions')
    expect(row?.duration_seconds).toBeGreaterThanOrEqual(0)
  })

  it('says running once started, with the claim as its start', async () => {
    const { executionId } = await createExecution(store.pool, { workflow: chain, input: {} })
    await claimAll(store.pool, names)
    await startExecutions(store.pool, [executionId])
    const view = await readExecution(store.pool, executionId)
    expect(view).toMatchObject({ status: 'running', version: 2 })
    expect(view?.startTime).toEqual(view?.steps[0]?.startedAt)
    await startExecutions(store.pool, [executionId])
    expect((await readExecution(store.pool, executionId))?.version).toBe(2)
  })
})

describe('the steps of an execution', () => {
  it('run in their order to a completed run, and its version grows with every change', async () => {
    const { executionId } = await createExecution(store.pool, { workflow: chain, input: {} })
    const versions: number[] = []
    const note = async (): Promise<void> => {
      versions.push((await readExecution(store.pool, executionId))?.version ?? 0)
    }
    await note()
    for (const expected of [['first'], ['left', 'right'], ['needy'], ['last']]) {
      const { ran, closed } = await runSteps(names)
      expect(ran).toEqual(expected)
      expect(closed).toHaveLength(expected[0] === 'last' ? 1 : 0)
      await note()
    }
    expect(await statusesOf(executionId)).toMatchObject({ run: 'completed', last: 'completed' })
    await bumpVersions(store.pool, [executionId])
    await note()
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b))
  })

  it('are cancelled when a critical one fails, and the run has failed with its reason', async () => {
    const { executionId } = await createExecution(store.pool, { workflow: chain, input: {} })
    const { closed } = await runSteps(names, { first: failed })
    expect(closed).toMatchObject([{ status: 'failed' }])
    expect(await statusesOf(executionId)).toEqual({
      run: 'failed',
      first: 'failed',
      left: 'cancelled',
      right: 'cancelled',
      needy: 'cancelled',
      last: 'cancelled',
    })
    expect(await readExecution(store.pool, executionId)).toMatchObject({
      errorCode: 'NO_CONTENT',
      errorMessage: 'first: nothing there',
    })
  })

  it('that run beside a critical failure lose their lease', async () => {
    const pair = workflowOf({ good: {}, vital: { critical: true } })
    const { executionId } = await createExecution(store.pool, { workflow: pair, input: {} })
    const jobs = await claimAll(store.pool, ['good', 'vital'])
    const [good] = jobs.filter((job) => job.jobType === 'good')
    const [vital] = jobs.filter((job) => job.jobType === 'vital')
    if (good === undefined || vital === undefined) throw new Error('both steps were expected')
    await settleJobs([vital], { vital: failed })
    const late = await settleJobs([good])
    expect(late.settled).toEqual(new Set())
    expect(late.closed).toEqual([])
    expect(await statusesOf(executionId)).toEqual({ run: 'failed', good: 'cancelled', vital: 'failed' })
  })

  it('that need one that did not complete are skipped, those merely after it run: a partial run', async () => {
    const { executionId } = await createExecution(store.pool, { workflow: chain, input: {} })
    await runSteps(names)
    await runSteps(names, { left: failed })
    expect(await statusesOf(executionId)).toMatchObject({ left: 'failed', needy: 'skipped', last: 'pending' })
    const view = await readExecution(store.pool, executionId)
    expect(view?.steps[3]).toMatchObject({
      lastErrorCode: 'DEPENDENCY_NOT_COMPLETED',
      lastError: 'Skipped because the step left did not complete',
    })
    const { closed } = await runSteps(names)
    expect(closed).toMatchObject([{ status: 'partial' }])
  })

  it('skip in cascades, each naming what it missed', async () => {
    const row = workflowOf({
      a: {},
      b: { needs: ['a'] },
      c: { needs: ['b'] },
      d: { needs: ['c'] },
      e: { after: ['d'] },
    })
    const { executionId } = await createExecution(store.pool, { workflow: row, input: {} })
    const { freed, closed } = await runSteps(['a', 'b', 'c', 'd', 'e'], {
      a: { status: 'skipped', code: 'NO_CONTENT', message: 'nothing to do' },
    })
    expect({ freed, closed }).toEqual({ freed: 1, closed: [] })
    expect(await statusesOf(executionId)).toMatchObject({
      b: 'skipped',
      c: 'skipped',
      d: 'skipped',
      e: 'pending',
    })
    await runSteps(['e'])
    expect((await statusesOf(executionId)).run).toBe('completed')
  })

  it('that fail without any other completing make a failed run; a cancelled one makes a cancelled run', async () => {
    const only = workflowOf({ only: {} })
    const one = await createExecution(store.pool, { workflow: only, input: {} })
    await runSteps(['only'], { only: failed })
    expect((await statusesOf(one.executionId)).run).toBe('failed')
    const pair = workflowOf({ here: {}, there: {} }, { name: 'pair' })
    const two = await createExecution(store.pool, { workflow: pair, input: {} })
    await store.pool.query(
      `update rowbeat.scheduled_jobs set status = 'cancelled', finished_at = now() where step = 'there'`,
    )
    await runSteps(['here'])
    expect((await statusesOf(two.executionId)).run).toBe('cancelled')
  })

  it('that wait for a retry keep the run open', async () => {
    const only = workflowOf({ only: {} })
    const { executionId } = await createExecution(store.pool, { workflow: only, input: {} })
    const retry = { status: 'pending', failure: true, retried: true, delaySeconds: 0 } as const
    const { closed } = await runSteps(['only'], {
      only: { ...retry, code: 'UPSTREAM_ERROR', message: 'x' },
    })
    expect(closed).toEqual([])
    await runSteps(['only'])
    expect((await statusesOf(executionId)).run).toBe('completed')
  })

  it('that end at the same moment close the run exactly once', async () => {
    const steps = Object.fromEntries(Array.from({ length: 6 }, (_, at) => [`s${at}`, {}]))
    const broad = workflowOf(steps)
    for (let round = 0; round < 8; round++) {
      const input = { subject: `r${round}` }
      const { executionId } = await createExecution(store.pool, { workflow: broad, input })
      const jobs = await claimAll(store.pool, Object.keys(steps))
      const answers = await Promise.all(jobs.map((job) => settleJobs([job])))
      const closed = answers.flatMap((answer) => answer.closed)
      expect(closed).toEqual([{ executionId, status: 'completed' }])
    }
  })

  it('remember how long they took, once they completed', async () => {
    const pair = workflowOf({ good: {}, bad: {} })
    await createExecution(store.pool, { workflow: pair, input: {} })
    await runSteps(['good', 'bad'], { bad: failed })
    const kept = await rowsOf(
      store.pool,
      'select job_type, duration_seconds >= 0 as sane from rowbeat.step_durations',
    )
    expect(kept).toEqual([{ job_type: 'good', sane: true }])
  })
})

describe('a deadline', () => {
  it('of an execution ends it with its steps: running ones fail and are fenced', async () => {
    const { executionId } = await createExecution(store.pool, { workflow: chain, input: {} })
    const jobs = await claimAll(store.pool, names)
    expect(await endOverdueExecutions(store.pool)).toEqual([])
    await store.pool.query(`update rowbeat.workflow_executions set deadline_at = now()`)
    expect(await endOverdueExecutions(store.pool)).toEqual([executionId])
    expect(await statusesOf(executionId)).toMatchObject({ run: 'failed', first: 'failed', last: 'cancelled' })
    const view = await readExecution(store.pool, executionId)
    expect(view).toMatchObject({ errorCode: 'ORCHESTRATOR_TIMEOUT' })
    expect(view?.steps[0]?.lastError).toBe('Parent orchestrator timed out')
    expect((await settleJobs(jobs)).settled).toEqual(new Set())
    expect(await endOverdueExecutions(store.pool)).toEqual([])
  })

  it('of a job ends it whatever it was doing, and what follows from that happens', async () => {
    const { executionId } = await createExecution(store.pool, { workflow: chain, input: {} })
    const jobs = await claimAll(store.pool, names)
    await store.pool.query(`update rowbeat.scheduled_jobs set deadline_at = now() where step = 'first'`)
    const { ended, advanced } = await endOverdueJobs(store.pool)
    expect(ended).toEqual(jobs.map((job) => job.id))
    expect(advanced).toMatchObject([{ executionId, status: 'failed', closed: true }])
    expect(await readJob(store.pool, jobs[0]?.id ?? '')).toMatchObject({
      status: 'failed',
      last_error_code: 'STEP_TIMEOUT',
      lease_id: null,
    })
    expect(await endOverdueJobs(store.pool)).toEqual({ ended: [], advanced: [] })
  })

  it('of a job that has ended is no deadline any more', async () => {
    const { rows } = await store.pool.query<{ id: string }>(
      `insert into rowbeat.scheduled_jobs (job_type, deadline_at, status, finished_at)
       values ('work', now() - interval '1 hour', 'completed', now()), ('work', now() + interval '1 hour', 'pending', null)
       returning id`,
    )
    expect(rows).toHaveLength(2)
    expect((await endOverdueJobs(store.pool)).ended).toEqual([])
  })
})
