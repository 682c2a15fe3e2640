/** Turns signals into wishes: the first asks to stop gently, the second at once, the third ends the process. */

export interface StopRequests {
  /** Aborts at the first request. */
  readonly gently: AbortSignal
  /** Aborts at the second. */
  readonly atOnce: AbortSignal
  /** One request, at a monotonic time in ms. */
  request(at: number): void
}

/**
 * npm passes the interrupt on to a command that the terminal has interrupted already: what comes this soon after
 * another, in ms, is the same wish.
 */
const SAME_WISH_MS = 400
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Counts requests; `end` is called at the third and each later one. */
export function createStopRequests(end: () => void): StopRequests {
  const gently = new AbortController()
  const atOnce = new AbortController()
  let last = Number.NEGATIVE_INFINITY
  return {
    gently: gently.signal,
    atOnce: atOnce.signal,
    request: (at) => {
      if (at - last < SAME_WISH_MS) return
      last = at
      if (!gently.signal.aborted) gently.abort()
      else if (!atOnce.signal.aborted) atOnce.abort()
      else end()
    },
  }
}

/** Listens to SIGINT, SIGTERM and SIGHUP of this process for the rest of its life. */
export function listenForStops(): StopRequests {
  const requests = createStopRequests(() => process.exit(1))
  for (const signal of SIGNALS) process.on(signal, () => requests.request(performance.now()))
  return requests
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Waits `ms`, or until the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
  })
}
