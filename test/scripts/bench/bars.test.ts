import { describe, expect, it } from 'vitest'
import { BARS, type Bar, judge } from '../../../scripts/bench/bars.ts'
import type { Reading } from '../../../scripts/bench/results.ts'

function drained(system: string, values: readonly number[]): Reading[] {
  return values.map((value, index) => ({
    scenario: 'drain',
    system,
    metric: 'jobs/s',
    round: index + 1,
    value,
  }))
}

const TWICE: Bar = {
  scenario: 'drain',
  text: '≥ 2 × the better peer',
  ours: { scenario: 'drain', system: 'rowbeat', metric: 'jobs/s' },
  against: [
    { scenario: 'drain', system: 'pg-boss', metric: 'jobs/s' },
    { scenario: 'drain', system: 'graphile-worker', metric: 'jobs/s' },
  ],
  better: 'larger',
  bound: 2,
}

describe('a bar', () => {
  it('is judged by the median of the ratios within the same round', () => {
    // The medians of the two systems are equal; round by round ours is twice as fast in two of three.
    const readings = [...drained('rowbeat', [10, 20, 40]), ...drained('pg-boss', [5, 10, 80])]
    const [verdict] = judge(readings, [TWICE])
    expect(verdict).toMatchObject({ passed: true, ratio: { median: 2, min: 0.5, max: 2, count: 3 } })
  })

  it('is measured against the best peer of each round', () => {
    const readings = [
      ...drained('rowbeat', [12, 12]),
      ...drained('pg-boss', [4, 6]),
      ...drained('graphile-worker', [6, 4]),
    ]
    expect(judge(readings, [TWICE])[0]?.ratio?.median).toBe(2)
  })

  it('is missed when the median falls short', () => {
    expect(judge([...drained('rowbeat', [19]), ...drained('pg-boss', [10])], [TWICE])[0]?.passed).toBe(false)
  })

  it('that asks for small readings takes the smallest peer and passes when ours is below', () => {
    const bar: Bar = { ...TWICE, better: 'smaller', bound: 1 }
    const readings = [
      ...drained('rowbeat', [3]),
      ...drained('pg-boss', [4]),
      ...drained('graphile-worker', [9]),
    ]
    expect(judge(readings, [bar])[0]).toMatchObject({ passed: true, ratio: { median: 0.75 } })
  })

  it('without a yardstick compares the reading itself', () => {
    const bar: Bar = { ...TWICE, against: [], better: 'smaller', bound: 10 }
    expect(judge(drained('rowbeat', [11]), [bar])[0]).toMatchObject({ passed: false, ratio: { median: 11 } })
  })

  it('has no verdict when nothing was read, or the peer ended nothing', () => {
    expect(judge([], [TWICE])[0]).toMatchObject({ passed: null, ratio: null })
    expect(judge([...drained('rowbeat', [5]), ...drained('pg-boss', [0])], [TWICE])[0]?.passed).toBe(null)
  })

  it('exists for every scenario that is measured', () => {
    expect([...new Set(BARS.map((bar) => bar.scenario))].sort()).toEqual(
      [
        'blocked-head',
        'drain',
        'enqueue',
        'full-table',
        'idle',
        'latency',
        'pollers',
        'snapshot',
        'workflows',
      ].sort(),
    )
  })
})
