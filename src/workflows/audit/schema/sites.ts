/** Profiles and competitors as they are listed. */
import { z } from '@hono/zod-openapi'

const time = z.iso.datetime()
const share = z.number().min(0).max(1)

export const SiteProfileResponse = z
  .object({
    domain: z.string(),
    analysis_date: time,
    execution_id: z.uuid().nullable(),
    language: z.string().nullable(),
    language_level: z.string(),
    editorial_tone: z.string(),
    target_audience: z.object({ primary: z.string(), level: z.string(), sectors: z.array(z.string()) }),
    activity_domains: z.object({
      primary_domains: z.array(z.string()),
      secondary_domains: z.array(z.string()),
      domain_details: z.record(
        z.string(),
        z.object({ label: z.string(), summary: z.string(), share, keywords: z.array(z.string()) }),
      ),
    }),
    content_structure: z.object({
      average_word_count: z.number(),
      average_paragraph_count: z.number(),
      average_paragraph_words: z.number(),
      heading_patterns: z.record(z.string(), z.number()),
      images_per_page: z.number(),
      videos_per_page: z.number(),
      internal_links_per_page: z.number(),
    }),
    keywords: z.array(
      z.object({ term: z.string(), score: z.number(), count: z.number(), pages: z.number() }),
    ),
    style_features: z.object({
      formality_score: share,
      flesch: z.number().nullable(),
      lix: z.number().nullable(),
      words_per_sentence: z.number(),
      tone_evidence: z.record(z.string(), z.number()),
    }),
    pages_analyzed: z.number().int().min(0),
    total_words: z.number().int().min(0),
    duration_seconds: z.number().min(0),
  })
  .openapi('SiteProfileResponse')
export type SiteProfileResponse = z.infer<typeof SiteProfileResponse>

export const SiteListResponse = z
  .object({ sites: z.array(SiteProfileResponse), next_cursor: z.string().nullable() })
  .openapi('SiteListResponse')

export const MetricComparison = z
  .object({
    metric_name: z.string(),
    current_value: z.number(),
    previous_value: z.number(),
    change: z
      .number()
      .nullable()
      .openapi({ description: 'Change in percent; null when the previous value is 0' }),
    trend: z.enum(['up', 'stable', 'down']),
  })
  .openapi('MetricComparison')
export type MetricComparison = z.infer<typeof MetricComparison>

export const SiteHistoryResponse = z
  .object({
    domain: z.string(),
    total_analyses: z.number().int().min(0).openapi({ description: 'Counted up to 10,000' }),
    history: z.array(SiteProfileResponse),
    metric_comparisons: z
      .array(MetricComparison)
      .nullable()
      .openapi({ description: 'The newest analysis against the one before; null when there is only one' }),
    first_analysis_date: time,
    last_analysis_date: time,
    next_cursor: z.string().nullable(),
  })
  .openapi('SiteHistoryResponse')

export const ListQuery = z.object({
  limit: z
    .string()
    .regex(/^\d{1,3}$/, 'must be a whole number from 1 to 200')
    .transform(Number)
    .pipe(z.number().min(1, 'must be at least 1').max(200, 'must be at most 200'))
    .optional()
    .openapi({ type: 'integer', minimum: 1, maximum: 200, default: 50 }),
  cursor: z.string().max(500).optional().openapi({ description: '`next_cursor` of the page before' }),
})

export const CompetitorDetail = z
  .object({
    domain: z.string(),
    relevance_score: share,
    confidence_score: share,
    validation_status: z.enum(['validated', 'manual', 'excluded']),
    reason: z.string(),
    metadata: z.object({
      title: z.string(),
      description: z.string(),
      similarity: share,
      combined_score: share,
      decided_by: z.enum(['search', 'person']),
      updated_at: time,
      sources: z.array(z.object({ query: z.string(), engine: z.string(), rank: z.number() })),
    }),
  })
  .openapi('CompetitorDetail')

export const CompetitorListResponse = z
  .object({ competitors: z.array(CompetitorDetail), total: z.number().int().min(0) })
  .openapi('CompetitorListResponse')

export const ValidateCompetitorsBody = z
  .strictObject({
    competitors: z
      .array(
        z.strictObject({
          domain: z.string().min(1).max(1000),
          validation_status: z.enum(['validated', 'manual', 'excluded']),
          reason: z.string().min(1).max(1000).optional(),
        }),
      )
      .min(1)
      .max(100),
  })
  .openapi('ValidateCompetitorsRequest')
export type ValidateCompetitorsBody = z.infer<typeof ValidateCompetitorsBody>
