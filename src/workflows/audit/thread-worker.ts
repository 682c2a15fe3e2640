/** The inside of a thread: calls the functions it is told to, one after another. */
import { parentPort } from 'node:worker_threads'
import { codeOf, messageOf } from '../../core/errors.ts'

/** What a thread is asked. */
export interface TaskCall {
  /** Address of the module. */
  readonly module: string
  /** Name of the function it exports. */
  readonly name: string
  readonly input: unknown
}

/** What a thread tells: any number of reports, then a result or an error. */
export type ThreadMessage =
  | { readonly kind: 'report'; readonly report: unknown }
  | { readonly kind: 'result'; readonly result: unknown }
  | { readonly kind: 'error'; readonly code: string; readonly message: string; readonly stack: string }

const tell = (message: ThreadMessage): void => parentPort?.postMessage(message)

async function answer({ module, name, input }: TaskCall): Promise<void> {
  try {
    const exported: Readonly<Record<string, unknown>> = await import(module)
    const task = exported[name]
    if (typeof task !== 'function') throw new TypeError(`${name} is no function of ${module}`)
    tell({
      kind: 'result',
      result: await task(input, (report: unknown) => tell({ kind: 'report', report })),
    })
  } catch (error) {
    // An error loses its class on the way to another thread; what is needed of it is told.
    const stack = error instanceof Error ? (error.stack ?? '') : ''
    tell({ kind: 'error', code: codeOf(error), message: messageOf(error), stack })
  }
}

parentPort?.on('message', (call: TaskCall) => void answer(call))
