/** What the audit's routes are handed: effects and conventions that belong to other rooms. */
import type { Database, Outbound } from '../../../core/ports.ts'
import { parseDomain } from '../domain.ts'
import type { LatestExecution } from '../plan.ts'
import type { DurationHistory, ExecutionView } from '../progress.ts'
import type { AuditSettings } from '../settings.ts'

/** Codes of the problems that these routes answer with. */
export type AuditProblem =
  | 'VALIDATION_FAILED'
  | 'NOT_FOUND'
  | 'DOMAIN_UNRESOLVABLE'
  | 'AUDIT_RESTING'
  | 'CROSS_SITE_REFUSED'
  | 'TOO_MANY_AUDITS'

export interface ProblemExtras {
  readonly headers?: Readonly<Record<string, string>>
  /** For VALIDATION_FAILED: where and what. */
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[]
}

export interface NewAudit {
  readonly steps: readonly string[]
  readonly requestId: string | null
  /** Handed the domains whose audits live when a new one is to be made; throws to refuse it. */
  readonly admit: (live: readonly string[]) => void
}

/** An answer that can be stored and given again. */
export interface StoredAnswer {
  readonly status: 200 | 202
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

/** Creates an execution or finds the live one of the same subject; safe under any number of callers. */
export type CreateAudit = (
  workflow: string,
  input: { readonly domain: string },
  options: NewAudit,
) => Promise<{ readonly executionId: string; readonly created: boolean }>

/** Through which a start creates, and reads what it joined. */
export interface StartDoor {
  readonly createExecution: CreateAudit
  readExecution(executionId: string): Promise<ExecutionView | null>
}

export interface AuditRouteDeps extends StartDoor {
  readonly db: Database
  readonly outbound: Pick<Outbound, 'isMapped'>
  readonly settings: AuditSettings
  findLatestExecution(workflow: string, subject: string): Promise<ExecutionView | null>
  /** Runs of a subject that ended within so many seconds, newest first. */
  findRecentRuns(
    workflow: string,
    subject: string,
    withinSeconds: number,
  ): Promise<readonly LatestExecution[]>
  readDurations(jobTypes: readonly string[]): Promise<DurationHistory>
  /**
   * Runs a read, or shares the answer of one of the same name that begins after this call, so that a crowd costs as
   * little as two callers. The name says everything that the answer depends on; nobody may change the answer.
   */
  share<Answer>(name: string, read: () => Promise<Answer>): Promise<Answer>
  /** The error that the app answers as problem+json; thrown by the routes. */
  problem(code: AuditProblem, detail: string, extras?: ProblemExtras): Error
  /** Whether a name has an address; asked only when the settings say so and work is to start. */
  resolves?(domain: string): Promise<boolean>
  /**
   * Does work once per caller, route and key, and gives its stored answer to repeats, marked
   * `Idempotency-Replayed: true`. `prepare` is called when there is none yet: it reads what the work needs. The work is
   * handed what commits together with the key, and may use no other connection: the transaction holds one already, and
   * a crowd that waits for a second would wait for itself. Throws the problem for a key that was used for another
   * `content`, and when no more keys are remembered.
   */
  idempotent?(
    request: {
      readonly caller: string
      /** Method and path template. */
      readonly route: string
      readonly key: string
      /** What is asked for, as JSON. */
      readonly content: unknown
    },
    prepare: () => Promise<(within: StartDoor) => Promise<StoredAnswer>>,
  ): Promise<StoredAnswer>
}

/** The domain of a path in its one form; throws the 422. */
export function requireDomain(deps: AuditRouteDeps, text: string): string {
  const answer = parseDomain(text, (host) => deps.outbound.isMapped(host))
  if (answer.ok) return answer.domain
  throw deps.problem('VALIDATION_FAILED', answer.problem, {
    errors: [{ pointer: '/path/domain', detail: answer.problem }],
  })
}
