import { HTTPException } from 'hono/http-exception'
import { describe, expect, it } from 'vitest'
import { createShare } from '../../../src/http/shared-reads.ts'
import type { ExecutionView } from '../../../src/workflows/audit/progress.ts'
import { matchesEtag } from '../../../src/workflows/audit/routes/status.ts'
import { type AuditRouteDeps, auditRoutes, type ProblemExtras } from '../../../src/workflows/audit/routes.ts'
import {
  AuditStatusResponse,
  CompetitorListResponse,
  PendingAuditResponse,
  SiteAuditResponse,
  SiteHistoryResponse,
  SiteListResponse,
  SiteProfileResponse,
} from '../../../src/workflows/audit/schema.ts'
import {
  saveArticle,
  saveCompetitors,
  saveProfile,
  saveScrapeReport,
  saveTrendRun,
} from '../../../src/workflows/audit/store.ts'
import { useAuditDatabase } from './database.ts'
import {
  article,
  competitor,
  EXECUTION_ID,
  executionView,
  page,
  profile,
  settings,
  stepView,
  trendResult,
} from './fixtures.ts'

const database = useAuditDatabase()
const OTHER_ID = '0195a2b3-0000-7000-8000-000000000002'

class Problem extends Error {
  readonly code: string
  readonly extras: ProblemExtras
  constructor(code: string, detail: string, extras: ProblemExtras = {}) {
    super(detail)
    this.code = code
    this.extras = extras
  }
}

const STATUS: Record<string, 400 | 404 | 409 | 422> = {
  VALIDATION_FAILED: 422,
  NOT_FOUND: 404,
  DOMAIN_UNRESOLVABLE: 400,
  AUDIT_RESTING: 409,
}

interface Created {
  readonly subject: string
  readonly steps: readonly string[]
}

/** The routes over an engine in memory: at most one live execution per subject. */
function openApp(over: Partial<AuditRouteDeps> = {}, executions: ExecutionView[] = []) {
  const created: Created[] = []
  const deps: AuditRouteDeps = {
    db: database.db,
    outbound: { isMapped: (host) => host.endsWith('.test') },
    settings,
    createExecution: async (_workflow, input, { steps }) => {
      const live = executions.find((one) => one.subject === input.domain && one.endTime === null)
      if (live !== undefined) return { executionId: live.executionId, created: false }
      const view = executionView(
        steps.map((step, at) => stepView(step, at + 1)),
        { subject: input.domain, status: 'pending', startTime: null },
      )
      executions.push(view)
      created.push({ subject: input.domain, steps })
      return { executionId: view.executionId, created: true }
    },
    readExecution: async (id) => executions.find((one) => one.executionId === id) ?? null,
    findLatestExecution: async (_workflow, subject) =>
      executions.findLast((one) => one.subject === subject) ?? null,
    readDurations: async () => new Map(),
    share: (_name, read) => read(),
    problem: (code, detail, extras) => new Problem(code, detail, extras),
    ...over,
  }
  const app = auditRoutes(deps)
  app.onError((error, c) => {
    if (error instanceof HTTPException) return error.getResponse()
    if (!(error instanceof Problem)) throw error
    const { code, extras } = error
    return c.json({ code, detail: error.message, errors: extras.errors }, STATUS[code] ?? 422, {
      ...extras.headers,
    })
  })
  return { app, created }
}

async function fill(client: string): Promise<void> {
  const { db } = database
  const rival = `rival-of-${client}`
  const base = {
    executionId: EXECUTION_ID,
    jobId: '7',
    found: 1,
    fetched: 1,
    stored: 1,
    unchanged: 0,
    nearDuplicates: 0,
  }
  await saveProfile(
    db,
    { domain: client, executionId: EXECUTION_ID, jobId: '1', durationSeconds: 2 },
    profile(),
    [page()],
  )
  await saveCompetitors(db, client, [competitor(rival)])
  for (let n = 1; n <= 5; n++) await saveArticle(db, client, 'client', article(client, n))
  for (let n = 1; n <= 10; n++) await saveArticle(db, client, 'competitor', article(rival, n))
  await saveScrapeReport(db, {
    ...base,
    clientDomain: client,
    domain: client,
    role: 'client',
    rejected: [],
    problem: null,
  })
  await saveScrapeReport(db, {
    ...base,
    clientDomain: client,
    domain: rival,
    role: 'competitor',
    rejected: [],
    problem: null,
  })
  await saveTrendRun(
    db,
    { clientDomain: client, executionId: EXECUTION_ID, jobId: '5', durationSeconds: 1 },
    trendResult([]),
  )
}

