/**
 * The threads of one pool. A few workers are started when they are needed, take one call at a time, and end when
 * nothing was asked of them for a while. A worker that is being ended keeps its place until it is gone, so that
 * there are never more than the pool may have.
 */
import { Worker } from 'node:worker_threads'
import { RowbeatError } from '../core/errors.ts'
import type { Compute } from '../core/ports.ts'
import { callThread, resultOf } from './thread-call.ts'
import type { ThreadAnswer } from './thread-worker.ts'

export interface Threads extends Compute {
  /** Workers alive now. */
  size(): number
  /** Ends all workers, whatever they do, and refuses every call from now on with `POLLER_LOST`. */
  close(): Promise<void>
}

export interface ThreadLimits {
  /** Most workers. */
  readonly most: number
  /** Most memory of one worker's old generation in MiB, and once more of its buffers. */
  readonly heapMaxMb: number
  /** An idle worker ends after this; default 30. */
  readonly idleSeconds?: number | undefined
  /** Calls that may wait for a worker; default 2,000, the most jobs that a process runs. One more is refused. */
  readonly waitingMax?: number | undefined
}

interface Waiting {
  readonly take: (worker: Worker) => void
  readonly fail: (error: unknown) => void
}

const IDLE_SECONDS = 30
const WAITING_MAX = 2_000
/** A third of what V8 would let each thread keep for short-lived things, at no cost that could be measured. */
const YOUNG_MAX_MB = 24
const WORKER = new URL('./thread-worker.ts', import.meta.url)

/** A set of threads; nothing is started before the first call. */
export function createThreads(limits: ThreadLimits): Threads {
  const alive = new Set<Worker>()
  const idle: { readonly worker: Worker; readonly timer: NodeJS.Timeout }[] = []
  const waiting: Waiting[] = []
  let closed = false

  const closedError = () => new RowbeatError('POLLER_LOST', 'the process ends, and its threads with it')

  function start(): Worker {
    const worker = new Worker(WORKER, {
      resourceLimits: {
        maxOldGenerationSizeMb: limits.heapMaxMb,
        maxYoungGenerationSizeMb: YOUNG_MAX_MB,
      },
    })
    alive.add(worker)
    // A worker that breaks tells its call, when it has one; without a listener it would end the process.
    worker.on('error', () => undefined)
    worker.on('exit', () => {
      alive.delete(worker)
      unrest(worker)
      startForNext()
    })
    return worker
  }

  function unrest(worker: Worker): void {
    const at = idle.findIndex((one) => one.worker === worker)
    if (at >= 0) clearTimeout(idle.splice(at, 1)[0]?.timer)
  }

  /** Hands a free worker to whoever waits longest, or lets it rest: it no longer keeps the process alive then. */
  function release(worker: Worker): void {
    // It died between its answer and now.
    if (!alive.has(worker)) return
    const next = waiting.shift()
    if (next !== undefined) {
      next.take(worker)
      return
    }
    worker.unref()
    const timer = setTimeout(() => void discard(worker), (limits.idleSeconds ?? IDLE_SECONDS) * 1000)
    idle.push({ worker, timer: timer.unref() })
  }

  /** Ends a worker; whoever waits gets another one when it is gone. */
  async function discard(worker: Worker): Promise<void> {
    unrest(worker)
    await worker.terminate()
  }

  function startForNext(): void {
    if (closed || alive.size >= limits.most) return
    const next = waiting.shift()
    if (next !== undefined) startFor(next)
  }

  function startFor({ take, fail }: Waiting): void {
    try {
      take(start())
    } catch (error) {
      // No thread could be made; the one who waits must hear of it.
      fail(error)
    }
  }

  /** The worker that worked last is taken first, so that the others can end. */
  function acquire(signal: AbortSignal): Promise<Worker> {
    const { promise, resolve, reject } = Promise.withResolvers<Worker>()
    const rested = signal.aborted || closed ? undefined : idle.pop()
    if (signal.aborted) reject(signal.reason)
    else if (closed) reject(closedError())
    else if (rested !== undefined) {
      clearTimeout(rested.timer)
      rested.worker.ref()
      resolve(rested.worker)
    } else if (alive.size < limits.most) startFor({ take: resolve, fail: reject })
    else if (waiting.length >= (limits.waitingMax ?? WAITING_MAX)) {
      reject(new RowbeatError('INTERNAL_ERROR', `${waiting.length} calls already wait for a thread`))
    } else queue(signal, { take: resolve, fail: reject })
    return promise
  }

  function queue(signal: AbortSignal, { take, fail }: Waiting): void {
    const leave = (): void => {
      waiting.splice(waiting.indexOf(entry), 1)
      fail(signal.reason)
    }
    const entry: Waiting = {
      take: (worker) => {
        signal.removeEventListener('abort', leave)
        take(worker)
      },
      fail: (error) => {
        signal.removeEventListener('abort', leave)
        fail(error)
      },
    }
    waiting.push(entry)
    signal.addEventListener('abort', leave, { once: true })
  }

  return {
    async run<Output>(...[task, input, options]: Parameters<Compute['run']>): Promise<Output> {
      const worker = await acquire(options.signal)
      let answer: ThreadAnswer
      try {
        answer = await callThread(worker, task, input, { ...options, heapMaxMb: limits.heapMaxMb })
      } catch (error) {
        // Only when it is gone does the caller hear of it: a retry must not run beside its predecessor.
        await discard(worker)
        throw closed ? closedError() : error
      }
      release(worker)
      return resultOf(answer) as Output
    },
    size: () => alive.size,
    close: async () => {
      closed = true
      for (const one of waiting.splice(0)) one.fail(closedError())
      await Promise.all([...alive].map(discard))
    },
  }
}
