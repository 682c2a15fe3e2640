/** Hints between processes that there is work: sent one after another, each lane at most once in a row. */
import type pg from 'pg'
import type { Lane } from '../store/claims.ts'
import { parseWake, sendWake, sendWakeAll, WAKE_ALL } from '../store/listen.ts'
import type { Events } from './events.ts'
import type { Poller } from './poller.ts'

export interface Waker {
  /** Tells the other processes that a lane has work. */
  tell(lane: Lane): void
  /** Tells them that any lane may have. */
  tellAll(): void
  /** Takes in what another process said. */
  hear(payload: string): void
  /** Waits for the hint that is being sent; the others are dropped. */
  stop(): Promise<void>
}

/** More lanes than this at once, and everybody is told to look at everything. */
const UNTOLD_MAX = 32

export function createWaker(options: {
  readonly pool: pg.Pool
  readonly events: Events
  readonly poller: Pick<Poller, 'wake'>
  /** Looks at every lane. */
  readonly look: () => void
}): Waker {
  const { pool, events } = options
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
        events.emit({ type: 'service.failed', service: 'wake', error, failures: 1 })
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
    hear: (payload) => {
      if (payload === WAKE_ALL) return options.look()
      const wake = parseWake(payload)
      if (wake === null) return
      // A clock that differs only makes the timer fire early or late; the claim asks the database's clock.
      const dueInMs = wake.dueAt === null ? null : wake.dueAt - Date.now()
      if (!options.poller.wake(wake.queue, wake.priority, dueInMs)) options.look()
    },
    stop: async () => {
      all = false
      untold.clear()
      await sending
    },
  }
}
