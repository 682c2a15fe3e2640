import { describe, expect, it } from 'vitest'
import { checkCancellations, stopTimes } from '../../scripts/chaos/checker-cancels.ts'
import type { JobRow } from '../../scripts/chaos/history.ts'
import type { Effect } from '../../scripts/chaos/ledger.ts'

const T = 1_000_000
const CANCELLED = [{ jobId: '1', attempt: 2, atMs: T }]
const JOBS = [{ id: '1', status: 'cancelled' } as JobRow]

function effect(deed: Effect['deed'], handlerMs: number, more: Partial<Effect> = {}): Effect {
  return { jobId: '1', key: 'k', attempt: 2, daemon: 'd1', deed, handlerMs, atMs: handlerMs, ...more }
}
const rows = (
  effects: readonly Effect[],
  goneMs: ReadonlyMap<string, number> = new Map(),
  jobs: readonly JobRow[] = JOBS,
): string[] => checkCancellations(CANCELLED, effects, jobs, goneMs).map((one) => one.row)

describe('the checker of cancellations', () => {
  it('is content with a handler that stops within two seconds, or had ended', () => {
    expect(rows([effect('begin', T - 500), effect('stop', T + 1_900)])).toEqual([])
    expect(rows([effect('begin', T - 500), effect('end', T - 10)])).toEqual([])
  })

  it('finds one that worked on, and one that never stopped', () => {
    expect(rows([effect('begin', T - 500), effect('stop', T + 2_100)])).toEqual([
      'job 1 on d1 worked on for 2100 ms',
    ])
    expect(rows([effect('begin', T - 500), effect('end', T + 4_000)])).toEqual([
      'job 1 on d1 worked on for 4000 ms',
    ])
    expect(rows([effect('begin', T - 500)])).toEqual(['job 1 on d1 never stopped'])
  })

  it('asks nothing of a daemon that was killed', () => {
    const begun = [effect('begin', T - 500)]
    expect(rows(begun, new Map([['d1', T - 100]]))).toEqual([])
    expect(rows(begun, new Map([['d1', T + 5_000]]))).toHaveLength(1)
  })

  it('does not take the end of another attempt for that of the cancelled one', () => {
    const effects = [effect('begin', T - 500), effect('stop', T + 10, { attempt: 1 })]
    expect(rows(effects)).toHaveLength(1)
  })

  it('finds a cancelled job that is something else', () => {
    expect(rows([], new Map(), [{ id: '1', status: 'completed' } as JobRow])).toEqual(['job 1 is completed'])
  })

  it('tells how long handlers took, none less than nothing', () => {
    expect(stopTimes(CANCELLED, [effect('stop', T + 30), effect('stop', T - 5)])).toEqual([0, 30])
  })
})
