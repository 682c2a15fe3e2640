import { describe, expect, it } from 'vitest'
import {
  CompetitorListResponse,
  SiteHistoryResponse,
  SiteListResponse,
  SiteProfileResponse,
} from '../../../src/workflows/audit/schema.ts'
import { saveCompetitors, saveProfile } from '../../../src/workflows/audit/store.ts'
import { useAuditDatabase } from './database.ts'
import { competitor, page, profile } from './fixtures.ts'
import { openApp, post } from './route-fixtures.ts'
import { profileRun } from './stored.ts'

const database = useAuditDatabase()

describe('profiles of sites', () => {
  const save = (domain: string, jobId: string, words: number) =>
    saveProfile(database.db, profileRun(domain, jobId), profile({ totalWords: words }), [page()])
  const get = async (path: string) => {
    const answer = await openApp(database).app.request(`/api/v1/sites${path}`)
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

  it.each(['0000-01-01T00:00:00.000Z', '2026-02-30T00:00:00.000Z', '2026-02-29T00:00:00.000Z'])(
    'refuse a cursor whose time is %s with 422',
    async (time) => {
      await save('calendar.test', '1', 1000)
      const cursor = Buffer.from(`${time} 1`).toString('base64url')
      for (const path of ['', '/calendar.test/history']) {
        expect(await get(`${path}?cursor=${cursor}`)).toMatchObject({
          status: 422,
          body: { errors: [{ pointer: '/query/cursor' }] },
        })
      }
    },
  )

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
    openApp(database).app.request(`${path}/validate`, post({ competitors }))

  it('are 404 until something is known of the site', async () => {
    expect((await openApp(database).app.request(url)).status).toBe(404)
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
    const listed = await openApp(database).app.request(url)
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

describe('the OpenAPI document', () => {
  it('has every route with its named models', () => {
    const { app } = openApp(database)
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