const post = (body?: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
  ...(body === undefined ? {} : { body: JSON.stringify(body) }),
})

describe('GET the audit', () => {
  it('starts what a new domain needs and says where to look', async () => {
    const { app, created } = openApp()
    const answer = await app.request('/api/v1/sites/NEW.test/audit')
    expect(answer.status).toBe(202)
    expect(answer.headers.get('location')).toBe(`/api/v1/sites/new.test/audit/status/${EXECUTION_ID}`)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    const body = PendingAuditResponse.parse(await answer.json())
    expect(body.workflow_steps.map((step) => [step.step, step.name, step.status])).toEqual([
      [1, 'Editorial Analysis', 'pending'],
      [2, 'Competitor Search', 'pending'],
      [3, 'Client Site Scraping', 'pending'],
      [4, 'Competitor Scraping', 'pending'],
      [5, 'Trend Pipeline', 'pending'],
    ])
    expect(created).toEqual([{ subject: 'new.test', steps: expect.arrayContaining(['trend_pipeline']) }])
  })

  it('names one execution to everybody who asks', async () => {
    const { app, created } = openApp()
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => app.request('/api/v1/sites/crowd.test/audit')),
    )
    const bodies = await Promise.all(
      answers.map(async (answer) => PendingAuditResponse.parse(await answer.json())),
    )
    expect(new Set(bodies.map((body) => body.execution_id)).size).toBe(1)
    expect(new Set(bodies.map((body) => body.workflow_steps.length))).toEqual(new Set([5]))
    expect(created).toHaveLength(1)
  })

  it('answers with the document when all data is there, starts nothing, and stays within nine statements', async () => {
    await fill('full.test')
    const { app, created } = openApp()
    const before = database.statements()
    const answer = await app.request('/api/v1/sites/full.test/audit?include_topics=true')
    expect(answer.status).toBe(200)
    const body = SiteAuditResponse.parse(await answer.json())
    expect(body).toMatchObject({ url: 'https://full.test', took_ms: 2000, partial: false, cache_hit: false })
    expect(body.trending_topics?.summary?.total_trending).toBe(1)
    expect(created).toEqual([])
    expect(database.statements() - before).toBeLessThanOrEqual(9)
  })

  it('takes thresholds, age and refresh from the query', async () => {
    await fill('query.test')
    const start = async (query: string) => {
      const { app, created } = openApp()
      const answer = await app.request(`/api/v1/sites/query.test/audit?${query}`)
      return [answer.status, created[0]?.steps ?? []]
    }
    expect(await start('min_client_articles=5&max_age_hours=1')).toEqual([200, []])
    expect(await start('min_client_articles=6')).toEqual([202, ['client_scraping', 'trend_pipeline']])
    expect(await start('min_competitor_articles=11')).toEqual([202, ['enhanced_scraping', 'trend_pipeline']])
    expect((await start('refresh=true'))[1]).toHaveLength(5)
    expect((await start('max_age_hours=0'))[1]).toHaveLength(5)
  })

  it.each([
    ['topics_limit=0', '/query/topics_limit'],
    ['topics_limit=51', '/query/topics_limit'],
    ['topics_limit=', '/query/topics_limit'],
    ['trending_limit=1.5', '/query/trending_limit'],
    ['min_client_articles=101', '/query/min_client_articles'],
    ['min_competitor_articles=x', '/query/min_competitor_articles'],
    ['refresh=yes', '/query/refresh'],
    ['include_trending=', '/query/include_trending'],
    ['max_age_hours=-1', '/query/max_age_hours'],
    ['max_age_hours=NaN', '/query/max_age_hours'],
    ['max_age_hours=99999', '/query/max_age_hours'],
  ])('refuses ?%s with a pointer', async (query, pointer) => {
    const { app, created } = openApp()
    const answer = await app.request(`/api/v1/sites/new.test/audit?${query}`)
    expect(answer.status).toBe(422)
    expect(await answer.json()).toMatchObject({ code: 'VALIDATION_FAILED', errors: [{ pointer }] })
    expect(created).toEqual([])
  })

  it.each([
    'localhost',
    '127.0.0.1',
    'https:%2F%2Fexample.com',
    'co.uk',
    'a_b.test',
    '%00.test',
    `${'x'.repeat(900)}.test`,
  ])('refuses the domain %s', async (domain) => {
    const { app, created } = openApp()
    const answer = await app.request(`/api/v1/sites/${domain}/audit`)
    expect(answer.status).toBe(422)
    expect(await answer.json()).toMatchObject({ errors: [{ pointer: '/path/domain' }] })
    expect(created).toEqual([])
  })

  it('does not repeat a run that has just failed: it says why and when', async () => {
    const ended = executionView([stepView('editorial_analysis', 1, { status: 'failed' })], {
      subject: 'down.test',
      status: 'failed',
      endTime: new Date(),
      errorMessage: 'no such host',
      steps: [
        'editorial_analysis',
        'competitor_search',
        'client_scraping',
        'enhanced_scraping',
        'trend_pipeline',
      ].map((step, at) => stepView(step, at + 1, { status: 'failed' })),
    })
    const { app, created } = openApp({}, [ended])
    const answer = await app.request('/api/v1/sites/down.test/audit')
    expect(answer.status).toBe(409)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(200)
    expect(await answer.json()).toMatchObject({
      code: 'AUDIT_RESTING',
      detail: expect.stringContaining('no such host'),
    })
    expect(created).toEqual([])
    expect((await app.request('/api/v1/sites/down.test/audit', post())).status).toBe(202)
  })

  it('refuses a domain without an address when the settings ask for that, before anything starts', async () => {
    const strict = { ...settings, validateDomainDns: true }
    const { app, created } = openApp({ settings: strict, resolves: async () => false })
    const answer = await app.request('/api/v1/sites/unresolvable.fr/audit')
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ code: 'DOMAIN_UNRESOLVABLE' })
    expect(created).toEqual([])
    expect((await app.request('/api/v1/sites/mapped.test/audit')).status).toBe(202)
  })
})

