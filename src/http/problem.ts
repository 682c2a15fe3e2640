/** Errors as `application/problem+json` (RFC 9457): whatever is thrown on the way to an answer ends here. */
import type { Context } from 'hono'
import { isDatabaseOutage } from '../core/errors.ts'
import { PROBLEM_CODES, ProblemError } from '../core/problems.ts'
import type { HttpEnv } from './app.ts'

/** Where the codes are explained; the fragment is the code. */
const DOCUMENTATION = '/docs/errors.md'

/** A problem as what goes over the wire. */
export interface ProblemAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Puts a problem into words; `requestId` leads to the log. */
export function problemAnswer(problem: ProblemError, requestId: string): ProblemAnswer {
  const { status, title } = PROBLEM_CODES[problem.code]
  const body = {
    type: `${DOCUMENTATION}#${problem.code}`,
    title,
    status,
    detail: problem.message,
    code: problem.code,
    request_id: requestId,
    ...(problem.errors === undefined ? {} : { errors: problem.errors }),
  }
  const headers = {
    'Content-Type': 'application/problem+json',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'X-Request-Id': requestId,
    ...problem.headers,
  }
  return { status, headers, body: JSON.stringify(body) }
}

/** The answer for anything thrown. Only {@link ProblemError}s speak for themselves; the rest says nothing of its inside. */
export function problemResponse(c: Context<HttpEnv>, error: unknown): Response {
  const { status, headers, body } = problemAnswer(toProblem(error), c.get('requestId'))
  return new Response(body, { status, headers })
}

function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error
  if (isDatabaseOutage(error)) {
    return new ProblemError(
      'DATABASE_UNAVAILABLE',
      'The database cannot be reached; try again in a few seconds.',
      {
        headers: { 'Retry-After': '5' },
      },
    )
  }
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined
  // Thrown by the framework when a body is not JSON, before any schema sees it.
  if (status === 400) return new ProblemError('MALFORMED_JSON', 'The body is not valid JSON.')
  if (status === 415) return new ProblemError('UNSUPPORTED_MEDIA_TYPE', 'The body must be application/json.')
  if (status === 413) return new ProblemError('PAYLOAD_TOO_LARGE', 'The body is larger than 1 MiB.')
  return new ProblemError(
    'INTERNAL_ERROR',
    'The request could not be answered. The log holds the details under the request id.',
  )
}

/** True when the error is our own fault and belongs into the log with its stack. */
export function isOurFault(error: unknown): boolean {
  return toProblem(error).code === 'INTERNAL_ERROR'
}
