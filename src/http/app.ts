/** The HTTP API: conventions that every route keeps, and the routes. */
import { randomUUID } from 'node:crypto'
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { bodyLimit } from 'hono/body-limit'
import { routePath } from 'hono/route'
import { ProblemError } from '../core/problems.ts'
import { callerOf } from './caller.ts'
import { type HealthDeps, healthRoutes } from './health.ts'
import { refuseForeignHosts } from './hosts.ts'
import { openApiDocument, Problem } from './openapi.ts'
import { isOurFault, problemResponse } from './problem.ts'
import { refuseUnknownNames } from './query-names.ts'

export interface HttpEnv {
  Variables: { requestId: string; traceparent: string | null; caller: string }
}

export interface HttpDeps {
  readonly version: string
  /** Names in `Host` that are answered to, beside loopback ones. */
  readonly servedHosts: ReadonlySet<string>
  readonly health: HealthDeps
  /** Prometheus text of all metrics. */
  readonly metrics: () => Promise<string>
  readonly observe: (method: string, route: string, status: number, seconds: number) => void
  /** Told of errors that are our own fault. */
  readonly onError: (error: unknown, requestId: string) => void
  /** Markdown that explains every error code: where the `type` of a problem leads. */
  readonly errorsPage: string
  /** Apps of the workflows, with their routes at full paths. */
  readonly workflowRoutes: readonly OpenAPIHono<{ Variables: { requestId?: string } }>[]
}

const BODY_MAX_BYTES = 1024 * 1024
const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

const metricsRoute = createRoute({
  method: 'get',
  path: '/metrics',
  operationId: 'getMetrics',
  summary: 'Metrics in the text format of Prometheus',
  tags: ['Health'],
  responses: { 200: { description: 'Metrics', content: { 'text/plain': { schema: z.string() } } } },
})
const documentRoute = createRoute({
  method: 'get',
  path: '/openapi.json',
  operationId: 'getOpenApi',
  summary: 'This document',
  tags: ['Documentation'],
  responses: {
    200: {
      description: 'OpenAPI 3.1',
      content: { 'application/json': { schema: z.looseObject({ openapi: z.string() }) } },
    },
  },
})

const errorsRoute = createRoute({
  method: 'get',
  path: '/docs/errors.md',
  operationId: 'getErrorPage',
  summary: 'Every error code and what to do about it: where the type of a problem leads',
  tags: ['Documentation'],
  responses: { 200: { description: 'Markdown', content: { 'text/markdown': { schema: z.string() } } } },
})

/** Builds the API. Every error, also an unknown path or method, is answered as problem+json. */
export function createHttp(deps: HttpDeps): OpenAPIHono<HttpEnv> {
  const app = new OpenAPIHono<HttpEnv>()

  app.use(async (c, next) => {
    const begun = performance.now()
    const asked = c.req.header('x-request-id') ?? ''
    const requestId = REQUEST_ID.test(asked) ? asked : randomUUID()
    const trace = c.req.header('traceparent') ?? ''
    c.set('requestId', requestId)
    c.set('traceparent', TRACEPARENT.test(trace) ? trace : null)
    c.set('caller', callerOf(c))
    await next()
    c.res.headers.set('X-Request-Id', requestId)
    const route = routePath(c, -1)
    deps.observe(
      c.req.method,
      route === '/*' ? 'unknown' : route,
      c.res.status,
      (performance.now() - begun) / 1000,
    )
  })
  app.use(refuseForeignHosts(deps.servedHosts))
  app.use(refuseUnknownNames(app))
  app.use(
    bodyLimit({
      maxSize: BODY_MAX_BYTES,
      onError: () => {
        throw new ProblemError('PAYLOAD_TOO_LARGE', 'The body is larger than 1 MiB.')
      },
    }),
  )

  app.onError((error, c) => {
    if (isOurFault(error)) deps.onError(error, c.get('requestId'))
    return problemResponse(c, error)
  })

  app.route('/', healthRoutes(deps.health, deps.version))
  for (const routes of deps.workflowRoutes) app.route('/', routes)

  app.openapi(metricsRoute, async (c) =>
    c.text(await deps.metrics(), 200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' }),
  )
  app.openAPIRegistry.register('Problem', Problem)
  let document: ReturnType<typeof openApiDocument> | null = null
  app.openAPIRegistry.registerPath(documentRoute)
  app.get('/openapi.json', (c) => {
    document ??= openApiDocument(app, deps.version)
    return c.json(document)
  })

  app.openAPIRegistry.registerPath(errorsRoute)
  app.get('/docs/errors.md', (c) =>
    c.body(deps.errorsPage, 200, { 'Content-Type': 'text/markdown; charset=utf-8' }),
  )

  app.notFound((c) => {
    const allowed = METHODS.filter((method) =>
      app.router.match(method, c.req.path)[0].some(([[, route]]) => route.path !== '/*'),
    )
    if (allowed.length > 0) {
      return problemResponse(
        c,
        new ProblemError('METHOD_NOT_ALLOWED', `${c.req.path} answers ${allowed.join(', ')}.`, {
          headers: { Allow: allowed.join(', ') },
        }),
      )
    }
    return problemResponse(
      c,
      new ProblemError('NOT_FOUND', `There is nothing at ${c.req.path}; /openapi.json lists every route.`),
    )
  })

  return app
}
