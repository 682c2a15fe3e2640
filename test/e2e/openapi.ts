/** Reads an OpenAPI document, and holds answers against it. */
import { z } from 'zod'

const Schema = z.record(z.string(), z.unknown())
const Response = z.object({
  description: z.string().min(1),
  content: z.record(z.string(), z.object({ schema: Schema })).optional(),
})
const Operation = z.object({
  operationId: z.string().regex(/^[a-z][A-Za-z]+$/),
  summary: z.string().min(1),
  tags: z.array(z.string()).min(1),
  parameters: z
    .array(
      z.object({
        name: z.string(),
        in: z.enum(['path', 'query', 'header']),
        required: z.boolean().optional(),
        schema: Schema,
      }),
    )
    .optional(),
  requestBody: z
    .object({ required: z.boolean().optional(), content: z.record(z.string(), z.object({ schema: Schema })) })
    .optional(),
  responses: z.record(z.string().regex(/^(?:[1-5]\d\d|default)$/), Response),
})
export type Operation = z.infer<typeof Operation>

/** The parts of OpenAPI 3.1 that are used here; anything else in their place is refused. */
export const OpenApi = z.strictObject({
  openapi: z.string().regex(/^3\.1\.\d+$/),
  info: z.looseObject({ title: z.string(), version: z.string() }),
  paths: z.record(
    z.string().startsWith('/'),
    z.partialRecord(z.enum(['get', 'post', 'put', 'patch', 'delete']), Operation),
  ),
  components: z.strictObject({ schemas: z.record(z.string(), Schema), parameters: Schema.optional() }),
  webhooks: Schema.optional(),
})
export type OpenApi = z.infer<typeof OpenApi>

/** Every operation under `METHOD /path`. */
export function operationsOf(document: OpenApi): Map<string, Operation> {
  return new Map(
    Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]): [string, Operation] => [
        `${method.toUpperCase()} ${path}`,
        operation,
      ]),
    ),
  )
}

/** Every `$ref` anywhere in the document. */
export function refsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string' ? [inner] : refsIn(inner),
  )
}

/** The check for one answer of an operation; null when the document promises no body for it. */
export function checkOf(document: OpenApi, operation: Operation, status: number): z.ZodType | null {
  const response = operation.responses[String(status)] ?? operation.responses.default
  const body = Object.values(response?.content ?? {})[0]
  if (body === undefined) return null
  const inPlace = JSON.stringify({ ...body.schema, $defs: document.components.schemas })
  return z.fromJSONSchema(JSON.parse(inPlace.replaceAll('#/components/schemas/', '#/$defs/')))
}
