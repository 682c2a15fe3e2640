/** The status of an audit as people read it. Pure: the execution, the history and the clock are handed in. */
import { actionFor, isErrorCode, isTransient } from '../../core/errors.ts'
import {
  expectedDuration,
  lateSeconds,
  overallProgress,
  remainingSeconds,
  type StepDuration,
  type StepProgress,
  stepPercent,
} from '../../core/progress.ts'
import type { ExecutionStatus, JobStatus } from '../../core/states.ts'
import { type DataStatus, stepTitle } from './plan.ts'
import type { AuditStatusResponse, FailedWorkflowDetail, WorkflowStep, WorkflowStepDetail } from './schema.ts'

/** A step of an execution, as the engine's store reads it. */
export interface StepView {
  readonly jobId: string
  readonly step: string
  readonly index: number
  readonly status: JobStatus
  readonly attempt: number
  readonly retryCount: number
  readonly maxRetries: number
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
  readonly scheduledAt: Date
  readonly lastError: string | null
  readonly lastErrorCode: string | null
  readonly errors: readonly Readonly<Record<string, unknown>>[]
  readonly progress: number | null
  readonly progressDetail: Readonly<Record<string, unknown>> | null
  readonly dependsOn: readonly string[]
  readonly estimateSeconds: number
}

/** An execution with its steps, as the engine's store reads it in one statement. */
export interface ExecutionView {
  readonly executionId: string
  readonly workflowType: string
  readonly subject: string
  readonly status: ExecutionStatus
  readonly createdAt: Date
  readonly startTime: Date | null
  readonly endTime: Date | null
  readonly version: number
  readonly errorCode: string | null
  readonly errorMessage: string | null
  readonly steps: readonly StepView[]
  /** The clock of the database when this was read. */
  readonly now: Date
}

/** How long step types took, by job type; types without runs are missing. */
export type DurationHistory = ReadonlyMap<string, StepDuration>

/**
 * The whole status of an audit. Percentages never fall; 100 only when every step has ended. The clock is read in whole
 * seconds, so that what is shown changes with it once a second and not with every look.
 */
export function assembleStatus(
  view: ExecutionView,
  history: DurationHistory,
  dataStatus: DataStatus,
): AuditStatusResponse {
  const now = Math.floor(view.now.getTime() / 1000) * 1000
  const steps = inOrder(view)
  const ended = view.endTime !== null
  const count = (...statuses: JobStatus[]): number =>
    steps.filter((step) => statuses.includes(step.status)).length
  const starts = steps.flatMap((step) => firstStart(step) ?? [])
  const begun = starts.length === 0 ? null : new Date(Math.min(...starts))
  const eta = ended ? null : estimate(steps, history, now)
  return {
    execution_id: view.executionId,
    orchestrator_execution_id: view.executionId,
    domain: view.subject,
    // Marked as running a moment after its first step was claimed: what can be seen to run is not called pending.
    overall_status: view.status === 'pending' && begun !== null ? 'running' : view.status,
    overall_progress: ended ? 100 : overallProgress(steps.map(toProgress), now),
    total_steps: steps.length,
    completed_steps: count('completed'),
    failed_steps: count('failed'),
    running_steps: count('running'),
    pending_steps: count('pending', 'waiting'),
    skipped_steps: count('skipped'),
    cancelled_steps: count('cancelled'),
    workflow_steps: steps.map((step) => stepDetail(view, step, now)),
    start_time: isoOrNull(view.startTime ?? begun),
    end_time: isoOrNull(view.endTime),
    estimated_completion_time: eta?.p50_at ?? null,
    eta,
    estimate_basis: eta === null ? null : eta.basis.startsWith('history') ? 'history' : 'default',
    data_status: { ...dataStatus },
    error_code: view.errorCode,
    error_message: view.errorMessage,
    failed_workflow_details: failedWorkflows(view),
  }
}

/** The steps of a run in short, numbered from 1 over those that it has. */
export function workflowSteps(view: Pick<ExecutionView, 'executionId' | 'steps'>): WorkflowStep[] {
  return inOrder(view).map((step, at) => ({
    step: at + 1,
    name: stepTitle(step.step),
    workflow_type: step.step,
    status: shownStatus(step.status),
    execution_id: view.executionId,
  }))
}

/**
 * What went wrong in a run, each with what a person can do: failed steps, steps skipped for a reason of their own,
 * and, when the run itself was cancelled, the steps that this stopped.
 */
export function failedWorkflows(view: ExecutionView): FailedWorkflowDetail[] {
  return inOrder(view)
    .filter((step) => wentWrong(step, view.status))
    .map((step) => {
      const code = step.lastErrorCode ?? (step.status === 'cancelled' ? 'CANCELLED' : 'INTERNAL_ERROR')
      return {
        workflow: step.step,
        error: step.lastError ?? 'no message was recorded',
        error_code: code,
        retry_possible: isErrorCode(code) && isTransient(code),
        suggested_action: actionFor(code),
        timestamp: isoOrNull(step.finishedAt),
        attempts: step.attempt,
      }
    })
}

function wentWrong(step: StepView, execution: ExecutionStatus): boolean {
  if (step.status === 'failed') return true
  if (step.status === 'cancelled') return execution === 'cancelled'
  // A step skipped because another did not complete only repeats what that one says.
  return (
    step.status === 'skipped' &&
    step.lastErrorCode !== null &&
    step.lastErrorCode !== 'DEPENDENCY_NOT_COMPLETED'
  )
}

