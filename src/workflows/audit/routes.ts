/** The audit's routes. */
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { requireRight, startRight } from './routes/admission.ts'
import { type AuditRouteDeps, requireDomain, type StartDoor, type StoredAnswer } from './routes/deps.ts'
import { type Env, json, problems } from './routes/documented.ts'
import { registerSites } from './routes/site-routes.ts'
import { answerAudit, prepareStart } from './routes/start.ts'
import { answerStatus } from './routes/status.ts'
import {
  AuditQuery,
  AuditStatusResponse,
  DomainParam,
  PendingAuditResponse,
  SiteAuditResponse,
  StartAuditBody,
  StatusParams,
} from './schema.ts'

export type {
  AuditProblem,
  AuditRouteDeps,
  CreateAudit,
  NewAudit,
  ProblemExtras,
  StartDoor,
  StoredAnswer,
} from './routes/deps.ts'

const tags = ['Site audit']

const getAudit = createRoute({
  method: 'get',
  path: '/api/v1/sites/{domain}/audit',
  operationId: 'getAudit',
  summary: 'The audit of a site; starts what is missing',
  tags,
  request: { params: DomainParam, query: AuditQuery },
  responses: {
    200: json(SiteAuditResponse, 'The audit'),
    202: json(PendingAuditResponse, 'Work was started or is running; Location leads to its status'),
    ...problems(400, 403, 404, 409, 422, 429),
  },
})

const postAudit = createRoute({
  method: 'post',
  path: '/api/v1/sites/{domain}/audit',
  operationId: 'startAudit',
  summary: 'Starts an audit',
  tags,
  request: {
    params: DomainParam,
    headers: z.object({
      'idempotency-key': z.string().min(1).max(255).optional().openapi({
        description:
          'The same key and request within 24 h give the stored answer; keys of other callers never meet it',
      }),
    }),
    body: { required: false, content: { 'application/json': { schema: StartAuditBody } } },
  },
  responses: {
    200: json(PendingAuditResponse, 'An audit of the site already runs'),
    202: json(PendingAuditResponse, 'The audit was started; Location leads to its status'),
    ...problems(400, 403, 415, 422, 429),
  },
})

const getStatus = createRoute({
  method: 'get',
  path: '/api/v1/sites/{domain}/audit/status/{execution_id}',
  operationId: 'getAuditStatus',
  summary: 'How far an audit is',
  tags,
  request: { params: StatusParams },
  responses: {
    200: json(AuditStatusResponse, 'The status'),
    304: { description: 'Unchanged since If-None-Match' },
    ...problems(404, 422),
  },
})

/** An app with the audit's routes at their full paths, to be mounted at `/`. Problems are thrown for it to answer. */
export function auditRoutes(deps: AuditRouteDeps): OpenAPIHono<Env> {
  const app = new OpenAPIHono<Env>({
    defaultHook: (result) => {
      if (!result.success) throw validationProblem(deps, result.target, result.error.issues)
    },
  })

  app.openapi(getAudit, async (c) => {
    const domain = requireDomain(deps, c.req.valid('param').domain)
    const answer = await answerAudit(
      deps,
      domain,
      c.req.valid('query'),
      c.var.requestId ?? null,
      startRight(c.req.method, (name) => c.req.header(name)),
    )
    if (answer.kind === 'document') return c.json(answer.body, 200)
    return c.json(answer.answer.body, 202, answer.answer.headers)
  })

  app.openapi(postAudit, async (c) => {
    const domain = requireDomain(deps, c.req.valid('param').domain)
    requireRight(
      deps,
      domain,
      startRight(c.req.method, (name) => c.req.header(name)),
    )
    const body = StartAuditBody.parse(c.req.valid('json') ?? {})
    const prepare = async () => {
      const begin = await prepareStart(deps, domain, body, c.var.requestId ?? null)
      return async (within: StartDoor): Promise<StoredAnswer> => {
        const { created, ...answer } = await begin(within)
        return { status: created ? 202 : 200, ...answer }
      }
    }
    const key = c.req.valid('header')['idempotency-key']
    const caller = c.var.caller ?? 'anonymous'
    const route = `POST ${postAudit.path}`
    const answer =
      key === undefined || deps.idempotent === undefined
        ? await (await prepare())(deps)
        : await deps.idempotent({ caller, route, key, content: { path: { domain }, body } }, prepare)
    return c.json(PendingAuditResponse.parse(answer.body), answer.status, { ...answer.headers })
  })

  app.openapi(getStatus, async (c) => {
    const { domain, execution_id } = c.req.valid('param')
    const answer = await answerStatus(
      deps,
      requireDomain(deps, domain),
      execution_id,
      c.req.header('if-none-match'),
    )
    if (answer.kind === 'unchanged') return c.body(null, 304, { ...answer.headers })
    return c.json(answer.body, 200, { ...answer.headers })
  })

  registerSites(app, deps)
  return app
}

/** The 422 for input that its schema refuses; pointers start with where it came from. */
function validationProblem(
  deps: AuditRouteDeps,
  target: string,
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): Error {
  const place = target === 'param' ? 'path' : target === 'json' ? 'body' : target
  const errors = issues.slice(0, 50).map((issue) => ({
    pointer: `/${[place, ...issue.path.map(String)].join('/')}`,
    detail: issue.message,
  }))
  const detail = errors.map((error) => `${error.pointer}: ${error.detail}`).join('; ')
  return deps.problem('VALIDATION_FAILED', detail.slice(0, 1000), { errors })
}
