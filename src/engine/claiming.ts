/** One claim for one turn, in the way that its lane takes. */
import { type Claim, type ClaimedJob, claimJobs, exchange } from '../store/claims.ts'
import type { Queryable } from '../store/database.ts'
import { claimFairly } from '../store/fair-claims.ts'
import type { Completion, Settled } from '../store/fence.ts'
import type { LaneTurn } from './lanes.ts'

export interface ClaimAnswer {
  readonly claimed: readonly ClaimedJob[]
  /** The completions that took effect. */
  readonly settled: Settled
  /** Why limits cannot be kept here, so that nothing was claimed. */
  readonly problem: Error | null
  /** Tells the lane. */
  settleTurn(): void
}

const NONE: Settled = new Set<string>()

/** Settles the completions and claims, in one statement. Leases given as ended are removed. */
export async function claimTurn(
  db: Queryable,
  turn: LaneTurn,
  given: Omit<Claim, 'lane' | 'floor'>,
  completions: readonly Completion[],
  endedLeases: readonly string[],
): Promise<ClaimAnswer> {
  const { lane, floor, until, afterKey, force } = turn
  const claim = { ...given, lane, floor, force }
  if (turn.fair) {
    const answer = await claimFairly(db, { ...claim, until, afterKey }, completions, endedLeases)
    const { claimed, settled, held } = answer
    const problem = held === 'isolation' ? isolationError() : null
    return { claimed, settled, problem, settleTurn: () => turn.settleFair(answer) }
  }
  const { claimed, settled, crowded } =
    completions.length === 0
      ? { claimed: await claimJobs(db, claim), settled: NONE, crowded: false }
      : await exchange(db, claim, completions, endedLeases)
  const settleTurn = (): void => turn.settle(claimed, given.limit, crowded)
  return { claimed, settled, problem: null, settleTurn }
}

function isolationError(): Error {
  return new Error(
    "limits cannot be kept: the database's default_transaction_isolation must be 'read committed'",
  )
}
