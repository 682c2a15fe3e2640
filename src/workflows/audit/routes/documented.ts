/** How the audit's routes are described in the OpenAPI document. */
import type { z } from '@hono/zod-openapi'

/** What the app around may have put into the context of a request. */
export interface Env {
  Variables: { requestId?: string; caller?: string }
}

/** A JSON answer for the OpenAPI document. */
export const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  description,
  content: { 'application/json': { schema } },
})
/** The error answers of a route for the OpenAPI document. */
export const problems = (...statuses: number[]) =>
  Object.fromEntries(
    statuses.map((status) => [status, { description: 'Problem (RFC 9457, application/problem+json)' }]),
  )
