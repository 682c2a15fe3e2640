/** Rowbeat: the engine as the daemon runs it, without its HTTP API. */
import type { Compute, Outbound } from '../../../src/core/ports.ts'
import { createRegistry } from '../../../src/core/registry.ts'
import { defineJob, defineWorkflow, type InputSchema, step } from '../../../src/core/workflow.ts'
import { createEngine } from '../../../src/engine/engine.ts'
import { createEvents } from '../../../src/engine/events.ts'
import { createProducer } from '../../../src/engine/producer.ts'
import { createTeller } from '../../../src/engine/teller.ts'
import { connect } from '../../../src/store/database.ts'
import { createExecution } from '../../../src/store/executions.ts'
import { enqueueJobs, type NewJob } from '../../../src/store/jobs.ts'
import { migrate } from '../../../src/store/migrate.ts'
import { withClient } from '../server.ts'
import {
  inBatches,
  type Mode,
  numberOf,
  PRELOAD_BATCH,
  type ProduceRequest,
  type Producer,
  type System,
  type Worker,
  type WorkRequest,
} from './system.ts'

/** Two claims of the largest size under way at once. */
const CONCURRENCY: Readonly<Record<Mode, number>> = {
  throughput: 1536,
  latency: 64,
  idle: 64,
  workflows: 1024,
}
export const JOB_TYPE = 'bench'
/** A job that runs until it is told to stop: it holds its concurrency key. */
export const HOLD_TYPE = 'bench_hold'
const POOL_MAX = 8

const ANYTHING: InputSchema<unknown> = { parse: (value) => value }

const NO_OUTBOUND: Outbound = {
  fetch: () => Promise.reject(new Error('the benchmark makes no requests')),
  isMapped: () => false,
}
const NO_COMPUTE: Compute = {
  run: () => Promise.reject(new Error('the benchmark computes nothing')),
}

export const rowbeat: System = {
  name: 'rowbeat',
  packageName: null,
  configuration: `one engine per process, concurrency ${CONCURRENCY.throughput} (latency and idle: ${CONCURRENCY.latency}), pool of ${POOL_MAX}, LISTEN on`,
  keeps: 'the row; every settlement fenced by the lease; one history entry per failed attempt; kept for good',
  prepare: async (url) => {
    const connections = connect({ url, max: 1, applicationName: 'rowbeat-bench-migrate' })
    await migrate(connections.pool)
    await connections.close()
  },
  clear: async (url) => {
    await withClient(url, (client) =>
      client.query(
        'truncate rowbeat.scheduled_jobs, rowbeat.workflow_executions, rowbeat.leases, rowbeat.pollers, rowbeat.claim_floors, rowbeat.step_durations, rowbeat.queues',
      ),
    )
  },
  preload,
  endedWorkflowsSql: `select count(*)::integer as ended from rowbeat.workflow_executions where status = 'completed'`,
  work,
  produce,
}

async function preload(url: string, count: number): Promise<string> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ newest: string }>(
      'select coalesce(max(id), 0)::text as newest from rowbeat.scheduled_jobs',
    )
    await inBatches(count, PRELOAD_BATCH, async (size) => {
      await enqueueJobs(
        client,
        Array.from({ length: size }, () => ({ jobType: JOB_TYPE })),
      )
    })
    return `select count(*)::integer as open from rowbeat.scheduled_jobs where id > ${rows[0]?.newest ?? 0} and status <> 'completed'`
  })
}

/** Five no-op steps: a → b, c → d after b → e after c and d. */
function fiveSteps(onJob: () => void) {
  const noop = (title: string, after: readonly string[]) =>
    step<unknown>({
      title,
      after,
      run: async () => {
        onJob()
        return undefined
      },
    })
  return defineWorkflow<unknown>({
    name: 'five_steps',
    input: ANYTHING,
    subject: (input) => String(numberOf(input)),
    maxDuration: 3_600,
    steps: {
      five_a: noop('A', []),
      five_b: noop('B', ['five_a']),
      five_c: noop('C', ['five_a']),
      five_d: noop('D', ['five_b']),
      five_e: noop('E', ['five_c', 'five_d']),
    },
  })
}

async function work({ url, mode, onJob }: WorkRequest): Promise<Worker> {
  const connections = connect({ url, max: POOL_MAX, applicationName: 'rowbeat-bench-engine' })
  const noop = defineJob<unknown>({
    jobType: JOB_TYPE,
    input: ANYTHING,
    run: async ({ input }) => {
      onJob(numberOf(input))
      return undefined
    },
  })
  const hold = defineJob<unknown>({
    jobType: HOLD_TYPE,
    input: ANYTHING,
    timeout: 3_600,
    run: async ({ signal }) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      return undefined
    },
  })
  const events = createEvents((error) => process.stderr.write(`rowbeat: ${String(error)}\n`))
  events.subscribe((event) => {
    if (event.type === 'service.failed')
      process.stderr.write(`rowbeat: ${event.service}: ${String(event.error)}\n`)
  })
  const engine = createEngine({
    pool: connections.pool,
    registry: createRegistry({ jobs: [noop, hold], workflows: [fiveSteps(() => onJob(null))] }),
    services: { db: connections.db, outbound: NO_OUTBOUND, compute: NO_COMPUTE },
    events,
    concurrency: CONCURRENCY[mode],
    version: 'bench',
    listenUrl: url,
    logFor: () => ({ info: () => undefined, warn: () => undefined }),
  })
  await engine.start()
  return {
    stop: async () => {
      await engine.stop(0)
      await connections.close()
    },
  }
}

async function produce({ url, connections: max, wakes }: ProduceRequest): Promise<Producer> {
  const connections = connect({ url, max, applicationName: 'rowbeat-bench-producer' })
  const telling = connect({ url, max: 1, applicationName: 'rowbeat-bench-teller' })
  const onFailure = (error: unknown): void => void process.stderr.write(`rowbeat: ${String(error)}\n`)
  const teller = createTeller(telling.pool, onFailure)
  const producer = createProducer(connections.pool, onFailure)
  const workflow = fiveSteps(() => undefined)
  const add = async (jobs: readonly NewJob[]): Promise<void> => {
    if (wakes) await producer.add(jobs)
    else await enqueueJobs(connections.pool, jobs)
  }
  return {
    addOne: (number) => add([{ jobType: JOB_TYPE, payload: { n: number } }]),
    addBatch: (count) => add(Array.from({ length: count }, () => ({ jobType: JOB_TYPE }))),
    addWorkflow: async (number) => {
      await createExecution(connections.pool, { workflow, input: { n: number } })
      if (wakes) teller.tell({ queue: 'default', priority: 0 })
    },
    close: async () => {
      await Promise.all([producer.stop(), teller.stop()])
      await telling.close()
      await connections.close()
    },
  }
}
