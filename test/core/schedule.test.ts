import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRegistry } from '../../src/core/registry.ts'
import {
  decideRuns,
  defineSchedule,
  jitterMs,
  type Plan,
  type ScheduleState,
} from '../../src/core/schedule.ts'
import { defineJob } from '../../src/core/workflow.ts'

const HOURLY: ScheduleState = {
  name: 'hourly',
  cron: '0 * * * *',
  timezone: 'UTC',
  missedPolicy: 'latest',
  missedCap: 10,
  overlapPolicy: 'allow',
  jitterSeconds: 0,
  accountedUntil: new Date('2026-05-01T00:00:00Z'),
  pause: null,
  previousOpen: false,
}
/** Six hours and ten minutes later. */
const NOW = new Date('2026-05-01T06:10:00Z')

/** Hours of the runs with an outcome. */
function hours(plan: Plan, outcome: string): number[] {
  return plan.runs.filter((run) => run.outcome === outcome).map((run) => run.fireAt.getUTCHours())
}

describe('a schedule that nothing looked at for six hours', () => {
  it('runs none with the policy skip, and records each', () => {
    const plan = decideRuns({ ...HOURLY, missedPolicy: 'skip' }, NOW)
    expect(hours(plan, 'fired')).toEqual([])
    expect(hours(plan, 'missed')).toEqual([1, 2, 3, 4, 5, 6])
    expect(plan.nextFireAt).toEqual(new Date('2026-05-01T07:00:00Z'))
  })

  it('runs the newest with the policy latest, due now, and records the others', () => {
    const plan = decideRuns(HOURLY, NOW)
    expect(hours(plan, 'fired')).toEqual([6])
    expect(hours(plan, 'missed')).toEqual([1, 2, 3, 4, 5])
    expect(plan.runs.at(-1)?.scheduledAt).toEqual(NOW)
  })

  it('runs the newest up to the cap with the policy all', () => {
    const plan = decideRuns({ ...HOURLY, missedPolicy: 'all', missedCap: 4 }, NOW)
    expect(hours(plan, 'fired')).toEqual([3, 4, 5, 6])
    expect(hours(plan, 'missed')).toEqual([1, 2])
    expect(hours(decideRuns({ ...HOURLY, missedPolicy: 'all' }, NOW), 'missed')).toEqual([])
  })

  it('runs one and records the others when the previous job may not be overlapped', () => {
    const state: ScheduleState = { ...HOURLY, missedPolicy: 'all', overlapPolicy: 'skip' }
    expect(hours(decideRuns(state, NOW), 'fired')).toEqual([1])
    expect(hours(decideRuns(state, NOW), 'overlapped')).toEqual([2, 3, 4, 5, 6])
    expect(hours(decideRuns({ ...state, previousOpen: true }, NOW), 'fired')).toEqual([])
  })
})

describe('a fire time', () => {
  it.each([
    ['on time when it is dealt with up to 60 s later', '2026-05-01T01:01:00Z', 'fired'],
    ['missed after that', '2026-05-01T01:01:01Z', 'missed'],
  ])('is %s', (_title, now, outcome) => {
    const plan = decideRuns({ ...HOURLY, missedPolicy: 'skip' }, new Date(now))
    expect(plan.runs.map((run) => run.outcome)).toEqual([outcome])
  })

  it('that has not come leaves nothing to do but the next one', () => {
    expect(decideRuns(HOURLY, new Date('2026-05-01T00:59:59.999Z'))).toEqual({
      runs: [],
      nextFireAt: new Date('2026-05-01T01:00:00Z'),
    })
  })

  it('is not fired again when the clock went back', () => {
    const plan = decideRuns(HOURLY, new Date('2026-04-30T20:00:00Z'))
    expect(plan).toEqual({ runs: [], nextFireAt: new Date('2026-05-01T01:00:00Z') })
  })
})

