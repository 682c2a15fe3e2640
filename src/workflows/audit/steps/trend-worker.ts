/** The inside of the trend thread: runs the pipeline on what it was started with and tells the outcome. */
import { parentPort, workerData } from 'node:worker_threads'
import { codeOf, messageOf } from '../../../core/errors.ts'
import { runTrends } from '../trends/pipeline.ts'
import type { TrendQuestion } from './rooms.ts'
import type { ThreadMessage } from './trend-thread.ts'

const tell = (message: ThreadMessage): void => parentPort?.postMessage(message)

try {
  const question = workerData as TrendQuestion
  tell({
    kind: 'result',
    result: runTrends({
      ...question,
      onStage: (stage, done, total) => tell({ kind: 'stage', stage, done, total }),
    }),
  })
} catch (error) {
  // An error loses its class on the way to another thread; its code and message are all that is needed.
  tell({ kind: 'error', code: codeOf(error), message: messageOf(error) })
}
