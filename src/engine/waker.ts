/** Wake-ups between processes: tells the others, and takes in what they tell. */
import type pg from 'pg'
import { parseWake, WAKE_ALL } from '../store/listen.ts'
import type { Events } from './events.ts'
import type { Poller } from './poller.ts'
import { createTeller, type Teller } from './teller.ts'

export interface Waker extends Teller {
  /** Takes in what another process said. */
  hear(payload: string): void
}

export function createWaker(options: {
  readonly pool: pg.Pool
  readonly events: Events
  readonly poller: Pick<Poller, 'wake'>
  /** Looks at every lane. */
  readonly look: () => void
}): Waker {
  const { pool, events } = options
  const teller = createTeller(pool, (error) =>
    events.emit({ type: 'service.failed', service: 'wake', error, failures: 1 }),
  )
  return {
    ...teller,
    hear: (payload) => {
      if (payload === WAKE_ALL) return options.look()
      const wake = parseWake(payload)
      if (wake === null) return
      // A clock that differs only makes the timer fire early or late; the claim asks the database's clock.
      const dueInMs = wake.dueAt === null ? null : wake.dueAt - Date.now()
      if (!options.poller.wake(wake.queue, wake.priority, dueInMs)) options.look()
    },
  }
}
