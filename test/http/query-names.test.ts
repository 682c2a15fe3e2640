import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { describe, expect, it } from 'vitest'
import { unknownNames } from '../../src/http/query-names.ts'
import { openHttp } from './open-http.ts'

const answers = { 200: { description: 'Fine', content: { 'application/json': { schema: z.object({}) } } } }
const params = z.object({ name: z.string() })
const query = z.object({ limit: z.string().optional(), cursor: z.string().optional() })

function openApp() {
  const routes = new OpenAPIHono<{ Variables: { requestId?: string } }>()
  const list = createRoute({
    method: 'get',
    path: '/api/v1/things/{name}/parts',
    request: { params, query },
    responses: answers,
  })
  const start = createRoute({
    method: 'post',
    path: '/api/v1/things/{name}',
    request: { params },
    responses: answers,
  })
  routes.openapi(list, (c) => c.json({}, 200))
  routes.openapi(start, (c) => c.json({}, 200))
  return openHttp({ workflowRoutes: [routes] })
}

describe('the query of a route', () => {
  it.each([
    ['/api/v1/things/a/parts', 'GET'],
    ['/api/v1/things/a/parts?limit=2&cursor=x', 'GET'],
    ['/api/v1/things/a/parts?cursor=', 'HEAD'],
    ['/api/v1/things/a', 'POST'],
    ['/health/live?probe=7', 'GET'],
    ['/metrics?name[]=x', 'GET'],
  ])('may hold what is known there: %s', async (path, method) => {
    expect((await openApp().request(path, { method })).status).toBe(200)
  })

  it('with an unknown name is refused, with the names that are known', async () => {
    const answer = await openApp().request('/api/v1/things/a/parts?limit=2&limits=3&Cursor=x&limits=4')
    expect(answer.status).toBe(422)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    const detail = 'this route has no such parameter; it takes cursor, limit'
    expect(await answer.json()).toMatchObject({
      code: 'VALIDATION_FAILED',
      errors: [
        { pointer: '/query/limits', detail },
        { pointer: '/query/Cursor', detail },
      ],
    })
  })

  it('is refused on routes that take none, whatever the method', async () => {
    const answer = await openApp().request('/api/v1/things/a?force=true', { method: 'POST' })
    expect(answer.status).toBe(422)
    expect(await answer.json()).toMatchObject({
      errors: [{ pointer: '/query/force', detail: 'this route has no such parameter; it takes none' }],
    })
  })

  it('is not what is wrong with an address or a method that does not exist', async () => {
    expect((await openApp().request('/api/v1/nothing?x=1')).status).toBe(404)
    expect((await openApp().request('/api/v1/things/a/parts?x=1', { method: 'DELETE' })).status).toBe(405)
  })
})

describe('unknown names', () => {
  it('are told of briefly, however many and long they are, as JSON pointers', () => {
    const many = Array.from({ length: 500 }, (_, at) => `${at}${'x'.repeat(5_000)}`)
    const problems = unknownNames(['a/b~c', '', ...many], new Set(['limit']))
    expect(problems).toHaveLength(20)
    expect(problems.slice(0, 2).map((one) => one.pointer)).toEqual(['/query/a~1b~0c', '/query/'])
    expect(Math.max(...problems.map((one) => one.pointer.length))).toBeLessThan(120)
  })
})
