/** Asks a Rowbeat server about an audit. Bounded in time and size; problems become sentences. */
import { z } from 'zod'
import { AuditStatusResponse, PendingAuditResponse, SiteAuditResponse } from '../workflows/audit/schema.ts'
import { readAnswerText } from './answer-text.ts'
import { Failure } from './faults.ts'
import { pause } from './stop-requests.ts'

export type AuditAnswer =
  | { readonly kind: 'document'; readonly document: SiteAuditResponse; readonly json: unknown }
  | { readonly kind: 'pending'; readonly executionId: string }

export interface AuditClient {
  /** Asks for the audit; starts what is missing, everything with `refresh`. */
  askForAudit(domain: string, options: { readonly refresh: boolean }): Promise<AuditAnswer>
  readStatus(domain: string, executionId: string): Promise<AuditStatusResponse>
}

/** A document of a large site has about one megabyte. */
const ANSWER_MAX_BYTES = 32 * 1024 * 1024
const REQUEST_TIMEOUT_MS = 15_000
/** How long a server that answers with nothing but errors is asked again. */
const PATIENCE_MS = 60_000
const RETRY_MS = 500
/** A server says "not now" with these. */
const PASSING = new Set([429, 500, 502, 503, 504])

const Problem = z.object({
  detail: z.string().optional(),
  title: z.string().optional(),
  code: z.string().optional(),
})

/**
 * A client of the server at `url`. Requests that meet a passing failure are repeated for up to a minute; then, and
 * for a refusal, a {@link Failure} is thrown. An abort of `signal` rejects with its reason.
 */
export function createAuditClient(url: string, signal: AbortSignal): AuditClient {
  const pathOf = (domain: string): string => `${url}/api/v1/sites/${encodeURIComponent(domain)}/audit`
  return {
    askForAudit: async (domain, { refresh }) => {
      const path = pathOf(domain)
      const got = await request(`${path}${refresh ? '?refresh=true' : ''}`, 'GET', signal)
      // The last audit has just failed and a GET may not repeat it yet; whoever types a command means it.
      if (got.status === 409) return readAnswer(await request(path, 'POST', signal))
      return readAnswer(got)
    },
    readStatus: async (domain, executionId) => {
      const got = await request(`${pathOf(domain)}/status/${executionId}`, 'GET', signal)
      if (got.status !== 200) throw refusal(got)
      return AuditStatusResponse.parse(got.json)
    },
  }
}

interface Got {
  readonly status: number
  readonly json: unknown
}

function readAnswer(got: Got): AuditAnswer {
  const running = PendingAuditResponse.safeParse(got.json)
  if ((got.status === 202 || got.status === 200) && running.success) {
    return { kind: 'pending', executionId: running.data.execution_id }
  }
  if (got.status !== 200) throw refusal(got)
  return { kind: 'document', document: SiteAuditResponse.parse(got.json), json: got.json }
}

async function request(url: string, method: 'GET' | 'POST', signal: AbortSignal): Promise<Got> {
  const giveUpAt = performance.now() + PATIENCE_MS
  for (;;) {
    const got = await tryRequest(url, method, signal)
    if (!(got instanceof Error) && !PASSING.has(got.status)) return got
    if (performance.now() >= giveUpAt) {
      throw got instanceof Error
        ? new Failure(`the server does not answer: ${reasonOf(got)}`, got)
        : refusal(got)
    }
    await pause(RETRY_MS, signal)
    signal.throwIfAborted()
  }
}

/** One try; an error of the network is returned, because it may pass. */
async function tryRequest(url: string, method: 'GET' | 'POST', signal: AbortSignal): Promise<Got | Error> {
  try {
    const response = await fetch(url, {
      method,
      headers: { accept: 'application/json' },
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
    })
    const { text, whole } = await readAnswerText(response, ANSWER_MAX_BYTES)
    return { status: response.status, json: whole ? parseJson(text) : null }
  } catch (error) {
    signal.throwIfAborted()
    return error instanceof Error ? error : new Error(String(error))
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Something else than a Rowbeat server answered; the caller refuses what is no document.
    return null
  }
}

function refusal({ status, json }: Got): Failure {
  const problem = Problem.safeParse(json)
  const said = problem.success ? (problem.data.detail ?? problem.data.title) : undefined
  return new Failure(said ?? `the server answered with status ${status} and no explanation`)
}

function reasonOf(error: Error): string {
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message
}
