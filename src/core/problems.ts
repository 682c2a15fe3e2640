/** Codes of the HTTP API's own errors, with status and title; job errors keep theirs (`errors.ts`). */
export const PROBLEM_CODES = {
  BAD_REQUEST: { status: 400, title: 'The request is not valid HTTP' },
  MALFORMED_JSON: { status: 400, title: 'The body is not valid JSON' },
  DOMAIN_UNRESOLVABLE: { status: 400, title: 'The domain has no address in the DNS' },
  CROSS_SITE_REFUSED: { status: 403, title: 'Pages of other sites may not start work' },
  NOT_FOUND: { status: 404, title: 'There is nothing at this address' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'The method is not allowed here' },
  REQUEST_TIMEOUT: { status: 408, title: 'The request took too long to arrive' },
  AUDIT_RESTING: {
    status: 409,
    title: 'The audit has just ended, and rests before it is tried again',
  },
  PAYLOAD_TOO_LARGE: { status: 413, title: 'The body is too large' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The body must be application/json' },
  EXPECTATION_FAILED: { status: 417, title: 'What the Expect header asks for is not done here' },
  HOST_NOT_SERVED: { status: 421, title: 'This server does not answer to that host name' },
  VALIDATION_FAILED: { status: 422, title: 'The request does not fit the contract' },
  IDEMPOTENCY_KEY_REUSED: { status: 422, title: 'The Idempotency-Key was used for another request' },
  TOO_MANY_IDEMPOTENCY_KEYS: { status: 429, title: 'As many Idempotency-Keys are remembered as may be' },
  TOO_MANY_AUDITS: { status: 429, title: 'As many audits run as may run at once' },
  HEADERS_TOO_LARGE: { status: 431, title: 'The header of the request is too large' },
  INTERNAL_ERROR: { status: 500, title: 'Something went wrong on our side' },
  DATABASE_UNAVAILABLE: { status: 503, title: 'The database cannot be reached at the moment' },
} as const satisfies Record<string, { status: number; title: string }>

export type ProblemCode = keyof typeof PROBLEM_CODES

export interface FieldProblem {
  /** JSON pointer (RFC 6901) into the body, or `/query/name`, `/path/name`. */
  readonly pointer: string
  readonly detail: string
}

/** Thrown by a route; the HTTP room turns it into `application/problem+json` (RFC 9457). */
export class ProblemError extends Error {
  readonly code: ProblemCode
  readonly errors: readonly FieldProblem[] | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: ProblemCode,
    detail: string,
    more: {
      readonly errors?: readonly FieldProblem[]
      readonly headers?: Readonly<Record<string, string>>
    } = {},
  ) {
    super(detail)
    this.name = 'ProblemError'
    this.code = code
    this.errors = more.errors
    this.headers = more.headers ?? {}
  }
}
