import { describe, expect, it } from 'vitest'
import {
  announcedBytes,
  flattenHeaders,
  isAccepted,
  mediaTypeOf,
  retryAfterSeconds,
} from '../../src/outbound/answer.ts'

describe('reading the headers of an answer', () => {
  it('lowers names and joins repeated headers', () => {
    const flat = flattenHeaders({
      'X-A': ['1', '2'],
      Location: ['/a', '/b'],
      gone: undefined,
      ['__proto__']: 'x',
    })
    expect(Object.entries(flat)).toEqual([
      ['x-a', '1, 2'],
      ['location', '/a'],
      ['__proto__', 'x'],
    ])
  })

  it.each([
    ['Text/HTML; charset=utf-8', 'text/html'],
    ['text/html, text/plain', 'text/html'],
    ['', ''],
    [undefined, ''],
  ])('reads the media type of %j', (header, type) => {
    expect(mediaTypeOf(header)).toBe(type)
  })

  it.each([
    ['text/html', undefined, true],
    ['text/html', ['text/html'], true],
    ['text/html', ['Text/HTML'], true],
    ['text/htmlx', ['text/html'], false],
    ['text/plain', ['text/*'], true],
    ['application/pdf', ['text/*'], false],
    ['', ['text/html'], false],
    ['', ['*/*'], true],
    ['', [''], false],
    ['text/html', [], false],
  ])('decides whether %j is in %j', (type, accept, expected) => {
    expect(isAccepted(type, accept)).toBe(expected)
  })

  it.each([
    ['120', 120],
    [' 0 ', 0],
    ['Thu, 01 Jan 2026 00:01:30 GMT', 90],
    ['Wed, 31 Dec 2025 23:59:00 GMT', 0],
    ['-5', null],
    ['1.5', null],
    ['soon', null],
    ['Thu, nonsense', null],
    ['99999999999999', null],
    [undefined, null],
  ])('reads Retry-After %j', (value, seconds) => {
    expect(retryAfterSeconds(value, Date.parse('2026-01-01T00:00:00Z'))).toBe(seconds)
  })

  it.each([
    ['12', 12],
    ['-1', null],
    ['1e9', null],
    ['12, 12', null],
  ])('reads Content-Length %j', (value, bytes) => {
    expect(announcedBytes({ 'content-length': value })).toBe(bytes)
  })
})
