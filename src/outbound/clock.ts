/** Time as the outbound client sees it, so that tests can move it by hand. */
export interface Clock {
  /** Milliseconds of a clock that never goes back; only differences mean something. */
  elapsed(): number
  /** Milliseconds since 1970 UTC, to read dates in HTTP headers. */
  now(): number
  /** Runs `action` once after `milliseconds`; the answer calls it off. */
  after(milliseconds: number, action: () => void): () => void
}

/** The clock of this process. */
export const systemClock: Clock = {
  elapsed: () => performance.now(),
  now: () => Date.now(),
  after: (milliseconds, action) => {
    const timer = setTimeout(action, milliseconds)
    return () => clearTimeout(timer)
  },
}

/** Waits `seconds`; throws `signal.reason` at once when the signal aborts. */
export function sleepFor(clock: Clock, seconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const onAbort = () => {
      callOff()
      reject(signal?.reason)
    }
    const callOff = clock.after(seconds * 1000, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
