/** Settings of the site audit: one zod field per environment variable, and the record that the audit works with. */
import { z } from 'zod'

/** Settings of the audit in its own words; see {@link auditEnvironment} for what each one means. */
export interface AuditSettings {
  readonly maxDurationSeconds: number
  readonly freshSeconds: number
  readonly maxLive: number
  readonly minCompetitorArticles: number
  readonly minClientArticles: number
  readonly validateDomainDns: boolean
  readonly retry: { readonly tries: number; readonly minSeconds: number; readonly maxSeconds: number }
  readonly search: { readonly provider: 'none' | 'searxng'; readonly searxngUrl: string | null }
}

const whole = (least: number, most: number, fallback: number) =>
  z.coerce
    .number(`must be a whole number from ${least} to ${most}`)
    .int(`must be a whole number from ${least} to ${most}`)
    .min(least, `must be at least ${least}`)
    .max(most, `must be at most ${most}`)
    .default(fallback)

const flag = (fallback: boolean) =>
  z
    .union(
      [z.boolean(), z.stringbool({ truthy: ['true', '1'], falsy: ['false', '0'] })],
      'must be true or false',
    )
    .default(fallback)

const webAddress = z.url({ protocol: /^https?$/, error: 'must be an http or https address' })

/** The environment of the audit: names, ranges, defaults and one sentence each. Strings are converted. */
export const auditEnvironment = z.object({
  MAX_AUDIT_ORCHESTRATOR_DURATION: whole(60, 86_400, 3600).describe(
    'Seconds after which a whole audit is ended with its steps.',
  ),
  AUDIT_FRESH_SECONDS: whole(1, 86_400, 300).describe(
    'Seconds during which a finished audit counts as fresh, and is not started again by a plain GET.',
  ),
  AUDIT_MAX_LIVE: whole(1, 10_000, 20).describe(
    'Audits that may live at once; at most three of them of one registrable domain.',
  ),
  MIN_COMPETITOR_ARTICLES_FOR_AUDIT: whole(1, 100, 10).describe(
    'Articles of validated or manual competitors that an audit needs.',
  ),
  MIN_CLIENT_ARTICLES_FOR_AUDIT: whole(1, 100, 5).describe('Articles of the client that an audit needs.'),
  VALIDATE_DOMAIN_DNS: flag(false).describe('Refuse to audit a domain that has no address in the DNS.'),
  MAX_SCRAPING_RETRIES: whole(1, 20, 3).describe(
    'Tries of an audit step in all, the first included, when it fails for a passing reason.',
  ),
  SCRAPING_RETRY_WAIT_MIN: whole(1, 3600, 4).describe('Seconds before the first retry of an audit step.'),
  SCRAPING_RETRY_WAIT_MAX: whole(1, 3600, 10).describe(
    'Longest wait in seconds before a retry of an audit step.',
  ),
  SEARCH_PROVIDER: z
    .enum(['none', 'searxng'], 'must be none or searxng')
    .default('none')
    .describe('Where competitors are searched: searxng, or none to use only those added by hand.'),
  SEARXNG_URL: z
    .union([z.literal('').transform(() => undefined), webAddress], 'must be an http or https address')
    .optional()
    .describe('Base address of the SearXNG server, for SEARCH_PROVIDER=searxng.'),
})

export type AuditEnvironment = z.infer<typeof auditEnvironment>

/** What is wrong between settings that are each valid on their own, as `[name, sentence]` pairs. */
export function auditEnvironmentProblems(environment: AuditEnvironment): [keyof AuditEnvironment, string][] {
  const problems: [keyof AuditEnvironment, string][] = []
  if (environment.SEARCH_PROVIDER === 'searxng' && environment.SEARXNG_URL === undefined) {
    problems.push(['SEARXNG_URL', 'must be set when SEARCH_PROVIDER is searxng'])
  }
  if (environment.SCRAPING_RETRY_WAIT_MAX < environment.SCRAPING_RETRY_WAIT_MIN) {
    problems.push(['SCRAPING_RETRY_WAIT_MAX', 'must not be less than SCRAPING_RETRY_WAIT_MIN'])
  }
  return problems
}

/** The settings record for a parsed environment. */
export function toAuditSettings(environment: AuditEnvironment): AuditSettings {
  return {
    maxDurationSeconds: environment.MAX_AUDIT_ORCHESTRATOR_DURATION,
    freshSeconds: environment.AUDIT_FRESH_SECONDS,
    maxLive: environment.AUDIT_MAX_LIVE,
    minCompetitorArticles: environment.MIN_COMPETITOR_ARTICLES_FOR_AUDIT,
    minClientArticles: environment.MIN_CLIENT_ARTICLES_FOR_AUDIT,
    validateDomainDns: environment.VALIDATE_DOMAIN_DNS,
    retry: {
      tries: environment.MAX_SCRAPING_RETRIES,
      minSeconds: environment.SCRAPING_RETRY_WAIT_MIN,
      maxSeconds: environment.SCRAPING_RETRY_WAIT_MAX,
    },
    search: { provider: environment.SEARCH_PROVIDER, searxngUrl: environment.SEARXNG_URL ?? null },
  }
}
