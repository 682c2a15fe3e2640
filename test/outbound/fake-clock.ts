import type { Clock } from '../../src/outbound/clock.ts'

export interface FakeClock extends Clock {
  /** Moves time on and runs what falls due, in order. */
  advance(milliseconds: number): void
  /** Timers that have not run. */
  readonly pending: number
  /** Milliseconds until each of them, shortest first. */
  readonly waits: readonly number[]
}

/** A clock that stands still until it is moved; `nowMs` is its start in milliseconds since 1970. */
export function fakeClock(nowMs = Date.parse('2026-01-01T00:00:00Z')): FakeClock {
  let elapsed = 0
  let timers: { at: number; action: () => void }[] = []
  return {
    elapsed: () => elapsed,
    now: () => nowMs + elapsed,
    after(milliseconds, action) {
      const timer = { at: elapsed + milliseconds, action }
      timers.push(timer)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
    advance(milliseconds) {
      const end = elapsed + milliseconds
      for (;;) {
        const due = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
        if (due === undefined) break
        timers = timers.filter((other) => other !== due)
        elapsed = Math.max(elapsed, due.at)
        due.action()
      }
      elapsed = end
    },
    get pending() {
      return timers.length
    },
    get waits() {
      return timers.map(({ at }) => at - elapsed).sort((a, b) => a - b)
    },
  }
}