/**
 * Seconds to wait before asking again, 1..30: a tenth of what remains, and at most a fifth of the time that it has run,
 * or waited to begin: what turns out to be shorter than others were is not noticed late.
 */
export function pollAfterSeconds(
  status: Pick<AuditStatusResponse, 'eta' | 'start_time'>,
  view: Pick<ExecutionView, 'createdAt' | 'now'>,
): number {
  const now = view.now.getTime()
  const since = status.start_time === null ? view.createdAt.getTime() : Date.parse(status.start_time)
  // Without an end to expect every step has ended, and the audit is closed at any moment.
  const end = status.eta === null ? now : Date.parse(status.eta.p50_at)
  return Math.min(30, Math.max(1, Math.round(Math.min((end - now) / 10_000, (now - since) / 5_000))))
}

function inOrder(view: Pick<ExecutionView, 'steps'>): StepView[] {
  return [...view.steps].sort((a, b) => a.index - b.index)
}

function stepDetail(view: ExecutionView, step: StepView, now: number): WorkflowStepDetail {
  const waitsForRetry = step.status === 'pending' && step.retryCount > 0
  const finished = step.finishedAt?.getTime() ?? null
  const started = firstStart(step)
  const until = finished ?? (step.status === 'running' ? now : null)
  return {
    step: Math.min(5, Math.max(1, step.index)),
    name: stepTitle(step.step),
    workflow_type: step.step,
    status: shownStatus(step.status),
    execution_id: view.executionId,
    job_id: step.jobId,
    start_time: started === null ? null : new Date(started).toISOString(),
    end_time: isoOrNull(step.finishedAt),
    duration_seconds:
      started === null || until === null ? null : Math.max(0, Math.round((until - started) / 10) / 100),
    attempt: step.attempt,
    max_attempts: step.maxRetries + 1,
    next_retry_at: waitsForRetry ? step.scheduledAt.toISOString() : null,
    error_message: step.status === 'skipped' ? null : step.lastError,
    error_code: step.lastErrorCode,
    skip_reason: step.status === 'skipped' ? (step.lastError ?? actionFor(step.lastErrorCode)) : null,
    progress_percentage: stepPercent(toProgress(step), now),
    progress_detail: progressDetail(step.progressDetail),
  }
}

function progressDetail(detail: StepView['progressDetail']): WorkflowStepDetail['progress_detail'] {
  if (detail === null) return null
  const { done, total, unit, message } = detail
  if (typeof done !== 'number' || typeof total !== 'number' || typeof unit !== 'string') return null
  return {
    done: Math.max(0, done),
    total: Math.max(0, total),
    unit,
    message: typeof message === 'string' ? message : null,
  }
}

/** When and how the audit is expected to end, along the longest remaining path of its steps. */
function estimate(
  steps: readonly StepView[],
  history: DurationHistory,
  now: number,
): AuditStatusResponse['eta'] {
  const progress = steps.map(toProgress)
  const expected = new Map(
    steps.map((step) => [step.step, expectedDuration(step.estimateSeconds, history.get(step.step))]),
  )
  const secondsTo = (quantile: 'p50' | 'p90'): number | null =>
    remainingSeconds(progress, (step) => expected.get(step.step)?.[quantile] ?? 0, now)
  const p50 = secondsTo('p50')
  const p90 = secondsTo('p90')
  if (p50 === null || p90 === null) return null
  const at = (seconds: number): string => new Date(now + seconds * 1000).toISOString()
  const open = steps.filter((step) => step.finishedAt === null)
  const late = Math.max(...progress.map((step) => lateSeconds(step, expected.get(step.step)?.p50 ?? 0, now)))
  const runs = Math.min(...open.map((step) => expected.get(step.step)?.runs ?? 0))
  return {
    p50_at: at(p50),
    // What is later than nine of ten were is not known any better for that: the span stays as wide as it is late.
    p90_at: at(Math.max(p90, p50 + late)),
    basis: runs >= 1 ? `history n=${runs}` : 'estimates',
  }
}

function toProgress(step: StepView): StepProgress {
  const since = step.progressDetail?.reported_since
  return {
    step: step.step,
    status: step.status,
    dependsOn: step.dependsOn,
    estimateSeconds: step.estimateSeconds,
    firstStartedAt: firstStart(step),
    dueAt: step.scheduledAt.getTime(),
    reportedPercent: step.progress,
    reportedSince: typeof since === 'string' && Number.isFinite(Date.parse(since)) ? Date.parse(since) : null,
  }
}

/** Start of the first attempt: retries must not set the elapsed time back. */
function firstStart(step: StepView): number | null {
  const starts = [
    ...step.errors.flatMap((entry) =>
      typeof entry.started_at === 'string' ? [Date.parse(entry.started_at)] : [],
    ),
    ...(step.startedAt === null ? [] : [step.startedAt.getTime()]),
  ].filter(Number.isFinite)
  return starts.length === 0 ? null : Math.min(...starts)
}

/** The API knows no `waiting`: a step that waits for another is pending. */
function shownStatus(status: JobStatus): WorkflowStep['status'] {
  return status === 'waiting' ? 'pending' : status
}

function isoOrNull(time: Date | null): string | null {
  return time === null ? null : time.toISOString()
}
