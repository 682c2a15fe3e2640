/** Tells when the event loop stood still: while it does, nothing can be told, so only a late timer shows it. */

/**
 * Takes the times (monotonic ms) at which a timer of `everyMs` fired, and answers by how many ms it came late when
 * that is `fromMs` or more, else null.
 */
export function createStallMeter(everyMs: number, fromMs: number): (nowMs: number) => number | null {
  let lastMs: number | null = null
  return (nowMs) => {
    const lateMs = lastMs === null ? 0 : nowMs - lastMs - everyMs
    lastMs = nowMs
    return lateMs >= fromMs ? lateMs : null
  }
}
