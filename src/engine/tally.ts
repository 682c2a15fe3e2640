/** Tallies how attempts ended and writes the sums every few seconds: one statement, and none when nothing ended. */
import type pg from 'pg'
import { addCounts, type OutcomeCount } from '../store/counts.ts'
import type { EngineEvent, Events } from './events.ts'
import { createLoop, type Service } from './loop.ts'

const EVERY_MS = 10_000

/** Subscribes at once; what is not yet written when it stops is written then. */
export function createTally(options: { readonly pool: pg.Pool; readonly events: Events }): Service {
  const { pool, events } = options
  let sums = new Map<string, { count: OutcomeCount; n: number }>()

  const unsubscribe = events.subscribe((event: EngineEvent) => {
    if (event.type !== 'job.ended') return
    const { queue, jobType, outcome } = event
    const key = `${outcome} ${jobType} ${queue}`
    const sum = sums.get(key)
    if (sum === undefined) sums.set(key, { count: { queue, jobType, outcome, n: 0 }, n: 1 })
    else sum.n += 1
  })

  const flush = async (): Promise<void> => {
    if (sums.size === 0) return
    const taken = sums
    sums = new Map()
    try {
      await addCounts(
        pool,
        [...taken.values()].map(({ count, n }) => ({ ...count, n })),
      )
    } catch (error) {
      for (const [key, { count, n }] of taken) {
        const since = sums.get(key)
        if (since === undefined) sums.set(key, { count, n })
        else since.n += n
      }
      throw error
    }
  }

  const loop = createLoop({
    name: 'tally',
    events,
    pass: async () => {
      await flush()
      return EVERY_MS
    },
  })
  return {
    name: loop.name,
    start: loop.start,
    stop: async () => {
      await loop.stop()
      unsubscribe()
      await flush()
    },
  }
}