describe('POST the audit', () => {
  it('starts what is missing, everything by force, or exactly the steps named', async () => {
    await fill('post.test')
    const stepsOf = async (body?: unknown) => {
      const { app, created } = openApp()
      const answer = await app.request('/api/v1/sites/post.test/audit', post(body))
      expect(answer.status).toBe(202)
      return created[0]?.steps
    }
    expect(await stepsOf()).toHaveLength(5)
    expect(await stepsOf({ force: true })).toHaveLength(5)
    expect(await stepsOf({ steps: ['trend_pipeline', 'trend_pipeline'] })).toEqual(['trend_pipeline'])
  })

  it('answers 200 with the live one', async () => {
    const live = executionView([stepView('trend_pipeline', 5, { status: 'running' })], {
      subject: 'live.test',
    })
    const { app, created } = openApp({}, [live])
    const answer = await app.request('/api/v1/sites/live.test/audit', post({}))
    expect(answer.status).toBe(200)
    expect(PendingAuditResponse.parse(await answer.json())).toMatchObject({
      execution_id: EXECUTION_ID,
      message: expect.stringContaining('already running'),
      workflow_steps: [{ workflow_type: 'trend_pipeline', status: 'running' }],
    })
    expect(created).toEqual([])
  })

  it.each([
    [{ forced: true }, 422],
    [{ steps: [] }, 422],
    [{ steps: ['unknown_step'] }, 422],
    [{ force: 'yes' }, 422],
    [[], 422],
  ])('refuses the body %j', async (body, status) => {
    const { app, created } = openApp()
    expect((await app.request('/api/v1/sites/new.test/audit', post(body))).status).toBe(status)
    expect(created).toEqual([])
  })

  it('refuses another content type', async () => {
    const { app } = openApp()
    const answer = await app.request('/api/v1/sites/new.test/audit', {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: '{"force":true}',
    })
    expect(answer.status).toBe(415)
  })

  it('hands the key, the route and a fingerprint of domain and body to the idempotency store', async () => {
    const asked: { key: string; fingerprint: string }[] = []
    const within: string[] = []
    const idempotent: AuditRouteDeps['idempotent'] = async (request, work) => {
      asked.push(request)
      const before = database.statements()
      const answer = await work(async (workflow) => {
        within.push(workflow)
        return { executionId: OTHER_ID, created: true }
      })
      // The transaction of the key holds a connection; a second one inside could starve the pool.
      expect(database.statements()).toBe(before)
      return { ...answer, headers: { ...answer.headers, 'Idempotency-Replayed': 'true' } }
    }
    const { app, created } = openApp({ idempotent })
    const send = (domain: string, body: unknown) =>
      app.request(`/api/v1/sites/${domain}/audit`, post(body, { 'idempotency-key': 'k1' }))
    const answer = await send('key.test', { force: true })
    expect(answer.headers.get('idempotency-replayed')).toBe('true')
    await send('key.test', { force: false })
    await send('KEY.test', { force: true })
    expect([within.length, created]).toEqual([3, []])
    expect(asked.map((one) => one.key)).toEqual(['k1', 'k1', 'k1'])
    expect(asked[2]?.fingerprint).toBe(asked[0]?.fingerprint)
    expect(asked[1]?.fingerprint).not.toBe(asked[0]?.fingerprint)
  })
})

