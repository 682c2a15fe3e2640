import { Readable } from 'node:stream'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PROBLEM_CODES } from '../../src/core/problems.ts'
import {
  AuditStatusResponse,
  PendingAuditResponse,
  SiteAuditResponse,
} from '../../src/workflows/audit/schema.ts'
import { useTestDatabase } from '../support/database.ts'
import { until } from '../support/wait.ts'
import { type GatedDemo, startGatedDemo } from './gate.ts'
import { checkOf, OpenApi, operationsOf, refsIn } from './openapi.ts'
import { awaitEnd, postAudit, type Rowbeat, startRowbeat, stopAll } from './rowbeat.ts'

const CLIENT = 'atelier-velo.test'
const AUDIT = `/api/v1/sites/${CLIENT}/audit`
/** A site whose audit never gets anywhere: nothing listens at its address. */
const IDLE = 'idle.test'
const JSON_TYPE = { 'content-type': 'application/json' }

const database = useTestDatabase()
let gated: GatedDemo
let rowbeat: Rowbeat
let executionId = ''

beforeAll(async () => {
  gated = await startGatedDemo(() => false)
  rowbeat = await startRowbeat({
    ...gated.settings,
    DATABASE_URL: database.url,
    OUTBOUND_HOST_MAP: `${gated.settings.OUTBOUND_HOST_MAP},${IDLE}=127.0.0.1:9,other.test=127.0.0.1:9`,
  })
  // The first look at the state comes at once: a process that has just started does not count as sick.
  await until(async () => (await call('/health')).ok, { what: 'the process to be healthy' })
  executionId = await postAudit(rowbeat.url, CLIENT)
  const status = await awaitEnd(rowbeat.url, CLIENT, executionId, 90_000)
  expect(status.overall_status).toBe('completed')
}, 120_000)
afterAll(async () => {
  await stopAll()
  await gated.close()
})

