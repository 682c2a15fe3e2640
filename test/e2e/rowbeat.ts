/** Starts Rowbeat processes for tests, and speaks to them as a client does. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { AuditStatusResponse } from '../../src/workflows/audit/schema.ts'
import { until } from '../support/wait.ts'

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Rowbeat {
  /** Where its API answers; empty without one. */
  readonly url: string
  readonly pid: number
  /** Ends when the process does. */
  readonly exited: Promise<Exit>
  /** All that it printed so far. */
  output(): string
  kill(signal: NodeJS.Signals): void
}

export type Part = 'api' | 'poller'

/** What the first lines of the log say. */
const LISTENS = /"event":"http\.listening","url":"([^"]*)"/
const CLAIMS = /"event":"poller\.started"/

const PROGRAM = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const START_TIMEOUT_MS = 60_000
const OUTPUT_MAX = 2_000_000

/** Every process of this file, so that {@link stopAll} leaves none behind. */
const processes = new Set<ChildProcess>()

/** Starts a process with these settings and none of the surrounding ones; resolves when it works. */
export async function startRowbeat(
  settings: Readonly<Record<string, string>>,
  parts: readonly Part[] = ['api', 'poller'],
): Promise<Rowbeat> {
  const only = parts.length === 2 ? [] : [`--${parts[0] ?? 'api'}-only`]
  const child = spawn(process.execPath, [PROGRAM, 'start', ...only], {
    env: { PATH: process.env.PATH, PORT: '0', LOG_LEVEL: 'info', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  processes.add(child)
  let output = ''
  const take = (text: string): void => {
    if (output.length < OUTPUT_MAX) output += text
  }
  child.stdout.setEncoding('utf8').on('data', take)
  child.stderr.setEncoding('utf8').on('data', take)
  const exited = once(child, 'exit').then(([code, signal]): Exit => {
    processes.delete(child)
    return { code, signal }
  })
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null
  const ready = (): boolean =>
    (!parts.includes('api') || LISTENS.test(output)) && (!parts.includes('poller') || CLAIMS.test(output))
  await until(() => ended() || ready(), { timeoutMs: START_TIMEOUT_MS, what: 'Rowbeat to start' })
  if (ended()) throw new Error(`Rowbeat did not start:\n${output}`)
  return {
    url: LISTENS.exec(output)?.[1] ?? '',
    pid: child.pid ?? 0,
    exited,
    output: () => output,
    kill: (signal) => child.kill(signal),
  }
}

/** Kills what a test left running, and waits for its end. */
export async function stopAll(): Promise<void> {
  const ends = [...processes].map((child) => {
    const end = once(child, 'exit')
    child.kill('SIGKILL')
    return end
  })
  await Promise.all(ends)
}

/** Starts an audit by POST; returns its execution id. */
export async function postAudit(url: string, domain: string, body?: object): Promise<string> {
  const answer = await fetch(`${url}/api/v1/sites/${domain}/audit`, {
    method: 'POST',
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`POST for ${domain} answered ${answer.status}: ${text}`)
  return (JSON.parse(text) as { execution_id: string }).execution_id
}

/** The status of an audit; an answer other than 200 is thrown. */
export async function readStatus(
  url: string,
  domain: string,
  executionId: string,
): Promise<AuditStatusResponse> {
  const answer = await fetch(`${url}/api/v1/sites/${domain}/audit/status/${executionId}`)
  if (answer.status !== 200) throw new Error(`status answered ${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as AuditStatusResponse
}

/** Waits until an audit has ended; returns its last status. */
export async function awaitEnd(
  url: string,
  domain: string,
  executionId: string,
  timeoutMs: number,
): Promise<AuditStatusResponse> {
  return until(
    async () => {
      const status = await readStatus(url, domain, executionId)
      return status.end_time === null ? null : status
    },
    { timeoutMs, what: `the audit of ${domain} to end`, everyMs: 100 },
  )
}

/** The step of a status by its name. */
export function stepOf(status: AuditStatusResponse, name: string) {
  const step = status.workflow_steps.find((one) => one.workflow_type === name)
  if (step === undefined) throw new Error(`the status has no step ${name}`)
  return step
}
