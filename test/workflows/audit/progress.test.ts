import { describe, expect, it } from 'vitest'
import { AUDIT_STEPS } from '../../../src/workflows/audit/plan.ts'
import {
  assembleStatus,
  type DurationHistory,
  failedWorkflows,
  pollAfterSeconds,
  type StepView,
  workflowSteps,
} from '../../../src/workflows/audit/progress.ts'
import { AuditStatusResponse } from '../../../src/workflows/audit/schema.ts'
import { ALL_THERE, executionView, NOW, stepView } from './fixtures.ts'

const ago = (seconds: number): Date => new Date(NOW - seconds * 1000)
const none: DurationHistory = new Map()

const completed = (step: string, index: number, over: Partial<StepView> = {}): StepView =>
  stepView(step, index, {
    status: 'completed',
    attempt: 1,
    startedAt: ago(90),
    finishedAt: ago(30),
    ...over,
  })

const fiveSteps = (): StepView[] => [
  completed(AUDIT_STEPS[0], 1),
  completed(AUDIT_STEPS[1], 2, { dependsOn: [AUDIT_STEPS[0]] }),
  stepView(AUDIT_STEPS[2], 3, {
    status: 'running',
    attempt: 1,
    startedAt: ago(40),
    progress: 40,
    progressDetail: { done: 4, total: 10, unit: 'articles', reported_since: ago(39).toISOString() },
    dependsOn: [AUDIT_STEPS[0]],
  }),
  stepView(AUDIT_STEPS[3], 4, { status: 'pending', dependsOn: [AUDIT_STEPS[1]] }),
  stepView(AUDIT_STEPS[4], 5, { dependsOn: [AUDIT_STEPS[2], AUDIT_STEPS[3]] }),
]

function status(steps: readonly StepView[], over: Parameters<typeof executionView>[1] = {}, history = none) {
  const assembled = assembleStatus(executionView(steps, over), history, ALL_THERE)
  expect(() => AuditStatusResponse.parse(assembled)).not.toThrow()
  return assembled
}

