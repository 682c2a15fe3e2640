/** A child process of the benchmark: one poller, or one producer. It ends when its parent does. */
import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicMs } from './clock.ts'
import type { Mark, Order, Report, Task } from './messages.ts'
import type { Producer, Worker } from './systems/system.ts'

/** How often a worker tells how far it is. */
const TELL_EVERY_MS = 10
const MARKS_MAX = 1_000_000

type Done = Omit<Extract<Report, { type: 'done' }>, 'type'>

interface Role {
  begin(): Promise<Done | null>
  end(): Promise<void>
}

const marks: Mark[] = []
let handled = 0
let firstMs = 0
let role: Role | null = null

function tell(report: Report): void {
  process.send?.(report)
}

function onJob(number: number | null): void {
  if (handled === 0) firstMs = monotonicMs()
  handled += 1
  if (number !== null && marks.length < MARKS_MAX) marks.push([number, monotonicMs()])
}

async function load(system: string, url: string, task: Task): Promise<Role> {
  if (task.kind === 'dbos') return dbosRole(url, task)
  // Loaded here: a child needs the packages of one system only.
  const { systemNamed } = await import('./systems/index.ts')
  const found = systemNamed(system)
  if (task.kind === 'work') {
    return workerRole(() => found.work({ url, mode: task.mode, onJob }))
  }
  const wakes = task.kind === 'singles' ? task.wakes : true
  const producer = await found.produce({ url, connections: task.connections, wakes })
  return producerRole(producer, task)
}

function workerRole(start: () => Promise<Worker>): Role {
  let worker: Worker | null = null
  let told = 0
  const timer = setInterval(() => {
    if (handled === told) return
    told = handled
    tell({ type: 'handled', count: handled, firstMs })
  }, TELL_EVERY_MS)
  return {
    begin: async () => {
      worker = await start()
      return null
    },
    end: async () => {
      clearInterval(timer)
      await worker?.stop()
    },
  }
}

async function dbosRole(url: string, task: Extract<Task, { kind: 'dbos' }>): Promise<Role> {
  const { launchDbos } = await import('./systems/dbos.ts')
  const dbos = await launchDbos(url)
  return {
    begin: async () => {
      const { ended, seconds } = await dbos.run(task.count, task.seconds)
      return { count: ended, seconds, due: [], acknowledged: [] }
    },
    end: () => dbos.stop(),
  }
}

async function producerRole(
  producer: Producer,
  task: Exclude<Task, { kind: 'work' | 'dbos' }>,
): Promise<Role> {
  // Opens every connection and prepares the statements; the number 0 tells these jobs from those that count.
  if (task.kind !== 'workflows')
    await Promise.all(Array.from({ length: task.connections }, () => producer.addOne(0)))
  return { begin: () => produce(producer, task), end: () => producer.close() }
}

async function produce(producer: Producer, task: Exclude<Task, { kind: 'work' | 'dbos' }>): Promise<Done> {
  if (task.kind === 'paced') return producePaced(producer, task.count, task.everyMs)
  if (task.kind === 'singles') return produceInLanes(task, (number) => producer.addOne(number))
  if (task.kind === 'batches') {
    const done = await produceInLanes({ ...task, count: Math.ceil(task.count / task.size) }, () =>
      producer.addBatch(task.size),
    )
    return { ...done, count: done.count * task.size }
  }
  const { addWorkflow } = producer
  if (addWorkflow === undefined) throw new Error('this system has no workflows')
  return produceInLanes(task, addWorkflow)
}

/** Each connection calls `add` in a loop until `count` calls were made in all, or the time is up. */
async function produceInLanes(
  task: { readonly count: number; readonly connections: number; readonly seconds?: number },
  add: (number: number) => Promise<void>,
): Promise<Done> {
  const begun = monotonicMs()
  const until = begun + (task.seconds ?? 600) * 1000
  let next = 0
  let count = 0
  const lane = async (): Promise<void> => {
    while (next < task.count && monotonicMs() < until) {
      next += 1
      await add(next)
      count += 1
    }
  }
  await Promise.all(Array.from({ length: task.connections }, lane))
  return { count, seconds: (monotonicMs() - begun) / 1000, due: [], acknowledged: [] }
}

/**
 * Open loop: job k is sent at `begun + k × everyMs` whatever became of the earlier ones. A producer that waited
 * for answers would send fewer jobs exactly while the system is slow, and so leave the worst out.
 */
async function producePaced(producer: Producer, count: number, everyMs: number): Promise<Done> {
  const begun = monotonicMs() + everyMs
  const due: Mark[] = []
  const acknowledged: Mark[] = []
  const open: Promise<void>[] = []
  for (let number = 1; number <= count; number++) {
    const dueMs = begun + number * everyMs
    const waitMs = dueMs - monotonicMs()
    if (waitMs > 0) await sleep(waitMs)
    due.push([number, dueMs])
    open.push(producer.addOne(number).then(() => void acknowledged.push([number, monotonicMs()])))
  }
  await Promise.all(open)
  return { count, seconds: (monotonicMs() - begun) / 1000, due, acknowledged }
}

async function obey(order: Order): Promise<void> {
  if (order.type === 'load') {
    role = await load(order.system, order.url, order.task)
    tell({ type: 'ready' })
  } else if (order.type === 'go') {
    const done = (await role?.begin()) ?? null
    tell(done === null ? { type: 'working' } : { type: 'done', ...done })
  } else if (order.type === 'tell-marks') {
    tell({ type: 'marks', marks })
  } else {
    await role?.end()
    process.exit(0)
  }
}

process.on('message', (order: Order) => {
  obey(order).catch((error: unknown) => {
    tell({ type: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  })
})
// The parent is gone, perhaps killed: nothing must go on working.
process.on('disconnect', () => process.exit(1))
