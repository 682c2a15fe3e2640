/** Child processes as the benchmark sees them. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Mark, Order, Report, Task } from './messages.ts'

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url))
const LOAD_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 15_000

export type Done = Extract<Report, { type: 'done' }>

export interface Child {
  readonly pid: number
  /** Begins; resolves when a worker works. */
  start(): Promise<void>
  /** Begins, and resolves when a producer has ended. */
  finish(timeoutMs: number): Promise<Done>
  /** Jobs handled so far, and the monotonic time at which the first one began. */
  handled(): { readonly count: number; readonly firstMs: number }
  /** When the handler of each numbered job began. */
  marks(): Promise<readonly Mark[]>
  /** Lets it end by itself, or kills it. */
  stop(): Promise<void>
}

const alive = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

/** Starts a child for one task; resolves when it has loaded and connected. */
export async function startChild(system: string, url: string, task: Task): Promise<Child> {
  const child = fork(CHILD, [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  alive.add(child)
  child.once('exit', () => alive.delete(child))
  let handled = { count: 0, firstMs: 0 }
  child.on('message', (report: Report) => {
    if (report.type === 'handled') handled = report
  })
  const order = (message: Order): void => {
    child.send(message, (error) => {
      // A child that has ended is noticed by whoever waits for its answer.
      if (error !== null) child.kill('SIGKILL')
    })
  }
  const ask = <T extends Report['type']>(message: Order, type: T, timeoutMs: number) => {
    const answer = waitFor(child, type, timeoutMs)
    order(message)
    return answer
  }
  await ask({ type: 'load', system, url, task }, 'ready', LOAD_TIMEOUT_MS)
  return {
    pid: child.pid ?? 0,
    start: async () => {
      await ask({ type: 'go' }, 'working', LOAD_TIMEOUT_MS)
    },
    finish: (timeoutMs) => ask({ type: 'go' }, 'done', timeoutMs),
    handled: () => handled,
    marks: async () => (await ask({ type: 'tell-marks' }, 'marks', LOAD_TIMEOUT_MS)).marks,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      order({ type: 'stop' })
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
      await ended
      clearTimeout(timer)
    },
  }
}

/** Resolves with the next report of a type; rejects when the child fails, ends or says nothing for too long. */
function waitFor<T extends Report['type']>(
  child: ChildProcess,
  type: T,
  timeoutMs: number,
): Promise<Extract<Report, { type: T }>> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      clearTimeout(timer)
      child.off('message', onMessage)
      child.off('exit', onExit)
      act()
    }
    const onMessage = (report: Report): void => {
      if (isOfType(report, type)) settle(() => resolve(report))
      else if (report.type === 'failed') settle(() => reject(new Error(report.message)))
    }
    const onExit = (): void =>
      settle(() => reject(new Error(`a child process ended before it said "${type}"`)))
    const onTimeout = (): void =>
      settle(() => reject(new Error(`a child process did not say "${type}" within ${timeoutMs / 1000} s`)))
    const timer = setTimeout(onTimeout, timeoutMs)
    child.on('message', onMessage)
    child.once('exit', onExit)
  })
}

function isOfType<T extends Report['type']>(report: Report, type: T): report is Extract<Report, { type: T }> {
  return report.type === type
}

/** Starts several children, and stops all of them however `work` ends. */
export async function withChildren<T>(
  starts: readonly (() => Promise<Child>)[],
  work: (children: readonly Child[]) => Promise<T>,
): Promise<T> {
  const children: Child[] = []
  try {
    for (const start of starts) children.push(await start())
    return await work(children)
  } finally {
    await Promise.all(children.map((child) => child.stop()))
  }
}
