/** Calls something later: once, however often it is asked for meanwhile. */
export interface Later {
  /** At the latest so many ms from now, unless that is asked for already. */
  within(ms: number): void
  /** After everything that happens in this turn of the event loop. */
  afterThisTurn(): void
  /** Forgets what `within` was asked for. */
  clear(): void
}

export function createLater(call: () => void): Later {
  let timer: NodeJS.Timeout | null = null
  let soon = false
  return {
    within: (ms) => {
      timer ??= setTimeout(() => {
        timer = null
        call()
      }, ms)
    },
    afterThisTurn: () => {
      if (soon) return
      soon = true
      setImmediate(() => {
        soon = false
        call()
      })
    },
    clear: () => {
      if (timer !== null) clearTimeout(timer)
      timer = null
    },
  }
}
