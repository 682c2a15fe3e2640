import { describe, expect, it } from 'vitest'
import { median, percentile, spreadOf } from '../../../scripts/bench/statistics.ts'

describe('the statistics of the benchmark', () => {
  it('find the middle value whatever the order, and leave the input as it is', () => {
    const values = [9, 1, 5]
    expect(median(values)).toBe(5)
    expect(values).toEqual([9, 1, 5])
    expect(median([4, 1, 3, 2])).toBe(2.5)
  })

  it('interpolate percentiles between the closest ranks', () => {
    const values = Array.from({ length: 101 }, (_, index) => index)
    expect(percentile(values, 0.99)).toBe(99)
    expect(percentile([10, 20], 0.25)).toBe(12.5)
    expect(percentile([7], 0.99)).toBe(7)
  })

  it('give the spread', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3, count: 3 })
  })

  it('refuse to make a number of nothing', () => {
    expect(() => median([])).toThrow(RangeError)
  })
})
