/** graphile-worker, as on the performance page of its documentation: local queue and batched completion. */
import { Logger, makeWorkerUtils, run, WorkerPreset, type WorkerUtils } from 'graphile-worker'
import pg from 'pg'
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

const TASK = 'bench'
const CONCURRENT_JOBS = 24
const LOCAL_QUEUE = 500

const SILENT = new Logger(() => (level, message) => {
  if (level === 'error') process.stderr.write(`graphile-worker: ${message}\n`)
})

export const graphileWorker: System = {
  name: 'graphile-worker',
  packageName: 'graphile-worker',
  configuration: `localQueue ${LOCAL_QUEUE}, completeJobBatchDelay 0, ${CONCURRENT_JOBS} concurrent jobs, pool of ${CONCURRENT_JOBS + 1}; latency and idle: no local queue, no batched completion`,
  keeps: 'nothing: the row is deleted; deletion not fenced; no history',
  prepare: async (url) => {
    const utils = await makeWorkerUtils({ connectionString: url, logger: SILENT })
    await utils.migrate()
    // The first job of a task adds the task: not part of what is timed.
    await utils.addJob(TASK, {})
    await utils.release()
  },
  clear: async (url) => {
    await withClient(url, (client) => client.query('truncate graphile_worker._private_jobs'))
  },
  preload: async (url, count) => {
    const utils = await makeWorkerUtils({ connectionString: url, logger: SILENT })
    await inBatches(count, PRELOAD_BATCH, (size) => addMany(utils, size))
    await utils.release()
    return 'select count(*)::integer as open from graphile_worker._private_jobs'
  },
  endedWorkflowsSql: null,
  work,
  produce,
}

async function addMany(utils: WorkerUtils, count: number): Promise<void> {
  await utils.addJobs(Array.from({ length: count }, () => ({ identifier: TASK, payload: {} })))
}

const BATCHED = { localQueue: { size: LOCAL_QUEUE }, completeJobBatchDelay: 0, failJobBatchDelay: 0 }

function isBatched(mode: Mode): boolean {
  return mode === 'throughput'
}

async function work({ url, mode, onJob }: WorkRequest): Promise<Worker> {
  const runner = await run({
    preset: {
      extends: [WorkerPreset],
      worker: {
        connectionString: url,
        concurrentJobs: CONCURRENT_JOBS,
        maxPoolSize: CONCURRENT_JOBS + 1,
        logger: SILENT,
        ...(isBatched(mode) ? BATCHED : {}),
      },
    },
    parsedCronItems: [],
    noHandleSignals: true,
    taskList: {
      [TASK]: async (payload) => {
        onJob(numberOf(payload))
      },
    },
  })
  return { stop: () => runner.stop() }
}

async function produce({ url, connections }: ProduceRequest): Promise<Producer> {
  const pool = new pg.Pool({ connectionString: url, max: connections, application_name: 'bench-producer' })
  pool.on('error', () => undefined)
  const utils = await makeWorkerUtils({ pgPool: pool, logger: SILENT })
  return {
    addOne: async (number) => {
      await utils.addJob(TASK, { n: number })
    },
    addBatch: (count) => addMany(utils, count),
    close: async () => {
      await utils.release()
      await pool.end()
    },
  }
}
