/** The part of the checker that holds executions against their steps. Pure. */
import { type ExecutionStatus, isLive, isTerminal } from '../../src/core/states.ts'
import { isHand } from './hand.ts'
import type { ExecutionMove, ExecutionRow, History, JobRow } from './history.ts'
import type { WalkInput } from './workload.ts'

/** One sentence for everything that is wrong with the executions of a history. */
export function checkExecutions(history: History, acknowledged: ReadonlyMap<string, WalkInput>): string[] {
  const present = new Set(history.executions.map((one) => one.id))
  const deleted = new Set(
    history.executionMoves.filter((move) => move.to === null && isHand(move)).map((move) => move.executionId),
  )
  const handled = editedExecutions(history)
  const lost = [...acknowledged.keys()]
    .filter((id) => !present.has(id) && !deleted.has(id))
    .map((id) => `execution ${id} was acknowledged and is gone`)
  const stepsOf = new Map<string, JobRow[]>()
  for (const job of history.jobs) {
    if (job.executionId === null) continue
    const steps = stepsOf.get(job.executionId) ?? []
    steps.push(job)
    stepsOf.set(job.executionId, steps)
  }
  return [
    ...lost,
    ...history.executions.flatMap((one) => {
      const steps = stepsOf.get(one.id) ?? []
      const moves = history.executionMoves.filter((move) => move.executionId === one.id)
      const edited = handled.has(one.id)
      return [
        ...checkClosing(one, moves, edited),
        ...checkStatus(one, steps, edited, acknowledged.get(one.id)),
        ...(edited ? [] : checkOrder(one, steps)),
      ]
    }),
  ]
}

/** Executions of which somebody edited a row by hand, their own or one of a step. */
export function editedExecutions(history: Pick<History, 'jobMoves' | 'executionMoves'>): Set<string> {
  return new Set([
    ...history.jobMoves.filter(isHand).flatMap((move) => move.executionId ?? []),
    ...history.executionMoves.filter(isHand).map((move) => move.executionId),
  ])
}

function checkClosing(one: ExecutionRow, moves: readonly ExecutionMove[], edited: boolean): string[] {
  const closings = moves.filter((move) => move.to !== null && !isLive(move.to)).length
  const reopened = moves.filter((move) => move.from !== null && !isLive(move.from)).length
  if (isLive(one.status)) return [`execution ${one.id} is still ${one.status}`]
  // Somebody may have retried one of its steps.
  if (edited) return []
  if (closings !== 1) return [`execution ${one.id} was closed ${closings} times`]
  return reopened > 0 ? [`execution ${one.id} was changed after it was closed`] : []
}

function checkStatus(
  one: ExecutionRow,
  steps: readonly JobRow[],
  edited: boolean,
  input: WalkInput | undefined,
): string[] {
  if (isLive(one.status)) return []
  const problems: string[] = []
  const open = steps.filter((step) => !isTerminal(step.status))
  if (open.length > 0) problems.push(`execution ${one.id} is ${one.status} with ${open.length} open steps`)
  const expected = expectedStatus(steps)
  if (!edited && open.length === 0 && one.status !== expected)
    problems.push(`execution ${one.id} is ${one.status} and its steps say ${expected}`)
  if (!edited && input !== undefined && steps.length !== Object.keys(input.plans).length)
    problems.push(`execution ${one.id} has ${steps.length} steps`)
  return problems
}

/**
 * What an execution is whose steps have all ended: failed when a critical step failed or none completed beside a
 * failed one, partial when some did, cancelled when steps were cancelled and none failed, else completed.
 */
export function expectedStatus(steps: readonly Pick<JobRow, 'status' | 'critical'>[]): ExecutionStatus {
  const failed = steps.filter((step) => step.status === 'failed')
  if (failed.some((step) => step.critical)) return 'failed'
  if (failed.length > 0) return steps.some((step) => step.status === 'completed') ? 'partial' : 'failed'
  return steps.some((step) => step.status === 'cancelled') ? 'cancelled' : 'completed'
}

/** No step may have been claimed before those it waits for had ended, nor run without those it needs. */
function checkOrder(one: ExecutionRow, steps: readonly JobRow[]): string[] {
  const byName = new Map(steps.map((step) => [step.step ?? '', step]))
  return steps
    .filter((step) => step.startedMs !== null)
    .flatMap((step) => [
      ...(step.dependsOn ?? [])
        .filter((name) => (byName.get(name)?.finishedMs ?? Number.POSITIVE_INFINITY) > (step.startedMs ?? 0))
        .map((name) => `execution ${one.id}: ${step.step} ran before ${name} had ended`),
      ...(step.needs ?? [])
        .filter((name) => byName.get(name)?.status !== 'completed')
        .map(
          (name) => `execution ${one.id}: ${step.step} ran although ${name} is ${byName.get(name)?.status}`,
        ),
    ])
}
