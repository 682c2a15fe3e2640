/**
 * The ports through which a workflow is handed the world: types only, so that `workflows` can import `core`
 * and nothing else.
 */
import type { Kysely } from 'kysely'
import type { ErrorCode } from './errors.ts'

/** The database handle given to workflows; a workflow's `store.ts` adds its own tables with `withTables`. */
export type Database = Kysely<Record<never, never>>

/** Structured logging bound to the job at hand; one short sentence and a flat record of facts. */
export interface Log {
  info(message: string, facts?: Record<string, unknown>): void
  warn(message: string, facts?: Record<string, unknown>): void
}

/** What a step says of its own progress. `done` and `total` count `unit`s, for instance pages. */
export interface ProgressReport {
  readonly done: number
  readonly total: number
  readonly unit: string
  readonly message?: string
}

export interface OutboundRequest {
  /** Absolute `http:` or `https:` URL. */
  readonly url: string
  readonly method?: 'GET' | 'HEAD' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal?: AbortSignal
  /** Most bytes of the body, after decompression; default 5 MiB. A longer one throws RESPONSE_TOO_LARGE. */
  readonly maxBytes?: number
  /** True: a longer body is cut off there instead, and `cut` of the answer says so. */
  readonly cut?: boolean
  /** Media types accepted, for instance `['text/html']`; others end with `status` kept and an empty body. */
  readonly accept?: readonly string[]
  /** Seconds from first byte of the request to last of the answer; default 30. */
  readonly totalTimeoutSeconds?: number
  /** Seconds between two requests to this host, from the crawl delay of its robots.txt. */
  readonly hostDelaySeconds?: number
}

export interface OutboundResponse {
  readonly status: number
  /** URL of the answer, after redirects. */
  readonly url: string
  /** Every URL that redirected here, oldest first. */
  readonly redirects: readonly string[]
  /** Lower-cased header names; repeated headers joined by `, `. */
  readonly headers: Readonly<Record<string, string>>
  /** Media type without parameters, lower-cased; empty when the server sent none. */
  readonly contentType: string
  /** Decompressed bytes; empty when the media type was not accepted. */
  readonly body: Uint8Array
  /** True when the body went on beyond `maxBytes`; only when that was asked for. */
  readonly cut?: boolean
  /** Milliseconds from first byte of the request to last of the answer. */
  readonly elapsedMs: number
}

/**
 * The one way out to the network. Follows at most five redirects, checks every address it connects to, keeps
 * per-host politeness. HTTP error statuses are answers, not errors; everything else throws `RowbeatError` with
 * DNS_FAILURE, NETWORK_UNREACHABLE, TLS_FAILURE, UPSTREAM_TIMEOUT, TOO_MANY_REDIRECTS, RESPONSE_TOO_LARGE or
 * ADDRESS_NOT_ALLOWED.
 */
export interface Outbound {
  fetch(request: OutboundRequest): Promise<OutboundResponse>
  /** True when this exact host name is mapped by OUTBOUND_HOST_MAP. */
  isMapped(host: string): boolean
}

/** Threads of one kind of work: kinds with pools of their own never wait for each other's threads. */
export interface ThreadPool {
  /** Unique in a process: tasks that name the same pool share its threads. */
  readonly name: string
  /** Most threads; each is started when it is needed and ends when it rests. */
  readonly most: number
  /** Most memory of one thread in MiB: of its heap, and once more of its buffers. */
  readonly heapMaxMb: number
}

/** A function that can run in a thread. It is called with its input and a function that reports progress. */
export interface ThreadTask {
  /** Module that exports it, for instance `new URL('./crunch.ts', import.meta.url)`. */
  readonly module: URL
  /** Name of the exported function. */
  readonly name: string
  /** Most seconds of one call, up to 604,800. */
  readonly limitSeconds: number
  /** What a call that takes more time, or more memory, ends with. */
  readonly limitCode: ErrorCode
  /** What a call that takes more memory ends with; default `limitCode`. */
  readonly memoryCode?: ErrorCode
  /** Default: the pool of all tasks that name none. */
  readonly pool?: ThreadPool
}

export interface ThreadOptions {
  /** Ends a call that waits; one that runs is ended together with its thread, whatever it does. */
  readonly signal: AbortSignal
  /** Receives the newest report, at most 20 times a second, and always the last one of a call that ends by itself. */
  readonly onReport?: (report: unknown) => void
}

/** Runs what computes for long in threads, so that heartbeats and other jobs go on, and a limit can end it. */
export interface Compute {
  /**
   * Calls a task in a thread of its pool. Input, reports and result are copied: plain data, no functions.
   * Throws what the task throws, with its code (`INTERNAL_ERROR` for what has none, and for what cannot be
   * copied), the task's `limitCode` when it takes too much time or memory, and the reason of the signal.
   */
  run<Output>(task: ThreadTask, input: unknown, options: ThreadOptions): Promise<Output>
}

/** Everything that a workflow's steps are handed, the same for every job of a process. */
export interface Services {
  readonly db: Database
  readonly outbound: Outbound
  readonly compute: Compute
}

/** What one attempt of one job is handed. */
export interface JobContext<Input = unknown> extends Services {
  /** The validated payload. */
  readonly input: Input
  readonly jobId: string
  /** The execution this job is a step of; null for a job of its own. */
  readonly executionId: string | null
  /** 1 for the first try. */
  readonly attempt: number
  /** Aborts on cancellation, time-out, loss of the lease or shutdown; `signal.reason` says which. */
  readonly signal: AbortSignal
  readonly log: Log
  /** Reports progress; cheap, may be called for every unit done: it is written at most once a second. */
  progress(report: ProgressReport): void
}
