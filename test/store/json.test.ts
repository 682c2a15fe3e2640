import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonText } from '../../src/store/json.ts'
import { useStore } from './fixtures.ts'

describe('JSON for Postgres', () => {
  const store = useStore()

  it('is the same as JSON wherever Postgres takes that', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value)
        fc.pre(!/\\u(0000|d[89a-f])/.test(text))
        expect(jsonText(value)).toBe(text)
      }),
    )
  })

  it('keeps backslashes, replaces U+0000 and halves of characters, in values and in names', async () => {
    const value = { 'a\0b': ['\0\0', '\\u0000', '\\\0', '\ud83e', 'x\udd89y', '🦉', '\u0001'] }
    const { rows } = await store.pool.query('select $1::jsonb as stored', [jsonText(value)])
    expect(rows[0]?.stored).toEqual({
      'a\ufffdb': ['\ufffd\ufffd', '\\u0000', '\\\ufffd', '\ufffd', 'x\ufffdy', '🦉', '\u0001'],
    })
  })

  it('is taken by Postgres whatever strings are made of', async () => {
    const units = fc.array(fc.constantFrom('\0', '\\', 'u0000', '\ud800', '\udfff', '"', 'x'), {
      maxLength: 12,
    })
    const texts = fc.sample(units, { numRuns: 300, seed: 7 }).map((parts) => jsonText(parts.join('')))
    const { rows } = await store.pool.query(
      'select count(t::jsonb)::int as count from unnest($1::text[]) t',
      [texts],
    )
    expect(rows[0]?.count).toBe(300)
  })
})
