/** Hints to other processes that there is work: sent one after another, each lane at most once in a row. */
import type pg from 'pg'
import type { Lane } from '../store/claims.ts'
import { sendWake, sendWakeAll } from '../store/listen.ts'

export interface Teller {
  /** Tells that a lane has work. */
  tell(lane: Lane): void
  /** Tells that any lane may have. */
  tellAll(): void
  /** Waits for the hint that is being sent; the others are dropped. */
  stop(): Promise<void>
}

/** More lanes than this at once, and everybody is told to look at everything. */
const UNTOLD_MAX = 32

/** `onFailure` hears of hints that could not be sent; nothing depends on them. */
export function createTeller(pool: pg.Pool, onFailure: (error: unknown) => void): Teller {
  // A crowd of insertions becomes one hint per lane and round trip, not one statement each.
  const untold = new Map<string, Lane>()
  let all = false
  let sending: Promise<void> | null = null

  const send = async (): Promise<void> => {
    while (all || untold.size > 0) {
      const lanes = all || untold.size > UNTOLD_MAX ? [] : [...untold.values()]
      all = false
      untold.clear()
      try {
        if (lanes.length === 0) await sendWakeAll(pool)
        for (const lane of lanes) await sendWake(pool, { ...lane, dueAt: null })
      } catch (error) {
        onFailure(error)
      }
    }
    sending = null
  }
  const sendSoon = (): void => {
    sending ??= send()
  }

  return {
    tell: (lane) => {
      untold.set(`${lane.priority}|${lane.queue}`, lane)
      sendSoon()
    },
    tellAll: () => {
      all = true
      sendSoon()
    },
    stop: async () => {
      all = false
      untold.clear()
      await sending
    },
  }
}
