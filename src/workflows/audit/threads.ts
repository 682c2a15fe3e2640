/**
 * Threads for what computes long: the main loop keeps the heartbeats and the API. A few workers are started when
 * they are needed, take one task at a time, and end when nothing was asked of them for a while. Knows nothing of
 * the audit: a task is a function exported by a module, its input and output are plain data.
 */
import { Worker } from 'node:worker_threads'
import { type ErrorCode, isErrorCode, RowbeatError } from '../../core/errors.ts'
import type { TaskCall, ThreadMessage } from './thread-worker.ts'

/** A function that can run in a thread; it is called with the input and a function that reports progress. */
export interface ThreadTask {
  readonly module: URL
  /** Name of the exported function. */
  readonly name: string
  /** Most seconds of one call. */
  readonly limitSeconds: number
  /** What a call that takes more time or memory ends with. */
  readonly limitCode: ErrorCode
}

export interface ThreadOptions {
  /** Ends a call that waits; one that runs is ended together with its thread. */
  readonly signal: AbortSignal
  readonly onReport?: (report: unknown) => void
}

export interface Threads {
  /**
   * Calls the task in a thread. Throws what it throws, as `RowbeatError` with its code (`INTERNAL_ERROR` for what
   * has none), its `limitCode` when it takes too much time or memory, and the reason of the signal.
   */
  run<Output>(task: ThreadTask, input: unknown, options: ThreadOptions): Promise<Output>
  /** Workers alive now. */
  size(): number
}

export interface ThreadLimits {
  /** Most workers. */
  readonly most: number
  /** Most memory of one worker's old generation in MiB; beyond it the call fails, not the process. */
  readonly heapMaxMb: number
  /** An idle worker ends after this; default 30. */
  readonly idleSeconds?: number
  /** Calls that may wait for a worker; default 1,000. One more is refused with `INTERNAL_ERROR`. */
  readonly waitingMax?: number
}

interface Waiting {
  readonly take: (worker: Worker) => void
  readonly fail: (error: unknown) => void
}

type Answer = Exclude<ThreadMessage, { kind: 'report' }>

const IDLE_SECONDS = 30
const WAITING_MAX = 1000
const WORKER = new URL('./thread-worker.ts', import.meta.url)

/** A set of threads; nothing is started before the first call. */
export function createThreads(limits: ThreadLimits): Threads {
  const alive = new Set<Worker>()
  const idle: { readonly worker: Worker; readonly timer: NodeJS.Timeout }[] = []
  const waiting: Waiting[] = []

  function start(): Worker {
    const worker = new Worker(WORKER, { resourceLimits: { maxOldGenerationSizeMb: limits.heapMaxMb } })
    alive.add(worker)
    // A worker that breaks tells its call, when it has one; without a listener it would end the process.
    worker.on('error', () => undefined)
    worker.on('exit', () => forget(worker))
    return worker
  }

  function forget(worker: Worker): void {
    alive.delete(worker)
    const at = idle.findIndex((one) => one.worker === worker)
    if (at >= 0) clearTimeout(idle.splice(at, 1)[0]?.timer)
  }

  /** Hands a free worker to whoever waits longest, or lets it rest: it no longer keeps the process alive then. */
  function release(worker: Worker): void {
    const next = waiting.shift()
    if (next !== undefined) {
      next.take(worker)
      return
    }
    worker.unref()
    const timer = setTimeout(() => void discard(worker), (limits.idleSeconds ?? IDLE_SECONDS) * 1000)
    idle.push({ worker, timer: timer.unref() })
  }

  /** Ends a worker, and starts another one when somebody waits. */
  async function discard(worker: Worker): Promise<void> {
    forget(worker)
    if (alive.size < limits.most) {
      const next = waiting.shift()
      if (next !== undefined) startFor(next)
    }
    await worker.terminate()
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
    signal.throwIfAborted()
    const rested = idle.pop()
    if (rested !== undefined) {
      clearTimeout(rested.timer)
      rested.worker.ref()
      return Promise.resolve(rested.worker)
    }
    const { promise, resolve, reject } = Promise.withResolvers<Worker>()
    if (alive.size < limits.most) startFor({ take: resolve, fail: reject })
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
      fail,
    }
    waiting.push(entry)
    signal.addEventListener('abort', leave, { once: true })
  }

  return {
    async run<Output>(task: ThreadTask, input: unknown, options: ThreadOptions): Promise<Output> {
      const worker = await acquire(options.signal)
      let answer: Answer
      try {
        answer = await ask(worker, task, input, { ...options, heapMaxMb: limits.heapMaxMb })
      } catch (error) {
        await discard(worker)
        throw error
      }
      release(worker)
      if (answer.kind === 'result') return answer.result as Output
      const code = isErrorCode(answer.code) ? answer.code : 'INTERNAL_ERROR'
      throw new RowbeatError(code, answer.message, { cause: answer.stack })
    },
    size: () => alive.size,
  }
}

/** One call; rejects when the worker can no longer be used. */
async function ask(
  worker: Worker,
  task: ThreadTask,
  input: unknown,
  { signal, onReport, heapMaxMb }: ThreadOptions & Pick<ThreadLimits, 'heapMaxMb'>,
): Promise<Answer> {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const overrun = (what: string): void => reject(new RowbeatError(task.limitCode, `${task.name} ${what}`))
  const onMessage = (message: ThreadMessage): void => {
    if (message.kind === 'report') onReport?.(message.report)
    else resolve(message)
  }
  const onError = (error: Error): void => {
    const isFull = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
    if (isFull) overrun(`needs more than ${heapMaxMb} MiB of memory`)
    else reject(error)
  }
  const onExit = (code: number): void => reject(new Error(`the thread ended early with code ${code}`))
  const onAbort = (): void => reject(signal.reason)
  const timer = setTimeout(() => overrun(`takes more than ${task.limitSeconds} s`), task.limitSeconds * 1000)
  worker.on('message', onMessage).on('messageerror', onError).on('error', onError).on('exit', onExit)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const call: TaskCall = { module: task.module.href, name: task.name, input }
    worker.postMessage(call)
    return await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    worker.off('message', onMessage).off('messageerror', onError).off('error', onError).off('exit', onExit)
  }
}