describe('a long outage of a schedule of every second', () => {
  it('is one row and the runs of its policy', () => {
    const state: ScheduleState = { ...HOURLY, cron: '* * * * * *', missedPolicy: 'all', missedCap: 500 }
    const plan = decideRuns(state, new Date('2026-05-08T00:00:00Z'))
    const missed = plan.runs.filter((run) => run.outcome === 'missed')
    expect(missed).toHaveLength(1)
    expect(missed[0]?.note).toMatch(/at least \d+ fire times from 2026-05-01T00:00:01.000Z to 2026-05-07T23:/)
    // 500 caught up, and those of the last minute.
    expect(plan.runs.filter((run) => run.outcome === 'fired')).toHaveLength(561)
  })

  it('of half an hour is counted exactly, in one row', () => {
    const state: ScheduleState = { ...HOURLY, cron: '* * * * * *', missedPolicy: 'skip' }
    const plan = decideRuns(state, new Date('2026-05-01T00:30:00Z'))
    const missed = plan.runs.filter((run) => run.outcome === 'missed')
    expect(missed.map((run) => run.fireTimes)).toEqual([1_739])
  })
})

describe('a pause that has ended', () => {
  const pause = { beganAt: new Date('2026-05-01T01:30:00Z'), endedAt: new Date('2026-05-01T04:30:00Z') }

  it('is recorded in one row, and the policy decides about what lies before and after', () => {
    const plan = decideRuns({ ...HOURLY, missedPolicy: 'all', pause }, NOW)
    expect(hours(plan, 'fired')).toEqual([1, 5, 6])
    const paused = plan.runs.filter((run) => run.outcome === 'paused')
    expect(paused).toMatchObject([
      { fireTimes: 3, fireAt: new Date('2026-05-01T04:00:00Z'), scheduledAt: null },
    ])
  })

  it('before what is dealt with already has no rows', () => {
    const plan = decideRuns({ ...HOURLY, accountedUntil: new Date('2026-05-01T05:30:00Z'), pause }, NOW)
    expect(plan.runs.map((run) => run.outcome)).toEqual(['fired'])
  })

  it('of a schedule of every second is counted up to a limit', () => {
    const plan = decideRuns({ ...HOURLY, cron: '* * * * * *', missedPolicy: 'skip', pause }, NOW)
    const paused = plan.runs.filter((run) => run.outcome === 'paused')
    expect(paused).toMatchObject([
      { fireTimes: 3_001, note: expect.stringMatching(/^the schedule was paused: at least/) },
    ])
  })
})

describe('every fire time', () => {
  it('is in exactly one row, whatever the policies and wherever passes cut the time', () => {
    const policy = fc.record({
      missedPolicy: fc.constantFrom('skip' as const, 'latest' as const, 'all' as const),
      missedCap: fc.integer({ min: 1, max: 20 }),
      overlapPolicy: fc.constantFrom('allow' as const, 'skip' as const),
      jitterSeconds: fc.integer({ min: 0, max: 90 }),
      previousOpen: fc.boolean(),
    })
    const cron = fc.constantFrom('*/5 * * * *', '0 * * * *', '7,8,9 */2 * * *', '30 2 * * *', '* * * * *')
    fc.assert(
      fc.property(
        policy,
        cron,
        fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 6 }),
        (policies, expression, cuts) => {
          const start = Date.parse('2026-10-24T22:00:00Z')
          const minutes = [...new Set([...cuts, 300])].sort((a, b) => a - b)
          const base: ScheduleState = { ...HOURLY, ...policies, cron: expression, timezone: 'Europe/Paris' }
          let accountedUntil = new Date(start)
          const seen: number[] = []
          for (const minute of minutes) {
            const now = new Date(start + minute * 60_000)
            const plan = decideRuns({ ...base, accountedUntil }, now)
            for (const run of plan.runs) {
              expect(run.scheduledAt === null || run.scheduledAt >= now).toBe(true)
              expect(run.outcome === 'fired').toBe(run.scheduledAt !== null)
              seen.push(run.fireAt.getTime())
            }
            accountedUntil = now
          }
          const whole = decideRuns({ ...base, accountedUntil: new Date(start) }, accountedUntil)
          expect(seen).toEqual(whole.runs.map((run) => run.fireAt.getTime()))
        },
      ),
      { numRuns: 40, seed: 11 },
    )
  })
})

