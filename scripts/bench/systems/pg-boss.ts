/** pg-boss, as its documentation advises for throughput: batches, burst, several local workers, own partition. */
import { PgBoss } from 'pg-boss'
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

/** Wakes workers by NOTIFY. */
const QUEUE = 'bench'
/** The same without, for the enqueue scenario. */
const SILENT_QUEUE = 'bench-silent'
const POOL_MAX = 10
const BATCH = 500
const LOCAL_WORKERS: Readonly<Record<Mode, number>> = { throughput: 4, latency: 2, idle: 2, workflows: 4 }
/** The shortest it accepts; its default is 5. */
const FLOW_SECONDS = 1
/** The shortest pause between polls that it accepts. */
const POLL_SECONDS = 0.5

export const pgBoss: System = {
  name: 'pg-boss',
  packageName: 'pg-boss',
  configuration: `batchSize ${BATCH}, burstWhenBatchFull, ${LOCAL_WORKERS.throughput} local workers (latency: ${LOCAL_WORKERS.latency}), own partition, notify, pool of ${POOL_MAX}; flows: flowIntervalSeconds ${FLOW_SECONDS}, polling every ${POLL_SECONDS} s`,
  keeps: 'the row, for 7 days; completion fenced by the retry count; the last output only',
  prepare: async (url) => {
    const boss = await open(url, { connections: POOL_MAX })
    await boss.createQueue(QUEUE, { partition: true, notify: true })
    await boss.createQueue(SILENT_QUEUE, { partition: true })
    await boss.stop({ graceful: false })
  },
  clear: async (url) => {
    await withClient(url, (client) => client.query('truncate pgboss.job, pgboss.job_dependency cascade'))
  },
  preload: async (url, count) => {
    const boss = await open(url, { connections: 1 })
    await inBatches(count, PRELOAD_BATCH, async (size) => {
      await boss.insert(
        QUEUE,
        Array.from({ length: size }, () => ({})),
      )
    })
    await boss.stop({ graceful: false })
    return `select count(*)::integer as open from pgboss.job where name = '${QUEUE}' and state <> 'completed'`
  },
  endedWorkflowsSql: `select count(*)::integer as ended from pgboss.job
where name = '${QUEUE}' and state = 'completed' and data ->> 'step' = 'e'`,
  work,
  produce,
}

async function open(url: string, options: { connections: number; works?: boolean }): Promise<PgBoss> {
  const works = options.works ?? false
  const boss = new PgBoss({
    connectionString: url,
    max: options.connections,
    schedule: false,
    supervise: works,
    useListenNotify: works,
    flowIntervalSeconds: FLOW_SECONDS,
  })
  boss.on('error', (error) => process.stderr.write(`pg-boss: ${error.message}\n`))
  await boss.start()
  return boss
}

async function work({ url, mode, onJob }: WorkRequest): Promise<Worker> {
  const boss = await open(url, { connections: POOL_MAX, works: true })
  await boss.work<unknown>(
    QUEUE,
    {
      batchSize: BATCH,
      burstWhenBatchFull: true,
      localConcurrency: LOCAL_WORKERS[mode],
      pollingIntervalSeconds: POLL_SECONDS,
      // Steps that its resolver frees are not notified: without this they would wait for a poll every 30 s.
      ...(mode === 'workflows' ? { notifyPollingIntervalSeconds: POLL_SECONDS } : {}),
    },
    async (jobs) => {
      await Promise.all(jobs.map(async (job) => onJob(numberOf(job.data))))
    },
  )
  return { stop: () => boss.stop({ graceful: false }) }
}

async function produce({ url, connections, wakes }: ProduceRequest): Promise<Producer> {
  const boss = await open(url, { connections })
  const queue = wakes ? QUEUE : SILENT_QUEUE
  return {
    addOne: async (number) => {
      await boss.send(queue, { n: number })
    },
    addBatch: async (count) => {
      await boss.insert(
        queue,
        Array.from({ length: count }, () => ({})),
      )
    },
    addWorkflow: async () => {
      await boss.flow([
        { ref: 'a', name: queue, data: { step: 'a' } },
        { ref: 'b', name: queue, data: { step: 'b' }, dependsOn: ['a'] },
        { ref: 'c', name: queue, data: { step: 'c' }, dependsOn: ['a'] },
        { ref: 'd', name: queue, data: { step: 'd' }, dependsOn: ['b'] },
        { ref: 'e', name: queue, data: { step: 'e' }, dependsOn: ['c', 'd'] },
      ])
    },
    close: () => boss.stop({ graceful: false }),
  }
}
