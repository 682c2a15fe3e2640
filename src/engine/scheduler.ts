/**
 * Cron: any daemon fires what is due. The rows of `schedules` say when to look next, so a pass without anything to
 * do is one small question.
 */
import type pg from 'pg'
import { isDatabaseOutage, messageOf } from '../core/errors.ts'
import type { ScheduleSeed } from '../core/schedule.ts'
import { type FiredRun, type Firing, fireSchedule } from '../store/schedule-firing.ts'
import { readDueSchedules, readUndefinedSchedules, seedSchedule } from '../store/schedules.ts'
import type { Events } from './events.ts'
import { createLoop, type Service } from './loop.ts'

/** Longest rest: an edit by hand is seen after this at the latest. */
const REST_MAX_MS = 5_000
/** Rest when something was due and another daemon was at it. */
const REST_BUSY_MS = 500
/** A pass that takes longer leaves the rest to the next one, so that a stop need not wait for a long backlog. */
const PASS_MAX_MS = 1_000

export interface Scheduler extends Service {
  /** One pass; returns the milliseconds to rest after it. */
  pass(): Promise<number>
}

export function createScheduler(options: {
  readonly pool: pg.Pool
  readonly events: Events
  /** What code defines; written to the table in the first pass. */
  readonly schedules: readonly ScheduleSeed[]
  /** Called after the commit when jobs were added to a lane. */
  readonly onFired: (queue: string, priority: number) => void
}): Scheduler {
  const { pool, events } = options
  let seeded = false

  const seed = async (): Promise<void> => {
    for (const schedule of options.schedules) {
      try {
        const seeding = await seedSchedule(pool, schedule)
        if (seeding === 'kept') keep(schedule.name, 'its row was edited')
      } catch (error) {
        // One that the database refuses must not keep the others from firing.
        if (isDatabaseOutage(error)) throw error
        events.emit({ type: 'schedule.problem', schedule: schedule.name, problem: messageOf(error) })
      }
    }
    const known = options.schedules.map((schedule) => schedule.name)
    for (const name of await readUndefinedSchedules(pool, known)) keep(name, 'this build does not define it')
    seeded = true
  }

  const keep = (schedule: string, reason: string): void =>
    events.emit({ type: 'schedule.kept', schedule, reason })

  const tell = (firing: Firing): void => {
    for (const run of firing.runs) {
      if (run.jobId === null) continue
      const { schedule } = firing
      events.emit({
        type: 'schedule.fired',
        schedule,
        jobId: run.jobId,
        fireAt: run.fireAt,
        lateSeconds: run.lateSeconds,
      })
    }
    const missed = count(firing.runs, 'missed')
    const overlapped = count(firing.runs, 'overlapped')
    const paused = count(firing.runs, 'paused')
    if (missed + overlapped + paused > 0) {
      events.emit({ type: 'schedule.missed', schedule: firing.schedule, missed, overlapped, paused })
    }
    if (firing.problem !== null) {
      events.emit({ type: 'schedule.problem', schedule: firing.schedule, problem: firing.problem })
    }
    if (firing.runs.some((run) => run.jobId !== null)) options.onFired(firing.queue, firing.priority)
  }

  const pass = async (): Promise<number> => {
    if (!seeded) await seed()
    const { due, nextInMs } = await readDueSchedules(pool)
    const begun = performance.now()
    let done = 0
    for (const name of due) {
      if (performance.now() - begun > PASS_MAX_MS) return 0
      const firing = await fireSchedule(pool, name)
      if (firing === null) continue
      done += 1
      tell(firing)
    }
    if (done < due.length) return REST_BUSY_MS
    // What was fired has a next time of its own by now, which may be sooner than that of the others.
    if (done > 0) return 0
    // The spread keeps many idle daemons from asking at the same moment; what is due is never put off by it.
    return Math.min(nextInMs ?? REST_MAX_MS, REST_MAX_MS * (0.8 + Math.random() * 0.2))
  }

  return { ...createLoop({ name: 'scheduler', events, pass }), pass }
}

function count(runs: readonly FiredRun[], outcome: FiredRun['outcome']): number {
  return runs.filter((run) => run.outcome === outcome).reduce((sum, run) => sum + run.fireTimes, 0)
}
