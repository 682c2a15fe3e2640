/** What the runner tells a chaos daemon, and hears from it. */
import type { Failpoint } from './failpoints.ts'

export interface DaemonTask {
  /** Build to run: a `file:` URL that ends with a slash. */
  readonly root: string
  readonly name: string
  /** Which ledger entries are its own. */
  readonly run: string
  readonly databaseUrl: string
  /** Null: polls only. */
  readonly listenUrl: string | null
  readonly ledgerUrl: string
  readonly concurrency: number
  readonly poolMax: number
  /** Milliseconds that running jobs get at SIGTERM. */
  readonly drainMs: number
  readonly failpoints: readonly Failpoint[]
  /** True when it runs the code of careless users too. */
  readonly culprits: boolean
}

/** Creates one execution per subject and ends; `failpoints` may end it earlier. */
export interface CreatorTask {
  readonly root: string
  readonly databaseUrl: string
  readonly subjects: readonly string[]
  /** Each in a transaction, as the API does; else by the statement alone. */
  readonly inTransaction: boolean
  readonly failpoints: readonly Failpoint[]
}

export type Report =
  | { readonly type: 'ready'; readonly pollerId: string }
  | { readonly type: 'event'; readonly text: string }
  | { readonly type: 'created'; readonly subject: string; readonly executionId: string }

/** How what a daemon tells begins when something was thrown or rejected where nobody waits for it. */
export const STRAY_TEXT = 'stray: '
