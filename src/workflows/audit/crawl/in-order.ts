/** Runs work side by side and hands its results over in the order of the input. */

/** Results held back behind one that is late, as a multiple of the concurrency. */
const HELD_PER_LANE = 2

/**
 * Yields `work(item)` for each item in input order while at most `concurrency` items are worked on, so that the
 * outcome does not depend on which answer came first. One item that is late (a server asked to be tried again
 * later) does not stop the others: up to twice `concurrency` results are held back behind it. The first
 * error, in input order, is thrown. When the consumer stops early or an error is thrown, nothing more is started
 * and work under way is waited for, so that nothing outlives the loop.
 */
export async function* inOrder<Item, Result>(
  items: Iterable<Item>,
  concurrency: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const lanes = Math.max(1, concurrency)
  const results: Promise<Result>[] = []
  const source = items[Symbol.iterator]()
  let running = 0
  let isOver = false
  /** What the consumer waits for now. */
  let awaited: Promise<Result> | null = null

  function startNext(): void {
    const next = source.next()
    if (next.done === true) {
      isOver = true
      return
    }
    running += 1
    const result = work(next.value)
    results.push(result)
    // Seen here too, so that a failure of work nobody waits for any more is not reported as unhandled.
    result.then(
      () => settled(result),
      () => {
        isOver = true
      },
    )
  }

  /** Runs ahead only while something earlier is late, so that little is done in vain when the consumer stops. */
  function settled(result: Promise<Result>): void {
    running -= 1
    if (awaited !== null && awaited !== result) fill(lanes * (1 + HELD_PER_LANE))
  }

  function fill(most: number): void {
    while (!isOver && running < lanes && results.length < most) startNext()
  }

  fill(lanes)
  try {
    for (let result = results.shift(); result; result = results.shift()) {
      awaited = result
      const value = await result
      awaited = null
      yield value
      fill(lanes)
    }
  } finally {
    isOver = true
    await Promise.allSettled(results)
  }
}
