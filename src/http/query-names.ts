/** Query parameters that a route does not know: refused by name, for a misspelt one would silently do nothing. */
import type { OpenAPIHono, RouteConfig } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import { type FieldProblem, ProblemError } from '../core/problems.ts'
import type { HttpEnv } from './app.ts'

/** Below it names are checked; probes of health and scrapers of metrics may add what they like. */
const CHECKED = '/api/v1/'
/** Most names told of in one answer. */
const TOLD_MAX = 20
const NAME_MAX = 100

/**
 * Checks the names in the query of every documented route below `/api/v1/` against its schema, before anything else of
 * the request is read. Throws the 422 that lists the unknown names and those that the route knows.
 */
export function refuseUnknownNames(
  app: Pick<OpenAPIHono<HttpEnv>, 'openAPIRegistry'>,
): MiddlewareHandler<HttpEnv> {
  // Made with the first request: the routes are added after their middleware.
  let known: ReadonlyMap<string, ReadonlySet<string>> | null = null
  return async (c, next) => {
    known ??= namesByRoute(app)
    const method = c.req.method === 'HEAD' ? 'GET' : c.req.method
    const names = known.get(`${method} ${routePath(c, -1)}`)
    if (names !== undefined) {
      const problems = unknownNames(new URL(c.req.url).searchParams.keys(), names)
      if (problems.length > 0) {
        const detail = problems.map((one) => `${one.pointer}: ${one.detail}`).join('; ')
        throw new ProblemError('VALIDATION_FAILED', detail.slice(0, 1000), { errors: problems })
      }
    }
    await next()
  }
}

/** What is wrong with the names of a query; each name once. */
export function unknownNames(asked: Iterable<string>, known: ReadonlySet<string>): FieldProblem[] {
  const takes = known.size === 0 ? 'it takes none' : `it takes ${[...known].sort().join(', ')}`
  return [...new Set(asked)]
    .filter((name) => !known.has(name))
    .slice(0, TOLD_MAX)
    .map((name) => ({
      pointer: `/query/${name.slice(0, NAME_MAX).toWellFormed().replaceAll('~', '~0').replaceAll('/', '~1')}`,
      detail: `this route has no such parameter; ${takes}`,
    }))
}

function namesByRoute(app: Pick<OpenAPIHono<HttpEnv>, 'openAPIRegistry'>): Map<string, Set<string>> {
  const routes = app.openAPIRegistry.definitions.flatMap((one) => (one.type === 'route' ? [one.route] : []))
  return new Map(
    routes
      .filter((route) => route.path.startsWith(CHECKED))
      .map((route) => [
        `${route.method.toUpperCase()} ${route.path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
        namesOf(route),
      ]),
  )
}

function namesOf(route: RouteConfig): Set<string> {
  const query = route.request?.query
  return new Set(query !== undefined && 'shape' in query ? Object.keys(query.shape) : [])
}