describe('GET the status', () => {
  const live = executionView([stepView('trend_pipeline', 5, { status: 'running', startedAt: new Date() })], {
    subject: 'live.test',
    version: 4,
    now: new Date(),
  })
  const ended = {
    ...live,
    executionId: OTHER_ID,
    subject: 'ended.test',
    status: 'completed' as const,
    endTime: new Date(),
  }
  const get = (path: string, headers: Record<string, string> = {}) =>
    openApp({}, [live, ended]).app.request(`/api/v1/sites/${path}`, { headers })

  it('tells how far it is, that it must not be kept, and when to ask again', async () => {
    const answer = await get(`live.test/audit/status/${EXECUTION_ID}`)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('etag')).toBe(`W/"${EXECUTION_ID}-4"`)
    expect(answer.headers.get('cache-control')).toBe('private, no-cache')
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect(AuditStatusResponse.parse(await answer.json())).toMatchObject({
      domain: 'live.test',
      running_steps: 1,
    })
  })

  it('finds the latest one', async () => {
    const answer = await get('live.test/audit/status/latest')
    expect(AuditStatusResponse.parse(await answer.json()).orchestrator_execution_id).toBe(EXECUTION_ID)
    expect((await get('unknown.test/audit/status/latest')).status).toBe(404)
  })

  it('answers 304 to whoever has this version, without a statement', async () => {
    const before = database.statements()
    const answer = await get(`live.test/audit/status/${EXECUTION_ID}`, {
      'if-none-match': `"x", W/"${EXECUTION_ID}-4"`,
    })
    expect([answer.status, await answer.text()]).toEqual([304, ''])
    expect(answer.headers.get('etag')).toBe(`W/"${EXECUTION_ID}-4"`)
    expect(database.statements()).toBe(before)
    expect(
      (await get(`live.test/audit/status/${EXECUTION_ID}`, { 'if-none-match': `W/"${EXECUTION_ID}-3"` }))
        .status,
    ).toBe(200)
  })

  it('lets an ended one be kept for a while, but not under the name latest', async () => {
    expect((await get(`ended.test/audit/status/${OTHER_ID}`)).headers.get('cache-control')).toBe(
      'private, max-age=60',
    )
    const latest = await get('ended.test/audit/status/latest')
    expect(latest.headers.get('cache-control')).toBe('private, no-cache')
    expect(latest.headers.get('retry-after')).toBeNull()
  })

  it('is 404 for an unknown one, one of another domain, and one of another workflow', async () => {
    expect((await get('live.test/audit/status/0195a2b3-0000-7000-8000-00000000000f')).status).toBe(404)
    expect((await get(`ended.test/audit/status/${EXECUTION_ID}`)).status).toBe(404)
    const foreign = openApp({}, [{ ...live, workflowType: 'import' }]).app
    expect((await foreign.request(`/api/v1/sites/live.test/audit/status/${EXECUTION_ID}`)).status).toBe(404)
  })

  it('is 422 for what is no id', async () => {
    const answer = await get('live.test/audit/status/already-completed')
    expect(answer.status).toBe(422)
    expect(await answer.json()).toMatchObject({ errors: [{ pointer: '/path/execution_id' }] })
  })
})

