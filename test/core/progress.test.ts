import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  expectedDuration,
  overallProgress,
  remainingSeconds,
  type StepProgress,
  stepPercent,
} from '../../src/core/progress.ts'
import { isTerminal, JOB_MOVES, type JobStatus } from '../../src/core/states.ts'

const START = 1_700_000_000_000

function stepOf(given: Partial<StepProgress> = {}): StepProgress {
  return {
    step: 'one',
    status: 'pending',
    dependsOn: [],
    estimateSeconds: 100,
    firstStartedAt: null,
    dueAt: START,
    reportedPercent: null,
    reportedSince: null,
    ...given,
  }
}

type Event =
  | { readonly kind: 'tick'; readonly ms: number }
  | { readonly kind: 'move'; readonly step: number; readonly choice: number }
  | { readonly kind: 'report'; readonly step: number; readonly percent: number }

const events: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ kind: fc.constant('tick' as const), ms: fc.nat(200_000) }),
  fc.record({ kind: fc.constant('move' as const), step: fc.nat(3), choice: fc.nat(9) }),
  fc.record({
    kind: fc.constant('report' as const),
    step: fc.nat(3),
    percent: fc.double({ min: 0, max: 100, noNaN: true }),
  }),
)

/** What the store does with a step at an event. */
function happen(step: StepProgress, event: Event, now: number): StepProgress {
  if (event.kind === 'move') {
    const moves: readonly JobStatus[] = JOB_MOVES[step.status]
    const status = moves[event.choice % Math.max(1, moves.length)] ?? step.status
    return { ...step, status, firstStartedAt: step.firstStartedAt ?? (status === 'running' ? now : null) }
  }
  if (event.kind !== 'report' || step.status !== 'running') return step
  return {
    ...step,
    reportedPercent: Math.max(step.reportedPercent ?? 0, event.percent),
    // The store writes a time a second ahead.
    reportedSince: step.reportedSince ?? now + 1000,
  }
}

describe('progress', () => {
  it('never falls, whatever is reported, however steps move and time goes by', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.1, max: 2_000, noNaN: true }), { minLength: 1, maxLength: 4 }),
        fc.array(events, { maxLength: 60 }),
        (estimates, history) => {
          let now = START
          let steps = estimates.map((estimateSeconds, at) => stepOf({ step: `s${at}`, estimateSeconds }))
          let overall = overallProgress(steps, now)
          let each = steps.map((one) => stepPercent(one, now))
          for (const event of history) {
            if (event.kind === 'tick') now += event.ms
            else steps = steps.map((one, at) => (at === event.step ? happen(one, event, now) : one))
            const next = overallProgress(steps, now)
            const nextEach = steps.map((one) => stepPercent(one, now))
            expect(next).toBeGreaterThanOrEqual(overall)
            for (const [at, percent] of nextEach.entries())
              expect(percent).toBeGreaterThanOrEqual(each[at] ?? 0)
            expect(next === 100).toBe(steps.every((one) => isTerminal(one.status)))
            overall = next
            each = nextEach
          }
        },
      ),
    )
  })

  it('does not fall for a reader who went by the clock while the first report was being written', () => {
    const running = stepOf({ status: 'running', firstStartedAt: START, estimateSeconds: 2 })
    const during = stepPercent(running, START + 900)
    const reported = { ...running, reportedPercent: 1, reportedSince: START + 800 + 1000 }
    expect(stepPercent(reported, START + 901)).toBeGreaterThanOrEqual(during)
  })

  it('follows the clock to 90 until the first report, and reports to 99 until the end', () => {
    const running = stepOf({ status: 'running', firstStartedAt: START })
    expect(stepPercent(running, START + 50_000)).toBe(50)
    expect(stepPercent(running, START + 9_000_000)).toBe(90)
    expect(stepPercent({ ...running, reportedPercent: 100, reportedSince: START }, START + 1)).toBe(99)
    expect(stepPercent({ ...running, status: 'skipped' }, START)).toBe(100)
    expect(stepPercent(running, START - 5_000)).toBe(0)
  })

  it('is weighted by the estimates and is 100 of nothing', () => {
    const steps = [stepOf({ status: 'completed', estimateSeconds: 300 }), stepOf({ estimateSeconds: 100 })]
    expect(overallProgress(steps, START)).toBe(75)
    expect(overallProgress([], START)).toBe(100)
  })
})

describe('the remaining time', () => {
  const expected = (step: StepProgress): number => step.estimateSeconds

  it('follows the longest remaining path, not the sum', () => {
    const steps = [
      stepOf({ step: 'a', status: 'completed', estimateSeconds: 600 }),
      stepOf({ step: 'b', dependsOn: ['a'], estimateSeconds: 300 }),
      stepOf({ step: 'c', dependsOn: ['a'], estimateSeconds: 50 }),
      stepOf({ step: 'd', status: 'waiting', dependsOn: ['b', 'c'], estimateSeconds: 100 }),
    ]
    expect(remainingSeconds(steps, expected, START)).toBe(400)
  })

  it('of a running step follows its own speed from a tenth on, else what is left of the estimate', () => {
    const running = stepOf({ status: 'running', firstStartedAt: START })
    expect(remainingSeconds([running], expected, START + 30_000)).toBe(70)
    const reporting = { ...running, reportedPercent: 25, reportedSince: START }
    expect(remainingSeconds([reporting], expected, START + 30_000)).toBe(90)
  })

  it('does not stay a few seconds for a step that takes longer than others did: as late as it is, it may become again', () => {
    const running = stepOf({ status: 'running', firstStartedAt: START })
    const left = (elapsed: number) => remainingSeconds([running], expected, START + elapsed * 1000)
    expect([95, 100, 104, 150, 700].map(left)).toEqual([5, 5, 5, 50, 600])
  })

  it('counts from when a step may run, for one that waits for its next try', () => {
    const waits = stepOf({ firstStartedAt: START - 1_000, dueAt: START + 8_000 })
    expect(remainingSeconds([waits], expected, START)).toBe(108)
    expect(remainingSeconds([waits], expected, START + 8_000)).toBe(100)
  })

  it('does not stay the same while nobody takes a step that is due, in a paused queue for instance', () => {
    const due = stepOf()
    expect(remainingSeconds([due], expected, START + 60_000)).toBe(160)
    const next = stepOf({ step: 'next', status: 'waiting', dependsOn: ['one'] })
    expect(remainingSeconds([due, next], expected, START + 60_000)).toBe(260)
  })

  it('is null when everything has ended, and finite for rows that wait in a circle', () => {
    expect(remainingSeconds([stepOf({ status: 'failed' })], expected, START)).toBeNull()
    expect(remainingSeconds([], expected, START)).toBeNull()
    const circle = [stepOf({ step: 'a', dependsOn: ['b'] }), stepOf({ step: 'b', dependsOn: ['a'] })]
    expect(remainingSeconds(circle, expected, START)).toBeLessThan(1_000)
  })

  it('trusts the history from the first run on, widely until there are five', () => {
    const history = { p50: 7, p90: 9, runs: 5 }
    expect(expectedDuration(60, history)).toBe(history)
    expect(expectedDuration(60, { ...history, runs: 4 })).toEqual({ p50: 7, p90: 14, runs: 4 })
    expect(expectedDuration(60, undefined)).toEqual({ p50: 60, p90: 120, runs: 0 })
  })
})
