/** Errors as `application/problem+json` (RFC 9457): whatever is thrown on the way to an answer ends here. */
import type { Context } from 'hono'
import { isDatabaseOutage } from '../core/errors.ts'
import { PROBLEM_CODES, ProblemError } from '../core/problems.ts'

/** Where the codes are explained; the fragment is the code. */
const DOCUMENTATION = '/docs/errors.md'

/** The answer for anything thrown. Only {@link ProblemError}s speak for themselves; the rest says nothing of its inside. */
export function problemResponse(c: Context, error: unknown): Response {
  const problem = toProblem(error)
  const { status, title } = PROBLEM_CODES[problem.code]
  const requestId = c.get('requestId')
  const body = {
    type: `${DOCUMENTATION}#${problem.code}`,
    title,
    status,
    detail: problem.message,
    code: problem.code,
    ...(typeof requestId === 'string' ? { request_id: requestId } : {}),
    ...(problem.errors === undefined ? {} : { errors: problem.errors }),
  }
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store', ...problem.headers },
  })
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
