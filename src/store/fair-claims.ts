/** The claim where limits hold or keys take turns; the database decides (functions/claim_fairly.sql). */
import {
  type Claim,
  type ClaimedJob,
  type ClaimLane,
  type ClaimRow,
  type Floor,
  toClaimed,
} from './claims.ts'
import type { Queryable } from './database.ts'
import { byId, type Completion } from './fence.ts'

export interface FairClaim extends Claim {
  readonly lane: ClaimLane
  /** Where to stop looking, for jobs without a key; null: look at all that are due. */
  readonly until: Floor | null
  /** The concurrency key whose turn was last; null: begin with the first. */
  readonly afterKey: string | null
}

/**
 * Why nothing more is claimed now. `busy`: somebody else has held the lock for a quarter of a second. `isolation`: the
 * database makes transactions REPEATABLE READ by default, under which limits cannot be kept.
 */
export type Held = 'max_running' | 'max_per_key' | 'rate' | 'job type rate' | 'paused' | 'busy' | 'isolation'

export interface FairAnswer {
  /** In the order of their turns. */
  readonly claimed: ClaimedJob[]
  /** Ids whose settlement took effect. */
  readonly settled: Set<string>
  /** To be handed to the next claim of the lane. */
  readonly afterKey: string | null
  /** True when another claim right now may find more. */
  readonly more: boolean
  readonly held: Held | null
  /** Seconds until another try is worth it; null: when something is heard. */
  readonly retrySeconds: number | null
}

type FairRow = [
  ...ClaimRow,
  settled: string | null,
  nextKey: string | null,
  more: boolean | null,
  retrySeconds: number | null,
  held: Held | null,
]

const EVERYTHING: Floor = { at: Number.POSITIVE_INFINITY, id: '0' }

/**
 * Settles plain completions and claims up to `claim.limit` due jobs, as many as the limits of the queue and of the
 * job type allow, over all pollers. Jobs with keys are taken in turn, one per key and round.
 *
 * Order of locks: the jobs that are settled, the row of the queue, the row of the job type's rate. The claim itself
 * waits for nobody.
 */
export async function claimFairly(
  db: Queryable,
  claim: FairClaim,
  completions: readonly Completion[] = [],
  endedLeases: readonly string[] = [],
): Promise<FairAnswer> {
  const { lane, floor } = claim
  const until = claim.until ?? EVERYTHING
  const sorted = byId(completions)
  const { rows } = await db.query<FairRow>({
    name: 'claim_fairly',
    text: `select *
from rowbeat.claim_fairly($1, $2, $3, $4, $5, $6, $7, $8, to_timestamp($9), $10, to_timestamp($11), $12, $13, $14,
  $15, $16)`,
    values: [
      lane.queue,
      lane.priority,
      lane.keyed,
      lane.ratedType,
      claim.jobTypes,
      claim.leaseId,
      claim.pollerId,
      claim.limit,
      floor.at,
      floor.id,
      until.at,
      until.id,
      claim.afterKey,
      sorted.map((one) => one.id),
      sorted.map((one) => one.leaseId),
      endedLeases,
    ],
    rowMode: 'array',
  })
  return toAnswer(rows, claim)
}

function toAnswer(rows: readonly FairRow[], claim: FairClaim): FairAnswer {
  const claimed: ClaimedJob[] = []
  const settled = new Set<string>()
  for (const row of rows.slice(0, -1)) {
    if (row[11] === null) claimed.push(toClaimed(row, claim))
    else settled.add(row[11])
  }
  const last = rows.at(-1)
  return {
    claimed,
    settled,
    afterKey: last?.[12] ?? null,
    more: last?.[13] ?? false,
    retrySeconds: last?.[14] ?? null,
    held: last?.[15] ?? null,
  }
}
