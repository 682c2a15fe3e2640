/**
 * Claiming due jobs. The claim takes jobs with SKIP LOCKED and so never waits; everything
 * that waits locks executions before jobs, each in the order of their ids, or gives up early (fence.ts).
 */
import type { Queryable } from './database.ts'
import { type Completion, EVERY, fenceValues, holdsAttempt, type Settled, WAITS_BRIEFLY } from './fence.ts'

/** One queue and priority: the unit that a claim looks at. */
export interface Lane {
  readonly queue: string
  readonly priority: number
}

/** A position in the order of a lane: due time in seconds since epoch, and id. */
export interface Floor {
  readonly at: number
  readonly id: string
}

/** What one claim takes from: the jobs of a lane that are claimed in one way. */
export interface ClaimLane extends Lane {
  /** True for the jobs that have a concurrency key, which take turns; false for those that have none. */
  readonly keyed: boolean
  /** The one job type it is about, when that type has a rate limit; null for all types that have none. */
  readonly ratedType: string | null
}

export interface ClaimedJob {
  readonly id: string
  readonly jobType: string
  readonly payload: unknown
  readonly attempt: number
  readonly retryCount: number
  readonly maxRetries: number
  readonly executionId: string | null
  readonly timeoutSeconds: number | null
  /** Seconds from due to claimed. */
  readonly waitedSeconds: number
  /** Seconds until the job's own deadline; null: none. Negative: passed. */
  readonly secondsToDeadline: number | null
  /** Seconds since epoch. A double holds microseconds exactly until the year 2255, a JS Date would cut them. */
  readonly scheduledAt: number
  readonly queue: string
  /** True when it was claimed as one of those that have a concurrency key. */
  readonly keyed: boolean
  readonly leaseId: string
}

export interface Claim {
  readonly lane: Lane
  /** Where to start looking: as far as this poller knows, the lane has no pending job at or before it. */
  readonly floor: Floor
  /** One of {@link CLAIM_SIZES}. */
  readonly limit: number
  readonly leaseId: string
  readonly pollerId: string
  readonly jobTypes: readonly string[]
  /** True to claim whether or not a slot is free. */
  readonly force?: boolean
}

/**
 * The batch sizes a claim comes in. The limit is written into the statement: as a parameter, the generic plan
 * would expect a tenth of the table and give up the index order for a sort. The ids of the largest fill most of a page
 * as the one row of their lease.
 */
export const CLAIM_SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 768] as const

/** The largest claim size not above `capacity` (at least 1). */
export function claimSize(capacity: number): number {
  return CLAIM_SIZES.findLast((size) => size <= capacity) ?? 1
}

/** Of a row `q` of queues, for jobs without a key. */
export const IS_LIMITED = 'q.max_running is not null or q.rate_max is not null'
/** Of a row `q` of queues. */
export const IS_PAUSED = `q.paused_at is not null and coalesce(q.paused_until, 'infinity') > now()`

/**
 * Claims of one lane that are under way at once, over all pollers. Each walks past the rows that the others have locked:
 * beyond a few they spend their time on that (measured on 2 cores: 16 claims of 512 at once did 0.6 of the work of 2).
 * Who finds no slot free claims nothing and comes back. A slot is a lock that ends with the transaction, so it works
 * behind a pooler. A settlement that shares the transaction may wait for somebody's row and keep it long, so who found
 * none for a while claims without. (To settle first would be no better: by then the snapshot is old, and the claim
 * stumbles over all that others have claimed since.)
 */
const CLAIM_SLOTS = 2

/** Any fixed number that nothing else uses as the first key of an advisory lock. */
const SLOT_LOCK = 190_471

const FREE_SLOT = [
  '$9 < 0',
  ...Array.from(
    { length: CLAIM_SLOTS },
    (_, at) => `pg_try_advisory_xact_lock(${SLOT_LOCK}, $8 + ($9 + ${at}) % ${CLAIM_SLOTS})`,
  ),
].join('\n      or ')

