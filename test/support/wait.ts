/** Milliseconds that a test waits where the time itself is no promise: a busy machine may stand still for seconds. */
const PATIENCE_MS = 30_000

/**
 * Polls `condition` every `everyMs` (20) until it gives something true; that is returned. Throws an error that names
 * `what` after `timeoutMs`: leave that out unless the test is about the time.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  options: { what: string; timeoutMs?: number; everyMs?: number },
): Promise<NonNullable<T>> {
  const start = performance.now()
  const timeoutMs = options.timeoutMs ?? PATIENCE_MS
  let last: unknown
  for (;;) {
    try {
      const value = await condition()
      if (value) return value as NonNullable<T>
      last = value
    } catch (error) {
      last = error
    }
    const elapsedMs = performance.now() - start
    if (elapsedMs >= timeoutMs) {
      const seen = last instanceof Error ? last.message : JSON.stringify(last)
      throw new Error(`Waited ${Math.round(elapsedMs)} ms for ${options.what}; last seen: ${seen}`, {
        cause: last,
      })
    }
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 20))
  }
}
