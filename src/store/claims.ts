/**
 * Claiming due jobs. The claim takes jobs with SKIP LOCKED and so never waits; everything
 * that waits locks executions before jobs, each in the order of their ids.
 */
import type { Queryable } from './database.ts'
import { type Completion, EVERY, fenceValues, type Settled } from './fence.ts'

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
}

/**
 * The batch sizes a claim comes in. The limit is written into the statement: as a parameter, the generic plan
 * would expect a tenth of the table and give up the index order for a sort.
 */
export const CLAIM_SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512] as const

/** The largest claim size not above `capacity` (at least 1). */
export function claimSize(capacity: number): number {
  return CLAIM_SIZES.findLast((size) => size <= capacity) ?? 1
}

/** Of a row `q` of queues, for jobs without a key. */
export const IS_LIMITED = 'q.max_running is not null or q.rate_max is not null'
/** Of a row `q` of queues. */
export const IS_PAUSED = `q.paused_at is not null and coalesce(q.paused_until, 'infinity') > now()`

// The array makes an init plan: it runs once, so the limit cannot be exceeded by a plan that repeats it
// (a join against the subquery can be, and then claims more than asked). A row whose newest version the
// snapshot does not see is locked but not updated; it stays pending and the next look finds it.
// Jobs that have a key, a rate or a limited queue are claimed elsewhere (fair-claims.ts). That is decided here and
// now, by init plans on two tiny tables, for what the poller believes about its queue may be old.
const claimCte = (limit: number): string => `
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
        where not exists (select from rowbeat.job_type_rates r where r.job_type = known.job_type)))
      and not exists (
        select from rowbeat.queues q
        where q.name = $1
          and (${IS_LIMITED} or (${IS_PAUSED})))
    order by c.scheduled_at, c.id
    limit ${limit}
    for update skip locked
  ))
  returning j.id, j.job_type, j.payload, j.attempt, j.retry_count, j.max_retries, j.parent_execution_id,
            j.timeout_seconds, date_part('epoch', now() - j.scheduled_at) as waited,
            date_part('epoch', j.deadline_at - now()) as to_deadline,
            date_part('epoch', j.scheduled_at) as due`

const CLAIM_TEXT = new Map(
  CLAIM_SIZES.map((limit) => [
    limit as number,
    `with claimed as (${claimCte(limit)}
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
  from unnest($8::bigint[], $9::integer[]) as done (id, lease)
  where j.id = done.id
    and j.lease_id = ($10::uuid[])[done.lease]
    and (j.finished_at is null or done.id is null)
  returning j.id
), ended as (
  delete from rowbeat.leases where lease_id = any ($11::uuid[])
), claimed as (${claimCte(limit)}
), leased as (
  insert into rowbeat.leases (lease_id, poller_id, queue, job_ids)
  select $4, $5, $1, array_agg(id) from claimed
  having count(*) > 0
)
select c.* from claimed c
union all
-- The last row is about the whole batch. A row for each settlement would be half of what there is to send and read,
-- and nearly always all of them took effect.
select null, null,
       case when (select count(*) from settled) < cardinality($8::bigint[])
            then coalesce((select jsonb_agg(s.id::text) from settled s), '[]') end,
       null, null, null, null, null, null, null, null`,
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
  waited: number,
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

/** The row after the jobs; in the place of the payload the ids that were settled, null when all were. */
type SummaryRow = [id: null, jobType: null, settled: readonly string[] | null, ...rest: null[]]

/**
 * The busy poller's one statement and one transaction per batch: settles plain completions, removes leases that
 * are wholly settled, and claims the next batch.
 * @returns the jobs claimed and what was settled; the others were fenced.
 */
export async function exchange(
  db: Queryable,
  claim: Claim,
  completions: readonly Completion[],
  endedLeases: readonly string[],
): Promise<{ claimed: ClaimedJob[]; settled: Settled }> {
  const { rows } = await db.query<ClaimRow | SummaryRow>({
    name: `exchange_${claim.limit}`,
    text: EXCHANGE_TEXT.get(claim.limit) ?? unknownSize(claim.limit),
    values: [...claimValues(claim), ...fenceValues(completions), endedLeases],
    rowMode: 'array',
  })
  const claimed: ClaimedJob[] = []
  let settled: Settled = EVERY
  for (const row of rows) {
    if (row[0] !== null) claimed.push(toClaimed(row, claim))
    else if (row[2] !== null) settled = new Set(row[2] as string[])
  }
  return { claimed: inOrder(claimed), settled }
}

function claimValues(claim: Claim): unknown[] {
  const { lane, floor, leaseId, pollerId, jobTypes } = claim
  return [lane.queue, lane.priority, floor.at, leaseId, pollerId, jobTypes, floor.id]
}

/** The job of a row; further columns are ignored. */
export function toClaimed(row: readonly [...ClaimRow, ...unknown[]], claim: Claim): ClaimedJob {
  return {
    id: row[0],
    jobType: row[1],
    payload: row[2],
    attempt: row[3],
    retryCount: row[4],
    maxRetries: row[5],
    executionId: row[6],
    timeoutSeconds: row[7],
    waitedSeconds: row[8],
    secondsToDeadline: row[9],
    scheduledAt: row[10],
    queue: claim.lane.queue,
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
