/**
 * Every stable error code of Rowbeat in one table: what went wrong, whether another try can help, and what a
 * person can do about it. Jobs, executions and the HTTP API all speak these codes; a test proves that the
 * documentation lists each one.
 */
interface CodeFacts {
  /** True when the same attempt may succeed later without anybody changing anything. */
  readonly transient: boolean
  /** One action in plain words that a person can follow. */
  readonly action: string
}

export const ERROR_CODES = {
  RATE_LIMIT_EXCEEDED: {
    transient: true,
    action: 'Wait a few minutes: the remote site asked us to slow down. It is retried with a longer pause.',
  },
  NETWORK_UNREACHABLE: {
    transient: true,
    action: 'Check that the site is online and reachable from this machine, then run the audit again.',
  },
  DNS_FAILURE: {
    transient: true,
    action: 'Check the spelling of the domain and its DNS records, then run the audit again.',
  },
  TLS_FAILURE: {
    transient: false,
    action: 'Have the certificate of the site renewed or corrected, then run the audit again.',
  },
  UPSTREAM_TIMEOUT: {
    transient: true,
    action: 'The remote site answers too slowly. Try again when it is under less load.',
  },
  UPSTREAM_ERROR: {
    transient: true,
    action: 'The remote site answered with a server error. Try again later or tell its operator.',
  },
  UPSTREAM_REJECTED: {
    transient: false,
    action: 'The remote site refuses our requests. Ask its operator to allow the Rowbeat user agent.',
  },
  TOO_MANY_REDIRECTS: {
    transient: false,
    action: 'Correct the redirects of the site: they form a loop or a chain of more than five.',
  },
  RESPONSE_TOO_LARGE: {
    transient: false,
    action: 'The answer exceeds the size limit. Offer smaller pages or a smaller sitemap.',
  },
  CIRCUIT_OPEN: {
    transient: true,
    action: 'The remote service failed repeatedly and is given a rest. It is tried again by itself.',
  },
  ROBOTS_DISALLOWED: {
    transient: false,
    action: 'The robots.txt of the site forbids crawling. Allow the Rowbeat user agent there.',
  },
  ADDRESS_NOT_ALLOWED: {
    transient: false,
    action:
      'The address is not public. Only public sites are audited; map development hosts with OUTBOUND_HOST_MAP.',
  },
  NO_CONTENT: {
    transient: false,
    action: 'No readable page was found. Check that the site serves HTML pages with text.',
  },
  INSUFFICIENT_ARTICLES: {
    transient: false,
    action: 'Too few articles were found. Publish more, add competitors, or widen the time window.',
  },
  PROVIDER_NOT_CONFIGURED: {
    transient: false,
    action: 'Set SEARCH_PROVIDER and its settings, or add competitors by hand.',
  },
  STEP_TIMEOUT: {
    transient: true,
    action: 'The step ran past its time limit. Run it again, or reduce the amount of work it is given.',
  },
  OUT_OF_MEMORY: {
    transient: false,
    action:
      'The step needs more memory than its thread may take. Give it less work at once, or raise that limit.',
  },
  ORCHESTRATOR_TIMEOUT: {
    transient: false,
    action: 'The whole run exceeded its time limit. Start it again; finished data is reused.',
  },
  POLLER_LOST: {
    transient: true,
    action: 'The process that ran this job died. It is retried by itself; look at its logs if this repeats.',
  },
  POISON: {
    transient: false,
    action:
      'Its process died each time it ran alone. Look at the logs of that process and mend the handler or its input, then retry it.',
  },
  UNKNOWN_JOB_TYPE: {
    transient: false,
    action: 'Deploy a poller that knows this job type, or cancel the job.',
  },
  INVALID_INPUT: {
    transient: false,
    action: 'Correct the input and start again.',
  },
  INVALID_RESULT: {
    transient: false,
    action: 'Have the handler return plain data: what it returned cannot be written as JSON.',
  },
  RESULT_TOO_LARGE: {
    transient: false,
    action: 'Have the handler store what is large elsewhere, and return where it is.',
  },
  DEPENDENCY_NOT_COMPLETED: {
    transient: false,
    action: 'Look at the step it needs: this one was skipped because that one did not complete.',
  },
  DATABASE_UNAVAILABLE: {
    transient: true,
    action: 'The database could not be reached for a moment. The job is retried by itself.',
  },
  CANCELLED: {
    transient: false,
    action: 'The run was cancelled. Start it again when it is wanted.',
  },
  UNHANDLED_ERROR: {
    transient: true,
    action: 'The handler threw an error without a code. Its message and the logs say more.',
  },
  INTERNAL_ERROR: {
    transient: false,
    action: 'This is a fault of ours. Report it with the execution id; the logs hold the details.',
  },
} as const satisfies Record<string, CodeFacts>

