/** `healthcheck`: asks the server of this configuration whether it is ready; for containers and scripts. */
import { readConfig } from '../config.ts'
import { readAnswerText } from './answer-text.ts'
import { EXIT, type ExitCode, Failure, UsageError } from './faults.ts'
import { clean } from './layout.ts'

const TIMEOUT_MS = 3_000
/** Most of an answer that is quoted. */
const QUOTE_BYTES = 300

/** Silent and 0 when ready; throws a Failure that says why not. */
export async function healthcheck(): Promise<ExitCode> {
  const { host, port } = readConfig()
  if (port === 0)
    throw new UsageError('PORT is 0, so the server has any free port: set PORT to the one it has.')
  await requireReady(healthUrl(host, port), TIMEOUT_MS)
  return EXIT.ok
}

/** Where to ask; a server that listens everywhere is asked on this machine. */
export function healthUrl(host: string, port: number): string {
  const everywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }
  const target = everywhere[host] ?? host
  return `http://${target.includes(':') ? `[${target}]` : target}:${port}/health/ready`
}

/** Resolves when the address answers 200 in time. */
export async function requireReady(url: string, timeoutMs: number): Promise<void> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), redirect: 'manual' })
    if (response.status === 200) {
      await response.body?.cancel()
      return
    }
    const { text } = await readAnswerText(response, QUOTE_BYTES)
    throw new Failure(`${url} answered ${response.status}: ${clean(text)}`)
  } catch (error) {
    if (error instanceof Failure) throw error
    if (error instanceof Error && error.name === 'TimeoutError') {
      throw new Failure(`${url} did not answer within ${timeoutMs / 1000} s`, error)
    }
    const reason =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
    throw new Failure(`${url} cannot be reached: ${reason}`, error)
  }
}
