/**
 * The states of jobs and executions, and the legal moves between them.
 *
 * ```
 * waiting ──deps terminal──▶ pending ──claim──▶ running ──▶ completed
 *                              ▲                  │ ├─────▶ failed      (retries used up, or not retryable)
 *                              └──retry, reap─────┘ ├─────▶ cancelled
 *    waiting / pending ──▶ skipped, cancelled       ├─────▶ skipped     (the step found nothing to do)
 *                                                   └─────▶ pending     (snooze: not counted as a retry)
 * ```
 * A finished job may be moved back to `pending` only by an operator's retry.
 */
export const JOB_STATUSES = [
  'waiting',
  'pending',
  'running',
  'completed',
  'failed',
  'skipped',
  'cancelled',
] as const
export type JobStatus = (typeof JOB_STATUSES)[number]

export const EXECUTION_STATUSES = [
  'pending',
  'running',
  'completed',
  'partial',
  'failed',
  'cancelled',
] as const
export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number]

/** Every legal move of a job made by the engine; the same table guards the database. */
export const JOB_MOVES: Readonly<Record<JobStatus, readonly JobStatus[]>> = {
  waiting: ['pending', 'skipped', 'cancelled', 'failed'],
  pending: ['running', 'skipped', 'cancelled', 'failed'],
  running: ['completed', 'failed', 'cancelled', 'skipped', 'pending'],
  completed: [],
  failed: [],
  skipped: [],
  cancelled: [],
}

/** Every legal move of an execution made by the engine. */
export const EXECUTION_MOVES: Readonly<Record<ExecutionStatus, readonly ExecutionStatus[]>> = {
  pending: ['running', 'completed', 'partial', 'failed', 'cancelled'],
  running: ['completed', 'partial', 'failed', 'cancelled'],
  completed: [],
  partial: [],
  failed: [],
  cancelled: [],
}

/** True when a job in this state will not move again by itself. */
export function isTerminal(status: JobStatus): boolean {
  return JOB_MOVES[status].length === 0
}

/** True when an execution in this state is open: at most one of these per workflow type and subject. */
export function isLive(status: ExecutionStatus): boolean {
  return EXECUTION_MOVES[status].length > 0
}
