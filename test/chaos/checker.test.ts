import { describe, expect, it } from 'vitest'
import { checkAll, type Evidence } from '../../scripts/chaos/checker.ts'
import { expectedStatus } from '../../scripts/chaos/checker-executions.ts'
import { HAND } from '../../scripts/chaos/hand.ts'
import type { ExecutionMove, History, JobMove, JobRow } from '../../scripts/chaos/history.ts'
import type { Effect } from '../../scripts/chaos/ledger.ts'
import type { Plan } from '../../scripts/chaos/workload.ts'

const PLAN: Plan = { key: 'k1', ms: 0, snoozes: 0, failures: 0, end: 'result' }
const T = 1_000_000

function job(more: Partial<JobRow> = {}): JobRow {
  return {
    id: '1',
    executionId: null,
    step: null,
    key: 'k1',
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
    payload: PLAN,
    result: { key: 'k1' },
    scheduledMs: T,
    startedMs: T + 10,
    finishedMs: T + 30,
    ...more,
  }
}

function move(from: JobMove['from'], to: JobMove['to'], more: Partial<JobMove> = {}): JobMove {
  return {
    jobId: '1',
    from,
    to,
    attempt: from === null ? 0 : 1,
    retryCount: 0,
    maxRetries: 2,
    leaseId: null,
    oldLeaseId: null,
    scheduledMs: T,
    startedMs: T + 10,
    queue: 'default',
    key: null,
    executionId: null,
    application: 'rowbeat d1',
    atMs: T + 30,
    ...more,
  }
}

const INSERTED = move(null, 'pending', { atMs: T })
const CLAIMED = move('pending', 'running', { atMs: T + 10 })
const COMPLETED = move('running', 'completed')

function effect(deed: Effect['deed'], more: Partial<Effect> = {}): Effect {
  return { jobId: '1', key: 'k1', attempt: 1, daemon: 'd1', deed, handlerMs: T + 15, atMs: T + 15, ...more }
}

/** A job that was added, run once and completed; whatever is given replaces a part of it. */
function evidence(
  more: Partial<Omit<Evidence, 'history'>> & { readonly history?: Partial<History> } = {},
): Evidence {
  const { history, ...rest } = more
  return {
    effects: [effect('begin'), effect('end', { handlerMs: T + 20 })],
    acknowledgedJobs: new Map([['1', PLAN]]),
    acknowledgedExecutions: new Map(),
    serverCrashed: false,
    skewed: new Set(),
    ...rest,
    history: {
      jobs: [job()],
      executions: [],
      jobMoves: [INSERTED, CLAIMED, COMPLETED],
      executionMoves: [],
      leases: 0,
      guarded: true,
      broken: [],
      ...history,
    },
  }
}

const failed = (given: Evidence): string[] => checkAll(given).map((finding) => finding.check)

describe('the checker', () => {
  it('finds nothing in a job that ran once', () => {
    expect(checkAll(evidence())).toEqual([])
  })

  it('misses an acknowledged job that is gone, unless somebody deleted it by hand', () => {
    const gone = { jobs: [], jobMoves: [INSERTED] }
    expect(failed(evidence({ history: gone }))).toContain('acknowledged jobs are there')
    const deleted = { jobs: [], jobMoves: [INSERTED, move('pending', null, { application: HAND })] }
    expect(failed(evidence({ history: deleted }))).toEqual([])
  })

  it('finds a job that never ended', () => {
    const open = {
      jobs: [job({ status: 'running', result: null, finishedMs: null })],
      jobMoves: [INSERTED, CLAIMED],
    }
    expect(failed(evidence({ history: open }))).toEqual(['every job has ended'])
  })

  it('finds a job that was settled twice', () => {
    const twice = { jobMoves: [INSERTED, CLAIMED, COMPLETED, move('completed', 'completed')] }
    expect(failed(evidence({ history: twice }))).toEqual(['an end is final'])
  })

  it('finds a job that was taken out of its end', () => {
    const again = { jobMoves: [INSERTED, CLAIMED, COMPLETED, move('completed', 'pending')] }
    expect(failed(evidence({ history: again }))).toEqual([
      'moves are legal and in one line',
      'an end is final',
    ])
  })

  it('finds a move that does not follow from the one before', () => {
    const gap = { jobMoves: [INSERTED, COMPLETED] }
    expect(failed(evidence({ history: gap }))).toEqual(['moves are legal and in one line'])
  })

  it('finds more failures than the retries allow', () => {
    const jobMoves = [INSERTED]
    for (let attempt = 1; attempt <= 4; attempt++) {
      jobMoves.push(move('pending', 'running', { attempt }))
      jobMoves.push(move('running', attempt === 4 ? 'failed' : 'pending', { attempt, retryCount: attempt }))
    }
    const jobs = [job({ status: 'failed', retryCount: 2, attempt: 4, result: null })]
    expect(failed(evidence({ history: { jobs, jobMoves } }))).toContain('no attempt beyond the retries')
  })

  it('finds a claim and a run before scheduled_at', () => {
    const early = { jobMoves: [INSERTED, move('pending', 'running', { scheduledMs: T + 1_000 }), COMPLETED] }
    const [finding] = checkAll(evidence({ history: early }))
    expect(finding).toMatchObject({ check: 'no run before its time', count: 2 })
  })

  it('finds a completion that no handler brought about', () => {
    expect(failed(evidence({ effects: [effect('begin')] }))).toEqual(['what has completed was done'])
    const other = [effect('begin'), effect('end', { attempt: 2 })]
    expect(failed(evidence({ effects: other }))).toEqual(['what has completed was done'])
  })

  it('finds a handler that began after its job was completed', () => {
    const late = [
      ...evidence().effects,
      effect('begin', { attempt: 2, handlerMs: T + 5_000, atMs: T + 5_001 }),
    ]
    expect(failed(evidence({ effects: late }))).toEqual(['nothing runs after its end'])
  })

  it('goes by the clock of the ledger for daemons whose own is wrong', () => {
    const ahead = [effect('begin', { handlerMs: T + 300_000 }), effect('end')]
    expect(failed(evidence({ effects: ahead }))).toEqual(['nothing runs after its end'])
    expect(failed(evidence({ effects: ahead, skewed: new Set(['d1']) }))).toEqual([])
  })

  it('finds one attempt that was run twice, unless the claim was lost with the server', () => {
    const twice = [...evidence().effects, effect('begin', { daemon: 'd2' })]
    expect(failed(evidence({ effects: twice }))).toEqual(['one run per attempt'])
    expect(failed(evidence({ effects: twice, serverCrashed: true }))).toEqual([])
  })

  it('finds a job that ended otherwise than planned, and a result of another', () => {
    const jobs = [job({ status: 'failed', lastErrorCode: 'INTERNAL_ERROR', result: null })]
    const jobMoves = [INSERTED, CLAIMED, move('running', 'failed')]
    expect(failed(evidence({ history: { jobs, jobMoves } }))).toEqual(['jobs end as planned'])
    expect(failed(evidence({ history: { jobs: [job({ result: { key: 'k2' } })] } }))).toEqual([
      'results are those of the handler',
    ])
  })

  it('finds leases that are left and what assert_invariants() returns', () => {
    expect(failed(evidence({ history: { leases: 2, broken: ['{"job": 1}'] } }))).toEqual([
      'leases are given back',
      'assert_invariants() finds nothing',
    ])
  })

  it('shows the first rows and counts all', () => {
    const jobs = Array.from({ length: 30 }, (_, at) =>
      job({ id: String(at), status: 'pending', result: null }),
    )
    const finding = checkAll(evidence({ history: { jobs, jobMoves: [] } })).find(
      (one) => one.check === 'every job has ended',
    )
    expect(finding?.count).toBe(30)
    expect(finding?.rows).toHaveLength(8)
  })
})

