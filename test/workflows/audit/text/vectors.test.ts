import { describe, expect, it } from 'vitest'
import {
  buildVectors,
  centroid,
  cosine,
  projectTerms,
  type SparseVector,
  topTerms,
} from '../../../../src/workflows/audit/text/vectors.ts'

const empty: SparseVector = { indices: new Uint32Array(), weights: new Float64Array() }

describe('buildVectors', () => {
  it('follows the formula: (1 + ln tf) · (ln((1 + N) / (1 + df)) + 1), then unit length', () => {
    const space = buildVectors([
      { id: 'a', terms: ['x', 'x', 'y'] },
      { id: 'b', terms: ['x'] },
    ])
    const x = (1 + Math.log(2)) * 1
    const y = Math.log(3 / 2) + 1
    const a = space.vectors.get('a') ?? empty
    expect(space.vocabulary).toEqual(['x', 'y'])
    expect(a.weights[0]).toBeCloseTo(x / Math.hypot(x, y), 12)
    expect(a.weights[1]).toBeCloseTo(y / Math.hypot(x, y), 12)
  })

  it('drops terms of too few documents and gives an empty vector to an empty document', () => {
    const space = buildVectors(
      [
        { id: 'a', terms: ['x', 'y'] },
        { id: 'b', terms: ['x'] },
        { id: 'c', terms: [] },
      ],
      {
        minDocuments: 2,
      },
    )
    expect(space.vocabulary).toEqual(['x'])
    expect(space.vectors.get('c')?.indices).toHaveLength(0)
  })
})

describe('cosine', () => {
  const space = buildVectors([
    { id: 'a', terms: ['x', 'y'] },
    { id: 'b', terms: ['y', 'x'] },
    { id: 'c', terms: ['z'] },
  ])
  const of = (id: string): SparseVector => space.vectors.get(id) ?? empty

  it('is one for equal texts, zero for strangers and for empty vectors', () => {
    expect(cosine(of('a'), of('b'))).toBeCloseTo(1, 12)
    expect(cosine(of('a'), of('c'))).toBe(0)
    expect(cosine(of('a'), empty)).toBe(0)
  })

  it('measures texts from outside the corpus by the terms they share', () => {
    expect(cosine(projectTerms(space, ['x', 'y', 'unknown']), of('a'))).toBeCloseTo(1, 12)
  })

  it('finds the middle of some vectors and its heaviest terms', () => {
    const middle = centroid([of('a'), of('c')])
    expect(cosine(middle, of('a'))).toBeCloseTo(cosine(middle, of('c')), 12)
    expect(topTerms(space, middle, 1)[0]?.term).toBe('z')
    expect(centroid([]).indices).toHaveLength(0)
  })
})
