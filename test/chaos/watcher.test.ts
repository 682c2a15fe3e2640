import { describe, expect, it } from 'vitest'
import { HAND } from '../../scripts/chaos/hand.ts'
import type { ExecutionMove, History, JobMove, JobRow } from '../../scripts/chaos/history.ts'
import { checkFollowing } from '../../scripts/chaos/scenarios/operators.ts'
import { compare } from '../../scripts/chaos/watcher.ts'
import type { ExecutionView } from '../../src/store/executions.ts'

const seen = (progress: number, more: Partial<ExecutionView> = {}) => ({
  progress,
  view: { executionId: 'e1', status: 'running', version: 3, ...more } as ExecutionView,
})

describe('two readings of an execution', () => {
  it('may go forward', () => {
    expect(compare(seen(10), seen(10, { version: 4 }))).toEqual([])
    expect(compare(seen(10), seen(100, { status: 'completed' }))).toEqual([])
  })

  it('must not go back', () => {
    expect(compare(seen(10), seen(9.99))).toEqual(['execution e1: progress fell from 10 to 9.99'])
    expect(compare(seen(10), seen(10, { version: 2 }))).toEqual(['execution e1: its version fell'])
    expect(compare(seen(10), seen(10, { status: 'pending' }))).toEqual([
      'execution e1 was running and is pending again',
    ])
    expect(compare(seen(100, { status: 'completed' }), seen(100, { status: 'failed' }))).toEqual([
      'execution e1 was completed and is failed',
    ])
  })
})

describe('what follows from an edit of an execution', () => {
  const step = { id: '1', step: 'walk_a', executionId: 'e1' } as JobRow
  const closed = { executionId: 'e1', from: 'running', to: 'cancelled', application: HAND, atMs: 1_000 }
  const history = (more: Partial<History>): History =>
    ({
      jobs: [step],
      jobMoves: [],
      executions: [{ id: 'e1' }],
      executionMoves: [closed as ExecutionMove],
      ...more,
    }) as History
  const claimedAt = (atMs: number) => [{ jobId: '1', from: 'pending', to: 'running', atMs } as JobMove]

  it('is that its steps end with it', () => {
    expect(checkFollowing(history({ jobMoves: claimedAt(2_000) }))).toEqual([])
    expect(checkFollowing(history({ jobMoves: claimedAt(3_100) })).map((one) => one.row)).toEqual([
      'job 1 was claimed after its execution was ended by hand',
    ])
  })

  it('is that no step is left without it', () => {
    expect(checkFollowing(history({ executions: [] })).map((one) => one.row)).toEqual([
      'job 1 (walk_a) is a step of no execution',
    ])
  })
})
