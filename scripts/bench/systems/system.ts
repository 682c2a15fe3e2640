/** What the benchmark needs of each system. Everything is done through its public interface where it has one. */

/** How a worker is tuned. */
export type Mode = 'throughput' | 'latency' | 'idle' | 'workflows'

export interface WorkRequest {
  readonly url: string
  readonly mode: Mode
  /** Called at the start of every job's handler with the number its payload carries; null without one. */
  readonly onJob: (number: number | null) => void
}

export interface Worker {
  stop(): Promise<void>
}

export interface ProduceRequest {
  readonly url: string
  readonly connections: number
  /** Whether idle workers are told at once. */
  readonly wakes: boolean
}

export interface Producer {
  /** Adds one job; resolves when its commit was acknowledged. */
  addOne(number: number): Promise<void>
  /** Adds `count` jobs in one call. */
  addBatch(count: number): Promise<void>
  /** Creates one five-step workflow; missing where the system has none. */
  readonly addWorkflow?: (number: number) => Promise<void>
  close(): Promise<void>
}

export interface System {
  readonly name: string
  /** Package whose version is printed; null for our own. */
  readonly packageName: string | null
  readonly configuration: string
  readonly keeps: string
  /** Creates tables and queues in an empty database. */
  prepare(url: string): Promise<void>
  /** Empties the tables. */
  clear(url: string): Promise<void>
  /** Adds `count` no-op jobs. Returns a query for how many of them (column `open`) have not durably ended. */
  preload(url: string, count: number): Promise<string>
  /** Query for how many workflows (column `ended`) have durably ended. */
  readonly endedWorkflowsSql: string | null
  work(request: WorkRequest): Promise<Worker>
  produce(request: ProduceRequest): Promise<Producer>
}

/** Jobs per call when tables are filled. */
export const PRELOAD_BATCH = 5_000

/** Calls `add` with batch sizes until `count` is reached. */
export async function inBatches(
  count: number,
  size: number,
  add: (count: number) => Promise<void>,
): Promise<void> {
  for (let left = count; left > 0; left -= size) await add(Math.min(left, size))
}

/** The number that a payload carries. */
export function numberOf(payload: unknown): number | null {
  if (typeof payload !== 'object' || payload === null || !('n' in payload)) return null
  return typeof payload.n === 'number' ? payload.n : null
}