export type ErrorCode = keyof typeof ERROR_CODES

/** Every code in the order of the table. */
export const ALL_ERROR_CODES = Object.keys(ERROR_CODES) as ErrorCode[]

/**
 * An error that a job, step or request ends with. `code` decides whether it is retried (see `retry.ts`), and
 * what the user is told; `message` is for people and may name the resource, never a secret.
 */
export class RowbeatError extends Error {
  readonly code: ErrorCode
  /** Seconds to wait before the next try, when the remote side said so (`Retry-After`). */
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; retryAfterSeconds?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'RowbeatError'
    this.code = code
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

/** `instanceof` for anything thrown: even that throws for a revoked Proxy. */
export function isA<T>(thrown: unknown, kind: abstract new (...given: never[]) => T): thrown is T {
  try {
    return thrown instanceof kind
  } catch {
    return false
  }
}

/** True when `value` is one of the codes of the table. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_CODES, value)
}

/**
 * The code of anything thrown. A lost or overloaded database is transient, whoever ran the statement; everything
 * else that is not a {@link RowbeatError} is our own fault: `INTERNAL_ERROR`.
 */
export function codeOf(error: unknown): ErrorCode {
  if (isA(error, RowbeatError)) return error.code
  return isDatabaseOutage(error) ? 'DATABASE_UNAVAILABLE' : 'INTERNAL_ERROR'
}

/**
 * SQLSTATE classes 08 (connection), 53 (resources), 40 (serialisation, deadlock), 57P (shutdown, crash recovery),
 * 55P03 (lock timeout), 25006 (server became read-only), 25P03 (it ended a transaction that said nothing):
 * https://www.postgresql.org/docs/18/errcodes-appendix.html
 */
const OUTAGE_SQLSTATE = /^(08|53|40|57P|55P03|25006|25P03)/
const OUTAGE_SOCKET = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
])
/** What node-postgres throws without any code. */
const OUTAGE_MESSAGE =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error)/

/** True when the error says that the database was not there, not that the statement was wrong. */
export function isDatabaseOutage(error: unknown): boolean {
  try {
    if (!(error instanceof Error)) return false
    const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
    return OUTAGE_SQLSTATE.test(code) || OUTAGE_SOCKET.has(code) || OUTAGE_MESSAGE.test(error.message)
  } catch {
    // A getter that throws, or a revoked Proxy: no error of the database is one.
    return false
  }
}

/** A message of at most 2,000 characters for anything thrown, fit to be stored. Never throws itself. */
export function messageOf(error: unknown): string {
  const text = textOf(error)
  const short = text.length > 2000 ? `${text.slice(0, 1999)}…` : text
  // Cutting may halve a character of two code units, which no database stores; nor does Postgres store U+0000.
  return short.toWellFormed().replaceAll('\0', '\uFFFD')
}

function textOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message || error.name : error)
  } catch {
    // An object without a prototype, or a getter that throws: handlers may throw anything.
    return 'something that has no message was thrown'
  }
}

/** What a person can do about a code: handlers may end with codes of their own, of which we know nothing. */
export function actionFor(code: string | null): string {
  if (code === null) return ERROR_CODES.INTERNAL_ERROR.action
  return isErrorCode(code) ? ERROR_CODES[code].action : 'The message and the logs of the job say more.'
}

/** True when a code is worth another try: those that handlers made up are, for these say so when one is not. */
export function isTransient(code: string | null): boolean {
  return code !== null && (!isErrorCode(code) || ERROR_CODES[code].transient)
}

const ofDatabase = new WeakSet<object>()

/** Notes that a connection of ours threw this. Returns it. */
export function noteDatabaseError(error: unknown): unknown {
  if (typeof error === 'object' && error !== null) ofDatabase.add(error)
  return error
}

/** True for an outage that a connection of ours met; a handler's own sockets fail with the same codes. */
export function isOwnOutage(error: unknown): boolean {
  return typeof error === 'object' && error !== null && ofDatabase.has(error) && isDatabaseOutage(error)
}
