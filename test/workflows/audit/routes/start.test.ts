import { describe, expect, it } from 'vitest'
import { AUDIT_STEPS } from '../../../../src/workflows/audit/plan.ts'
import type { AuditRouteDeps } from '../../../../src/workflows/audit/routes.ts'
import { PendingAuditResponse, SiteAuditResponse } from '../../../../src/workflows/audit/schema.ts'
import { useAuditDatabase } from '../database.ts'
import { EXECUTION_ID, executionView, settings, stepView } from '../fixtures.ts'
import { OTHER_ID, openApp, post } from '../route-fixtures.ts'
import { storeAudit } from '../stored.ts'

const database = useAuditDatabase()

describe('GET the audit', () => {
  it('starts what a new domain needs and says where to look', async () => {
    const { app, created } = openApp(database)
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
    const { app, created } = openApp(database)
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
    await storeAudit(database, 'full.test')
    const { app, created } = openApp(database)
    const before = database.statements()
    const answer = await app.request('/api/v1/sites/full.test/audit?include_topics=true')
    expect(answer.status).toBe(200)
    const body = SiteAuditResponse.parse(await answer.json())
    expect(body).toMatchObject({ url: 'https://full.test', took_ms: 12345, partial: false, cache_hit: false })
    expect(body.trending_topics?.summary?.total_trending).toBe(1)
    expect(created).toEqual([])
    expect(database.statements() - before).toBeLessThanOrEqual(9)
  })

  it('takes thresholds, age and refresh from the query', async () => {
    await storeAudit(database, 'query.test')
    const start = async (query: string) => {
      const { app, created } = openApp(database)
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
    const { app, created } = openApp(database)
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
    const { app, created } = openApp(database)
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
    const { app, created } = openApp(database, {}, [ended])
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

  it('answers with what an audit of a moment ago left, however young its data shall be: it did not fail', async () => {
    await storeAudit(database, 'young.test')
    const steps = AUDIT_STEPS.map((step, at) => stepView(step, at + 1, { status: 'completed' }))
    const over = { subject: 'young.test', endTime: new Date() }
    const ask = (status: 'completed' | 'partial' | 'failed') =>
      openApp(database, {}, [executionView(steps, { ...over, status })]).app.request(
        '/api/v1/sites/young.test/audit?max_age_hours=0',
      )
    for (const status of ['completed', 'partial'] as const) {
      const answer = await ask(status)
      expect(answer.status).toBe(200)
      expect(SiteAuditResponse.parse(await answer.json())).toMatchObject({
        partial: true,
        data_status: { has_profile: false },
      })
    }
    expect((await ask('failed')).status).toBe(409)
  })

  it('says that an audit which ended well left no profile, when somebody has removed it', async () => {
    const steps = AUDIT_STEPS.map((step, at) => stepView(step, at + 1, { status: 'completed' }))
    const over = { subject: 'removed.test', status: 'completed' as const, endTime: new Date() }
    const { app } = openApp(database, {}, [executionView(steps, over)])
    expect(await (await app.request('/api/v1/sites/removed.test/audit')).json()).toMatchObject({
      code: 'AUDIT_RESTING',
      detail: expect.stringContaining('has just ended, and there is no profile'),
    })
  })

  it('says that a refresh had no effect on the audit that it joined', async () => {
    const live = executionView([stepView('trend_pipeline', 5, { status: 'running' })], { subject: 'l.test' })
    const ask = async (query: string) =>
      PendingAuditResponse.parse(
        await (await openApp(database, {}, [live]).app.request(`/api/v1/sites/l.test/audit${query}`)).json(),
      )
    expect(await ask('?refresh=true')).toMatchObject({
      ignored: ['refresh'],
      message: expect.stringContaining('refresh had no effect'),
    })
    expect((await ask('')).ignored).toEqual([])
  })

  it('starts nothing for a HEAD, whatever a GET would start', async () => {
    const { app, created } = openApp(database)
    const head = (query = '') => app.request(`/api/v1/sites/head.test/audit${query}`, { method: 'HEAD' })
    expect((await head()).status).toBe(404)
    expect((await head('?refresh=true')).status).toBe(404)
    expect(created).toEqual([])
  })

  it('starts nothing for a page of another site, which may read and join', async () => {
    await storeAudit(database, 'read.test')
    const { app, created } = openApp(database)
    const ask = async (path: string, init: RequestInit = {}) =>
      (
        await app.request(`/api/v1/sites/${path}`, {
          ...init,
          headers: { 'sec-fetch-site': 'cross-site' },
        })
      ).status
    expect(await ask('cross.test/audit')).toBe(403)
    expect(await ask('read.test/audit?refresh=true')).toBe(403)
    expect(await ask('cross.test/audit', post())).toBe(403)
    expect(created).toEqual([])
    expect(await ask('read.test/audit')).toBe(200)
  })

  it.each([
    [{ 'sec-fetch-site': 'Cross-Site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 202],
    [{ 'sec-fetch-site': 'same-origin', origin: 'https://ours.example' }, 202],
    [{ 'sec-fetch-site': 'none' }, 202],
    // Browsers leave Sec-Fetch-Site out for addresses that are neither https nor of this machine.
    [{ origin: 'http://evil.example' }, 403],
    [{ origin: 'http://rowbeat.internal:8080' }, 403],
    [{ origin: 'null' }, 403],
    [{ origin: 'http://rowbeat.internal:3000' }, 202],
    [{}, 202],
  ])('knows pages of other sites by what browsers send: %j', async (headers, status) => {
    const ask = (path: string, init: RequestInit = {}) =>
      openApp(database).app.request(`http://rowbeat.internal:3000/api/v1/sites/page.test/audit${path}`, {
        ...init,
        headers: { ...headers, host: 'rowbeat.internal:3000' },
      })
    expect((await ask('', { method: 'POST' })).status).toBe(status)
    expect((await ask('?refresh=true')).status).toBe(status)
  })

  it('lets three audits of one registrable domain live, and AUDIT_MAX_LIVE in all; joining is free', async () => {
    const { app, created } = openApp(database, { settings: { ...settings, maxLive: 5 } })
    const ask = (domain: string, init?: RequestInit) => app.request(`/api/v1/sites/${domain}/audit`, init)
    for (const domain of ['many.test', 'a.many.test', 'b.many.test'])
      expect((await ask(domain)).status).toBe(202)
    const fourth = await ask('c.d.many.test', post())
    expect(fourth.status).toBe(429)
    expect(Number(fourth.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await fourth.json()).toMatchObject({ code: 'TOO_MANY_AUDITS' })
    for (const domain of ['other.test', 'third.test']) expect((await ask(domain)).status).toBe(202)
    expect((await ask('sixth.test')).status).toBe(429)
    expect((await ask('many.test', post())).status).toBe(200)
    expect(created).toHaveLength(5)
  })

  it('starts nothing after a cancellation: only POST does', async () => {
    const steps = AUDIT_STEPS.map((step, at) => stepView(step, at + 1, { status: 'cancelled' }))
    const over = { subject: 'stopped.test', endTime: new Date() }
    const cancelled = executionView(steps, { ...over, status: 'cancelled' })
    const between = executionView([stepView('client_scraping', 3, { status: 'failed' })], {
      ...over,
      executionId: OTHER_ID,
      status: 'failed',
    })
    for (const runs of [[cancelled], [cancelled, between]]) {
      const { app, created } = openApp(database, {}, runs)
      const answer = await app.request('/api/v1/sites/stopped.test/audit')
      expect(answer.status).toBe(409)
      expect(await answer.json()).toMatchObject({
        code: 'AUDIT_RESTING',
        detail: expect.stringContaining('was cancelled'),
      })
      expect((await app.request('/api/v1/sites/stopped.test/audit?refresh=true')).status).toBe(409)
      expect(created).toEqual([])
      expect((await app.request('/api/v1/sites/stopped.test/audit', post())).status).toBe(202)
    }
  })

  it('refuses a domain without an address when the settings ask for that, before anything starts', async () => {
    const strict = { ...settings, validateDomainDns: true }
    const { app, created } = openApp(database, { settings: strict, resolves: async () => false })
    const answer = await app.request('/api/v1/sites/unresolvable.fr/audit')
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ code: 'DOMAIN_UNRESOLVABLE' })
    expect(created).toEqual([])
    expect((await app.request('/api/v1/sites/mapped.test/audit')).status).toBe(202)
  })
})

describe('POST the audit', () => {
  it('starts what is missing, everything by force, or exactly the steps named', async () => {
    await storeAudit(database, 'post.test')
    const stepsOf = async (body?: unknown) => {
      const { app, created } = openApp(database)
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
    const { app, created } = openApp(database, {}, [live])
    const answer = await app.request('/api/v1/sites/live.test/audit', post({}))
    expect(answer.status).toBe(200)
    expect(PendingAuditResponse.parse(await answer.json())).toMatchObject({
      execution_id: EXECUTION_ID,
      message: expect.stringContaining('already running'),
      workflow_steps: [{ workflow_type: 'trend_pipeline', status: 'running' }],
    })
    expect(created).toEqual([])
  })

  it('says what was asked for and not got, because one that runs was joined', async () => {
    const live = executionView([stepView('trend_pipeline', 5, { status: 'running' })], { subject: 'l.test' })
    const ask = async (body: unknown) => {
      const answer = await openApp(database, {}, [live]).app.request('/api/v1/sites/l.test/audit', post(body))
      return PendingAuditResponse.parse(await answer.json())
    }
    expect(await ask({ force: true, steps: ['competitor_search'] })).toMatchObject({
      ignored: ['force', 'steps'],
      message: expect.stringContaining('force and steps had no effect'),
    })
    expect((await ask({})).ignored).toEqual([])
  })

  it.each([
    [{ forced: true }, 422],
    [{ steps: [] }, 422],
    [{ steps: ['unknown_step'] }, 422],
    [{ force: 'yes' }, 422],
    [[], 422],
  ])('refuses the body %j', async (body, status) => {
    const { app, created } = openApp(database)
    expect((await app.request('/api/v1/sites/new.test/audit', post(body))).status).toBe(status)
    expect(created).toEqual([])
  })

  it('refuses another content type', async () => {
    const { app } = openApp(database)
    const answer = await app.request('/api/v1/sites/new.test/audit', {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: '{"force":true}',
    })
    expect(answer.status).toBe(415)
  })

  it('shows the steps of the audit that it joined, also one that began a moment ago, and when to look again', async () => {
    const begun = new Date(Date.now() - 100_000)
    const live = executionView(
      [stepView('client_scraping', 3, { status: 'running', startedAt: begun, estimateSeconds: 600 })],
      { subject: 'race.test', startTime: begun, now: new Date() },
    )
    const { app } = openApp(database, { findLatestExecution: async () => null }, [live])
    const answer = await app.request('/api/v1/sites/race.test/audit', post({ steps: ['trend_pipeline'] }))
    expect(answer.status).toBe(200)
    expect(answer.headers.get('retry-after')).toBe('20')
    expect(await answer.json()).toMatchObject({
      workflow_steps: [{ workflow_type: 'client_scraping', status: 'running' }],
      ignored: ['steps'],
    })
  })

  it('hands the caller, the key, the route and what is asked for to the idempotency store', async () => {
    const asked: Parameters<NonNullable<AuditRouteDeps['idempotent']>>[0][] = []
    const within: string[] = []
    const idempotent: AuditRouteDeps['idempotent'] = async (request, prepare) => {
      asked.push(request)
      const work = await prepare()
      const before = database.statements()
      const answer = await work({
        createExecution: async (workflow) => {
          within.push(workflow)
          return { executionId: OTHER_ID, created: true }
        },
        readExecution: async () => null,
      })
      // The transaction of the key holds a connection; a second one inside could starve the pool.
      expect(database.statements()).toBe(before)
      return { ...answer, headers: { ...answer.headers, 'Idempotency-Replayed': 'true' } }
    }
    const { app, created } = openApp(database, { idempotent })
    const send = (domain: string, body: unknown) =>
      app.request(`/api/v1/sites/${domain}/audit`, post(body, { 'idempotency-key': 'k1' }))
    const answer = await send('key.test', { force: true })
    expect(answer.headers.get('idempotency-replayed')).toBe('true')
    await send('KEY.test', { force: true })
    expect([within.length, created]).toEqual([2, []])
    const request = {
      caller: 'anonymous',
      route: 'POST /api/v1/sites/{domain}/audit',
      key: 'k1',
      content: { path: { domain: 'key.test' }, body: { force: true } },
    }
    expect(asked).toEqual([request, request])
  })

  it('reads nothing for an answer that is stored already', async () => {
    const stored = {
      status: 202 as const,
      headers: {},
      body: {
        status: 'pending',
        execution_id: OTHER_ID,
        message: 'm',
        workflow_steps: [],
        data_status: {
          has_profile: false,
          has_competitors: false,
          has_client_articles: false,
          has_competitor_articles: false,
          has_trend_pipeline: false,
        },
        status_url: '/',
      },
    }
    const strict = { ...settings, validateDomainDns: true }
    const { app } = openApp(database, {
      idempotent: async () => stored,
      settings: strict,
      resolves: async () => false,
    })
    const before = database.statements()
    const answer = await app.request('/api/v1/sites/gone.fr/audit', post({}, { 'idempotency-key': 'k' }))
    expect([answer.status, database.statements() - before]).toEqual([202, 0])
  })
})
