import { describe, expect, it } from 'vitest'
import { checkLimits, checkRate } from '../../scripts/chaos/checker-limits.ts'
import type { JobMove } from '../../scripts/chaos/history.ts'

function move(jobId: string, to: JobMove['to'], atMs: number, key: string | null = null): JobMove {
  return {
    jobId,
    from: to === 'running' ? 'pending' : 'running',
    to,
    attempt: 1,
    retryCount: 0,
    maxRetries: 0,
    leaseId: null,
    oldLeaseId: null,
    scheduledMs: 0,
    startedMs: atMs,
    queue: 'limited',
    key,
    executionId: null,
    application: 'rowbeat',
    atMs,
  }
}

const LIMITS = { queue: 'limited', maxRunning: 2, maxPerKey: 1 }
const RATE = { queue: 'limited', max: 2, seconds: 2 }

describe('the check of limits', () => {
  it('is content while one ends before the next begins', () => {
    const moves = [
      move('1', 'running', 1),
      move('2', 'running', 2),
      move('1', 'completed', 3),
      move('3', 'running', 4),
    ]
    expect(checkLimits(moves, LIMITS)).toEqual([])
  })

  it('finds one running too many, in all and of a key', () => {
    const three = ['1', '2', '3'].map((id) => move(id, 'running', Number(id)))
    expect(checkLimits(three, LIMITS)).toHaveLength(1)
    const twins = [move('1', 'running', 1, 'red'), move('2', 'running', 2, 'red')]
    expect(checkLimits(twins, LIMITS).map((one) => one.row)).toEqual(['job 2 made 2 of 1 running for red'])
  })

  it('counts a job that was handed back as no longer running', () => {
    const moves = [
      move('1', 'running', 1, 'red'),
      move('1', 'pending', 2, 'red'),
      move('2', 'running', 3, 'red'),
    ]
    expect(checkLimits(moves, LIMITS)).toEqual([])
  })

  it('finds starts that follow each other too fast, and lets those pass that keep the rate', () => {
    const starts = (times: readonly number[]) => times.map((at, id) => move(String(id), 'running', at))
    expect(checkRate(starts([0, 10, 1_000]), RATE)).toHaveLength(1)
    expect(checkRate(starts([0, 10, 2_001, 2_011]), RATE)).toEqual([])
  })

  it('leaves other queues alone', () => {
    const other = ['1', '2', '3'].map((id) => ({ ...move(id, 'running', Number(id)), queue: 'default' }))
    expect(checkLimits(other, LIMITS)).toEqual([])
    expect(checkRate(other, RATE)).toEqual([])
  })
})
