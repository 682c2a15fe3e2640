/** What callers send. */
import { z } from '@hono/zod-openapi'
import { AUDIT_STEPS } from '../plan.ts'

/** A truth value in a query string; anything but these four words is refused. */
const queryFlag = (fallback: boolean, description: string) =>
  z
    .enum(['true', 'false', '1', '0'])
    .default(fallback ? 'true' : 'false')
    .transform((text) => text === 'true' || text === '1')
    .openapi({ description })

/** A whole number in a query string. `Number('')` is 0, so the text is checked first. */
const queryWhole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `must be a whole number from ${least} to ${most}`)
    .transform(Number)
    .pipe(z.number().min(least, `must be at least ${least}`).max(most, `must be at most ${most}`))

const documented = (least: number, most: number, description: string, fallback?: number) => ({
  type: 'integer' as const,
  minimum: least,
  maximum: most,
  description,
  ...(fallback === undefined ? {} : { default: fallback }),
})

/** Longest age that can be asked for: ten years. */
const AGE_HOURS_MAX = 87_600

export const DomainParam = z.object({
  domain: z
    .string()
    .min(1)
    .max(1000)
    .openapi({ description: 'Bare domain, such as example.com', example: 'example.com' }),
})

const NOT_AN_AUDIT = 'must be a UUID or "latest"'

export const StatusParams = DomainParam.extend({
  execution_id: z
    // Each alternative says it: of a union with one near miss, only that one's sentence is told.
    .union([z.uuid(NOT_AN_AUDIT), z.literal('latest', NOT_AN_AUDIT)], NOT_AN_AUDIT)
    .openapi({ type: 'string', description: 'Id of the audit, or `latest`', example: 'latest' }),
})

export const AuditQuery = z.object({
  min_client_articles: queryWhole(1, 100)
    .optional()
    .openapi(documented(1, 100, 'Articles of the client that are enough; default from the settings')),
  min_competitor_articles: queryWhole(1, 100)
    .optional()
    .openapi(documented(1, 100, 'Articles of competitors that are enough; default from the settings')),
  refresh: queryFlag(false, 'Run every step again, whatever is stored'),
  max_age_hours: z
    .string()
    .regex(/^\d{1,5}(?:\.\d{1,6})?$/, `must be a number from 0 to ${AGE_HOURS_MAX}`)
    .transform(Number)
    .pipe(z.number().max(AGE_HOURS_MAX, `must be at most ${AGE_HOURS_MAX}`))
    .optional()
    .openapi({
      type: 'number',
      minimum: 0,
      maximum: AGE_HOURS_MAX,
      description: 'Older data counts as missing',
    }),
  include_topics: queryFlag(false, 'Topics of each domain, and a summary of each section'),
  include_trending: queryFlag(true, 'Section trending_topics'),
  include_analyses: queryFlag(true, 'Section trend_analyses'),
  include_temporal: queryFlag(true, 'Section temporal_insights'),
  include_opportunities: queryFlag(true, 'Sections editorial_opportunities and gap_analysis'),
  topics_limit: queryWhole(1, 50)
    .optional()
    .openapi(documented(1, 50, 'Topics per domain', 10)),
  trending_limit: queryWhole(1, 100)
    .optional()
    .openapi(documented(1, 100, 'Trending topics', 15)),
})
export type AuditQuery = z.infer<typeof AuditQuery>

export const StartAuditBody = z
  .strictObject({
    force: z.boolean().optional().openapi({ description: 'Run every step, whatever is stored' }),
    steps: z
      .array(z.enum(AUDIT_STEPS))
      .min(1)
      .max(AUDIT_STEPS.length)
      .optional()
      .openapi({ description: 'Run exactly these steps' }),
  })
  .openapi('StartAuditRequest')
export type StartAuditBody = z.infer<typeof StartAuditBody>