describe('a crowd', () => {
  it('that asks for one status costs the database a few reads, and each gets it', async () => {
    const live = executionView([stepView('editorial_analysis', 1)], { subject: 'crowd.test', endTime: null })
    let reads = 0
    const counted = async <Answer>(answer: Answer): Promise<Answer> => {
      reads += 1
      return answer
    }
    const { app } = openApp({
      readExecution: () => counted(live),
      readDurations: () => counted(new Map()),
      share: createShare(),
    })
    const url = `/api/v1/sites/crowd.test/audit/status/${live.executionId}`
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, async () => {
        const answer = await app.request(url)
        return { status: answer.status, body: await answer.text() }
      }),
    )
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]))
    expect(new Set(answers.map((answer) => answer.body)).size).toBe(1)
    expect(reads).toBeLessThan(12)
  })
})

describe('profiles of sites', () => {
  const save = (domain: string, jobId: string, words: number) =>
    saveProfile(
      database.db,
      { domain, executionId: EXECUTION_ID, jobId, durationSeconds: 1 },
      profile({ totalWords: words }),
      [page()],
    )
  const get = async (path: string) => {
    const answer = await openApp().app.request(`/api/v1/sites${path}`)
    return { status: answer.status, link: answer.headers.get('link'), body: await answer.json() }
  }

  it('are 404 for a site that was never analysed', async () => {
    expect((await get('/never.test')).status).toBe(404)
    expect((await get('/never.test/history')).status).toBe(404)
  })

  it('show the newest, and the history with what changed', async () => {
    await save('past.test', '1', 1000)
    const single = await get('/past.test/history')
    expect(single.body).toMatchObject({ total_analyses: 1, metric_comparisons: null, next_cursor: null })
    await save('past.test', '2', 1500)
    expect(SiteProfileResponse.parse((await get('/past.test')).body)).toMatchObject({
      total_words: 1500,
      editorial_tone: 'professional',
      activity_domains: { primary_domains: ['Vélos cargos', 'Logistique urbaine'] },
    })
    const body = SiteHistoryResponse.parse((await get('/past.test/history')).body)
    expect(body.history.map((one) => one.total_words)).toEqual([1500, 1000])
    expect(body.metric_comparisons).toContainEqual({
      metric_name: 'total_words',
      current_value: 1500,
      previous_value: 1000,
      change: 50,
      trend: 'up',
    })
  })

  it('are paged by a cursor that the link carries on', async () => {
    await save('page-a.test', '1', 1)
    await save('page-b.test', '1', 1)
    const turn = async (query: string) => {
      const { body, link } = await get(query)
      const { sites, next_cursor } = SiteListResponse.parse(body)
      return { domains: sites.map((site) => site.domain), next_cursor, link }
    }
    const first = await turn('?limit=1')
    expect(first.link).toBe(`</api/v1/sites?limit=1&cursor=${first.next_cursor}>; rel="next"`)
    const second = await turn(`?limit=1&cursor=${first.next_cursor}`)
    expect([first.domains, second.domains]).toEqual([['page-b.test'], ['page-a.test']])
  })

  it.each(['?limit=0', '?limit=201', '?limit=x', '?cursor=nonsense', '?cursor='])(
    'refuse %s',
    async (query) => {
      expect((await get(query)).status).toBe(422)
    },
  )
})

