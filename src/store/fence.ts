/** The fence of a settlement: which attempts are meant, each by its job and lease, and which of them took effect. */

/** A plain completion: no result to store, no execution to advance. */
export interface Completion {
  readonly id: string
  /** Tells apart two attempts at one job, when the earlier one was taken from this very poller. */
  readonly attempt: number
  readonly leaseId: string
}

/** The ids whose settlement took effect; the others were fenced. */
export type Settled = Pick<ReadonlySet<string>, 'has'>

/** All that were asked for. */
export const EVERY: Settled = { has: () => true }

/**
 * In the order of ids: two statements that lock the same jobs must not wait for each other. Of two attempts at one job
 * the later comes last: only it can still be under way.
 */
export function byId<T extends { readonly id: string; readonly attempt?: number }>(items: readonly T[]): T[] {
  return [...items].sort((a, b) => Number(a.id) - Number(b.id) || (a.attempt ?? 0) - (b.attempt ?? 0))
}

/**
 * The condition that a row `j` of scheduled_jobs is one of the attempts given and still under way; `first` is the number
 * of the first of three parameters, see {@link fenceValues}. With a lease, no end time means running (the CHECK of the
 * table).
 *
 * `width_bucket` finds a job's place among the sorted ids by binary search, the last one of several. A join with the
 * unnested arrays would say the same, but costs a fifth more and needs a planner that does not choose to read the
 * whole table for it. The rows are found, and so locked, in the order of their ids.
 */
export function holdsAttempt(first: number): string {
  const [ids, places, leases] = [`$${first}::bigint[]`, `$${first + 1}::integer[]`, `$${first + 2}::uuid[]`]
  return `j.id = any (${ids})
    and j.lease_id = (${leases})[(${places})[${placeOf(first)}]]
    and j.finished_at is null`
}

/**
 * A condition that is true, and by being asked lets the statement wait half a second for a lock and no longer: whoever
 * holds one of its rows must not hold up all others of the batch. It is asked once, before any row is read.
 */
export const WAITS_BRIEFLY = "(select set_config('lock_timeout', '500ms', true)) is not null"

/** The place of the row `j` among the attempts of {@link holdsAttempt}, from 1. */
export function placeOf(first: number): string {
  return `width_bucket(j.id, $${first}::bigint[])`
}

/**
 * Attempts as three array literals: ids in order, for each the place of its lease (from 1), and the leases. A batch
 * holds many jobs of few leases, and a lease's text is the longest part of all that is sent.
 */
export function fenceValues(attempts: readonly Completion[]): [ids: string, places: string, leases: string] {
  const sorted = byId(attempts)
  const leases = new Map<string, number>()
  const places = sorted.map(({ leaseId }) => {
    const known = leases.get(leaseId)
    if (known !== undefined) return known
    leases.set(leaseId, leases.size + 1)
    return leases.size
  })
  return [literal(sorted.map((one) => one.id)), literal(places), literal([...leases.keys()])]
}

/** Numbers and uuids need no quotes, which the driver would look for in each of them. */
function literal(values: readonly (string | number)[]): string {
  return `{${values.join(',')}}`
}
