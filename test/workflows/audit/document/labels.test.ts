import { describe, expect, it } from 'vitest'
import { formatOf, labelOf } from '../../../../src/workflows/audit/document/labels.ts'

describe('labels', () => {
  it('change exactly at their thresholds', () => {
    const confidence = [0.7, 0.69, 0.5, 0.3, 0.15, 0.149, 0]
    expect(confidence.map((score) => labelOf('confidence', score))).toEqual([
      'very high',
      'high',
      'high',
      'medium',
      'low',
      'very low',
      'very low',
    ])
    expect([0.5, 0.35, 0.2, 0.19].map((score) => labelOf('potential', score))).toEqual([
      'very promising',
      'promising',
      'moderate',
      'low',
    ])
    expect([999, 1000, 2000, 2001].map(formatOf)).toEqual(['short', 'medium', 'medium', 'long'])
  })
})