function call(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${rowbeat.url}${path}`, init)
}

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return call(path, { method: 'POST', headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(body) })
}

async function readDocument(): Promise<OpenApi> {
  return OpenApi.parse(await (await call('/openapi.json')).json())
}

describe('a request that cannot be answered', () => {
  const refused: [what: string, code: keyof typeof PROBLEM_CODES, send: () => Promise<Response>][] = [
    ['an invalid domain', 'VALIDATION_FAILED', () => call('/api/v1/sites/not_a_domain/audit')],
    [
      'a reserved name that is not mapped',
      'VALIDATION_FAILED',
      () => call('/api/v1/sites/unmapped.test/audit'),
    ],
    ['a domain with a scheme', 'VALIDATION_FAILED', () => call('/api/v1/sites/https%3A%2F%2Fa.com/audit')],
    ['a path that is no valid encoding', 'VALIDATION_FAILED', () => call('/api/v1/sites/%E0%A4%A/audit')],
    ['an unknown execution', 'NOT_FOUND', () => call(`${AUDIT}/status/01890000-0000-7000-8000-000000000000`)],
    [
      'an execution of another domain',
      'NOT_FOUND',
      () => call(`/api/v1/sites/other.test/audit/status/${executionId}`),
    ],
    ['an execution id that is none', 'VALIDATION_FAILED', () => call(`${AUDIT}/status/17`)],
    ['an unknown query value', 'VALIDATION_FAILED', () => call(`${AUDIT}?include_topics=banana`)],
    ['a query value out of range', 'VALIDATION_FAILED', () => call(`${AUDIT}?topics_limit=51`)],
    [
      'malformed JSON',
      'MALFORMED_JSON',
      () => call(AUDIT, { method: 'POST', headers: JSON_TYPE, body: '{"force":' }),
    ],
    ['a body that is no object', 'VALIDATION_FAILED', () => post(AUDIT, [])],
    ['an unknown field', 'VALIDATION_FAILED', () => post(AUDIT, { colour: 'red' })],
    ['an unknown step', 'VALIDATION_FAILED', () => post(AUDIT, { steps: ['coffee'] })],
    ['a body of 10 MB', 'PAYLOAD_TOO_LARGE', () => post(AUDIT, { force: 'x'.repeat(10_000_000) })],
    [
      'another content type',
      'UNSUPPORTED_MEDIA_TYPE',
      () => call(AUDIT, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{}' }),
    ],
    ['an unknown route', 'NOT_FOUND', () => call('/api/v2/everything')],
    ['a wrong method', 'METHOD_NOT_ALLOWED', () => call(AUDIT, { method: 'PUT' })],
  ]

  for (const [what, code, send] of refused) {
    it(`is told what is wrong with ${what}`, async () => {
      const answer = await send()
      const { status, title } = PROBLEM_CODES[code]
      expect(answer.status).toBe(status)
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
      const body = (await answer.json()) as Record<string, unknown>
      expect(body).toMatchObject({
        type: expect.stringContaining(code),
        title,
        status,
        code,
        detail: expect.stringMatching(/\S{3}/),
        request_id: answer.headers.get('x-request-id'),
      })
      if (code === 'VALIDATION_FAILED') {
        expect(body.errors).toContainEqual({
          pointer: expect.stringMatching(/^\//),
          detail: expect.any(String),
        })
      }
      expect(JSON.stringify(body)).not.toMatch(/node_modules|\.ts:\d|\bselect\b/i)
    })
  }

  it('is refused early when its body never ends', async () => {
    let sent = 0
    const endless = function* () {
      for (; sent < 64 * 1024 * 1024; sent += 65_536) yield Buffer.alloc(65_536, ' ')
    }
    const answer = await request(`${rowbeat.url}${AUDIT}`, {
      method: 'POST',
      headers: JSON_TYPE,
      body: Readable.from(endless()),
    })
    expect(answer.statusCode).toBe(413)
    await answer.body.dump()
    expect(sent).toBeLessThan(32 * 1024 * 1024)
    expect((await call('/health/live')).status).toBe(200)
  })

  it('learns from a wrong method which ones are right', async () => {
    expect((await call(AUDIT, { method: 'DELETE' })).headers.get('allow')).toBe('GET, POST')
  })
})

describe('the request id', () => {
  it('is taken over when it is sane, and made when not', async () => {
    const given = await call('/health/live', { headers: { 'x-request-id': 'Build-7.a_b' } })
    expect(given.headers.get('x-request-id')).toBe('Build-7.a_b')
    for (const bad of ['two words', 'x'.repeat(129)]) {
      const answer = await call('/nothing', { headers: { 'x-request-id': bad } })
      expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    }
  })
})

describe('the audit', () => {
  it('is answered whole once its data is there', async () => {
    const answer = await call(`${AUDIT}?include_topics=true`)
    expect(answer.status).toBe(200)
    const document = SiteAuditResponse.parse(await answer.json())
    expect(document).toMatchObject({ execution_id: executionId, partial: false, is_fresh_analysis: true })
    expect(document.domains.length).toBeGreaterThan(0)
    expect(document.competitors.length).toBeGreaterThan(0)
    for (const section of ['trending_topics', 'trend_analyses', 'temporal_insights'] as const) {
      expect(document[section]).not.toBeNull()
    }
  })

  it('leaves out what is not asked for', async () => {
    const query =
      'include_trending=false&include_analyses=0&include_temporal=false&include_opportunities=false'
    const document = SiteAuditResponse.parse(await (await call(`${AUDIT}?${query}`)).json())
    expect(document).toMatchObject({
      trending_topics: null,
      trend_analyses: null,
      temporal_insights: null,
      editorial_opportunities: null,
      gap_analysis: null,
    })
    expect(document.domains.every((domain) => domain.topics.length === 0)).toBe(true)
  })

  it('is started by the first GET, which says where to look and when', async () => {
    const answer = await call(`/api/v1/sites/${IDLE}/audit`)
    expect(answer.status).toBe(202)
    const body = PendingAuditResponse.parse(await answer.json())
    expect(answer.headers.get('location')).toBe(`/api/v1/sites/${IDLE}/audit/status/${body.execution_id}`)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    const status = await call(answer.headers.get('location') ?? '')
    expect(AuditStatusResponse.parse(await status.json())).toMatchObject({ domain: IDLE, total_steps: 5 })
    const again = await post(`/api/v1/sites/${IDLE}/audit`, {})
    expect(again.status).toBe(200)
    expect(PendingAuditResponse.parse(await again.json()).execution_id).toBe(body.execution_id)
  })

  it('gives its status once, and then says that nothing has changed', async () => {
    const first = await call(`${AUDIT}/status/${executionId}`)
    expect(first.status).toBe(200)
    const etag = first.headers.get('etag') ?? ''
    expect(etag).toMatch(/^W\/".+"$/)
    expect(AuditStatusResponse.parse(await first.json())).toMatchObject({
      overall_status: 'completed',
      overall_progress: 100,
      completed_steps: 5,
      failed_workflow_details: [],
    })
    const second = await call(`${AUDIT}/status/${executionId}`, { headers: { 'if-none-match': etag } })
    expect(second.status).toBe(304)
    expect(second.headers.get('etag')).toBe(etag)
    expect(await second.text()).toBe('')
    const other = await call(`${AUDIT}/status/latest`, { headers: { 'if-none-match': 'W/"older"' } })
    expect(other.status).toBe(200)
  })

  it('is started once per Idempotency-Key, and the answer is given again', async () => {
    const path = '/api/v1/sites/other.test/audit'
    const key = { 'idempotency-key': 'order-4711' }
    const first = await post(path, { force: true }, key)
    expect(first.status).toBe(202)
    expect(first.headers.get('idempotency-replayed')).toBeNull()
    const body = PendingAuditResponse.parse(await first.json())
    const second = await post(path, { force: true }, key)
    expect(second.status).toBe(202)
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(second.headers.get('location')).toBe(first.headers.get('location'))
    expect(await second.json()).toEqual(body)
  })

  it('says what differs when an Idempotency-Key comes with another request', async () => {
    const path = '/api/v1/sites/other.test/audit'
    const key = { 'idempotency-key': 'order-4712' }
    expect((await post(path, { force: true }, key)).ok).toBe(true)
    const reused = await post(path, { force: false }, key)
    expect(reused.status).toBe(422)
    expect(await reused.json()).toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
      detail: expect.stringContaining('/body/force was true and is false'),
      errors: [{ pointer: '/body/force' }],
    })
    const elsewhere = await post(`/api/v1/sites/${IDLE}/audit`, { force: true }, key)
    expect(elsewhere.status).toBe(422)
    expect(await elsewhere.json()).toMatchObject({
      detail: expect.stringContaining(`/path/domain was other.test and is ${IDLE}`),
    })
  })

  it('is started once when the same key comes twice at the same moment', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        post(
          `/api/v1/sites/other.test/audit`,
          { steps: ['client_scraping'] },
          { 'idempotency-key': 'at-once' },
        ),
      ),
    )
    const ids = await Promise.all(
      answers.map(async (one) => PendingAuditResponse.parse(await one.json()).execution_id),
    )
    expect(new Set(ids).size).toBe(1)
    expect(answers.filter((one) => one.headers.get('idempotency-replayed') === null)).toHaveLength(1)
  })
})

describe('the OpenAPI document', () => {
  it('is sound: every reference resolves, every operation has its name and answers', async () => {
    const document = await readDocument()
    const known = new Set(
      Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`),
    )
    expect(refsIn(document).filter((ref) => !known.has(ref))).toEqual([])
    const operations = operationsOf(document)
    const ids = [...operations.values()].map((operation) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const [name, { responses, parameters }] of operations) {
      const placeholders = [...name.matchAll(/\{(\w+)\}/g)].map((match) => match[1])
      const inPath = (parameters ?? []).filter((one) => one.in === 'path' && one.required)
      expect(inPath.map((one) => one.name)).toEqual(placeholders)
      const bare = Object.entries(responses).filter(
        ([status, one]) => !/^(?:204|304)$/.test(status) && !one.content,
      )
      expect({ name, bare: bare.map(([status]) => status) }).toEqual({ name, bare: [] })
    }
  })

  it('promises problem+json for every error', async () => {
    for (const [, { responses }] of operationsOf(await readDocument())) {
      expect(Object.keys(responses.default?.content ?? {})).toEqual(['application/problem+json'])
    }
  })

  /** A call of every documented operation; the status that it ends with here. */
  const CALLS: Readonly<Record<string, readonly [path: string, status: number, body?: unknown]>> = {
    'GET /health': ['/health', 200],
    'GET /health/live': ['/health/live', 200],
    'GET /health/ready': ['/health/ready', 200],
    'GET /docs/errors.md': ['/docs/errors.md', 200],
    'GET /metrics': ['/metrics', 200],
    'GET /openapi.json': ['/openapi.json', 200],
    'GET /api/v1/sites/{domain}/audit': [AUDIT, 200],
    'POST /api/v1/sites/{domain}/audit': [`/api/v1/sites/${IDLE}/audit`, 200, {}],
    'GET /api/v1/sites/{domain}/audit/status/{execution_id}': [`${AUDIT}/status/latest`, 200],
    'GET /api/v1/sites': ['/api/v1/sites', 200],
    'GET /api/v1/sites/{domain}': [`/api/v1/sites/${CLIENT}`, 200],
    'GET /api/v1/sites/{domain}/history': [`/api/v1/sites/${CLIENT}/history`, 200],
    'GET /api/v1/competitors/{domain}': [`/api/v1/competitors/${CLIENT}`, 200],
    'POST /api/v1/competitors/{domain}/validate': [
      `/api/v1/competitors/${CLIENT}/validate`,
      200,
      { competitors: [{ domain: 'cyclo-fret.test', validation_status: 'validated', reason: 'known' }] },
    ],
  }

  it('explains every problem where its type leads', async () => {
    const problem = (await (await call('/nowhere')).json()) as { type: string; code: string }
    const page = await call(problem.type.replace(/#.*$/, ''))
    expect(page.status).toBe(200)
    expect(await page.text()).toContain(problem.code)
  })

  it('lists exactly the routes that are called here', async () => {
    expect([...operationsOf(await readDocument()).keys()].sort()).toEqual(Object.keys(CALLS).sort())
  })

  for (const [name, [path, status, body]] of Object.entries(CALLS)) {
    it(`tells the truth about ${name}`, async () => {
      const document = await readDocument()
      const operation = operationsOf(document).get(name)
      if (operation === undefined) throw new Error(`${name} is not documented`)
      const answer = body === undefined ? await call(path) : await post(path, body)
      expect(answer.status).toBe(status)
      const promised = Object.keys(operation.responses[String(status)]?.content ?? {})
      expect(promised).toContain(answer.headers.get('content-type')?.replace(/;.*$/, ''))
      const text = await answer.text()
      const value: unknown = promised[0]?.startsWith('text/') ? text : JSON.parse(text)
      expect(checkOf(document, operation, status)?.safeParse(value).error).toBeUndefined()
      const refused = await call(path, { method: 'PATCH' })
      expect(checkOf(document, operation, 405)?.safeParse(await refused.json()).error).toBeUndefined()
    })
  }
})

