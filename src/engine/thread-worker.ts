/** The inside of a thread: calls the functions it is told to, one after another. */
import { parentPort } from 'node:worker_threads'
import { codeOf, messageOf, RowbeatError } from '../core/errors.ts'
import { JobError, SkipSignal, SnoozeSignal } from '../core/outcome.ts'

/** What a thread is asked. */
export interface TaskCall {
  /** Address of the module. */
  readonly module: string
  /** Name of the function it exports. */
  readonly name: string
  readonly input: unknown
}

/** What a call ends with. An error loses its class on the way to another thread; what is needed of it is told. */
export type ThreadAnswer =
  | { readonly kind: 'result'; readonly result: unknown }
  | { readonly kind: 'skip'; readonly code: string; readonly message: string }
  | { readonly kind: 'snooze'; readonly seconds: number }
  | {
      readonly kind: 'error'
      readonly code: string
      readonly message: string
      readonly stack: string
      readonly retryAfterSeconds?: number | undefined
      /** Given when the function named the code itself: whether no other try can help. */
      readonly final?: boolean
    }

/** What a thread tells: any number of reports, then the answer. */
export type ThreadMessage = { readonly kind: 'report'; readonly report: unknown } | ThreadAnswer

/** Rest between reports: a function may report in every turn of its loop, the main loop must not drown in them. */
const REPORT_REST_MS = 50

const tell = (message: ThreadMessage): void => parentPort?.postMessage(message)

/** Sends the newest report now and then; `end` sends the one that is left, and nothing is sent after it. */
function createReports() {
  let toldAt = Number.NEGATIVE_INFINITY
  let newest: { readonly report: unknown } | null = null
  let ended = false
  const send = (): void => {
    if (newest === null) return
    const message: ThreadMessage = { kind: 'report', ...newest }
    newest = null
    toldAt = performance.now()
    tell(message)
  }
  return {
    report: (report: unknown): void => {
      if (ended) return
      newest = { report }
      if (performance.now() - toldAt >= REPORT_REST_MS) send()
    },
    end: (): void => {
      ended = true
      send()
    },
  }
}

async function call({ module, name, input }: TaskCall, report: (report: unknown) => void): Promise<unknown> {
  const exported: Readonly<Record<string, unknown>> = await import(module)
  const task = exported[name]
  if (typeof task !== 'function') throw new TypeError(`${name} is no function of ${module}`)
  return await task(input, report)
}

function answerOf(error: unknown): ThreadAnswer {
  if (error instanceof SkipSignal) return { kind: 'skip', code: error.code, message: error.message }
  if (error instanceof SnoozeSignal) return { kind: 'snooze', seconds: error.seconds }
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  if (error instanceof JobError) {
    const { code, final, message, retryAfterSeconds } = error
    return { kind: 'error', code, message, stack, retryAfterSeconds, final }
  }
  const retryAfterSeconds = error instanceof RowbeatError ? error.retryAfterSeconds : undefined
  return { kind: 'error', code: codeOf(error), message: messageOf(error), stack, retryAfterSeconds }
}

async function work(asked: TaskCall): Promise<void> {
  const reports = createReports()
  let answer: ThreadAnswer
  try {
    const result = await call(asked, reports.report)
    answer = { kind: 'result', result }
  } catch (error) {
    answer = answerOf(error)
  }
  try {
    reports.end()
    tell(answer)
  } catch (error) {
    const message = `what ${asked.name} gives must be plain data: ${messageOf(error)}`
    tell(answerOf(new RowbeatError('INTERNAL_ERROR', message, { cause: error })))
  }
}

parentPort?.on('message', (asked: TaskCall) => void work(asked))
