import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  COUNTED_MAX,
  type CronSpec,
  fireTimesBetween,
  LISTED_MAX,
  nextFireTime,
} from '../../src/core/cron.ts'

/** Fire times of a window as ISO strings without milliseconds. */
function times(spec: CronSpec, after: string, until: string): string[] {
  return fireTimesBetween(spec, new Date(after), new Date(until)).listed.map((time) =>
    time.toISOString().replace('.000Z', 'Z'),
  )
}

describe('daylight saving', () => {
  const paris = 'Europe/Paris'
  const newYork = 'America/New_York'
  const lordHowe = 'Australia/Lord_Howe'

  it.each([
    // Clocks go from 02:00 to 03:00 at 01:00Z.
    [paris, '30 2 * * *', '2026-03-29', ['2026-03-29T01:00:00Z']],
    [paris, '0,30 2 * * *', '2026-03-29', ['2026-03-29T01:00:00Z']],
    [paris, '*/15 2 * * *', '2026-03-29', ['2026-03-29T01:00:00Z']],
    [
      paris,
      '15 1-3 * * *',
      '2026-03-29',
      ['2026-03-29T00:15:00Z', '2026-03-29T01:00:00Z', '2026-03-29T01:15:00Z'],
    ],
    // From 02:00 to 03:00 at 07:00Z.
    [newYork, '30 2 * * *', '2026-03-08', ['2026-03-08T07:00:00Z']],
    [newYork, '0 30 2 * * *', '2026-03-08', ['2026-03-08T07:00:00Z']],
    // From 02:00 to 02:30 at 15:30Z of the day before.
    [lordHowe, '15 2 * * *', '2026-10-03', ['2026-10-03T15:30:00Z']],
    ['UTC', '30 2 * * *', '2026-03-29', ['2026-03-29T02:30:00Z']],
  ])(
    'in %s, %s fires once right after the gap of %s when its time does not exist',
    (timezone, cron, day, expected) => {
      const after = `${day}T${timezone === lordHowe ? '15:00' : '00:00'}:00Z`
      const until = `${day}T${timezone === lordHowe ? '23:00' : '12:00'}:00Z`
      expect(times({ cron, timezone }, after, until)).toEqual(expected)
    },
  )

  it.each([
    // 02:00 to 03:00 happens at 00:00Z and again at 01:00Z.
    [paris, '30 2 * * *', '2026-10-24T23:00:00Z', ['2026-10-25T00:30:00Z']],
    [paris, '*/30 2 * * *', '2026-10-24T23:00:00Z', ['2026-10-25T00:00:00Z', '2026-10-25T00:30:00Z']],
    // 01:00 to 02:00 happens at 05:00Z and again at 06:00Z.
    [newYork, '30 1 * * *', '2026-11-01T04:00:00Z', ['2026-11-01T05:30:00Z']],
    // 01:30 to 02:00 happens at 14:30Z and again at 15:00Z.
    [lordHowe, '45 1 * * *', '2026-04-04T13:00:00Z', ['2026-04-04T14:45:00Z']],
    ['UTC', '30 2 * * *', '2026-10-25T00:00:00Z', ['2026-10-25T02:30:00Z']],
  ])(
    'in %s, %s fires once, the first time, when its time happens twice',
    (timezone, cron, after, expected) => {
      const until = new Date(Date.parse(after) + 8 * 3_600_000).toISOString()
      expect(times({ cron, timezone }, after, until)).toEqual(expected)
    },
  )

  it.each([
    [paris, '*/30 * * * *', '2026-10-25T00:00:00Z', ['00:30', '01:00', '01:30', '02:00']],
    [newYork, '0 * * * *', '2026-11-01T04:00:00Z', ['05:00', '06:00']],
    [
      lordHowe,
      '*/15 * * * *',
      '2026-04-04T14:15:00Z',
      ['14:30', '14:45', '15:00', '15:15', '15:30', '15:45', '16:00', '16:15'],
    ],
    [paris, '*/30 * * * *', '2026-03-29T00:00:00Z', ['00:30', '01:00', '01:30', '02:00']],
  ])(
    'in %s, the interval %s runs on without a pause or a double after %s',
    (timezone, cron, after, expected) => {
      const until = new Date(Date.parse(after) + 2 * 3_600_000).toISOString()
      expect(times({ cron, timezone }, after, until).map((time) => time.slice(11, 16))).toEqual(expected)
    },
  )
})