// The array makes an init plan: it runs once, so the limit cannot be exceeded by a plan that repeats it
// (a join against the subquery can be, and then claims more than asked). A row whose newest version the
// snapshot does not see is locked but not updated; it stays pending and the next look finds it.
// Jobs that have a key, a rate or a limited queue are claimed elsewhere (fair-claims.ts). That is decided here and
// now, by init plans on two tiny tables, for what the poller believes about its queue may be old.
const claimCte = (limit: number, hasSlot: string, waited: string): string => `
  update rowbeat.scheduled_jobs j
  set status = 'running',
      attempt = j.attempt + 1,
      lease_id = $4,
      poller_id = $5,
      first_started_at = coalesce(j.first_started_at, now()),
      started_at = now(),
      updated_at = now()
  where j.ctid = any (array(
    select c.ctid
    from rowbeat.scheduled_jobs c
    where c.queue = $1
      and c.priority = $2
      and c.concurrency_key is null
      and (c.scheduled_at, c.id) > (to_timestamp($3), $7::bigint)
      and c.scheduled_at <= now()
      and c.status = 'pending'
      and c.job_type = any (array(
        select known.job_type
        from unnest($6::text[]) as known (job_type)
        where known.job_type <> all (array(select r.job_type from rowbeat.job_type_rates r))))
      and not exists (
        select from rowbeat.queues q
        where q.name = $1
          and (${IS_LIMITED} or (${IS_PAUSED})))
      and ${hasSlot}
    order by c.scheduled_at, c.id
    limit ${limit}
    for update skip locked
  ))
  returning j.id, j.job_type, j.payload, j.attempt, j.retry_count, j.max_retries, j.parent_execution_id,
            j.timeout_seconds, ${waited} as waited,
            date_part('epoch', j.deadline_at - now()) as to_deadline,
            date_part('epoch', j.scheduled_at) as due`

const CLAIM_TEXT = new Map(
  CLAIM_SIZES.map((limit) => [
    limit as number,
    `with claimed as (${claimCte(limit, `(select ${FREE_SLOT})`, "date_part('epoch', now() - j.scheduled_at)")}
), leased as (
  insert into rowbeat.leases (lease_id, poller_id, queue, job_ids)
  select $4, $5, $1, array_agg(id) from claimed
  -- A claim alone need not wait for the disk: were it lost in a crash of the server, the job would be pending
  -- again and this attempt's settlement refused.
  having count(*) > 0 and set_config('synchronous_commit', 'off', true) = 'off'
)
select c.* from claimed c`,
  ]),
)

const EXCHANGE_TEXT = new Map(
  CLAIM_SIZES.map((limit) => [
    limit as number,
    `with settled as (
  update rowbeat.scheduled_jobs j
  set status = 'completed',
      finished_at = now(),
      updated_at = now()
  where ${WAITS_BRIEFLY}
    and ${holdsAttempt(10)}
  returning j.id
), ended as (
  delete from rowbeat.leases where lease_id = any ($13::uuid[])
), slot as materialized (
  select ${FREE_SLOT} as free
), claimed as (${claimCte(limit, '(select free from slot)', 'null::double precision')}
), leased as (
  insert into rowbeat.leases (lease_id, poller_id, queue, job_ids)
  select $4, $5, $1, array_agg(id) from claimed
  having count(*) > 0
)
select c.* from claimed c
union all
-- The last row is about the whole batch: what was settled, whether a slot was free, and the time. A row for each
-- settlement would be half of what there is to send and read, and nearly always all of them took effect.
select null, null,
       case when (select count(*) from settled) < cardinality($10::bigint[])
            then coalesce((select jsonb_agg(s.id::text) from settled s), '[]') end,
       (select free::integer from slot), null, null, null, null, null, null, date_part('epoch', now())`,
  ]),
)

/** A claimed job as the statements return it. */
export type ClaimRow = [
  id: string,
  jobType: string,
  payload: unknown,
  attempt: number,
  retryCount: number,
  maxRetries: number,
  executionId: string | null,
  timeoutSeconds: number | null,
  waited: number | null,
  toDeadline: number | null,
  due: number,
]

