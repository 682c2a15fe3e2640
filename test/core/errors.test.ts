import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import {
  ALL_ERROR_CODES,
  actionFor,
  codeOf,
  ERROR_CODES,
  isDatabaseOutage,
  isErrorCode,
  isTransient,
  messageOf,
  RowbeatError,
} from '../../src/core/errors.ts'
import { snooze } from '../../src/core/outcome.ts'
import { PROBLEM_CODES } from '../../src/core/problems.ts'

const docs = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8')

describe('the page of error codes', () => {
  it('has a line for every code of jobs, with whether it is retried and what to do', () => {
    const lines = ALL_ERROR_CODES.map(
      (code) => `| \`${code}\` | ${isTransient(code) ? 'yes' : 'no'} | ${ERROR_CODES[code].action} |`,
    )
    for (const line of lines) expect(docs).toContain(line)
  })

  it('has a line for every code of the API, with its status', () => {
    for (const [code, { status, title }] of Object.entries(PROBLEM_CODES)) {
      expect(docs).toContain(`| \`${code}\` | ${status} | ${title} |`)
    }
  })

  it('names no code that does not exist', () => {
    const named = [...docs.matchAll(/^\| `([A-Z_]+)`/gm)].map((match) => match[1] ?? '')
    expect(named.filter((code) => !isErrorCode(code) && !Object.hasOwn(PROBLEM_CODES, code))).toEqual([])
  })
})

describe('the code of an error', () => {
  it.each([
    [new RowbeatError('NO_CONTENT', 'empty'), 'NO_CONTENT'],
    [Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'DATABASE_UNAVAILABLE'],
    [Object.assign(new Error('x'), { code: '57P01' }), 'DATABASE_UNAVAILABLE'],
    [Object.assign(new Error('x'), { code: '25P03' }), 'DATABASE_UNAVAILABLE'],
    [Object.assign(new Error('x'), { code: '40P01' }), 'DATABASE_UNAVAILABLE'],
    [new Error('Query read timeout'), 'DATABASE_UNAVAILABLE'],
    [Object.assign(new Error('x'), { code: '23505' }), 'INTERNAL_ERROR'],
    [new TypeError('x'), 'INTERNAL_ERROR'],
    ['a string', 'INTERNAL_ERROR'],
    [undefined, 'INTERNAL_ERROR'],
  ])('%s is %s', (error, code) => {
    expect(codeOf(error)).toBe(code)
    expect(isDatabaseOutage(error)).toBe(code === 'DATABASE_UNAVAILABLE')
  })

  it('that is not of the table is of the handler that threw it, and retried', () => {
    expect(actionFor('GONE')).not.toContain('fault of ours')
    expect(actionFor(null)).toBe(ERROR_CODES.INTERNAL_ERROR.action)
    expect(isTransient('GONE')).toBe(true)
    expect(isErrorCode('toString')).toBe(false)
  })
})

describe('the message of anything thrown', () => {
  const hostile = {
    get message(): string {
      throw new Error('no')
    },
  }
  it.each([
    ['an error', new Error('boom'), 'boom'],
    ['an error without words', new TypeError(''), 'TypeError'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['an object without a prototype', Object.create(null), 'something that has no message was thrown'],
    [
      'an error whose message throws',
      Object.assign(Object.create(Error.prototype, Object.getOwnPropertyDescriptors(hostile))),
      'something that has no message was thrown',
    ],
    ['a message that is no string', Object.assign(new Error('x'), { message: 7 }), '7'],
    ['a message with U+0000', new Error('a\0b'), 'a\uFFFDb'],
  ])('is a string for %s', (_what, thrown, message) => {
    expect(messageOf(thrown)).toBe(message)
  })

  it('is at most 2,000 characters and never ends in half of one', () => {
    const text = messageOf(new Error('🦉'.repeat(2_000)))
    expect(text.length).toBeLessThanOrEqual(2_000)
    expect(text.isWellFormed()).toBe(true)
  })
})

describe('snooze', () => {
  it('refuses what is no number of seconds within a year', () => {
    for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY, 31_536_001]) {
      expect(() => snooze(wrong)).toThrow(RangeError)
    }
  })
})