describe('jitter', () => {
  it('is the same for the same fire time, within its bound, and spreads over it', () => {
    const at = (minute: number): Date => new Date(Date.UTC(2026, 4, 1, 0, minute))
    const waits = Array.from({ length: 200 }, (_, minute) => jitterMs('hourly', at(minute), 30))
    expect(waits).toEqual(Array.from({ length: 200 }, (_, minute) => jitterMs('hourly', at(minute), 30)))
    expect(Math.min(...waits)).toBe(0)
    expect(Math.max(...waits)).toBe(30_000)
    expect(jitterMs('daily', at(1), 86_400)).not.toBe(jitterMs('hourly', at(1), 86_400))
    expect(jitterMs('hourly', at(1), 0)).toBe(0)
  })

  it('puts off what is on time from its fire time, and what is caught up from now', () => {
    const fireAt = new Date('2026-05-01T01:00:00Z')
    const wait = jitterMs('hourly', fireAt, 3_600)
    const onTime = decideRuns({ ...HOURLY, jitterSeconds: 3_600 }, new Date('2026-05-01T01:00:02Z'))
    expect(onTime.runs[0]?.scheduledAt).toEqual(new Date(fireAt.getTime() + wait))
    const late = new Date('2026-05-01T01:30:00Z')
    expect(decideRuns({ ...HOURLY, jitterSeconds: 3_600 }, late).runs[0]?.scheduledAt).toEqual(
      new Date(late.getTime() + wait),
    )
  })
})

describe('defineSchedule', () => {
  const good = { name: 'nightly', cron: '30 2 * * *', timezone: 'Europe/Paris', jobType: 'clean' }

  it('fills in what was not said', () => {
    expect(defineSchedule(good)).toEqual({
      ...good,
      payload: {},
      missedPolicy: 'latest',
      missedCap: 10,
      overlapPolicy: 'allow',
      jitterSeconds: 0,
    })
  })

  it.each([
    [{ name: 'Nightly!' }, /schedule name "Nightly!" must match/],
    [{ jobType: '' }, /job type "" of schedule "nightly" must match/],
    [{ cron: '99 * * * *' }, /cron "99 \* \* \* \*" is malformed: Invalid value for minute: 99/],
    [{ cron: '0 0 30 2 *' }, /would never fire/],
    [{ timezone: 'Europe/Pari' }, /time zone "Europe\/Pari" is not known/],
    [{ missedCap: 501 }, /missedCap of schedule "nightly" must be a whole number from 1 to 500, got 501/],
    [{ jitterSeconds: 1.5 }, /jitterSeconds/],
    [{ priority: 101 }, /priority/],
    [{ maxRetries: -1 }, /maxRetries/],
  ])('refuses %j', (wrong, message) => {
    expect(() => defineSchedule({ ...good, ...wrong })).toThrow(message)
  })
})

describe('a registry with schedules', () => {
  const input = {
    parse: (value: unknown): unknown => {
      if (typeof value !== 'object') throw new Error('not an object')
      return value
    },
  }
  const clean = defineJob({
    jobType: 'clean',
    input,
    queue: 'upkeep',
    priority: -5,
    retry: { delays: [1, 2] },
    run: () => null,
  })
  const nightly = defineSchedule({ name: 'nightly', cron: '@daily', timezone: 'UTC', jobType: 'clean' })

  it('completes them from their job type', () => {
    const { schedules } = createRegistry({
      jobs: [clean],
      schedules: [nightly, { ...nightly, name: 'other', queue: 'default' }],
    })
    expect(schedules).toMatchObject([
      { name: 'nightly', queue: 'upkeep', priority: -5, maxRetries: 2 },
      { name: 'other', queue: 'default' },
    ])
  })

  it('refuses a name twice, an unknown job type and a payload that the job type refuses', () => {
    expect(() => createRegistry({ jobs: [clean], schedules: [nightly, nightly] })).toThrow(
      'schedule "nightly" is defined twice',
    )
    expect(() => createRegistry({ schedules: [nightly] })).toThrow(
      'fires "clean", which is no job type of its own',
    )
    expect(() => createRegistry({ jobs: [clean], schedules: [{ ...nightly, payload: 'x' }] })).toThrow(
      /payload of schedule "nightly"/,
    )
  })
})
