/** Asks for an audit and watches it until it ends. */
import type { AuditStatusResponse, SiteAuditResponse } from '../workflows/audit/schema.ts'
import type { AuditClient } from './audit-client.ts'
import { Failure } from './faults.ts'
import { openProgressDisplay } from './progress-display.ts'
import { pause } from './stop-requests.ts'
import type { Screen } from './terminal.ts'

export type AuditOutcome =
  /** There is a document; `status` is how the run ended that made it, null when it was stored before. */
  | {
      readonly kind: 'document'
      readonly document: SiteAuditResponse
      readonly json: unknown
      readonly status: AuditStatusResponse | null
    }
  /** The run failed or was cancelled. */
  | { readonly kind: 'ended'; readonly status: AuditStatusResponse }
  /** The person asked to stop; the run stays in the database. */
  | { readonly kind: 'interrupted'; readonly executionId: string | null }

export interface FollowOptions {
  readonly refresh: boolean
  /** Where the progress is shown. */
  readonly screen: Screen
  readonly signal: AbortSignal
  /** Seconds that one audit may take; the server ends it then. */
  readonly maxSeconds: number
}

const LOOK_EVERY_MS = 500
/** A run that was left from before may have tried less than is needed now: another one follows. */
const ROUNDS_MAX = 3
/** The server's limit comes first; this one is for a server without a poller. */
const GRACE_SECONDS = 60

/** Follows the audit of a domain to its end. Throws a Failure when the server refuses or never ends it. */
export async function followAudit(
  client: AuditClient,
  domain: string,
  options: FollowOptions,
): Promise<AuditOutcome> {
  let executionId: string | null = null
  let status: AuditStatusResponse | null = null
  try {
    for (let round = 1; round <= ROUNDS_MAX; round++) {
      // Only the first question may say refresh: each one that does starts another run.
      const answer = await client.askForAudit(domain, { refresh: options.refresh && round === 1 })
      if (answer.kind === 'document') return { ...answer, status }
      executionId = answer.executionId
      status = await watch(client, domain, executionId, options)
      if (status.overall_status === 'failed' || status.overall_status === 'cancelled')
        return { kind: 'ended', status }
    }
  } catch (error) {
    if (options.signal.aborted) return { kind: 'interrupted', executionId }
    throw error
  }
  throw new Failure(
    `the audit of ${domain} ended ${ROUNDS_MAX} times and there is still no document: see the log`,
  )
}

async function watch(
  client: AuditClient,
  domain: string,
  executionId: string,
  { screen, signal, maxSeconds }: FollowOptions,
): Promise<AuditStatusResponse> {
  const display = openProgressDisplay(screen)
  const giveUpAt = performance.now() + (maxSeconds + GRACE_SECONDS) * 1000
  try {
    for (;;) {
      const status = await client.readStatus(domain, executionId)
      display.show(status)
      if (status.end_time !== null) return status
      if (performance.now() > giveUpAt) {
        throw new Failure(
          `the audit of ${domain} has not ended in ${maxSeconds} s: is a poller running? See /health.`,
        )
      }
      await pause(LOOK_EVERY_MS, signal)
      signal.throwIfAborted()
    }
  } finally {
    display.close()
  }
}
