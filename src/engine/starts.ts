/** Executions whose first step was claimed get the status "running": soon, many at once, and only if need be. */
import type pg from 'pg'
import { startExecutions } from '../store/executions.ts'
import type { Attempt } from './attempt.ts'
import type { Events } from './events.ts'

export interface Starts {
  /** Notes that a step of this execution was claimed. */
  note(executionId: string): void
  clear(): void
}

/** A step that has ended by then says so itself: its settlement also starts the execution. */
const START_AFTER_MS = 25

export function createStarts(options: {
  readonly pool: pg.Pool
  readonly events: Events
  /** What runs here. */
  readonly running: Iterable<Pick<Attempt, 'job'>>
}): Starts {
  const noted = new Set<string>()
  let timer: NodeJS.Timeout | null = null

  const write = async (): Promise<void> => {
    timer = null
    const live = new Set<string | null>()
    for (const { job } of options.running) live.add(job.executionId)
    const started = [...noted].filter((executionId) => live.has(executionId))
    noted.clear()
    if (started.length === 0) return
    try {
      await startExecutions(options.pool, started)
    } catch (error) {
      // Only the word "running" is late: closing sets the start time from the steps.
      options.events.emit({ type: 'service.failed', service: 'start executions', error, failures: 1 })
    }
  }

  return {
    note: (executionId) => {
      noted.add(executionId)
      timer ??= setTimeout(() => void write(), START_AFTER_MS)
    },
    clear: () => {
      noted.clear()
      if (timer !== null) clearTimeout(timer)
      timer = null
    },
  }
}
