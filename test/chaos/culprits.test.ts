import { describe, expect, it } from 'vitest'
import {
  checkCulprits,
  checkDeaths,
  checkInnocents,
  checkNamed,
  type Death,
} from '../../scripts/chaos/checker-culprits.ts'
import type { JobRow } from '../../scripts/chaos/history.ts'
import type { Effect } from '../../scripts/chaos/ledger.ts'

const textOf = (problems: readonly { readonly row: string }[]): string =>
  problems.map((one) => one.row).join('\n')

describe('the checker of culprits', () => {
  const culprit = (kind: string) => new Map([['7', { kind, key: 'c' }]])
  const row = (status: string, lastErrorCode: string | null, retryCount: number) => [
    { id: '7', status, lastErrorCode, retryCount },
  ]

  it('finds nothing in those that ended with their code', () => {
    expect(checkCulprits(row('failed', 'INVALID_RESULT', 0), culprit('result_proxy'))).toEqual([])
    expect(checkCulprits(row('failed', 'UNHANDLED_ERROR', 3), culprit('throws_revoked'))).toEqual([])
    expect(checkCulprits(row('failed', 'POISON', 2), culprit('poison_kill'))).toEqual([])
    // What a completed job was retried for is still in its row.
    expect(checkCulprits(row('completed', 'UNHANDLED_ERROR', 1), culprit('recovers'))).toEqual([])
  })

  it.each([
    ['an outage that was none', 'throws_refused', row('failed', 'DATABASE_UNAVAILABLE', 3)],
    ['no retry', 'throws_plain', row('failed', 'UNHANDLED_ERROR', 0)],
    ['a poison that was let go', 'poison_exit', row('completed', null, 0)],
    ['a poison that was convicted at once', 'poison_exit', row('failed', 'POISON', 1)],
    ['one that has not ended', 'result_to_json', row('running', null, 0)],
    ['one that is gone', 'fatal', []],
    ['one that paid for its progress report', 'progress_bigint', row('failed', 'INTERNAL_ERROR', 0)],
  ])('finds %s', (_what, kind, rows) => {
    expect(checkCulprits(rows, culprit(kind))).toHaveLength(1)
  })

  it('finds a poison that doctor() never named', () => {
    expect(checkNamed(culprit('poison_kill'), new Set())).toHaveLength(1)
    expect(checkNamed(culprit('poison_kill'), new Set(['7']))).toEqual([])
    expect(checkNamed(culprit('throws_null'), new Set())).toEqual([])
  })
})

describe('the checker of innocents', () => {
  const job = (more: Partial<JobRow>): { readonly jobs: readonly JobRow[] } => ({
    jobs: [
      {
        id: '1',
        executionId: null,
        step: null,
        key: 'k1',
        status: 'completed',
        attempt: 1,
        retryCount: 0,
        maxRetries: 2,
        critical: false,
        dependsOn: null,
        needs: null,
        lastErrorCode: null,
        errors: 0,
        lost: 0,
        payload: {},
        result: null,
        scheduledMs: 0,
        startedMs: 0,
        finishedMs: 0,
        ...more,
      },
    ],
  })
  const threw = (times: number): Effect[] =>
    Array.from({ length: times }, (_, at) => ({
      jobId: '1',
      key: 'k1',
      attempt: at + 1,
      daemon: 'd1',
      deed: 'throw',
      handlerMs: 0,
      atMs: 0,
    }))

  it('finds nothing in one that was lost twice and charged what it threw', () => {
    expect(checkInnocents(job({ lost: 2, retryCount: 1, lastErrorCode: 'POLLER_LOST' }), threw(1))).toEqual(
      [],
    )
    expect(checkInnocents(job({ lost: 3, retryCount: 1 }), threw(0))).toEqual([])
    expect(checkInnocents(job({ status: 'failed', retryCount: 2 }), threw(3))).toEqual([])
  })

  it('finds one that was charged the death of another', () => {
    expect(textOf(checkInnocents(job({ lost: 1, retryCount: 1 }), threw(0)))).toContain('charged 1 failures')
    expect(textOf(checkInnocents(job({ lost: 3, retryCount: 2 }), threw(0)))).toContain('charged 2 failures')
  })

  it('finds one that failed for it', () => {
    for (const lastErrorCode of ['POISON', 'POLLER_LOST'])
      expect(textOf(checkInnocents(job({ status: 'failed', lastErrorCode }), threw(1)))).toBe(
        `job 1 failed for ${lastErrorCode}`,
      )
  })
})

describe('the checker of deaths', () => {
  const death = (code: number | null, more: Partial<Death> = {}): Death[] => [
    {
      name: 'd1',
      ended: { code, signal: code === null ? 'SIGKILL' : null },
      texts: [],
      status: 'lost',
      ...more,
    },
  ]
  const stray = ['stray: left behind as planned']

  it('finds nothing when they died of poison, or drained because of what was left behind', () => {
    expect(
      checkDeaths([...death(7), ...death(null), ...death(1, { texts: stray, status: 'stopped' })]),
    ).toEqual([])
  })

  it('finds one that fell, one that nobody left anything behind for, and one that handed nothing back', () => {
    expect(textOf(checkDeaths(death(1)))).toContain('d1 ended with')
    expect(textOf(checkDeaths(death(0)))).toContain('d1 ended with')
    expect(textOf(checkDeaths(death(1, { texts: ['stray: Invalid time value'], status: 'stopped' })))).toBe(
      'd1 was ended by stray: Invalid time value',
    )
    expect(textOf(checkDeaths(death(1, { texts: stray })))).toContain('its work was not handed back')
  })
})
