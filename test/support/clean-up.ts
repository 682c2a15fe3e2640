/** Closes what tests open, in one place and in the right order. */
import { afterAll, afterEach } from 'vitest'

export interface CleanUp {
  /** Remembers how to close something. */
  push(...closers: readonly (() => unknown)[]): void
}

/**
 * Closes what was pushed after each test, or after all tests of the file or `describe`: what was opened last goes
 * first, and one that cannot be closed leaves none of the others open. Hooks that are registered later run before.
 */
export function useCleanUp(after: 'each' | 'all' = 'each'): CleanUp {
  const open: (() => unknown)[] = []
  const closeAll = async (): Promise<void> => {
    const failures: unknown[] = []
    for (const close of open.splice(0).reverse()) {
      try {
        await close()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not everything could be closed')
  }
  if (after === 'each') afterEach(closeAll)
  else afterAll(closeAll)
  return {
    push: (...closers) => {
      open.push(...closers)
    },
  }
}
