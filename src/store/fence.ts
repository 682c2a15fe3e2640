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
  return [...items].sort((a, b) => Number(a.id) - Number(b.id))
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