describe('the status of an audit', () => {
  it('counts every planned step and weighs its progress', () => {
    expect(status(fiveSteps())).toMatchObject({
      overall_status: 'running',
      overall_progress: 48,
      total_steps: 5,
      completed_steps: 2,
      running_steps: 1,
      pending_steps: 2,
      failed_steps: 0,
      skipped_steps: 0,
    })
  })

  it('describes a running step with what it reported', () => {
    expect(status(fiveSteps()).workflow_steps[2]).toMatchObject({
      step: 3,
      name: 'Client Site Scraping',
      workflow_type: 'client_scraping',
      status: 'running',
      attempt: 1,
      max_attempts: 3,
      duration_seconds: 40,
      progress_percentage: 40,
      progress_detail: { done: 4, total: 10, unit: 'articles', message: null },
    })
  })

  it('keeps the number of a step in the workflow when others are not planned', () => {
    const steps = [stepView('trend_pipeline', 5, { status: 'pending' })]
    expect(status(steps).workflow_steps.map((step) => step.step)).toEqual([5])
    expect(workflowSteps(executionView(steps))).toMatchObject([
      { step: 1, name: 'Trend Pipeline', status: 'pending' },
    ])
  })

  it('is not at 100 before the last step has ended, and is at 100 when the run has', () => {
    const last = fiveSteps().map((step, at) =>
      at < 4 ? completed(step.step, step.index) : { ...step, progress: 100 },
    )
    const running = last.with(4, {
      ...stepView('trend_pipeline', 5),
      status: 'running',
      startedAt: ago(9),
      progress: 100,
    })
    expect(status(running).overall_progress).toBeLessThan(100)
    const done = fiveSteps().map((step) => completed(step.step, step.index))
    expect(status(done, { status: 'completed', endTime: ago(0) })).toMatchObject({
      overall_progress: 100,
      estimated_completion_time: null,
      eta: null,
    })
  })

  it('never falls while a step goes on, fails and is tried again', () => {
    const running = (over: Partial<StepView>) => [
      stepView('editorial_analysis', 1, { status: 'running', startedAt: ago(0), ...over }),
    ]
    const failure = { attempt: 1, started_at: ago(0).toISOString() }
    const moments: [number, StepView[]][] = [
      [0, running({})],
      [30, running({})],
      [31, running({ progress: 5, progressDetail: { reported_since: ago(-31).toISOString() } })],
      [60, running({ progress: 50, progressDetail: { reported_since: ago(-31).toISOString() } })],
      [61, running({ status: 'pending', progress: 50, retryCount: 1, errors: [failure] })],
      [70, running({ startedAt: ago(-70), progress: 50, retryCount: 1, errors: [failure] })],
      [90, running({ startedAt: ago(-70), progress: 80, retryCount: 1, errors: [failure] })],
    ]
    const seen = moments.map(([seconds, steps]) => status(steps, { now: ago(-seconds) }).overall_progress)
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    expect(seen.at(-1)).toBeGreaterThan(50)
  })

  it('estimates the end along the longest remaining path', () => {
    const { eta, estimated_completion_time } = status(fiveSteps())
    // client_scraping has 60 s to go at its own speed; competitor scraping (100 s) then trends (100 s) take longer.
    expect(eta?.p50_at).toBe(ago(-200).toISOString())
    expect(estimated_completion_time).toBe(eta?.p50_at)
    expect(eta?.basis).toBe('estimates')
    expect(Date.parse(eta?.p90_at ?? '')).toBeGreaterThan(Date.parse(eta?.p50_at ?? ''))
  })

  it('estimates from history once every open step has a run, and says when it has none', () => {
    const runs = (n: number): DurationHistory =>
      new Map(AUDIT_STEPS.map((step) => [step, { p50: 20, p90: 50, runs: n }]))
    expect(status(fiveSteps(), {}, runs(7)).eta).toEqual({
      p50_at: ago(-80).toISOString(),
      p90_at: ago(-110).toISOString(),
      basis: 'history n=7',
    })
    expect(status(fiveSteps(), {}, runs(1))).toMatchObject({
      eta: { basis: 'history n=1' },
      estimate_basis: 'history',
    })
    expect(status(fiveSteps(), {}, runs(0))).toMatchObject({
      eta: { basis: 'estimates' },
      estimate_basis: 'default',
    })
    expect(status(fiveSteps(), { status: 'completed', endTime: ago(0) }).estimate_basis).toBeNull()
  })

  it('is never pending while a step runs, and names the execution as the 202 does', () => {
    const shown = status(fiveSteps(), { status: 'pending', startTime: null })
    expect(shown).toMatchObject({ overall_status: 'running', start_time: expect.any(String) })
    expect(shown.execution_id).toBe(shown.orchestrator_execution_id)
    const waiting = status([stepView('client_scraping', 3, { status: 'pending', startedAt: null })], {
      status: 'pending',
      startTime: null,
    })
    expect(waiting).toMatchObject({ overall_status: 'pending', start_time: null })
  })

  it('says when a failed attempt is tried again', () => {
    const waiting = stepView('client_scraping', 3, {
      status: 'pending',
      attempt: 1,
      retryCount: 1,
      scheduledAt: ago(-8),
      lastError: 'too slow',
      lastErrorCode: 'UPSTREAM_TIMEOUT',
    })
    expect(status([waiting]).workflow_steps[0]).toMatchObject({
      status: 'pending',
      next_retry_at: ago(-8).toISOString(),
      error_code: 'UPSTREAM_TIMEOUT',
      error_message: 'too slow',
    })
  })

  it('reads a progress detail that somebody wrote by hand', () => {
    const odd = stepView('client_scraping', 3, {
      status: 'running',
      startedAt: ago(1),
      progressDetail: { done: 'x' },
    })
    expect(status([odd]).workflow_steps[0]?.progress_detail).toBeNull()
  })
})

