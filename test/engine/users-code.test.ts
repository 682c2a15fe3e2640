/** What handlers return, throw and report by accident, and that nobody else notices. */
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { fail, fatal } from '../../src/core/outcome.ts'
import { NO_RETRY } from '../../src/core/retry.ts'
import type { JsonValue } from '../../src/core/workflow.ts'
import { until } from '../support/wait.ts'
import { gate, useEngines } from './harness.ts'

const engines = useEngines()

const throwing = (): never => {
  throw new Error('Invalid time value')
}
function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
function circle(): object {
  const ring: { self?: object } = {}
  ring.self = ring
  return ring
}

const RESULTS: Readonly<Record<string, () => unknown>> = {
  to_json: () => ({ when: { toJSON: throwing } }),
  getter: () => Object.defineProperty({}, 'x', { enumerable: true, get: throwing }),
  proxy: () => ({ x: new Proxy({}, { ownKeys: throwing }) }),
  revoked: () => ({ x: revoked() }),
  bigint: () => ({ n: 10n }),
  circle,
}

const THROWN: Readonly<Record<string, () => unknown>> = {
  message: () => Object.defineProperty(new Error('x'), 'message', { get: throwing }),
  code: () => Object.defineProperty(new Error('x'), 'code', { get: throwing }),
  revoked,
  nothing: () => null,
  symbol: () => Symbol('s'),
}

describe('the result of a handler', () => {
  it.each(Object.entries(RESULTS))(
    'that cannot be serialized (%s) fails that job alone, and the others settle',
    async (_what, make) => {
      const started = await engines.start({
        jobs: { bad: () => make() as JsonValue, good: () => ({ fine: true }) },
      })
      const [good = '', bad = '', other = ''] = await engines.add(
        { jobType: 'good' },
        { jobType: 'bad' },
        { jobType: 'good' },
      )
      started.engine.wake('default', 0)
      await engines.drained()
      expect(await engines.read(bad)).toMatchObject({
        status: 'failed',
        last_error_code: 'INVALID_RESULT',
        retry_count: 0,
      })
      for (const id of [good, other]) {
        expect(await engines.read(id)).toMatchObject({ status: 'completed', result: { fine: true } })
      }
    },
  )

  it('is stored up to 1 MiB, and fails its job clearly beyond', async () => {
    const owls = (bytes: number): string => '🦉'.repeat((bytes - 4) / 4)
    const started = await engines.start({
      jobs: { most: () => `${owls(2 ** 20)}12`, more: () => `${owls(2 ** 20)}123` },
    })
    const [most = '', more = ''] = await engines.add({ jobType: 'most' }, { jobType: 'more' })
    started.engine.wake('default', 0)
    await engines.drained()
    expect((await engines.read(most)).status).toBe('completed')
    expect(await engines.read(more)).toMatchObject({
      status: 'failed',
      last_error_code: 'RESULT_TOO_LARGE',
      last_error: 'the result has 1048577 bytes as JSON; at most 1048576 are stored',
      result: null,
    })
  })
})

describe('what a handler throws', () => {
  it.each(Object.entries(THROWN))(
    'that cannot be read (%s) is a failure as any other',
    async (_what, make) => {
      const fail = (): never => {
        throw make()
      }
      const started = await engines.start({
        jobs: {
          at_once: { retry: NO_RETRY, run: fail },
          later: { retry: NO_RETRY, run: async () => fail() },
        },
      })
      const ids = await engines.add(
        { jobType: 'at_once', maxRetries: 0 },
        { jobType: 'later', maxRetries: 0 },
      )
      started.engine.wake('default', 0)
      await engines.drained()
      for (const id of ids) expect((await engines.read(id)).status).toBe('failed')
    },
  )
})

describe('a failure', () => {
  it('without a code is retried by the policy, as one of its own code is, but for a fatal one', async () => {
    const retry = { delays: [0, 0] }
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:25'), { code: 'ECONNREFUSED' })
    const started = await engines.start({
      jobs: {
        plain: {
          retry,
          run: () => {
            throw new Error('smtp said no')
          },
        },
        socket: {
          retry,
          run: async () => {
            throw refused
          },
        },
        own: { retry, run: () => fail('MAILBOX_FULL', 'no room') },
        final: { retry, run: () => fatal('NO_SUCH_MAILBOX', 'gone') },
      },
    })
    const types = ['plain', 'socket', 'own', 'final']
    const ids = await engines.add(...types.map((jobType) => ({ jobType, maxRetries: 2 })))
    started.engine.wake('default', 0)
    await engines.drained()
    expect(await Promise.all(ids.map((id) => engines.read(id)))).toMatchObject([
      { status: 'failed', attempt: 3, last_error_code: 'UNHANDLED_ERROR', last_error: 'smtp said no' },
      { status: 'failed', attempt: 3, last_error_code: 'UNHANDLED_ERROR' },
      { status: 'failed', attempt: 3, last_error_code: 'MAILBOX_FULL' },
      { status: 'failed', attempt: 1, last_error_code: 'NO_SUCH_MAILBOX', last_error: 'gone' },
    ])
  })

  it('of the connection that a handler is lent is the outage that it is', async () => {
    const started = await engines.start({
      jobs: {
        cut: async ({ db }) => {
          await sql`select pg_terminate_backend(pg_backend_pid())`.execute(db)
        },
        wrong: async ({ db }) => {
          await sql`select 1 / 0`.execute(db)
        },
      },
    })
    const ids = await engines.add({ jobType: 'cut', maxRetries: 0 }, { jobType: 'wrong', maxRetries: 0 })
    started.engine.wake('default', 0)
    await engines.drained()
    expect(await Promise.all(ids.map((id) => engines.read(id)))).toMatchObject([
      { last_error_code: 'DATABASE_UNAVAILABLE' },
      { last_error_code: 'UNHANDLED_ERROR' },
    ])
  })
})

describe('a progress report', () => {
  it('that cannot be read is lost alone', async () => {
    const door = gate()
    const started = await engines.start({
      jobs: {
        good: (context) => {
          context.progress({ done: 1, total: 2, unit: 'pages' })
          return door.run(context)
        },
        bad: (context) => {
          context.progress({ done: 1, total: 4, unit: 'pages' })
          for (const message of [revoked(), { toString: throwing }]) {
            context.progress({ done: 1, total: 2, unit: 'pages', message: message as unknown as string })
          }
          return door.run(context)
        },
        big: (context) => {
          context.progress({ done: 1, total: 2, unit: 'pages', message: 10n as unknown as string })
          return door.run(context)
        },
      },
    })
    const ids = await engines.add({ jobType: 'good' }, { jobType: 'bad' }, { jobType: 'big' })
    started.engine.wake('default', 0)
    const progress = async (): Promise<unknown[]> =>
      Promise.all(ids.map(async (id) => (await engines.read(id)).progress))
    await until(async () => String(await progress()) === '50,25,50', { what: 'the reports to be stored' })
    door.open()
    await engines.drained()
  })
})

describe('a payload that the schema refuses', () => {
  it('reads as a line that names the field', async () => {
    const schema = z.object({ customer: z.string(), lines: z.array(z.number()) })
    await engines.start({
      jobs: { report: { input: { parse: (value) => schema.parse(value) }, run: () => undefined } },
    })
    const [id = ''] = await engines.add({ jobType: 'report', payload: { customer: 7, lines: ['x'] } })
    await engines.drained()
    expect(await engines.read(id)).toMatchObject({
      status: 'failed',
      last_error_code: 'INVALID_INPUT',
      last_error: 'customer: expected string; lines.0: expected number',
    })
  })
})
