/** What the engine tells: typed events that logging, metrics and live updates subscribe to. */
import type { ExecutionStatus } from '../core/states.ts'

export type Outcome = 'completed' | 'failed' | 'retried' | 'skipped' | 'snoozed' | 'released' | 'refused'

export type EngineEvent =
  | { readonly type: 'poller.started'; readonly pollerId: string; readonly concurrency: number }
  | { readonly type: 'poller.draining'; readonly pollerId: string; readonly running: number }
  | { readonly type: 'poller.stopped'; readonly pollerId: string }
  /** This poller's own beat failed for too long, or another declared it lost: it has dropped its work. */
  | {
      readonly type: 'poller.fenced'
      readonly pollerId: string
      readonly dropped: number
      readonly reason: string
    }
  /** The event loop of this process stood still: most often a handler that computes outside of a thread. */
  | {
      readonly type: 'loop.stalled'
      readonly seconds: number
      /** Types of the jobs that run now, at most ten; the one that computed may have ended already. */
      readonly jobTypes: readonly string[]
    }
  | {
      readonly type: 'jobs.claimed'
      readonly queue: string
      readonly count: number
      readonly seconds: number
    }
  | {
      readonly type: 'job.ended'
      readonly jobId: string
      readonly jobType: string
      readonly queue: string
      readonly executionId: string | null
      readonly attempt: number
      readonly outcome: Outcome
      readonly code: string | null
      readonly message: string | null
      /** Seconds the handler ran. */
      readonly seconds: number
      /** Seconds from due to claimed. */
      readonly waitedSeconds: number
    }
  /** LISTEN is accepted and nothing arrives: new work of others is found by looking only. Told once a time. */
  | { readonly type: 'listener.deaf'; readonly lookEveryMs: number; readonly hint: string }
  | { readonly type: 'execution.closed'; readonly executionId: string; readonly status: ExecutionStatus }
  | {
      readonly type: 'pollers.reaped'
      readonly pollers: number
      readonly retried: number
      readonly failed: number
    }
  | { readonly type: 'reaper.held'; readonly lapsed: number; readonly reason: string }
  | { readonly type: 'deadlines.ended'; readonly executions: number; readonly jobs: number }
  /** One job of a schedule was inserted. */
  | {
      readonly type: 'schedule.fired'
      readonly schedule: string
      readonly jobId: string
      readonly fireAt: Date
      /** Seconds from the fire time to the insertion. */
      readonly lateSeconds: number
    }
  /** Fire times of a schedule that did not run, counted by why. */
  | {
      readonly type: 'schedule.missed'
      readonly schedule: string
      readonly missed: number
      readonly overlapped: number
      readonly paused: number
    }
  /** The row says something else than code: it was edited, made by hand, or this build does not define it. */
  | { readonly type: 'schedule.kept'; readonly schedule: string; readonly reason: string }
  | { readonly type: 'schedule.problem'; readonly schedule: string; readonly problem: string }
  | {
      readonly type: 'service.failed'
      readonly service: string
      readonly error: unknown
      readonly failures: number
    }
  | { readonly type: 'service.recovered'; readonly service: string; readonly failures: number }

export interface Events {
  emit(event: EngineEvent): void
  /** Returns a function that ends the subscription. */
  subscribe(listener: (event: EngineEvent) => void): () => void
}

/** A plain synchronous bus. A listener that throws is a bug in that listener; it must not stop the engine. */
export function createEvents(onListenerError: (error: unknown) => void): Events {
  const listeners = new Set<(event: EngineEvent) => void>()
  return {
    emit: (event) => {
      for (const listener of listeners) {
        try {
          listener(event)
        } catch (error) {
          onListenerError(error)
        }
      }
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
