import { describe, expect, it } from 'vitest'
import { createShare } from '../../../../src/http/shared-reads.ts'
import { matchesEtag } from '../../../../src/workflows/audit/routes/status.ts'
import { AuditStatusResponse } from '../../../../src/workflows/audit/schema.ts'
import { useAuditDatabase } from '../database.ts'
import { EXECUTION_ID, executionView, stepView } from '../fixtures.ts'
import { OTHER_ID, openApp } from '../route-fixtures.ts'
import { storeAudit } from '../stored.ts'

const database = useAuditDatabase()

describe('GET the status', () => {
  const live = executionView([stepView('trend_pipeline', 5, { status: 'running', startedAt: new Date() })], {
    subject: 'live.test',
    version: 4,
    startTime: new Date(),
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
    openApp(database, {}, [live, ended]).app.request(`/api/v1/sites/${path}`, { headers })

  it('tells how far it is, that it must not be kept, and when to ask again', async () => {
    const answer = await get(`live.test/audit/status/${EXECUTION_ID}`)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('etag')).toMatch(new RegExp(`^W/"${EXECUTION_ID}-4-[\\w-]+"$`))
    expect(answer.headers.get('cache-control')).toBe('private, no-cache')
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect(AuditStatusResponse.parse(await answer.json())).toMatchObject({
      domain: 'live.test',
      running_steps: 1,
    })
  })

  it.each(['LATEST', 'Latest', 'newest', '1'])('says what may stand in the place of %s', async (id) => {
    const answer = await get(`live.test/audit/status/${id}`)
    expect(answer.status).toBe(422)
    expect(await answer.json()).toMatchObject({
      errors: [{ pointer: '/path/execution_id', detail: 'must be a UUID or "latest"' }],
    })
  })

  it('finds the latest one', async () => {
    const answer = await get('live.test/audit/status/latest')
    const body = AuditStatusResponse.parse(await answer.json())
    expect([body.execution_id, body.orchestrator_execution_id]).toEqual([EXECUTION_ID, EXECUTION_ID])
    expect((await get('unknown.test/audit/status/latest')).status).toBe(404)
  })

  it('answers 304 to whoever has what is shown, with the time to ask again that a 200 would name', async () => {
    const path = `live.test/audit/status/${EXECUTION_ID}`
    const first = await get(path)
    const etag = first.headers.get('etag') ?? ''
    const answer = await get(path, { 'if-none-match': `"x", ${etag}` })
    expect([answer.status, await answer.text()]).toEqual([304, ''])
    expect(answer.headers.get('etag')).toBe(etag)
    expect(answer.headers.get('retry-after')).toBe(first.headers.get('retry-after'))
    expect(answer.headers.get('retry-after')).toBe('1')
    expect((await get(path, { 'if-none-match': `W/"${EXECUTION_ID}-3"` })).status).toBe(200)
  })

  it.each([
    ['time has passed', { now: new Date(live.now.getTime() + 1_000) }],
    ['a step has reported', { steps: [{ ...live.steps[0], progress: 50 } as (typeof live.steps)[0]] }],
    ['it has a new version', { version: 5 }],
  ])('shows no 304 once %s', async (_what, change) => {
    const path = `/api/v1/sites/live.test/audit/status/${EXECUTION_ID}`
    const etag = (await openApp(database, {}, [live]).app.request(path)).headers.get('etag') ?? ''
    const headers = { 'if-none-match': etag }
    const answer = await openApp(database, {}, [{ ...live, ...change }]).app.request(path, { headers })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('etag')).not.toBe(etag)
  })

  it('shows no 304 for an ended audit whose data has changed since', async () => {
    const path = `ended.test/audit/status/${OTHER_ID}`
    const etag = (await get(path)).headers.get('etag') ?? ''
    expect((await get(path, { 'if-none-match': etag })).status).toBe(304)
    await storeAudit(database, 'ended.test')
    const answer = await get(path, { 'if-none-match': etag })
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ data_status: { has_profile: true } })
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
    const foreign = openApp(database, {}, [{ ...live, workflowType: 'import' }]).app
    expect((await foreign.request(`/api/v1/sites/live.test/audit/status/${EXECUTION_ID}`)).status).toBe(404)
  })

  it('is 422 for what is no id', async () => {
    const answer = await get('live.test/audit/status/already-completed')
    expect(answer.status).toBe(422)
    expect(await answer.json()).toMatchObject({ errors: [{ pointer: '/path/execution_id' }] })
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

describe('a crowd', () => {
  it('that asks for one status costs the database a few reads, and each gets it', async () => {
    const live = executionView([stepView('editorial_analysis', 1)], { subject: 'crowd.test', endTime: null })
    let reads = 0
    const counted = async <Answer>(answer: Answer): Promise<Answer> => {
      reads += 1
      return answer
    }
    const { app } = openApp(database, {
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
