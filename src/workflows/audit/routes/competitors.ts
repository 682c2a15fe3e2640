/** Competitors of a client: what the search thinks of them, and what a person decides. */
import type { z } from '@hono/zod-openapi'
import { parseDomain } from '../domain.ts'
import type { CompetitorListResponse, ValidateCompetitorsBody } from '../schema.ts'
import { registrableDomain } from '../search/domains.ts'
import { type CompetitorVerdict, readCompetitors, readLatestProfile, saveVerdicts } from '../store.ts'
import type { AuditRouteDeps } from './deps.ts'

type CompetitorList = z.infer<typeof CompetitorListResponse>

/** All candidates with scores and reasons, best first; throws the 404 when none was ever looked for. */
export async function answerCompetitors(deps: AuditRouteDeps, clientDomain: string): Promise<CompetitorList> {
  const found = await readCompetitors(deps.db, clientDomain)
  if (found.length === 0) throw deps.problem('NOT_FOUND', `No competitor of ${clientDomain} is known.`)
  return {
    competitors: found.map((one) => ({
      domain: one.domain,
      relevance_score: one.relevance,
      confidence_score: one.confidence,
      validation_status: one.status,
      reason: one.reason,
      metadata: {
        title: one.title,
        description: one.description,
        similarity: one.similarity,
        combined_score: one.combined,
        decided_by: one.decidedBy,
        updated_at: one.updatedAt,
        sources: one.sources.map((source) => ({ ...source })),
      },
    })),
    total: found.length,
  }
}

/**
 * Stores what a person decided and answers with the list. Domains no search found become entries of their own;
 * those not named stay as they are. Throws the 422 of a domain that may not be audited, is named twice or is the
 * client itself, and the 404 of a client that nothing is known of.
 */
export async function validateCompetitors(
  deps: AuditRouteDeps,
  clientDomain: string,
  body: ValidateCompetitorsBody,
): Promise<CompetitorList> {
  const verdicts = readVerdicts(deps, clientDomain, body)
  const known =
    (await readLatestProfile(deps.db, clientDomain)) !== null ||
    (await readCompetitors(deps.db, clientDomain)).length > 0
  if (!known) throw deps.problem('NOT_FOUND', `${clientDomain} was never analysed.`)
  await saveVerdicts(deps.db, clientDomain, verdicts)
  return answerCompetitors(deps, clientDomain)
}

function readVerdicts(
  deps: AuditRouteDeps,
  client: string,
  body: ValidateCompetitorsBody,
): CompetitorVerdict[] {
  const errors: { pointer: string; detail: string }[] = []
  const verdicts = new Map<string, CompetitorVerdict>()
  for (const [at, one] of body.competitors.entries()) {
    const answer = parseDomain(one.domain, (host) => deps.outbound.isMapped(host))
    const domain = answer.ok ? (registrableDomain(answer.domain) ?? answer.domain) : ''
    const detail = !answer.ok
      ? answer.problem
      : domain === client || domain === registrableDomain(client)
        ? 'a site is not its own competitor'
        : verdicts.has(domain)
          ? `"${domain}" is named twice`
          : null
    if (detail !== null) errors.push({ pointer: `/body/competitors/${at}/domain`, detail })
    else verdicts.set(domain, { domain, status: one.validation_status, reason: one.reason ?? null })
  }
  if (errors.length === 0) return [...verdicts.values()]
  throw deps.problem(
    'VALIDATION_FAILED',
    errors
      .map((error) => error.detail)
      .join('; ')
      .slice(0, 1000),
    { errors },
  )
}