describe('the checker of executions', () => {
  const step = (more: Partial<JobRow>): JobRow => job({ executionId: 'e1', ...more })
  const closing: ExecutionMove = {
    executionId: 'e1',
    from: 'running',
    to: 'completed',
    application: 'rowbeat d1',
    atMs: T + 40,
  }
  const stepMoves = (id: string): JobMove[] =>
    [INSERTED, CLAIMED, COMPLETED].map((one) => ({ ...one, jobId: id }))
  const walked = (more: Partial<History> = {}, second: Partial<JobRow> = {}): Evidence =>
    evidence({
      acknowledgedJobs: new Map(),
      acknowledgedExecutions: new Map([['e1', { subject: 's', plans: { walk_a: PLAN, walk_b: PLAN } }]]),
      effects: ['1', '2'].flatMap((jobId) => [effect('begin', { jobId }), effect('end', { jobId })]),
      history: {
        jobs: [
          step({ step: 'walk_a' }),
          step({
            id: '2',
            step: 'walk_b',
            dependsOn: ['walk_a'],
            startedMs: T + 35,
            finishedMs: T + 40,
            ...second,
          }),
        ],
        jobMoves: [...stepMoves('1'), ...stepMoves('2')],
        executions: [{ id: 'e1', subject: 's', status: 'completed', endMs: T + 40 }],
        executionMoves: [closing],
        ...more,
      },
    })
  const rowsOf = (given: Evidence): string =>
    checkAll(given)
      .flatMap((finding) => finding.rows)
      .join('\n')

  it('finds nothing in one that ended well', () => {
    expect(rowsOf(walked())).toBe('')
  })

  it('finds one that was closed twice, or never', () => {
    expect(rowsOf(walked({ executionMoves: [closing, closing] }))).toContain('closed 2 times')
    expect(rowsOf(walked({ executionMoves: [] }))).toContain('closed 0 times')
  })

  it('finds one whose status is not what its steps say', () => {
    const executions = [{ id: 'e1', subject: 's', status: 'failed' as const, endMs: T }]
    expect(rowsOf(walked({ executions }))).toContain('is failed and its steps say completed')
  })

  it('finds one that was closed with an open step', () => {
    expect(rowsOf(walked({}, { status: 'pending', result: null }))).toContain('completed with 1 open steps')
  })

  it('finds a step that ran before the one it waits for', () => {
    expect(rowsOf(walked({}, { startedMs: T + 29 }))).toContain('walk_b ran before walk_a had ended')
  })

  it('finds an acknowledged execution that is gone, and two live ones of a subject', () => {
    expect(rowsOf(walked({ executions: [], jobs: [], jobMoves: [] }))).toContain(
      'e1 was acknowledged and is gone',
    )
    const live = { id: 'e1', subject: 's', status: 'running' as const, endMs: null }
    const checks = failed(walked({ executions: [live, { ...live, id: 'e2' }] }))
    expect(checks).toContain('one live execution per subject')
  })

  it('says of an execution what its steps say', () => {
    const one = (status: JobRow['status'], critical = false) => ({ status, critical })
    expect(expectedStatus([one('completed'), one('skipped')])).toBe('completed')
    expect(expectedStatus([one('completed'), one('failed')])).toBe('partial')
    expect(expectedStatus([one('failed'), one('skipped')])).toBe('failed')
    expect(expectedStatus([one('completed'), one('failed', true)])).toBe('failed')
    expect(expectedStatus([one('completed'), one('cancelled')])).toBe('cancelled')
  })
})