/** Claims up to `claim.limit` due jobs of one lane, in the order of their due time: those without a key, a rate or a
 * limited queue. */
export async function claimJobs(db: Queryable, claim: Claim): Promise<ClaimedJob[]> {
  const { rows } = await db.query<ClaimRow>({
    name: `claim_${claim.limit}`,
    text: CLAIM_TEXT.get(claim.limit) ?? unknownSize(claim.limit),
    values: claimValues(claim),
    rowMode: 'array',
  })
  return inOrder(rows.map((row) => toClaimed(row, claim)))
}

/**
 * The row after the jobs: in the place of the payload the ids that were settled, null when all were; in the place of
 * the attempt whether a slot was free; in the place of the due time the present.
 */
type Summary = [null, null, readonly string[] | null, number, null, null, null, null, null, null, number]

export interface Exchanged {
  readonly claimed: ClaimedJob[]
  readonly settled: Settled
  /** True when others are claiming from the lane, so that nothing was claimed. */
  readonly crowded: boolean
}

/**
 * The busy poller's one statement and one transaction per batch: settles plain completions, removes leases that
 * are wholly settled, and claims the next batch.
 */
export async function exchange(
  db: Queryable,
  claim: Claim,
  completions: readonly Completion[],
  endedLeases: readonly string[],
): Promise<Exchanged> {
  const { rows } = await db.query<ClaimRow | Summary>({
    name: `exchange_${claim.limit}`,
    text: EXCHANGE_TEXT.get(claim.limit) ?? unknownSize(claim.limit),
    values: [...claimValues(claim), ...fenceValues(completions), endedLeases],
    rowMode: 'array',
  })
  const [, , settled, free, , , , , , , now] = rows.find(isSummary) ?? noSummary()
  const claimed = rows.flatMap((row) => (isSummary(row) ? [] : toClaimed(row, claim, now)))
  return {
    claimed: inOrder(claimed),
    crowded: free === 0,
    settled: settled === null ? EVERY : new Set(settled),
  }
}

function isSummary(row: ClaimRow | Summary): row is Summary {
  return row[0] === null
}

function noSummary(): never {
  throw new Error('the exchange ended without its last row')
}

function claimValues(claim: Claim): unknown[] {
  const { lane, floor, leaseId, pollerId, jobTypes } = claim
  const slot = claim.force === true ? -1 : Math.floor(Math.random() * CLAIM_SLOTS)
  return [lane.queue, lane.priority, floor.at, leaseId, pollerId, jobTypes, floor.id, slotsOf(lane), slot]
}

/** The first of a lane's slots. Two lanes with the same ones only wait for each other. */
function slotsOf({ queue, priority }: Lane): number {
  let hash = priority
  for (let at = 0; at < queue.length; at++) hash = (Math.imul(hash, 31) + queue.charCodeAt(at)) | 0
  return (hash >> 4) * CLAIM_SLOTS
}

/** The job of a row; further columns are ignored. */
export function toClaimed(
  row: readonly [...ClaimRow, ...unknown[]],
  claim: Omit<Claim, 'lane'> & { readonly lane: Lane & { readonly keyed?: boolean } },
  now: number = row[10],
): ClaimedJob {
  return {
    id: row[0],
    jobType: row[1],
    payload: row[2],
    attempt: row[3],
    retryCount: row[4],
    maxRetries: row[5],
    executionId: row[6],
    timeoutSeconds: row[7],
    waitedSeconds: row[8] ?? now - row[10],
    secondsToDeadline: row[9],
    scheduledAt: row[10],
    queue: claim.lane.queue,
    keyed: claim.lane.keyed === true,
    leaseId: claim.leaseId,
  }
}

/** `UPDATE … RETURNING` promises no order. */
function inOrder(jobs: ClaimedJob[]): ClaimedJob[] {
  return jobs.sort((a, b) => a.scheduledAt - b.scheduledAt || Number(a.id) - Number(b.id))
}

function unknownSize(limit: number): never {
  throw new RangeError(`claim size ${limit} is not one of ${CLAIM_SIZES.join(', ')}`)
}
