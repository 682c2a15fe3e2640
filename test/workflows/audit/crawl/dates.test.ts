import { describe, expect, it } from 'vitest'
import { parseAnyDate, parseIsoDate, parseRfc822Date } from '../../../../src/workflows/audit/crawl/dates.ts'

describe('dates of sitemaps and feeds', () => {
  it.each([
    ['2024', '2024-01-01T00:00:00.000Z'],
    ['2024-05', '2024-05-01T00:00:00.000Z'],
    ['2024-05-06', '2024-05-06T00:00:00.000Z'],
    ['2024-05-06T07:08Z', '2024-05-06T07:08:00.000Z'],
    ['2024-05-06T07:08:09.5+02:00', '2024-05-06T05:08:09.000Z'],
    ['2024-05-06 07:08:09', '2024-05-06T07:08:09.000Z'],
    ['2024-12-31T23:30:00-0130', '2025-01-01T01:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
  ])('reads the ISO form %s', (text, iso) => {
    expect(parseIsoDate(text)).toBe(iso)
  })

  it.each([
    ['Wed, 02 Oct 2024 13:00:00 GMT', '2024-10-02T13:00:00.000Z'],
    ['2 Oct 2024 13:00 +0200', '2024-10-02T11:00:00.000Z'],
    ['Tue, 1 Jan 08 00:00:00 EST', '2008-01-01T05:00:00.000Z'],
    ['Sun, 06 Nov 94 08:49:37 GMT', '1994-11-06T08:49:37.000Z'],
    ['Thursday, 03 October 2024 09:00:00 PDT', '2024-10-03T16:00:00.000Z'],
  ])('reads the RFC 822 form %s', (text, iso) => {
    expect(parseRfc822Date(text)).toBe(iso)
  })

  it.each([
    '',
    'yesterday',
    '2023-02-29',
    '2024-13-01',
    '2024-05-06T25:00Z',
    '2024-05-06T07:08+99:00',
    '1023-01-01',
    'Wed, 31 Apr 2024 13:00:00 GMT',
    'Wed, 02 Foo 2024 13:00:00 GMT',
    'Wed, 02 Oct 2024 13:00:00 XYZ',
    '1714982400',
    'x'.repeat(100_000),
  ])('refuses %.30s rather than guessing', (text) => {
    expect(parseAnyDate(text)).toBeNull()
  })
})