describe('what failed', () => {
  const skipped = (code: string | null): StepView =>
    stepView('competitor_search', 2, {
      status: 'skipped',
      finishedAt: ago(1),
      lastErrorCode: code,
      lastError: 'no provider',
    })

  it('names failed steps and those skipped for a reason of their own', () => {
    const view = executionView(
      [
        stepView('enhanced_scraping', 4, { status: 'skipped', lastErrorCode: 'DEPENDENCY_NOT_COMPLETED' }),
        skipped('PROVIDER_NOT_CONFIGURED'),
        stepView('trend_pipeline', 5, {
          status: 'failed',
          attempt: 1,
          lastErrorCode: 'INSUFFICIENT_ARTICLES',
        }),
        completed('editorial_analysis', 1),
      ],
      { status: 'partial', endTime: ago(0) },
    )
    expect(failedWorkflows(view).map((one) => [one.workflow, one.error_code, one.retry_possible])).toEqual([
      ['competitor_search', 'PROVIDER_NOT_CONFIGURED', false],
      ['trend_pipeline', 'INSUFFICIENT_ARTICLES', false],
    ])
    expect(status(view.steps).workflow_steps[1]).toMatchObject({
      skip_reason: 'no provider',
      error_message: null,
    })
  })

  it('names stopped steps only when the run itself was cancelled', () => {
    const steps = [stepView('trend_pipeline', 5, { status: 'cancelled', finishedAt: ago(0) })]
    expect(failedWorkflows(executionView(steps, { status: 'cancelled' }))).toMatchObject([
      { error_code: 'CANCELLED' },
    ])
    expect(failedWorkflows(executionView(steps, { status: 'failed' }))).toEqual([])
  })

  it('gives codes of older builds an action too', () => {
    const [one] = failedWorkflows(
      executionView([stepView('x', 1, { status: 'failed', lastErrorCode: 'OLD_CODE' })]),
    )
    expect(one).toMatchObject({ error_code: 'OLD_CODE', retry_possible: false })
    expect(one?.suggested_action).not.toBe('')
  })
})

describe('the expected end of a step that takes longer than any before', () => {
  it('moves away, and stays a span', () => {
    const steps = [
      stepView('client_scraping', 3, { status: 'running', startedAt: ago(100) }),
      stepView('trend_pipeline', 5, { status: 'waiting', dependsOn: ['client_scraping'] }),
    ]
    const known: DurationHistory = new Map([
      ['client_scraping', { p50: 4, p90: 6, runs: 9 }],
      ['trend_pipeline', { p50: 10, p90: 20, runs: 9 }],
    ])
    expect(status(steps, {}, known).eta).toMatchObject({
      p50_at: ago(-106).toISOString(),
      p90_at: ago(-202).toISOString(),
    })
  })
})

describe('when to ask again', () => {
  const eta = (seconds: number) => ({
    eta: { p50_at: ago(-seconds).toISOString(), p90_at: '', basis: '' },
    start_time: null,
  })
  const run = (elapsed: number) => ({ createdAt: ago(elapsed), now: ago(0) })

  it('is a tenth of what remains, from 1 to 30 seconds', () => {
    const after = (seconds: number) => pollAfterSeconds(eta(seconds), run(9999))
    expect([0, 5, 100, 9999].map(after)).toEqual([1, 1, 10, 30])
    expect(pollAfterSeconds({ eta: null, start_time: null }, run(9999))).toBe(1)
  })

  it('is soon for an audit of 3 s, whatever was expected of it, and later the longer it runs', () => {
    const after = (elapsed: number) => pollAfterSeconds(eta(3600), run(elapsed))
    expect([0, 3, 50, 9999].map(after)).toEqual([1, 1, 10, 30])
  })

  it('is soon for one that waited for long and has just begun', () => {
    const begun = { ...eta(3600), start_time: ago(3).toISOString() }
    expect(pollAfterSeconds(begun, run(9999))).toBe(1)
  })
})

describe('what the clock says', () => {
  it('changes once a second, so that the status of one second is one and the same', () => {
    const at = (milliseconds: number) =>
      assembleStatus(executionView(fiveSteps(), { now: new Date(NOW + milliseconds) }), new Map(), ALL_THERE)
    expect(at(999)).toEqual(at(0))
    expect(at(1000)).not.toEqual(at(0))
  })
})
