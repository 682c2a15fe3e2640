/** Runs the trend pipeline in a thread of its own: it computes for seconds on end, and heartbeats must go on. */
import { Worker } from 'node:worker_threads'
import { isErrorCode, RowbeatError } from '../../../core/errors.ts'
import type { TrendStage } from '../trends/pipeline.ts'
import type { TrendResult } from '../types.ts'
import type { TrendHooks, TrendQuestion } from './rooms.ts'

/** What the thread tells. */
export type ThreadMessage =
  | { readonly kind: 'stage'; readonly stage: TrendStage; readonly done: number; readonly total: number }
  | { readonly kind: 'result'; readonly result: TrendResult }
  | { readonly kind: 'error'; readonly code: string; readonly message: string }

/** Most memory of the thread in MiB; beyond it the thread ends and the step fails, not the process. */
const HEAP_MAX_MB = 1536

/** Like `runTrends`, in a thread that ends with the signal. Throws what `runTrends` throws, and the signal's reason. */
export async function runTrendsInThread(question: TrendQuestion, hooks: TrendHooks): Promise<TrendResult> {
  hooks.signal.throwIfAborted()
  const thread = new Worker(new URL('./trend-worker.ts', import.meta.url), {
    workerData: question,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MAX_MB },
  })
  const { promise, resolve, reject } = Promise.withResolvers<TrendResult>()
  const stop = (): void => reject(hooks.signal.reason)
  hooks.signal.addEventListener('abort', stop, { once: true })
  thread.on('message', (message: ThreadMessage) => {
    if (message.kind === 'stage') hooks.onStage(message.stage, message.done, message.total)
    else if (message.kind === 'result') resolve(message.result)
    else
      reject(new RowbeatError(isErrorCode(message.code) ? message.code : 'INTERNAL_ERROR', message.message))
  })
  thread.on('error', reject)
  thread.on('exit', (code) => reject(new Error(`the trend thread ended early with code ${code}`)))
  try {
    return await promise
  } finally {
    hooks.signal.removeEventListener('abort', stop)
    await thread.terminate()
  }
}
