/** The one loop: a service is one pass and how long to rest after it. */
import type { Events } from './events.ts'

export interface Service {
  readonly name: string
  start(): void
  /** Waits for the pass under way. Safe to call twice, or without a start. */
  stop(): Promise<void>
}

export interface Loop extends Service {
  /** Ends the rest: the next pass begins now, or right after the one under way. */
  wake(): void
}

const FAILURE_REST_MIN_MS = 250
const FAILURE_REST_MAX_MS = 5_000

/**
 * Runs `pass` for ever, resting as many milliseconds as it returns. A pass that throws is tried again after a
 * growing pause (0.25 to 5 s), so that the loop survives whatever the database does.
 */
export function createLoop(options: {
  readonly name: string
  readonly events: Events
  readonly pass: () => Promise<number>
}): Loop {
  let stopped = true
  let woken = false
  let failures = 0
  let endRest: (() => void) | null = null
  let running: Promise<void> = Promise.resolve()

  const rest = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(end, ms)
      function end(): void {
        clearTimeout(timer)
        endRest = null
        resolve()
      }
      endRest = end
    })

  const onePass = async (): Promise<number> => {
    try {
      const restMs = await options.pass()
      if (failures > 0) options.events.emit({ type: 'service.recovered', service: options.name, failures })
      failures = 0
      return restMs
    } catch (error) {
      failures += 1
      options.events.emit({ type: 'service.failed', service: options.name, error, failures })
      return Math.min(FAILURE_REST_MAX_MS, FAILURE_REST_MIN_MS * 2 ** Math.min(failures - 1, 10))
    }
  }

  const run = async (): Promise<void> => {
    while (!stopped) {
      woken = false
      const restMs = await onePass()
      // A failing pass rests even when woken: hints must not turn an outage into a busy loop.
      if (!stopped && (!woken || failures > 0)) await rest(restMs)
    }
  }

  return {
    name: options.name,
    start: () => {
      if (!stopped) return
      stopped = false
      running = run()
    },
    stop: async () => {
      stopped = true
      endRest?.()
      await running
    },
    wake: () => {
      woken = true
      if (failures === 0) endRest?.()
    },
  }
}
