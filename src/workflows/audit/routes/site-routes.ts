/** The routes of profiles and competitors. */
import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import {
  CompetitorListResponse,
  DomainParam,
  ListQuery,
  SiteHistoryResponse,
  SiteListResponse,
  SiteProfileResponse,
  ValidateCompetitorsBody,
} from '../schema.ts'
import { answerCompetitors, validateCompetitors } from './competitors.ts'
import { type AuditRouteDeps, requireDomain } from './deps.ts'
import { type Env, json, problems } from './documented.ts'
import { answerHistory, answerSite, listSites } from './sites.ts'

const tags = ['Sites']

const getSites = createRoute({
  method: 'get',
  path: '/api/v1/sites',
  operationId: 'listSites',
  summary: 'The newest profile of each site',
  tags,
  request: { query: ListQuery },
  responses: { 200: json(SiteListResponse, 'Profiles, newest first'), ...problems(422) },
})

const getSite = createRoute({
  method: 'get',
  path: '/api/v1/sites/{domain}',
  operationId: 'getSite',
  summary: 'The newest profile of a site',
  tags,
  request: { params: DomainParam },
  responses: { 200: json(SiteProfileResponse, 'The profile'), ...problems(404, 422) },
})

const getHistory = createRoute({
  method: 'get',
  path: '/api/v1/sites/{domain}/history',
  operationId: 'getSiteHistory',
  summary: 'All analyses of a site',
  tags,
  request: { params: DomainParam, query: ListQuery },
  responses: { 200: json(SiteHistoryResponse, 'Analyses, newest first'), ...problems(404, 422) },
})

const getCompetitors = createRoute({
  method: 'get',
  path: '/api/v1/competitors/{domain}',
  operationId: 'listCompetitors',
  summary: 'Candidates of a site with scores and reasons',
  tags,
  request: { params: DomainParam },
  responses: { 200: json(CompetitorListResponse, 'Candidates, best first'), ...problems(404, 422) },
})

const postVerdicts = createRoute({
  method: 'post',
  path: '/api/v1/competitors/{domain}/validate',
  operationId: 'validateCompetitors',
  summary: 'Keeps, adds or excludes competitors by hand',
  tags,
  request: {
    params: DomainParam,
    body: { required: true, content: { 'application/json': { schema: ValidateCompetitorsBody } } },
  },
  responses: { 200: json(CompetitorListResponse, 'All candidates afterwards'), ...problems(404, 415, 422) },
})

/** Adds the routes to an app. */
export function registerSites(app: OpenAPIHono<Env>, deps: AuditRouteDeps): void {
  app.openapi(getSites, async (c) => {
    const body = await listSites(deps, c.req.valid('query'))
    return c.json(body, 200, linkToNext(c.req.url, body.next_cursor))
  })
  app.openapi(getSite, async (c) => {
    return c.json(await answerSite(deps, requireDomain(deps, c.req.valid('param').domain)), 200)
  })
  app.openapi(getHistory, async (c) => {
    const domain = requireDomain(deps, c.req.valid('param').domain)
    const body = await answerHistory(deps, domain, c.req.valid('query'))
    return c.json(body, 200, linkToNext(c.req.url, body.next_cursor))
  })
  app.openapi(getCompetitors, async (c) => {
    return c.json(await answerCompetitors(deps, requireDomain(deps, c.req.valid('param').domain)), 200)
  })
  app.openapi(postVerdicts, async (c) => {
    const domain = requireDomain(deps, c.req.valid('param').domain)
    return c.json(await validateCompetitors(deps, domain, c.req.valid('json')), 200)
  })
}

/** RFC 8288 link to the next page, relative to the host so that proxies do no harm. */
function linkToNext(url: string, cursor: string | null): Record<string, string> {
  if (cursor === null) return {}
  const next = new URL(url)
  next.searchParams.set('cursor', cursor)
  return { Link: `<${next.pathname}${next.search}>; rel="next"` }
}