describe('the metrics', () => {
  it('can be parsed, are explained, and their labels are bounded', async () => {
    for (const path of ['/one', '/two', `/api/v1/sites/label-${Date.now()}.com/audit/status/latest`])
      await call(path)
    const answer = await call('/metrics')
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    const lines = (await answer.text()).split('\n').filter((line) => line !== '')
    const samples = lines.filter((line) => !line.startsWith('#'))
    const sample = /^([a-z][a-z0-9_]*)(?:\{((?:[a-z_]+="(?:[^"\\]|\\.)*",?)*)\})? (-?[\d.e+-]+|NaN|[+-]?Inf)$/
    expect(samples.filter((line) => !sample.test(line))).toEqual([])
    const helped = new Set(lines.flatMap((line) => /^# HELP (\S+) \S/.exec(line)?.[1] ?? []))
    const families = samples.map((line) =>
      (sample.exec(line)?.[1] ?? '').replace(/_(?:bucket|sum|count)$/, ''),
    )
    expect(families.filter((name) => !helped.has(name) && !helped.has(`${name}_count`))).toEqual([])
    const ours = samples.filter((line) => line.startsWith('rowbeat_'))
    expect(ours.join('\n')).not.toMatch(/\.test\b|\.com\b|127\.0\.0\.1|[0-9a-f]{8}-[0-9a-f]{4}-/)
    const labels = new Set(
      ours.flatMap((line) =>
        [...(sample.exec(line)?.[2] ?? '').matchAll(/([a-z_]+)="/g)].map(([, name]) => name),
      ),
    )
    const bounded =
      'le queue status job_type workflow_type outcome reason schedule service method route version'.split(' ')
    expect([...labels].filter((name) => !bounded.includes(name ?? ''))).toEqual([])
    const routes = new Set(ours.flatMap((line) => /route="([^"]*)"/.exec(line)?.[1] ?? []))
    const documented = [...operationsOf(await readDocument()).keys()].map((name) =>
      name.replace(/^\S+ /, '').replace(/\{(\w+)\}/g, ':$1'),
    )
    expect([...routes].filter((route) => route !== 'unknown' && !documented.includes(route))).toEqual([])
  })

  it('count what the audit did', async () => {
    const text = await (await call('/metrics')).text()
    for (const jobType of ['editorial_analysis', 'trend_pipeline']) {
      expect(text).toMatch(
        new RegExp(`^rowbeat_attempts_total\\{.*job_type="${jobType}",outcome="completed"\\} [1-9]`, 'm'),
      )
    }
    expect(text).toMatch(/^rowbeat_executions_closed_total\{status="completed"\} [1-9]/m)
  })
})

describe('health', () => {
  it('is whole and names the hosts that are mapped', async () => {
    const answer = await call('/health')
    expect(await answer.json()).toMatchObject({
      status: 'ok',
      reasons: [],
      outbound_host_map: expect.arrayContaining([CLIENT]),
      checks: { db: { ok: true }, poller: { ok: true }, queue: { ok: true }, migrations: { ok: true } },
    })
  })
})