describe('an expression', () => {
  const after = new Date('2026-05-01T00:00:00Z')
  const next = (cron: string, timezone = 'UTC'): string | undefined =>
    nextFireTime({ cron, timezone }, after)?.toISOString()

  it.each([
    ['@daily', '2026-05-02T00:00:00.000Z'],
    ['*/10 * * * * *', '2026-05-01T00:00:10.000Z'],
    ['0 0 13 * FRI', '2026-05-08T00:00:00.000Z'],
    ['0 0 29 2 *', '2028-02-29T00:00:00.000Z'],
    ['  5\t0 * *  * ', '2026-05-01T00:05:00.000Z'],
  ])('%s is understood', (cron, expected) => {
    expect(next(cron)).toBe(expected)
  })

  it('that names a date that does not exist has no fire time', () => {
    expect(next('0 0 31 2 *')).toBeUndefined()
  })

  it.each([
    '',
    'nonsense',
    '61 * * * *',
    '* * * *',
    '* * * * * * *',
    '2027-01-01T00:00:00',
    '@reboot',
    '*/0 * * * *',
    `${'1,'.repeat(150)}1 * * * *`,
  ])('"%s" is refused with a sentence', (cron) => {
    expect(() => next(cron)).toThrow(RangeError)
    expect(() => next(cron)).toThrow(/^cron /)
  })

  it.each(['Mars/Olympus', '', 'Europe/Paris; drop table'])(
    'in the zone "%s" is refused with a sentence',
    (timezone) => {
      expect(() => next('* * * * *', timezone)).toThrow(/^time zone ".*" is not known: use an IANA name/)
    },
  )
})

describe('a window', () => {
  const everySecond = { cron: '* * * * * *', timezone: 'Europe/Paris' }

  it('begins after its first moment and includes its last', () => {
    const hourly = { cron: '0 * * * *', timezone: 'UTC' }
    expect(times(hourly, '2026-05-01T00:00:00Z', '2026-05-01T02:00:00Z')).toEqual([
      '2026-05-01T01:00:00Z',
      '2026-05-01T02:00:00Z',
    ])
    expect(times(hourly, '2026-05-01T02:00:00Z', '2026-05-01T01:00:00Z')).toEqual([])
  })

  it('of a week of seconds is bounded: the newest are listed, the rest is counted up to a limit', () => {
    const after = new Date('2026-05-01T00:00:00Z')
    const until = new Date('2026-05-08T00:00:00Z')
    const found = fireTimesBetween(everySecond, after, until)
    expect(found.listed).toHaveLength(LISTED_MAX)
    expect(found.listed.at(-1)).toEqual(until)
    expect(found.omitted).toEqual({
      first: new Date('2026-05-01T00:00:01Z'),
      count: COUNTED_MAX + 1,
      isFloor: true,
    })
  })

  it('of 2,000 seconds is counted exactly', () => {
    const found = fireTimesBetween(
      everySecond,
      new Date('2026-05-01T00:00:00Z'),
      new Date('2026-05-01T00:33:20Z'),
    )
    expect(found.listed[0]).toEqual(new Date('2026-05-01T00:16:41Z'))
    expect(found.omitted).toMatchObject({ count: 1_000, isFloor: false })
  })

  it('cut anywhere has the same fire times as the whole, also around changes of the clock', () => {
    const field = fc.constantFrom('*', '0', '30', '59', '*/10', '*/7', '0,30', '15-45/15')
    const hour = fc.constantFrom('*', '0', '1', '2', '23', '*/2', '*/5', '1-3', '0,1,2,3', '0-23')
    const day = fc.constantFrom('* * *', '29 3 *', '25 10 *', '* * SUN', '* * MON-SAT', '1-7 * SUN')
    const begin = fc.constantFrom(
      ...[
        ['Europe/Paris', '2026-03-28T12:00:00Z'],
        ['Europe/Paris', '2026-10-24T12:00:00Z'],
        ['America/New_York', '2026-03-07T18:00:00Z'],
        ['America/New_York', '2026-10-31T18:00:00Z'],
        ['Australia/Lord_Howe', '2026-10-03T03:00:00Z'],
        ['Australia/Lord_Howe', '2026-04-04T03:00:00Z'],
        ['America/Sao_Paulo', '2018-11-03T12:00:00Z'],
        ['UTC', '2026-03-28T12:00:00Z'],
      ].map(([timezone = '', start = '']) => ({ timezone, start: Date.parse(start) })),
    )
    const hours = 30
    fc.assert(
      fc.property(
        field,
        hour,
        day,
        begin,
        fc.array(fc.integer({ min: 0, max: hours * 3_600_000 }), { maxLength: 5 }),
        (minute, h, d, { timezone, start }, cuts) => {
          const spec = { cron: `${minute} ${h} ${d}`, timezone }
          const borders = [0, ...cuts.toSorted((a, b) => a - b), hours * 3_600_000].map(
            (ms) => new Date(start + ms),
          )
          const pieces = borders
            .slice(1)
            .flatMap((until, at) => fireTimesBetween(spec, borders[at] ?? until, until).listed)
          const whole = fireTimesBetween(spec, new Date(start), new Date(start + hours * 3_600_000))
          expect(pieces).toEqual(whole.listed)
          expect(whole.omitted).toBeNull()
          expect(new Set(pieces.map(Number)).size).toBe(pieces.length)
        },
      ),
      { numRuns: 60, seed: 7 },
    )
  })
})
