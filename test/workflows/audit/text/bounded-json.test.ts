import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJson } from '../../../../src/workflows/audit/text/bounded-json.ts'

describe('JSON of strangers', () => {
  it('is read as any JSON', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(parseJson(text)).toEqual(JSON.parse(text))
      }),
    )
    expect(parseJson('{"a')).toBeUndefined()
    expect(parseJson('')).toBeUndefined()
  })

  it('is not read when it nests without end or holds too much', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    expect(parseJson(nested(100))).toBeDefined()
    expect(parseJson(nested(101))).toBeUndefined()
    expect(parseJson(nested(2_000_000))).toBeUndefined()
    expect(parseJson(`[${'{},'.repeat(600_000)}{}]`)).toBeUndefined()
    expect(parseJson(`{"a":[${'1,'.repeat(600_000)}1]}`)).toBeUndefined()
  })

  it('may say anything within a string', () => {
    const text = JSON.stringify({ a: `\\"${'[{,'.repeat(600_000)}\\` })
    expect(parseJson(text)).toEqual(JSON.parse(text))
  })
})
