/** Waiting, always with an end. */

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/**
 * Asks `condition` every `everyMs` until it is true; false when it was not within `timeoutMs`. A condition that
 * throws, because the database is away, counts as not yet true.
 */
export async function waitFor(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
  everyMs = 50,
): Promise<boolean> {
  const end = performance.now() + timeoutMs
  for (;;) {
    const met = await Promise.resolve()
      .then(condition)
      .catch(() => false)
    if (met) return true
    if (performance.now() >= end) return false
    await sleep(everyMs)
  }
}
