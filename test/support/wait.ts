/** Polls `condition` until it gives something true; that is returned. Throws an error that names `what`. */
export async function until<T>(
  condition: () => T | Promise<T>,
  options: { timeoutMs: number; what: string; everyMs?: number },
): Promise<NonNullable<T>> {
  const start = performance.now()
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
    if (elapsedMs >= options.timeoutMs) {
      const seen = last instanceof Error ? last.message : JSON.stringify(last)
      throw new Error(`Waited ${Math.round(elapsedMs)} ms for ${options.what}; last seen: ${seen}`, {
        cause: last,
      })
    }
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 20))
  }
}
