import { describe, expect, it } from 'vitest'
import {
  checkHandlerRate,
  checkHandlers,
  checkLimits,
  checkRate,
} from '../../scripts/chaos/checker-limits.ts'
import type { JobMove } from '../../scripts/chaos/history.ts'
import type { Effect } from '../../scripts/chaos/ledger.ts'

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
    expect(checkLimits(twins, LIMITS).map((one) => one.row)).toEqual(['job 2 was claimed as 2 of 1 for red'])
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
    expect(checkRate(starts([0, 10, 1_999]), RATE)).toHaveLength(1)
    expect(checkRate(starts([0, 10, 2_000, 2_010]), RATE)).toEqual([])
  })

  it('leaves other queues alone', () => {
    const other = ['1', '2', '3'].map((id) => ({ ...move(id, 'running', Number(id)), queue: 'default' }))
    expect(checkLimits(other, LIMITS)).toEqual([])
    expect(checkRate(other, RATE)).toEqual([])
  })
})

function effect(jobId: string, deed: Effect['deed'], handlerMs: number, more: Partial<Effect> = {}): Effect {
  return { jobId, key: jobId, attempt: 1, daemon: 'd1', deed, handlerMs, atMs: handlerMs, ...more }
}

describe('the check of limits by the ledger', () => {
  const moves = ['1', '2', '3'].map((id) => move(id, 'running', 0, 'red'))
  const wide = { ...LIMITS, maxPerKey: 2 }

  it('is content while one handler ends before the next begins', () => {
    const effects = [
      effect('1', 'begin', 1),
      effect('2', 'begin', 2),
      effect('1', 'end', 3),
      effect('3', 'begin', 3),
    ]
    expect(checkHandlers(effects, moves, wide)).toEqual([])
  })

  it('finds handlers at work at the same moment, in all and of a key', () => {
    const three = ['1', '2', '3'].map((id) => effect(id, 'begin', Number(id)))
    expect(checkHandlers(three, moves, wide).map((one) => one.row)).toEqual([
      'job 3 was begun as 3 of 2',
      'job 3 was begun as 3 of 2 for red',
    ])
    const two = [effect('1', 'begin', 1), effect('2', 'begin', 5), effect('1', 'end', 6)]
    expect(checkHandlers(two, moves, { ...wide, maxPerKey: 1 })).toHaveLength(1)
  })

  it('counts a handler whose poller was killed until its job was taken back', () => {
    const effects = [effect('1', 'begin', 1), effect('2', 'begin', 2), effect('3', 'begin', 50)]
    const taken = [...moves, move('1', 'pending', 40)]
    expect(checkHandlers(effects, moves, wide)).toHaveLength(2)
    expect(checkHandlers(effects, taken, wide)).toEqual([])
  })

  it('does not take the end of another attempt or daemon for its own', () => {
    const effects = [
      effect('1', 'begin', 1),
      effect('2', 'begin', 2),
      effect('1', 'end', 3, { daemon: 'd2' }),
      effect('1', 'end', 3, { attempt: 7 }),
      effect('3', 'begin', 4),
    ]
    expect(checkHandlers(effects, moves, wide)).toHaveLength(2)
  })

  it('finds handlers that begin faster than the rate, but for what the way from the claim takes', () => {
    const begun = (...times: readonly number[]) => times.map((at, id) => effect(String(id + 1), 'begin', at))
    expect(checkHandlerRate(begun(0, 10, 1_400), moves, RATE)).toHaveLength(1)
    expect(checkHandlerRate(begun(0, 10, 1_600), moves, RATE)).toEqual([])
  })

  it('leaves handlers of other queues alone', () => {
    const other = ['7', '8', '9'].map((id) => effect(id, 'begin', 1))
    expect(checkHandlers(other, moves, wide)).toEqual([])
    expect(checkHandlerRate(other, moves, RATE)).toEqual([])
  })
})
