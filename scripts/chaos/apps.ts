/** Whole Rowbeat processes, with API and poller, as an operator starts them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { waitFor } from './clock.ts'
import type { Ended } from './daemons.ts'

export interface App {
  readonly name: string
  /** Where its API answers. */
  readonly url: string
  readonly exited: Promise<Ended>
  /** True once it was told to end, or has ended. */
  isGone(): boolean
  output(): string
  end(signal: 'SIGKILL' | 'SIGTERM'): void
}

const PROGRAM = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
/** What the log says once it serves. */
const LISTENS = /"event":"http\.listening","url":"([^"]*)"/
const START_MS = 40_000
const OUTPUT_MAX = 500_000

const alive = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

/** Starts a process with these settings and none of the surrounding ones; throws when it does not serve in time. */
export async function startApp(name: string, settings: Readonly<Record<string, string>>): Promise<App> {
  const child = spawn(process.execPath, [PROGRAM, 'start'], {
    env: { PORT: '0', LOG_LEVEL: 'info', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  alive.add(child)
  let output = ''
  let gone = false
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = `${output}${text}`.slice(0, OUTPUT_MAX)
    })
  const exited = once(child, 'exit').then(([code, signal]): Ended => {
    alive.delete(child)
    gone = true
    return { code, signal }
  })
  const serves = await waitFor(() => gone || LISTENS.test(output), START_MS)
  if (gone || !serves) {
    child.kill('SIGKILL')
    throw new Error(`Rowbeat did not start: ${output.slice(-1_000)}`)
  }
  return {
    name,
    url: LISTENS.exec(output)?.[1] ?? '',
    exited,
    isGone: () => gone,
    output: () => output,
    end: (signal) => {
      gone = true
      child.kill(signal)
    },
  }
}
