/** Daemon processes as the runner sees them: started, signalled by their id, and never forgotten. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { waitFor } from './clock.ts'
import type { CreatorTask, DaemonTask, Report } from './messages.ts'

const DAEMON = fileURLToPath(new URL('daemon.ts', import.meta.url))
const CREATOR = fileURLToPath(new URL('creator.ts', import.meta.url))
const START_MS = 40_000
const TEXTS_MAX = 500
const OUTPUT_MAX = 20_000

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Daemon {
  readonly name: string
  readonly pid: number
  readonly exited: Promise<Ended>
  /** Null while it runs. */
  ended(): Ended | null
  /** True once it has begun to work. */
  isReady(): boolean
  /** True when its end was ordered. */
  isDoomed(): boolean
  /** What it told, newest last. */
  texts(): readonly string[]
  output(): string
  /** SIGKILL, SIGTERM: its end is expected from now on. */
  end(signal: 'SIGKILL' | 'SIGTERM'): void
  pause(): void
  resume(): void
  /** It is expected to end by itself, at a failpoint. */
  doom(): void
  /** Resident memory in MiB; null where the system does not tell. */
  memoryMiB(): Promise<number | null>
}

/** Every process started here. */
const alive = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

/** Additional environment of a daemon, for instance a preloaded library; it has no other. */
export type Surroundings = Readonly<Record<string, string>>

/** Starts a daemon process; it may not work yet when this returns. */
export function spawnDaemon(task: DaemonTask, surroundings: Surroundings = {}): Daemon {
  const child = fork(DAEMON, [JSON.stringify(task)], {
    env: { ...surroundings },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const texts: string[] = []
  let ready = false
  let doomed = false
  let output = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (output.length < OUTPUT_MAX) output += text
  })
  child.on('message', (report: Report) => {
    if (report.type === 'ready') ready = true
    if (report.type === 'event' && texts.push(report.text) > TEXTS_MAX) texts.shift()
  })
  const { exited, ended } = watchEnd(child)
  return {
    name: task.name,
    pid: child.pid ?? 0,
    exited,
    ended,
    isReady: () => ready,
    isDoomed: () => doomed,
    texts: () => texts,
    output: () => output,
    end: (signal) => {
      doomed = true
      child.kill(signal)
      // A stopped process takes no other signal than SIGKILL before it goes on.
      if (signal === 'SIGTERM') child.kill('SIGCONT')
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    doom: () => {
      doomed = true
    },
    memoryMiB: () => readMemory(child.pid ?? 0),
  }
}

/** Waits until a daemon works; false when it ended first or takes too long. */
export async function untilReady(daemon: Daemon): Promise<boolean> {
  await waitFor(() => daemon.isReady() || daemon.ended() !== null, START_MS)
  return daemon.isReady()
}

/** Runs a creator to its end, by itself or by a failpoint; returns what it was told before. */
export async function runCreator(task: CreatorTask, timeoutMs: number): Promise<ReadonlyMap<string, string>> {
  const child = fork(CREATOR, [JSON.stringify(task)], { env: {}, execArgv: [], stdio: 'inherit' })
  const created = new Map<string, string>()
  child.on('message', (report: Report) => {
    if (report.type === 'created') created.set(report.subject, report.executionId)
  })
  const { exited } = watchEnd(child)
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  await exited
  clearTimeout(timer)
  return created
}

function watchEnd(child: ChildProcess): { exited: Promise<Ended>; ended: () => Ended | null } {
  alive.add(child)
  let ended: Ended | null = null
  // A child that ends while it is written to: its end says it all.
  child.on('error', () => undefined)
  const exited = once(child, 'exit').then(([code, signal]): Ended => {
    alive.delete(child)
    ended = { code, signal }
    return ended
  })
  return { exited, ended: () => ended }
}

async function readMemory(pid: number): Promise<number | null> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  return kib === undefined ? null : Math.round(Number(kib) / 1024)
}
