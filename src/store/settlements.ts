/**
 * Settling attempts: each statement is fenced by the lease, so that a late one changes nothing.
 */

import type pg from 'pg'
import type { ExecutionStatus } from '../core/states.ts'
import { isLockTimeout, type Queryable, transaction } from './database.ts'
import {
  byId,
  type Completion,
  EVERY,
  fenceValues,
  holdsAttempt,
  placeOf,
  type Settled,
  WAITS_BRIEFLY,
} from './fence.ts'
import { JsonText, jsonText } from './json.ts'

/** Settles plain completions alone; returns the ids that took effect. Fails when one of the rows is held by somebody. */
export async function completeJobs(db: Queryable, completions: readonly Completion[]): Promise<Set<string>> {
  const { rows } = await db.query<[string]>({
    name: 'complete',
    text: `update rowbeat.scheduled_jobs j
set status = 'completed',
    finished_at = now(),
    updated_at = now()
where ${WAITS_BRIEFLY}
  and ${holdsAttempt(1)}
returning j.id`,
    values: fenceValues(completions),
    rowMode: 'array',
  })
  return new Set(rows.map((row) => row[0]))
}

type JsonScalar = string | number | boolean | null

/** How an attempt ended, other than by a plain completion. */
export interface Ending {
  readonly id: string
  readonly leaseId: string
  /** `pending` hands it back: after a failure, a snooze or a shutdown. */
  readonly status: 'completed' | 'failed' | 'skipped' | 'pending'
  /** True when this is a failed attempt, to be remembered in `errors`. */
  readonly failure: boolean
  /** True when a failure is retried, and so counted. */
  readonly retried: boolean
  /** Seconds until a `pending` one is due; null leaves `scheduled_at` as it is. */
  readonly delaySeconds: number | null
  readonly code: string | null
  readonly message: string | null
  /** Users' values are serialized by then, so that one that throws cannot keep the others from being written. */
  readonly result: JsonText | JsonScalar | undefined
  /** The last report that was not written yet. */
  readonly report?: Report | null
}

/** What a handler reported of its progress. */
export interface Report {
  readonly percent: number
  readonly detail: Readonly<Record<string, unknown>>
}

async function endAttempts(db: Queryable, endings: readonly Ending[]): Promise<Settled> {
  const { rows } = await db.query<[string]>({
    name: 'end_attempts',
    text: 'select rowbeat.end_attempts($1::jsonb)',
    values: [endingsText(endings)],
    rowMode: 'array',
  })
  return new Set(rows.map((row) => row[0]))
}

/** Sorted by id, as in every statement that locks several jobs. What is null or false is left out. */
function endingsText(endings: readonly Ending[]): string {
  return `[${byId(endings).map(endingText).join()}]`
}

function endingText(one: Ending): string {
  const text = jsonText({
    id: one.id,
    lease_id: one.leaseId,
    status: one.status,
    failure: one.failure || undefined,
    retried: one.retried || undefined,
    delay: one.delaySeconds ?? undefined,
    code: one.code ?? undefined,
    message: one.message ?? undefined,
    result: one.result instanceof JsonText ? undefined : one.result,
    percent: one.report?.percent,
    detail: one.report?.detail,
  })
  return one.result instanceof JsonText ? `${text.slice(0, -1)},"result":${one.result.text}}` : text
}

export interface Settlement {
  readonly completions: readonly Completion[]
  readonly endings: readonly Ending[]
  /** Executions that the settled jobs are steps of. */
  readonly executionIds: readonly string[]
}

export interface SettlementAnswer {
  readonly settled: Settled
  /** How many steps became pending. */
  readonly freed: number
  /** Executions that this has closed. */
  readonly closed: readonly { readonly executionId: string; readonly status: ExecutionStatus }[]
}

/**
 * Settles a mixed batch in one transaction, with everything that follows for its executions: their steps are
 * freed, skipped or cancelled, and those that are done are closed.
 */
export async function settle(db: Queryable, batch: Settlement): Promise<SettlementAnswer> {
  const endings = [...batch.endings, ...batch.completions.map(plainEnding)]
  if (batch.executionIds.length === 0) {
    return { settled: await endAttempts(db, endings), freed: 0, closed: [] }
  }
  const { rows } = await db.query<
    [Omit<SettlementAnswer, 'settled'> & { readonly settled: string[] | null }]
  >({
    name: 'settle_attempts',
    text: 'select rowbeat.settle_attempts($1::uuid[], $2::jsonb)',
    values: [[...new Set(batch.executionIds)].sort(), endingsText(endings)],
    rowMode: 'array',
  })
  const answer = rows[0]?.[0]
  if (answer === undefined) throw new Error('settle_attempts returned nothing')
  return { ...answer, settled: answer.settled === null ? EVERY : new Set(answer.settled) }
}

/**
 * {@link settle}, around rows that somebody else holds locked, say in a transaction left open: when a lock is not to
 * be had within half a second, what is free is settled and the rest is named in `held`, to be tried again.
 */
