/** What an audit is given, and the domain that its steps work on. */
import { z } from 'zod'
import { RowbeatError } from '../../../core/errors.ts'
import type { JobContext } from '../../../core/ports.ts'
import { parseDomain } from '../domain.ts'
import type { StoredProfile } from '../store.ts'

/** Input of the audit and of each of its steps; only the domain is needed. */
export const AuditInput = z.strictObject({
  domain: z.string().min(1).max(1000),
  max_pages: z.int().min(1).max(500).default(50),
  max_competitors: z.int().min(1).max(100).default(20),
  max_articles: z.int().min(1).max(1000).default(100),
  min_word_count: z.int().min(1).max(10_000).default(150),
  time_window_days: z.int().min(7).max(3650).default(90),
  skip_llm: z.boolean().default(false),
  skip_gap_analysis: z.boolean().default(false),
})
export type AuditInput = z.infer<typeof AuditInput>

export type AuditContext = JobContext<AuditInput>

/** The domain of a job in its one form; INVALID_INPUT when it may not be audited. */
export function domainOf(context: AuditContext): string {
  const answer = parseDomain(context.input.domain, (host) => context.outbound.isMapped(host))
  if (!answer.ok) throw new RowbeatError('INVALID_INPUT', answer.problem)
  return answer.domain
}

/** The profile, or DEPENDENCY_NOT_COMPLETED when the domain was never analysed. */
export function requireProfile(profile: StoredProfile | null, domain: string): StoredProfile {
  if (profile !== null) return profile
  throw new RowbeatError(
    'DEPENDENCY_NOT_COMPLETED',
    `${domain} has no profile: the editorial analysis must run first`,
  )
}

/** Seconds since `started`, a reading of `performance.now()`. */
export function secondsSince(started: number): number {
  return Math.round(performance.now() - started) / 1000
}
