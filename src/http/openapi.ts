/** The OpenAPI document: generated from the schemas that validate, completed with what every route has in common. */
import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from '@hono/zod-openapi'
import { PROBLEM_CODES, type ProblemCode } from '../core/problems.ts'

/** The body of every error. */
export const Problem = z
  .object({
    type: z.string().openapi({ description: 'Where the code is explained' }),
    title: z.string(),
    status: z.number().int().min(400).max(599),
    detail: z.string(),
    code: z.enum(Object.keys(PROBLEM_CODES) as [ProblemCode, ...ProblemCode[]]),
    request_id: z.string().optional(),
    errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
  })
  .openapi('Problem', { description: 'RFC 9457' })

const PROBLEM_CONTENT = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }
const ANY_PROBLEM = { description: 'Any other problem', content: PROBLEM_CONTENT }
const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const

/** Builds the document of `app`: each error answer that names no body has a {@link Problem}. */
export function openApiDocument(
  app: Pick<OpenAPIHono, 'getOpenAPI31Document' | 'openAPIRegistry'>,
  version: string,
) {
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Rowbeat',
      version,
      description:
        'Multi-step background work as rows in Postgres. Errors are application/problem+json (RFC 9457).',
    },
  })
  for (const path of Object.values(document.paths ?? {})) {
    for (const method of METHODS) {
      const responses = path[method]?.responses
      if (responses === undefined) continue
      for (const [status, response] of Object.entries(responses)) {
        if (Number(status) >= 400 && !('content' in response))
          Object.assign(response, { content: PROBLEM_CONTENT })
      }
      Object.assign(responses, { default: ANY_PROBLEM })
    }
  }
  return document
}