export async function settleAround(
  pool: pg.Pool,
  batch: Settlement,
): Promise<SettlementAnswer & { readonly held: ReadonlySet<string> }> {
  try {
    return { ...(await settle(pool, batch)), held: NONE }
  } catch (error) {
    if (!isLockTimeout(error)) throw error
    return settleFree(pool, batch)
  }
}

const NONE: ReadonlySet<string> = new Set()

async function settleFree(
  pool: pg.Pool,
  batch: Settlement,
): Promise<SettlementAnswer & { readonly held: ReadonlySet<string> }> {
  const ids = [...batch.endings, ...batch.completions].map((one) => one.id)
  return transaction(pool, async (client) => {
    const executionIds = await lockFreeExecutions(client, batch.executionIds)
    const held = await lockFreeJobs(client, ids, executionIds)
    const answer = await settle(client, {
      completions: batch.completions.filter((one) => !held.has(one.id)),
      endings: batch.endings.filter((one) => !held.has(one.id)),
      executionIds,
    })
    // "All that were asked for" would take in those that are held.
    const settled = { has: (id: string) => !held.has(id) && answer.settled.has(id) }
    return { ...answer, settled, held }
  })
}

async function lockFreeExecutions(client: Queryable, executionIds: readonly string[]): Promise<string[]> {
  if (executionIds.length === 0) return []
  const { rows } = await client.query<[string]>({
    name: 'lock_free_executions',
    text: `select e.execution_id
from rowbeat.workflow_executions e
where e.execution_id = any ($1::uuid[])
order by e.execution_id
for no key update skip locked`,
    values: [executionIds],
    rowMode: 'array',
  })
  return rows.map((row) => row[0])
}

/** Locks the jobs whose execution is ours, if they have one; returns those that are held by somebody else. */
async function lockFreeJobs(
  client: Queryable,
  ids: readonly string[],
  executionIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const free = await client.query<[string]>({
    name: 'lock_free_jobs',
    text: `select j.id
from rowbeat.scheduled_jobs j
where j.id = any ($1::bigint[])
  and (j.parent_execution_id is null or j.parent_execution_id = any ($2::uuid[]))
order by j.id
for no key update skip locked`,
    values: [ids, executionIds],
    rowMode: 'array',
  })
  // One that was deleted meanwhile is nobody's, and is settled in vain.
  const present = await client.query<[string]>({
    name: 'present_jobs',
    text: 'select j.id from rowbeat.scheduled_jobs j where j.id = any ($1::bigint[])',
    values: [ids],
    rowMode: 'array',
  })
  const ours = new Set(free.rows.map((row) => row[0]))
  return new Set(present.rows.map((row) => row[0]).filter((id) => !ours.has(id)))
}

/** The ending of a plain completion. */
export function plainEnding(completion: Completion): Ending {
  return {
    id: completion.id,
    leaseId: completion.leaseId,
    status: 'completed',
    failure: false,
    retried: false,
    delaySeconds: null,
    code: null,
    message: null,
    result: null,
  }
}

/** Of the attempts given, those that are no longer ours: cancelled, ended by the reaper, or changed by hand. */
export async function lostAttempts<T extends Completion>(
  db: Queryable,
  attempts: readonly T[],
): Promise<ReadonlySet<T>> {
  const { rows } = await db.query<[id: string, leaseId: string | null]>({
    name: 'lost_attempts',
    text: `select j.id, j.lease_id
from rowbeat.scheduled_jobs j
where j.id = any ($1::bigint[])
  and j.finished_at is null`,
    values: [byId(attempts).map((one) => one.id)],
    rowMode: 'array',
  })
  const leases = new Map(rows)
  return new Set(attempts.filter((one) => leases.get(one.id) !== one.leaseId))
}

export interface ProgressWrite extends Completion, Report {}

/**
 * Stores what running jobs report. Progress never falls; when the first report came is kept. A row that somebody holds
 * is passed over, and so is one of two attempts at one job: the next report comes soon.
 * @returns the executions whose steps reported, for {@link bumpVersions}.
 */
export async function writeProgress(db: Queryable, reports: readonly ProgressWrite[]): Promise<string[]> {
  const sorted = byId(reports)
  const { rows } = await db.query<[string | null]>({
    name: 'write_progress',
    text: `with mine as materialized (
  select j.id
  from rowbeat.scheduled_jobs j
  where ${holdsAttempt(1)}
  order by j.id
  for no key update skip locked
)
update rowbeat.scheduled_jobs j
set progress = greatest(j.progress, ($4::real[])[${placeOf(1)}]),
    progress_detail = $5::jsonb -> (${placeOf(1)} - 1) || jsonb_build_object('reported_since',
      -- A second ahead: whoever reads before this commits still goes by the clock, and must not be ahead of it.
      coalesce(j.progress_detail -> 'reported_since', to_jsonb(clock_timestamp() + interval '1 second'))),
    updated_at = now()
where j.id = any (array(select m.id from mine m))
returning j.parent_execution_id`,
    values: [
      ...fenceValues(sorted),
      sorted.map((one) => (Number.isNaN(one.percent) ? null : one.percent)),
      jsonText(sorted.map((one) => one.detail)),
    ],
    rowMode: 'array',
  })
  return [...new Set(rows.flatMap((row) => row[0] ?? []))]
}
