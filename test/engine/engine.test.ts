import { describe, expect, it } from 'vitest'
import { RowbeatError } from '../../src/core/errors.ts'
import { skip, snooze } from '../../src/core/outcome.ts'
import { defineWorkflow, step } from '../../src/core/workflow.ts'
import { createExecution, readExecution } from '../../src/store/executions.ts'
import { until } from '../support/wait.ts'
import { eventsOf, gate, useEngines } from './harness.ts'

const engines = useEngines()
const none = { delays: [] }

describe('an engine', () => {
  it('runs jobs to their end and stores what they return', async () => {
    const started = await engines.start({
      jobs: { plain: () => undefined, sum: ({ input }) => ({ sum: (input as number[]).length }) },
    })
    await engines.add(...Array.from({ length: 200 }, () => ({ jobType: 'plain' })))
    const [id = ''] = await engines.add({ jobType: 'sum', payload: [1, 2, 3] })
    started.engine.wake('default', 0)
    await engines.drained()
    expect(await engines.statuses()).toEqual({ completed: 201 })
    expect((await engines.read(id)).result).toEqual({ sum: 3 })
    await until(() => eventsOf(started, 'job.ended').length === 201, { what: 'all ends to be told' })
    expect(new Set(eventsOf(started, 'job.ended').map((event) => event.outcome))).toEqual(
      new Set(['completed']),
    )
    const left = async (): Promise<boolean> =>
      (await engines.pool.query('select 1 from rowbeat.leases')).rows.length === 0
    await until(left, { what: 'leases to be removed' })
  })

  it('tries again what failed for a moment, and ends what cannot be helped', async () => {
    let tries = 0
    const started = await engines.start({
      jobs: {
        flaky: {
          retry: { delays: [0, 0] },
          run: ({ attempt }) => {
            tries += 1
            if (attempt < 3) throw new RowbeatError('UPSTREAM_ERROR', `try ${attempt}`)
            return { attempt }
          },
        },
        broken: async () => {
          throw new TypeError('no such thing')
        },
        odd: async () => {
          throw Object.create(null)
        },
        lazy: () => skip('NO_CONTENT', 'nothing there'),
      },
    })
    const ids = await engines.add(
      { jobType: 'flaky' },
      { jobType: 'broken', maxRetries: 0 },
      { jobType: 'odd', maxRetries: 0 },
      { jobType: 'lazy' },
    )
    started.engine.wake('default', 0)
    await engines.drained()
    const [flaky, broken, odd, lazy] = await Promise.all(ids.map(engines.read))
    expect(tries).toBe(3)
    expect(flaky).toMatchObject({ status: 'completed', attempt: 3, retry_count: 2, result: { attempt: 3 } })
    expect(flaky?.errors).toMatchObject([{ message: 'try 1' }, { message: 'try 2' }])
    expect(broken).toMatchObject({
      status: 'failed',
      last_error_code: 'UNHANDLED_ERROR',
      last_error: 'no such thing',
    })
    expect(odd).toMatchObject({ status: 'failed', last_error_code: 'UNHANDLED_ERROR' })
    expect(lazy).toMatchObject({ status: 'skipped', last_error: 'nothing there' })
  })

  it('lets a job snooze without counting it as a retry', async () => {
    await engines.start({
      jobs: { sleepy: { retry: none, run: ({ attempt }) => (attempt === 1 ? snooze(0.05) : { attempt }) } },
    })
    const [id = ''] = await engines.add({ jobType: 'sleepy', maxRetries: 0 })
    await engines.drained()
    expect(await engines.read(id)).toMatchObject({
      status: 'completed',
      retry_count: 0,
      result: { attempt: 2 },
    })
  })

  it('refuses a payload that does not fit, without running the handler', async () => {
    const workflow = defineWorkflow<{ subject: string }>({
      name: 'strict',
      input: {
        parse: (value) => {
          if (typeof value === 'object' && value !== null && 'subject' in value)
            return value as { subject: string }
          throw new Error('subject is missing')
        },
      },
      subject: (input) => input.subject,
      maxDuration: 60,
      steps: { strict_step: step({ title: 'Strict', run: () => ({ ran: true }) }) },
    })
    await engines.start({ workflows: [workflow as never] })
    const [id = ''] = await engines.add({ jobType: 'strict_step', payload: { wrong: 1 } })
    await engines.drained()
    expect(await engines.read(id)).toMatchObject({
      status: 'failed',
      last_error_code: 'INVALID_INPUT',
      result: null,
    })
  })

  it('stores any end, also one that the database does not take, and the others beside it', async () => {
    const circle: Record<string, unknown> = {}
    circle.self = circle
    const started = await engines.start({
      jobs: {
        fine: () => ({ ok: true }),
        round: () => circle as never,
        huge: () => ({ n: 10n }) as never,
        nul: () => ({ text: 'a\0b\ud800' }),
        loud: () => {
          throw new Error(`x\0${'🦉'.repeat(3_000)}`)
        },
      },
    })
    const types = ['fine', 'round', 'fine', 'huge', 'nul', 'loud', 'fine']
    const ids = await engines.add(...types.map((jobType) => ({ jobType, maxRetries: 0 })))
    started.engine.wake('default', 0)
    await engines.drained()
    const rows = await Promise.all(ids.map(engines.read))
    expect(rows.map((row) => row.status)).toEqual([
      'completed',
      'failed',
      'completed',
      'failed',
      'completed',
      'failed',
      'completed',
    ])
    expect(rows[1]?.last_error).toMatch(/cannot be written as JSON: Converting circular/)
    expect(rows[4]?.result).toEqual({ text: 'a\ufffdb\ufffd' })
  })

  it('runs at most as many jobs at once as it is told', async () => {
    const door = gate()
    const started = await engines.start({ jobs: { hold: door.run }, concurrency: 3 })
    await engines.add(...Array.from({ length: 10 }, () => ({ jobType: 'hold' })))
    started.engine.wake('default', 0)
    await until(() => door.inside() === 3, { what: 'three to be inside' })
    expect((await engines.statuses()).running).toBe(3)
    expect(started.engine.running()).toBe(3)
    door.open()
    await engines.drained()
    expect(door.entered()).toBe(10)
  })

  it('serves every queue of a priority in turn, and the higher priority first', async () => {
    const order: string[] = []
    const job = ({ input }: { input: unknown }): undefined => {
      order.push(String(input))
    }
    await engines.add(
      ...['a', 'b', 'a', 'b', 'a', 'b'].map((queue) => ({ jobType: 'note', queue, payload: queue })),
      { jobType: 'note', queue: 'c', priority: 9, payload: 'c' },
      {
        jobType: 'note',
        queue: 'd',
        priority: 5,
        payload: 'd',
        scheduledAt: new Date(Date.now() + 3_600_000),
      },
    )
    const started = await engines.start({ jobs: { note: job }, concurrency: 1 })
    await until(() => order.length === 7, { what: 'all due jobs to run' })
    expect(order[0]).toBe('c')
    expect(order.slice(1, 5).sort()).toEqual(['a', 'a', 'b', 'b'])
    await started.stop()
  })

  it('runs a job when it falls due, however rarely it looks', async () => {
    const at = Date.now() + 400
    await engines.add({ jobType: 'later', scheduledAt: new Date(at) })
    let ranAt = 0
    const later = (): undefined => {
      ranAt = Date.now()
    }
    await engines.start({ jobs: { later }, timing: { lookMs: 60_000, lookListeningMs: 60_000 } })
    await until(() => ranAt > 0, { what: 'the job to run' })
    expect(ranAt).toBeGreaterThanOrEqual(at - 5)
  })

  it('runs a workflow through its steps, tells its end, and never lets progress fall', async () => {
    const workflow = defineWorkflow<unknown>({
      name: 'walk',
      input: { parse: (value) => value },
      subject: () => 'here',
      maxDuration: 60,
      steps: {
        first: step({
          title: 'First',
          run: async (context) => {
            for (const done of [1, 3, 2]) {
              context.progress({ done, total: 4, unit: 'pages', message: `page\0${done}` })
              const written = async (): Promise<boolean> => {
                const row = await engines.read(context.jobId)
                return (row.progress_detail as { done?: number } | null)?.done === done
              }
              await until(written, { what: `report ${done} to be written` })
            }
            return { pages: 4 }
          },
        }),
        left: step({ title: 'Left', after: ['first'], run: () => undefined }),
        right: step({ title: 'Right', after: ['first'], run: () => skip('NO_CONTENT', 'nothing') }),
        last: step({ title: 'Last', after: ['left', 'right'], run: () => undefined }),
      },
    })
    const started = await engines.start({ workflows: [workflow as never] })
    const { executionId } = await createExecution(engines.pool, { workflow, input: {} })
    started.engine.wake('default', 0)
    await engines.drained()
    const view = await readExecution(engines.pool, executionId)
    expect(view?.status).toBe('completed')
    expect(view?.steps.map((one) => one.status)).toEqual(['completed', 'completed', 'skipped', 'completed'])
    expect(view?.steps[0]?.progress).toBe(75)
    const closed = (): boolean => eventsOf(started, 'execution.closed').length === 1
    await until(closed, { what: 'the end to be told' })
    expect(eventsOf(started, 'execution.closed')).toMatchObject([{ executionId, status: 'completed' }])
  })

  it('shares the work with another, each job once', async () => {
    const seen: string[] = []
    const run = ({ jobId }: { jobId: string }): undefined => {
      seen.push(jobId)
    }
    const [one, two] = await Promise.all([
      engines.start({ jobs: { share: run }, concurrency: 4 }),
      engines.start({ jobs: { share: run }, concurrency: 4 }),
    ])
    const ids = await engines.add(...Array.from({ length: 400 }, () => ({ jobType: 'share' })))
    one.engine.wake('default', 0)
    two.engine.wake('default', 0)
    await engines.drained()
    expect(seen.sort()).toEqual([...ids].sort())
  })
})

