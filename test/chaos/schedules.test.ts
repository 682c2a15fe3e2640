import { describe, expect, it } from 'vitest'
import { checkSchedule, type ScheduleFacts, type ScheduleRun } from '../../scripts/chaos/checker-schedules.ts'
import type { History, JobMove, JobRow } from '../../scripts/chaos/history.ts'

/** A whole minute, ms since epoch. */
const T = 1_800_000_000_000
const FACTS: ScheduleFacts = {
  name: 'ticks',
  everySeconds: 1,
  missedPolicy: 'latest',
  missedCap: 2,
  overlapPolicy: 'allow',
  fromMs: T,
  untilMs: T + 3_500,
}

function run(second: number, more: Partial<ScheduleRun> = {}): ScheduleRun {
  const fireMs = T + 1_000 * second
  return {
    schedule: 'ticks',
    fireMs,
    outcome: 'fired',
    jobId: String(second),
    fireTimes: 1,
    recordedMs: fireMs + 5,
    ...more,
  }
}

function job(id: string, finishedMs: number | null): JobRow {
  return {
    id,
    executionId: null,
    step: null,
    key: 'ticks',
    status: 'completed',
    attempt: 1,
    retryCount: 0,
    maxRetries: 2,
    critical: false,
    dependsOn: null,
    needs: null,
    lastErrorCode: null,
    errors: 0,
    lost: 0,
    payload: {},
    result: null,
    scheduledMs: 0,
    startedMs: 0,
    finishedMs,
  }
}

function made(jobId: string, atMs: number, scheduledMs = atMs): JobMove {
  return {
    jobId,
    from: null,
    to: 'pending',
    attempt: 0,
    retryCount: 0,
    maxRetries: 2,
    leaseId: null,
    oldLeaseId: null,
    scheduledMs,
    startedMs: null,
    queue: 'default',
    executionId: null,
    key: null,
    application: 'rowbeat d1',
    atMs,
  }
}

/** Jobs as the runs say, each made 10 ms after its row was begun and done 20 ms later. */
function historyOf(runs: readonly ScheduleRun[]): Pick<History, 'jobs' | 'jobMoves'> {
  const fired = runs.flatMap(({ jobId, recordedMs, fireMs }) =>
    jobId === null ? [] : [{ jobId, madeMs: Math.max(recordedMs, fireMs) + 10 }],
  )
  return {
    jobs: fired.map(({ jobId, madeMs }) => job(jobId, madeMs + 20)),
    jobMoves: fired.map(({ jobId, madeMs }) => made(jobId, madeMs)),
  }
}

const RUNS = [run(1), run(2), run(3)]
function problems(
  runs: readonly ScheduleRun[],
  facts: Partial<ScheduleFacts> = {},
  history: Partial<Pick<History, 'jobs' | 'jobMoves'>> = {},
): string[] {
  const found = checkSchedule({ ...FACTS, ...facts }, runs, { ...historyOf(runs), ...history })
  return found.map(({ check, row }) => `${check}: ${row}`)
}

