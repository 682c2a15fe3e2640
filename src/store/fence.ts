/** The fence of a settlement: which attempts are meant, each by its job and lease, and which of them took effect. */

/** A plain completion: no result to store, no execution to advance. */
export interface Completion {
  readonly id: string
  readonly leaseId: string
}

/** The ids whose settlement took effect; the others were fenced. */
export type Settled = Pick<ReadonlySet<string>, 'has'>

/** All that were asked for. */
export const EVERY: Settled = { has: () => true }

/** In the order of ids: two statements that lock the same jobs must not wait for each other. */
export function byId<T extends { readonly id: string }>(items: readonly T[]): T[] {
  return [...items].sort((a, b) => compareIds(a.id, b.id))
}

/** As text, shorter ones first: beyond 2^53 the number of an id is not exact. */
function compareIds(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length
  if (a === b) return 0
  return a < b ? -1 : 1
}

/**
 * The condition that a row `j` of scheduled_jobs is one of the attempts given and still under way; `first` is the number
 * of the first of three parameters, see {@link fenceValues}. With a lease, no end time means running (the CHECK of the
 * table).
 *
 * `width_bucket` finds a job's place among the sorted ids by binary search. A join with the unnested arrays would say
 * the same, but costs a fifth more, and may be planned so that it reads the whole table. Rows are found by the index,
 * in the order of their ids, or where the planner prefers it in that of the disk: then two statements may wait for each
 * other, so each that locks by this condition gives up early ({@link WAITS_BRIEFLY}).
 */
export function holdsAttempt(first: number): string {
  const [ids, places, leases] = [`$${first}::bigint[]`, `$${first + 1}::integer[]`, `$${first + 2}::uuid[]`]
  return `j.id = any (${ids})
    and j.lease_id = (${leases})[(${places})[${placeOf(first)}]]
    and j.finished_at is null`
}

/** The place of the row `j` among the attempts of {@link holdsAttempt}, from 1. */
export function placeOf(first: number): string {
  return `width_bucket(j.id, $${first}::bigint[])`
}

/**
 * A condition that is true, and by being asked lets the statement wait half a second for a lock and no longer: less
 * than Postgres takes to look for a deadlock, and whoever holds one of its rows must not hold up all others of the
 * batch. It is asked once, before any row is read.
 */
export const WAITS_BRIEFLY = "(select set_config('lock_timeout', '500ms', true)) is not null"

/**
 * Attempts as three array literals: ids in order, for each the place of its lease (from 1), and the leases. A batch
 * holds many jobs of few leases, and a lease's text is the longest part of all that is sent. No job may be among them
 * twice.
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
