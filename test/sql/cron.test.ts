/** Cron expressions in SQL: refused at write as croner would refuse them at the first look, and for the same ones. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextFireTime } from '../../src/core/cron.ts'
import { refusalOf, useSql } from './staging.ts'

const sql = useSql()

/** What the daemons say: they parse with croner, under the options of `src/core/cron.ts`. */
function isAcceptedByDaemons(cron: string): boolean {
  try {
    nextFireTime({ cron, timezone: 'UTC' }, new Date('2026-01-01T00:00:00Z'))
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/** Those of the expressions that SQL judges otherwise than the daemons do. */
async function disagreements(crons: readonly string[]): Promise<unknown[]> {
  const judged = await sql.hand(
    `select g.cron, (rowbeat.cron_fault(g.cron)).fault
     from unnest($1::text[]) with ordinality as g (cron, place) order by g.place`,
    [crons],
  )
  return judged
    .filter(({ cron, fault }) => (fault === null) !== isAcceptedByDaemons(String(cron)))
    .map(({ cron, fault }) => ({
      cron,
      sql: fault ?? 'accepts',
      daemons: fault === null ? 'refuse' : 'accept',
    }))
}

const NAMED = {
  month: ['jan', 'Feb', 'MAR', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  weekday: ['sun', 'Mon', 'TUE', 'wed', 'thu', 'fri', 'sat'],
}

/** Fields as people write them, right or off by a little, and fields of any of the characters that occur in them. */
function fieldOf(
  most: number,
  names: readonly string[] = [],
  extras: readonly string[] = [],
): fc.Arbitrary<string> {
  const value = fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: most + 1 }).map(String) },
    { weight: 1, arbitrary: fc.constantFrom('00', '007', '99999999999999999999') },
    { weight: names.length > 0 ? 4 : 0, arbitrary: fc.constantFrom(...names, 'xyz') },
  )
  const step = fc.integer({ min: 0, max: most + 3 })
  const entry = fc.oneof(
    { weight: 4, arbitrary: value },
    { weight: 2, arbitrary: fc.constantFrom('*', '?') },
    { weight: 2, arbitrary: fc.tuple(value, value).map(([a, b]) => `${a}-${b}`) },
    { weight: 2, arbitrary: fc.tuple(fc.constantFrom('*', '?', '', '5'), step).map(([a, b]) => `${a}/${b}`) },
    { weight: 2, arbitrary: fc.tuple(value, value, step).map(([a, b, c]) => `${a}-${b}/${c}`) },
    {
      weight: extras.length > 0 ? 3 : 0,
      arbitrary: fc.tuple(value, fc.constantFrom(...extras, '')).map(([a, b]) => a + b),
    },
    { weight: extras.length > 0 ? 1 : 0, arbitrary: fc.constantFrom(...extras, '') },
  )
  return fc.oneof(
    { weight: 8, arbitrary: entry },
    { weight: 3, arbitrary: fc.array(entry, { minLength: 1, maxLength: 4 }).map((list) => list.join(',')) },
    {
      weight: 1,
      arbitrary: fc
        .array(fc.constantFrom(...'0123456789*/-,?#LlWw+@:.', ...names), { minLength: 1, maxLength: 8 })
        .map((characters) => characters.join('')),
    },
  )
}

const MINUTE = fieldOf(59)
const HOUR = fieldOf(23)
const DAY = fieldOf(31, [], ['L', 'l', 'LW', 'lw', 'W', 'w', 'L-3', 'WL'])
const MONTH = fieldOf(12, NAMED.month)
const WEEKDAY = fc
  .tuple(
    fc.constantFrom('', '', '', '', '+'),
    fieldOf(7, NAMED.weekday, ['L', 'l', '#1', '#5', '#6', '#L', '#0', '#', '#1#2', 'fri-sun']),
  )
  .map(([plus, field]) => plus + field)

const ANY = fc.constantFrom('*')
const ONE_FIELD = fc.oneof(
  fc.tuple(MINUTE, ANY, ANY, ANY, ANY),
  fc.tuple(ANY, HOUR, ANY, ANY, ANY),
  fc.tuple(ANY, ANY, DAY, ANY, ANY),
  fc.tuple(ANY, ANY, ANY, MONTH, ANY),
  fc.tuple(ANY, ANY, ANY, ANY, WEEKDAY),
  fc.tuple(MINUTE, ANY, ANY, ANY, ANY, ANY),
)
const ALL_FIELDS = fc.oneof(
  fc.tuple(MINUTE, HOUR, DAY, MONTH, WEEKDAY),
  fc.tuple(MINUTE, MINUTE, HOUR, DAY, MONTH, WEEKDAY),
  fc.array(fc.oneof(MINUTE, DAY, WEEKDAY), { maxLength: 8 }),
)
const BLANK = fc.constantFrom(' ', ' ', ' ', '  ', '\t', '\n', '\u00a0', '\u2003')
const CRON = fc.oneof(
  fc
    .tuple(fc.oneof({ weight: 3, arbitrary: ONE_FIELD }, ALL_FIELDS), BLANK)
    .map(([fields, blank]) => fields.join(blank)),
  fc
    .tuple(
      fc.constantFrom('', ' '),
      fc.constantFrom('@', '@@'),
      fc.constantFrom(
        'daily',
        'HOURLY',
        'weekly',
        'monthly',
        'yearly',
        'annually',
        'midnight',
        'reboot',
        'never',
      ),
    )
    .map((parts) => parts.join('')),
)