describe('the checker of schedules', () => {
  it('finds nothing when each fire time made one job', () => {
    expect(problems(RUNS)).toEqual([])
  })

  it('finds a second job of a fire time', () => {
    const jobs = [...historyOf(RUNS).jobs, job('9', T)]
    expect(problems(RUNS, {}, { jobs })).toEqual([
      'one job per fire time: ticks: job 9 was made for no fire time',
    ])
    expect(problems([run(1), run(2, { jobId: '1' }), run(3)]).join()).toContain(
      'job 1 stands for two fire times',
    )
    expect(problems([...RUNS, run(3)]).join()).toContain('was dealt with twice')
  })

  it('finds a fire time that made no job, or whose job is gone', () => {
    expect(problems([run(1), run(2, { jobId: null }), run(3)]).join()).toContain('fired and made no job')
    expect(problems(RUNS, {}, { jobs: [] }).join()).toContain('job 1 of a fire time is gone')
  })

  it('finds a fire time that was lost without a word, and one that is none', () => {
    expect(problems([run(1), run(3)])).toEqual([
      `no fire time is lost: ticks: nothing is known of ${new Date(T + 2_000).toISOString()}`,
    ])
    expect(problems([...RUNS, run(3.5)]).join()).toContain('is no fire time of it')
    expect(problems([run(0), ...RUNS]).join()).toContain('is no fire time of it')
  })

  it('takes a row that stands for several', () => {
    const three = run(3, { outcome: 'missed', jobId: null, fireTimes: 3, recordedMs: T + 90_000 })
    expect(problems([three], { missedPolicy: 'skip' })).toEqual([])
  })

  it('finds a job that was made, or due, before its fire time', () => {
    const early = [made('1', T + 990), ...historyOf(RUNS).jobMoves.slice(1)]
    expect(problems(RUNS, {}, { jobMoves: early }).join()).toContain('nothing fires before its time')
    const dueEarly = [made('1', T + 1_010, T), ...historyOf(RUNS).jobMoves.slice(1)]
    expect(problems(RUNS, {}, { jobMoves: dueEarly }).join()).toContain('was due before it')
  })

  describe('of a schedule that nothing looked at for minutes', () => {
    const MINUTES: Partial<ScheduleFacts> = { everySeconds: 60, untilMs: T + 5 * 60_000 }
    const at = T + 5 * 60_000 + 10_000
    /** Five minutes, looked at together; the last is on time. */
    const outcomes = (...chosen: readonly (0 | 1)[]): ScheduleRun[] =>
      chosen.map((is, index) =>
        run(60 * (index + 1), {
          recordedMs: at,
          ...(is === 1 ? {} : { outcome: 'missed' as const, jobId: null }),
        }),
      )

    it.each([
      ['skip', [0, 0, 0, 0, 1]],
      ['latest', [0, 0, 0, 1, 1]],
      ['all', [0, 0, 1, 1, 1]],
    ] as const)('finds nothing when %s is kept', (missedPolicy, chosen) => {
      expect(problems(outcomes(...chosen), { ...MINUTES, missedPolicy })).toEqual([])
    })

    it.each([
      ['skip', [0, 0, 0, 1, 1], '1 of 4 missed ones were run'],
      ['latest', [0, 0, 0, 0, 1], '0 of 4 missed ones were run'],
      ['latest', [0, 0, 1, 1, 1], '2 of 4 missed ones were run'],
      ['latest', [1, 0, 0, 0, 1], 'not the newest'],
      ['all', [1, 1, 1, 1, 1], '4 of 4 missed ones were run'],
      ['all', [0, 0, 1, 1, 0], 'was on time and is missed'],
    ] as const)('finds that %s was not kept: %j', (missedPolicy, chosen, text) => {
      // The one on time is known to be so by the job of another that was made in the same moment.
      expect(problems(outcomes(...chosen), { ...MINUTES, missedPolicy }).join()).toContain(text)
    })
  })

  it('finds a job that was made while the one before was open, where that is forbidden', () => {
    const jobs = [job('1', T + 1_900), job('2', T + 3_500), job('3', T + 3_600)]
    expect(problems(RUNS, {}, { jobs })).toEqual([])
    expect(problems(RUNS, { overlapPolicy: 'skip' }, { jobs })).toEqual([
      'the overlap policy is kept: ticks: job 3 was made while job 2 was open',
    ])
  })

  it('finds a fire time that was called overlapped although overlaps are allowed', () => {
    const runs = [run(1), run(2), run(3, { outcome: 'overlapped', jobId: null, recordedMs: T + 2_005 })]
    expect(problems(runs).join()).toContain('is overlapped')
    expect(problems(runs, { overlapPolicy: 'skip' })).toEqual([])
  })
})
