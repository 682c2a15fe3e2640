/** Runs work side by side and hands its results over in the order of the input. */

/**
 * Yields `work(item)` for each item in input order while at most `concurrency` run ahead, so that the outcome
 * does not depend on which answer came first. The first error, in input order, is thrown. When the consumer
 * stops early or an error is thrown, work under way is waited for, so that nothing outlives the loop.
 */
export async function* inOrder<Item, Result>(
  items: Iterable<Item>,
  concurrency: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const running: Promise<Result>[] = []
  const source = items[Symbol.iterator]()
  const startNext = (): void => {
    const next = source.next()
    if (next.done === true) return
    const result = work(next.value)
    // Seen here so that a failure of work nobody waits for any more is not reported as unhandled.
    result.catch(() => undefined)
    running.push(result)
  }
  for (let started = 0; started < Math.max(1, concurrency); started += 1) startNext()
  try {
    for (let result = running.shift(); result; result = running.shift()) {
      yield await result
      startNext()
    }
  } finally {
    await Promise.allSettled(running)
  }
}
