/**
 * The ports through which a workflow is handed the world: types only, so that `workflows` can import `core`
 * and nothing else.
 */
import type { Kysely } from 'kysely'

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

/** Everything that a workflow's steps are handed, the same for every job of a process. */
export interface Services {
  readonly db: Database
  readonly outbound: Outbound
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