describe('a time limit', () => {
  it('fires the signal, and what heeds it is tried again or fails as told', async () => {
    const door = gate()
    await engines.start({ jobs: { slow: { retry: none, run: door.run } } })
    const [id = ''] = await engines.add({ jobType: 'slow', timeoutSeconds: 1, maxRetries: 0 })
    await engines.drained()
    expect(door.reasons).toMatchObject([{ code: 'STEP_TIMEOUT' }])
    expect(await engines.read(id)).toMatchObject({ status: 'failed', last_error_code: 'STEP_TIMEOUT' })
  })

  it('of a handler that heeds nothing gives it up, so that it blocks nobody', async () => {
    let release: (value: undefined) => void = () => undefined
    const deaf = new Promise<undefined>((resolve) => {
      release = resolve
    })
    const started = await engines.start({
      jobs: { deaf: { retry: none, run: () => deaf }, quick: () => undefined },
      concurrency: 1,
    })
    const [stuck = '', next = ''] = await engines.add(
      { jobType: 'deaf', timeoutSeconds: 1, maxRetries: 0 },
      { jobType: 'quick' },
    )
    await engines.drained()
    expect(await engines.read(stuck)).toMatchObject({ status: 'failed', last_error_code: 'STEP_TIMEOUT' })
    expect((await engines.read(next)).status).toBe('completed')
    release(undefined)
    await started.stop()
    expect(eventsOf(started, 'job.ended').filter((event) => event.jobId === stuck)).toHaveLength(1)
  })

  it('ends no later than the deadline of the job', async () => {
    const door = gate()
    await engines.start({ jobs: { slow: { retry: none, run: door.run } } })
    const [id = ''] = await engines.add({
      jobType: 'slow',
      timeoutSeconds: 600,
      maxRetries: 0,
      deadlineAt: new Date(Date.now() + 1_500),
    })
    await engines.drained()
    expect(await engines.read(id)).toMatchObject({ status: 'failed', last_error_code: 'STEP_TIMEOUT' })
    await until(() => door.inside() === 0, { what: 'the handler to stop' })
  })
})