describe('competitors', () => {
  const url = '/api/v1/competitors/owner.test'
  const validate = (competitors: unknown, path = url) =>
    openApp().app.request(`${path}/validate`, post({ competitors }))

  it('are 404 until something is known of the site', async () => {
    expect((await openApp().app.request(url)).status).toBe(404)
    const verdict = [{ domain: 'rival.fr', validation_status: 'validated' }]
    expect((await validate(verdict, '/api/v1/competitors/nobody.test')).status).toBe(404)
  })

  it('take a verdict by hand, add unknown ones, and leave the others alone', async () => {
    await saveCompetitors(database.db, 'owner.test', [competitor('rival.fr'), competitor('other.fr')])
    const answer = await validate([
      { domain: 'rival.fr', validation_status: 'excluded', reason: 'a partner' },
      { domain: 'WWW.New-Rival.fr', validation_status: 'manual' },
    ])
    expect(answer.status).toBe(200)
    const { competitors, total } = CompetitorListResponse.parse(await answer.json())
    expect(total).toBe(3)
    expect(competitors.map((one) => [one.domain, one.validation_status, one.metadata.decided_by])).toEqual([
      ['other.fr', 'validated', 'search'],
      ['rival.fr', 'excluded', 'person'],
      ['new-rival.fr', 'manual', 'person'],
    ])
    const listed = await openApp().app.request(url)
    expect(await listed.json()).toEqual({ competitors, total })
  })

  it.each([
    [[], '/body/competitors'],
    [[{ domain: 'rival.fr', validation_status: 'maybe' }], '/body/competitors/0/validation_status'],
    [[{ domain: '127.0.0.1', validation_status: 'manual' }], '/body/competitors/0/domain'],
    [[{ domain: 'owner.test', validation_status: 'manual' }], '/body/competitors/0/domain'],
    [
      [
        { domain: 'rival.fr', validation_status: 'manual' },
        { domain: 'www.rival.fr', validation_status: 'excluded' },
      ],
      '/body/competitors/1/domain',
    ],
  ])('refuse %j', async (body, pointer) => {
    const answer = await validate(body)
    expect(answer.status).toBe(422)
    expect(await answer.json()).toMatchObject({ errors: [{ pointer }] })
  })
})

describe('an entity tag', () => {
  it('matches weakly, in a list, and by star', () => {
    expect(matchesEtag('W/"a-1"', 'W/"a-1"')).toBe(true)
    expect(matchesEtag('"a-1"', 'W/"a-1"')).toBe(true)
    expect(matchesEtag('"b", W/"a-1"', 'W/"a-1"')).toBe(true)
    expect(matchesEtag('*', 'W/"a-1"')).toBe(true)
    expect(matchesEtag('W/"a-2"', 'W/"a-1"')).toBe(false)
    expect(matchesEtag(undefined, 'W/"a-1"')).toBe(false)
  })
})

describe('the OpenAPI document', () => {
  it('has every route with its named models', () => {
    const { app } = openApp()
    const document = app.getOpenAPI31Document({ openapi: '3.1.0', info: { title: 'Rowbeat', version: '0' } })
    expect(Object.keys(document.paths ?? {})).toEqual([
      '/api/v1/sites/{domain}/audit',
      '/api/v1/sites/{domain}/audit/status/{execution_id}',
      '/api/v1/sites',
      '/api/v1/sites/{domain}',
      '/api/v1/sites/{domain}/history',
      '/api/v1/competitors/{domain}',
      '/api/v1/competitors/{domain}/validate',
    ])
    expect(Object.keys(document.components?.schemas ?? {})).toEqual(
      expect.arrayContaining([
        'SiteAuditResponse',
        'PendingAuditResponse',
        'AuditStatusResponse',
        'WorkflowStep',
        'WorkflowStepDetail',
        'DataStatus',
        'FailedWorkflowDetail',
        'DomainDetail',
        'AuditIssue',
      ]),
    )
  })
})
