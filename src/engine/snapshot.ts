/** Reads the state of the whole system every 10 s, for health and metrics. */
import type pg from 'pg'
import { readSnapshot, type Snapshot } from '../store/reports.ts'
import type { Events } from './events.ts'
import { createLoop, type Service } from './loop.ts'

const EVERY_MS = 10_000

export interface Snapshots extends Service {
  /** The last snapshot and its age in seconds; null before the first. */
  last(): { readonly snapshot: Snapshot; readonly ageSeconds: number } | null
}

export function createSnapshots(options: {
  readonly pool: pg.Pool
  readonly events: Events
  readonly onSnapshot: (snapshot: Snapshot) => void
}): Snapshots {
  let latest: { snapshot: Snapshot; atMs: number } | null = null
  const loop = createLoop({
    name: 'snapshot',
    events: options.events,
    pass: async () => {
      const snapshot = await readSnapshot(options.pool)
      latest = { snapshot, atMs: performance.now() }
      options.onSnapshot(snapshot)
      return EVERY_MS
    },
  })
  return {
    ...loop,
    last: () =>
      latest === null
        ? null
        : { snapshot: latest.snapshot, ageSeconds: (performance.now() - latest.atMs) / 1000 },
  }
}