describe('a cron expression in SQL', () => {
  it('is judged as the daemons judge it: thousands of generated ones', async () => {
    const crons = fc.sample(CRON, { numRuns: 6_000, seed: 8 })
    const accepted = crons.filter(isAcceptedByDaemons).length
    // Both kinds in numbers, or the comparison says nothing.
    expect([accepted > 1_000, crons.length - accepted > 1_000]).toEqual([true, true])
    expect(await disagreements(crons)).toEqual([])
  })

  it('is judged as the daemons judge it: what croner’s manual and ours name', async () => {
    const crons = [
      '* * * * *',
      '0 3 * * *',
      '*/5 * * * * *',
      '@daily',
      ' @Weekly ',
      '@reboot',
      '0 0 L * *',
      '0 0 LW * *',
      '0 0 L,15 * *',
      '0 0 L,15W * *',
      '0 0 15W,L * *',
      '0 0 LW,15 * *',
      '0 0 L-3 * *',
      '0 0 15W * *',
      '0 0 32W * *',
      '0 0 1-5W * *',
      '0 0 * jan-mar *',
      '0 0 * Dec FRI',
      '0 0 * * fri-sun',
      '0 0 * * FRI#2',
      '0 0 * * FRI#L',
      '0 0 * * 5L',
      '0 0 * * 1-5L',
      '0 0 * * 5#6',
      '0 0 * * 8',
      '0 0 * * 0,7',
      '0 0 13 * +FRI',
      '0 0 13 * +',
      '? ? ? ? ?',
      '1? * * * *',
      '5/10 * * * *',
      '/10 * * * *',
      '0-59/60 * * * *',
      '*/61 * * * *',
      '0-70/40 * * * *',
      '61 * * * *',
      '* 24 * * *',
      '* * 0 * *',
      '* * * 13 *',
      '* * * 0 *',
      '* * * januar *',
      '* * * * monday',
      '0 0 30 2 *',
      '1,,2 * * * *',
      '1, * * * *',
      '* * * *',
      '* * * * * * *',
      '* * * * * * 2027',
      '2027-01-01T00:00:00',
      '10:30',
      '',
      ' ',
      '-1 * * * *',
      '1-* * * * *',
      '5-1 * * * *',
      '٣ * * * *',
      '* * * * ſun',
      '0 0 ﬂ * *',
    ]
    expect(await disagreements(crons)).toEqual([])
  })

  it.each([
    ['61 * * * *', 'minute', '0 to 59'],
    ['60 * * * * *', 'second', '0 to 59'],
    ['0 24 * * *', 'hour', '0 to 23'],
    ['0 0 32 * *', 'day', '1 to 31'],
    ['0 0 * 13 *', 'month', '1 to 12'],
    ['0 0 * * 8', 'weekday', '0 to 7'],
    ['0 0 * * monday', 'weekday', 'sun to sat'],
    ['*/61 * * * *', 'minute', '0 to 59'],
    ['0 3 * *', 'fields', 'minute hour day month weekday'],
    ['@reboot', '@reboot', '@daily'],
    [null, 'cron', 'minute hour day month weekday'],
  ])('that is wrong is refused with the field and its range: %s', async (cron, field, range) => {
    const { code, message, hint } = await refusalOf(sql.hand('select rowbeat.require_cron($1)', [cron]))
    expect(code).toBe('RB010')
    expect(message).toContain(field)
    expect(hint).toContain(range)
  })
})

describe('61 * * * * written by hand', () => {
  it('is refused at once, not found by a daemon later', async () => {
    const insert = sql.hand(
      `insert into rowbeat.schedules (name, cron, job_type) values ('bad', '61 * * * *', 'work')`,
    )
    expect(await refusalOf(insert)).toMatchObject({ code: 'RB010', message: expect.stringContaining('61') })
    await sql.hand(
      `insert into rowbeat.schedules (name, cron, job_type) values ('good', '1 * * * *', 'work')`,
    )
    expect((await refusalOf(sql.hand(`update rowbeat.schedules set cron = '61 * * * *'`))).hint).toContain(
      '0 to 59',
    )
  })

  it('does not stop other edits of a row that has a bad one already', async () => {
    await sql.engine.query(
      `insert into rowbeat.schedules (name, cron, job_type) values ('bad', 'nonsense', 'work')`,
    )
    await sql.hand('update rowbeat.schedules set paused_at = now()')
    await sql.hand(`update rowbeat.schedules set cron = '@daily'`)
  })
})
