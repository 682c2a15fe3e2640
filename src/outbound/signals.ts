/** A signal of our own that also aborts with its sources, until it is unlinked. */
export interface LinkedSignal {
  readonly signal: AbortSignal
  abort(reason: Error): void
  /** Takes the listeners off the sources: these live longer than one request. */
  unlink(): void
}

/**
 * Makes a signal that aborts with the first source that aborts. Its reason is always an `Error`, as streams
 * cannot be ended with anything else; what the source said is then its `cause`.
 */
export function linkSignals(...sources: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const controller = new AbortController()
  const undo: (() => void)[] = []
  const follow = (source: AbortSignal) => controller.abort(asError(source.reason))
  for (const source of sources) {
    if (source === undefined) continue
    if (source.aborted) {
      follow(source)
      break
    }
    const onAbort = () => follow(source)
    source.addEventListener('abort', onAbort, { once: true })
    undo.push(() => source.removeEventListener('abort', onAbort))
  }
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    unlink() {
      for (const action of undo.splice(0)) action()
    },
  }
}

/**
 * Answers with `work`, or throws `signal.reason` as soon as the signal aborts. What `work` still brings after
 * that is dropped: the abort has already told the caller how it ended.
 */
export function orAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('The request was aborted', { cause: reason })
}
