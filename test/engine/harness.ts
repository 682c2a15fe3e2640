/** An engine with a registry of test jobs, its events, and the ways to look at what it did. */
import type pg from 'pg'
import { afterEach } from 'vitest'
import type { JobContext, Outbound } from '../../src/core/ports.ts'
import { createRegistry } from '../../src/core/registry.ts'
import {
  defineJob,
  type InputSchema,
  type JobOptions,
  type JsonValue,
  type WorkflowDefinition,
} from '../../src/core/workflow.ts'
import { type ComputeThreads, createCompute } from '../../src/engine/compute.ts'
import { createEngine, type Engine } from '../../src/engine/engine.ts'
import { createEvents, type EngineEvent } from '../../src/engine/events.ts'
import type { Timing } from '../../src/engine/timing.ts'
import { connect, QUERY_TIMEOUT_MS } from '../../src/store/database.ts'
import { enqueueJobs, type NewJob } from '../../src/store/jobs.ts'
import { useTestPool } from '../support/database.ts'
import { until } from '../support/wait.ts'

export type Run = (context: JobContext) => Promise<JsonValue | undefined> | JsonValue | undefined

/** Everything often, so that tests are quick; the limits of beats stay as they are unless a test is about them. */
export const QUICK: Partial<Timing> = {
  beatMs: 200,
  lookMs: 50,
  lookListeningMs: 50,
  leasesMs: 50,
  sweepMs: 20,
  watchMs: 30,
  timeoutGraceMs: 100,
  abortGraceMs: 200,
  lastWordsMs: 1_000,
  upkeepMs: 100,
}

export interface Started {
  readonly engine: Engine
  readonly events: readonly EngineEvent[]
  readonly pool: pg.Pool
  readonly compute: ComputeThreads
  /** Stops the engine and closes its connections. */
  stop(deadlineMs?: number): Promise<void>
}

export interface StartOptions {
  readonly jobs?: Readonly<
    Record<
      string,
      Run | (Partial<JobOptions<unknown>> & { readonly run: Run; readonly input?: InputSchema<unknown> })
    >
  >
  readonly workflows?: readonly WorkflowDefinition[]
  readonly concurrency?: number
  readonly timing?: Partial<Timing>
  readonly threads?: Parameters<typeof createCompute>[0]
  /** Default: the database itself. */
  readonly url?: string
  /** Milliseconds that a statement may take; default: as in production. */
  readonly queryTimeoutMs?: number
  readonly listen?: boolean
  /** Default: `url`, or past the pooler where the database is behind one. */
  readonly listenUrl?: string
}

const outbound: Outbound = {
  fetch: () => Promise.reject(new Error('there is no network in these tests')),
  isMapped: () => false,
}
const input = { parse: (value: unknown): unknown => value }
const log = { info: () => undefined, warn: () => undefined }

export function useEngines() {
  const database = useTestPool(4)
  const running: Started[] = []

  afterEach(async () => {
    for (const one of running.splice(0)) await one.stop(0)
    await database.pool.query(
      `truncate rowbeat.scheduled_jobs, rowbeat.workflow_executions, rowbeat.leases, rowbeat.pollers, rowbeat.suspects,
       rowbeat.claim_floors, rowbeat.backdated_jobs`,
    )
  })

  return {
    get url(): string {
      return database.url
    },
    get directUrl(): string {
      return database.directUrl
    },
    get pool(): pg.Pool {
      return database.pool
    },
    start: async (options: StartOptions): Promise<Started> => {
      const url = options.url ?? database.url
      const pooled = database.url !== database.directUrl
      const listenUrl = options.listenUrl ?? (pooled ? database.directUrl : url)
      const { queryTimeoutMs = QUERY_TIMEOUT_MS } = options
      const connections = connect({ url, max: 8, applicationName: 'rowbeat', queryTimeoutMs })
      const seen: EngineEvent[] = []
      const compute = createCompute(options.threads)
      const events = createEvents((error) => {
        throw error
      })
      events.subscribe((event) => seen.push(event))
      const jobs = Object.entries(options.jobs ?? {}).map(([jobType, given]) =>
        defineJob({ jobType, input, ...(typeof given === 'function' ? { run: given } : given) }),
      )
      const engine = createEngine({
        pool: connections.pool,
        registry: createRegistry({ jobs, workflows: options.workflows ?? [] }),
        services: { db: connections.db, outbound, compute },
        events,
        concurrency: options.concurrency ?? 8,
        version: 'test',
        listenUrl: options.listen === true ? listenUrl : null,
        logFor: () => log,
        timing: { ...QUICK, ...options.timing },
      })
      let stopped: Promise<void> | null = null
      const stopAll = async (deadlineMs: number): Promise<void> => {
        await engine.stop(deadlineMs)
        await compute.close()
        await connections.close()
      }
      const started: Started = {
        engine,
        events: seen,
        pool: connections.pool,
        compute,
        stop: (deadlineMs = 2_000) => {
          stopped ??= stopAll(deadlineMs)
          return stopped
        },
      }
      running.push(started)
      await engine.start()
      return started
    },
    add: async (...jobs: readonly NewJob[]): Promise<string[]> =>
      (await enqueueJobs(database.pool, jobs)).map((id) => id ?? ''),
    read: async (id: string): Promise<Record<string, unknown>> => {
      const { rows } = await database.pool.query('select * from rowbeat.scheduled_jobs where id = $1', [id])
      return rows[0] ?? {}
    },
    /** Waits until no job is open. */
    drained: async (timeoutMs?: number): Promise<void> => {
      const done = async (): Promise<boolean> => {
        const { rows } = await database.pool.query(
          `select status, count(*)::int from rowbeat.scheduled_jobs
           where status in ('waiting', 'pending', 'running') group by status`,
        )
        if (rows.length > 0) throw new Error(JSON.stringify(rows))
        return true
      }
      await until(done, { what: 'all jobs to end', ...(timeoutMs === undefined ? {} : { timeoutMs }) })
    },
    statuses: async (): Promise<Record<string, number>> => {
      const { rows } = await database.pool.query<{ status: string; count: number }>(
        'select status, count(*)::int from rowbeat.scheduled_jobs group by status',
      )
      return Object.fromEntries(rows.map((row) => [row.status, row.count]))
    },
  }
}

/** The events of one type. */
export function eventsOf<Type extends EngineEvent['type']>(
  started: Started,
  type: Type,
): Extract<EngineEvent, { type: Type }>[] {
  return started.events.filter((event): event is Extract<EngineEvent, { type: Type }> => event.type === type)
}

/** A handler that waits for its signal or for `open`, and counts who is inside. */
export function gate() {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  const reasons: unknown[] = []
  let inside = 0
  let entered = 0
  return {
    open,
    reasons,
    inside: () => inside,
    entered: () => entered,
    run: async ({ signal }: JobContext): Promise<undefined> => {
      inside += 1
      entered += 1
      const aborted = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => {
          reasons.push(signal.reason)
          reject(signal.reason)
        })
      })
      aborted.catch(() => undefined)
      try {
        await Promise.race([opened, aborted])
      } finally {
        inside -= 1
      }
    },
  }
}
