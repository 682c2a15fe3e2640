/** What the benchmark and its child processes say to each other. */
import type { Mode } from './systems/system.ts'

export type Task =
  /** Runs jobs until told to stop. */
  | { readonly kind: 'work'; readonly mode: Mode }
  /** Adds `count` jobs, one per call, from each of `connections` in a loop. */
  | {
      readonly kind: 'singles'
      readonly count: number
      readonly connections: number
      readonly wakes: boolean
    }
  | { readonly kind: 'batches'; readonly count: number; readonly size: number; readonly connections: number }
  /** Adds one job every `everyMs`, whether or not earlier ones were acknowledged. */
  | { readonly kind: 'paced'; readonly count: number; readonly everyMs: number; readonly connections: number }
  | {
      readonly kind: 'workflows'
      readonly count: number
      readonly seconds: number
      readonly connections: number
    }
  | { readonly kind: 'dbos'; readonly count: number; readonly seconds: number }

export type Order =
  /** Load and connect; answered by `ready`. */
  | { readonly type: 'load'; readonly system: string; readonly url: string; readonly task: Task }
  /** Begin; a worker answers `working`, others `done` when they have ended. */
  | { readonly type: 'go' }
  /** Tell the start times seen so far; answered by `marks`. */
  | { readonly type: 'tell-marks' }
  /** End; answered by the end of the process. */
  | { readonly type: 'stop' }

/** A job's number and a monotonic time in ms. */
export type Mark = readonly [number: number, atMs: number]

export type Report =
  | { readonly type: 'ready' }
  | { readonly type: 'working' }
  /** Jobs handled so far, and when the first one began. */
  | { readonly type: 'handled'; readonly count: number; readonly firstMs: number }
  | {
      readonly type: 'done'
      readonly count: number
      readonly seconds: number
      /** Of paced jobs: when each was due to be sent, and when its commit was acknowledged. */
      readonly due: readonly Mark[]
      readonly acknowledged: readonly Mark[]
    }
  | { readonly type: 'marks'; readonly marks: readonly Mark[] }
  | { readonly type: 'failed'; readonly message: string }
