import { describe, expect, it } from 'vitest'
import { canonicalJson, differences } from '../../src/core/differences.ts'

describe('what differs between two requests', () => {
  it('is told by its place, with both values', () => {
    const was = { path: { domain: 'a.example' }, body: { force: true, steps: ['x'] } }
    const is = { path: { domain: 'b.example' }, body: { steps: ['x', 'y'] } }
    expect(differences(was, is)).toEqual([
      { pointer: '/body/force', detail: 'was true and is not given' },
      { pointer: '/body/steps', detail: 'was ["x"] and is ["x","y"]' },
      { pointer: '/path/domain', detail: 'was a.example and is b.example' },
    ])
  })

  it('is nothing when only the order of fields does, or what was left out is undefined', () => {
    expect(differences({ a: 1, b: { c: null } }, { b: { c: null }, a: 1, d: undefined })).toEqual([])
    expect(canonicalJson({ b: [{ d: 1, c: 'x' }], a: undefined })).toBe('{"b":[{"c":"x","d":1}]}')
  })

  it('shows no value of a field that is named like a secret, nor of one inside it', () => {
    const told = differences(
      { apiKey: 'abc', auth: { user: 'me' }, Password: 'p', x: 1 },
      { apiKey: 'def', auth: { user: 'you' }, x: 2 },
    )
    expect(told.map((one) => one.detail)).toEqual(['differs', 'differs', 'differs', 'was 1 and is 2'])
    expect(JSON.stringify(told)).not.toMatch(/abc|def|me"|you/)
  })

  it('is bounded, however much differs and however long it is', () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`f${at}`.repeat(500), at]))
    const told = differences({ ...many, a: 'x'.repeat(100_000) }, { a: '😀'.repeat(100_000) })
    expect(told).toHaveLength(5)
    expect(JSON.stringify(told).length).toBeLessThan(2_000)
    expect(JSON.stringify(told)).not.toMatch(/\\ud83d"/)
  })

  it('survives names of the prototype, other kinds and depth', () => {
    expect(differences({}, JSON.parse('{"__proto__": 1}'))).toEqual([
      { pointer: '/__proto__', detail: 'was not given and is 1' },
    ])
    expect(differences([], {})).toEqual([{ pointer: '/', detail: 'was [] and is {}' }])
    expect(differences({ 'a/b': null }, { 'a/b': 'null' })[0]?.pointer).toBe('/a~1b')
    const deep = (leaf: number): unknown => {
      let value: unknown = leaf
      for (let level = 0; level < 50; level++) value = { a: value }
      return value
    }
    expect(differences(deep(1), deep(2))).toHaveLength(1)
  })
})
