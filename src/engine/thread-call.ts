/** One call in a thread, seen from outside: what it is asked, what it tells, and the limits that end it. */
import type { Worker } from 'node:worker_threads'
import { isErrorCode, messageOf, RowbeatError } from '../core/errors.ts'
import { JobError, skip, snooze } from '../core/outcome.ts'
import type { ThreadOptions, ThreadTask } from '../core/ports.ts'
import type { TaskCall, ThreadAnswer, ThreadMessage } from './thread-worker.ts'

/** Between looks at the buffers of a thread; most calls have ended before the first. */
const BUFFERS_EVERY_MS = 200
const MIB = 2 ** 20

/**
 * Calls the task in this worker. Resolves with its answer, whatever that is; rejects when the worker can no longer
 * be used: with the task's code at its limits, with the signal's reason, or with why the worker broke.
 */
export async function callThread(
  worker: Worker,
  task: ThreadTask,
  input: unknown,
  { signal, onReport, heapMaxMb }: ThreadOptions & { readonly heapMaxMb: number },
): Promise<ThreadAnswer> {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<ThreadAnswer>()
  const onOverrun = (): void =>
    reject(new RowbeatError(task.limitCode, `${task.name} takes more than ${task.limitSeconds} s`))
  const onFull = (): void =>
    reject(
      new RowbeatError(
        task.memoryCode ?? task.limitCode,
        `${task.name} needs more than ${heapMaxMb} MiB of memory`,
      ),
    )
  const onMessage = (message: ThreadMessage): void => {
    if (message.kind !== 'report') {
      resolve(message)
      return
    }
    try {
      onReport?.(message.report)
    } catch (error) {
      // Thrown from a listener it would end the process.
      reject(error)
    }
  }
  const onError = (error: Error): void => {
    if ('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') onFull()
    else reject(error)
  }
  const onExit = (code: number): void => reject(new Error(`the thread ended early with code ${code}`))
  const onAbort = (): void => reject(signal.reason)
  const timer = setTimeout(onOverrun, task.limitSeconds * 1000)
  const endWatch = watchBuffers(worker, heapMaxMb * MIB, onFull)
  worker.on('message', onMessage).on('messageerror', onError).on('error', onError).on('exit', onExit)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const call: TaskCall = { module: task.module.href, name: task.name, input }
    try {
      worker.postMessage(call)
    } catch (error) {
      // The thread has heard nothing of it, and can be asked something else.
      const message = `what ${task.name} is given must be plain data: ${messageOf(error)}`
      return { kind: 'error', code: 'INTERNAL_ERROR', message, stack: '' }
    }
    return await promise
  } finally {
    clearTimeout(timer)
    endWatch()
    signal.removeEventListener('abort', onAbort)
    worker.off('message', onMessage).off('messageerror', onError).off('error', onError).off('exit', onExit)
  }
}

/** What the caller of a task is given for an answer; throws what the task threw. */
export function resultOf(answer: ThreadAnswer): unknown {
  if (answer.kind === 'result') return answer.result
  if (answer.kind === 'snooze') return snooze(answer.seconds)
  const code = isErrorCode(answer.code) ? answer.code : 'INTERNAL_ERROR'
  if (answer.kind === 'skip') return skip(code, answer.message)
  const { message, stack, retryAfterSeconds, final } = answer
  if (final !== undefined) throw new JobError(answer.code, message, { final, retryAfterSeconds })
  throw new RowbeatError(code, message, {
    cause: stack,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  })
}

/** The limit of a heap does not hold for what lies outside of it: buffers are looked at from here. */
function watchBuffers(worker: Worker, maxBytes: number, onFull: () => void): () => void {
  let asked = false
  const look = async (): Promise<void> => {
    if (asked) return
    asked = true
    try {
      const { external_memory: bytes } = await worker.getHeapStatistics()
      if (bytes > maxBytes) onFull()
      asked = false
    } catch {
      // It is ending, and tells so itself; it is not asked again.
    }
  }
  const timer = setInterval(() => void look(), BUFFERS_EVERY_MS)
  return () => clearInterval(timer)
}
