import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type HealthDeps, healthRoutes } from '../../src/http/health.ts'

const deps: HealthDeps = {
  pingDatabase: async () => 1,
  missingMigrations: async () => [],
  newestMigration: '0001_first',
  isDraining: () => false,
  snapshot: () => null,
  overdueSchedules: async () => [],
  mappedHosts: [],
}
const never = (): Promise<never> => new Promise(() => undefined)

/** Asks, and lets `seconds` go by. */
async function ask(path: string, more: Partial<HealthDeps>, seconds: number): Promise<Response> {
  const answer = Promise.resolve(healthRoutes({ ...deps, ...more }, '1').request(path))
  await vi.advanceTimersByTimeAsync(seconds * 1_000)
  return Promise.race([answer, Promise.reject(new Error(`no answer within ${seconds} s`))])
}

describe('health', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('is ready when the database answers and lacks nothing', async () => {
    const answer = await ask('/health/ready', {}, 0.1)
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({ status: 'ready' })
  })

  it('is not ready two seconds after a database fell silent in the middle of the answer', async () => {
    const answer = await ask('/health/ready', { missingMigrations: never }, 2.1)
    expect(answer.status).toBe(503)
    expect(await answer.json()).toEqual({
      status: 'not_ready',
      reasons: ['the database cannot be reached'],
    })
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([
    ['migrations', { missingMigrations: never }],
    ['schedules', { overdueSchedules: never }],
  ])('is degraded in as little when it falls silent at the question for %s', async (_what, silent) => {
    const answer = await ask('/health', silent, 2.1)
    expect(answer.status).toBe(503)
    const body = (await answer.json()) as { reasons: string[] }
    expect(body.reasons[0]).toMatch(/^the database cannot be reached: no answer within 2 s/)
  })
})
