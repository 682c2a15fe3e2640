import { createServer, type RequestListener } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { actionFor } from '../../src/core/errors.ts'
import { SiteAuditResponse } from '../../src/workflows/audit/schema.ts'
import { useCleanUp } from '../support/clean-up.ts'
import { createTestDatabase } from '../support/database.ts'
import { closeServer, freePort, listenOnLoopback } from '../support/loopback.ts'
import { startGatedDemo } from './gate.ts'
import { awaitEnd, postAudit, startRowbeat, stepOf, stopAll } from './rowbeat.ts'

const CLIENT = 'atelier-velo.test'
const cleanUp = useCleanUp()
afterEach(stopAll)

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  const port = await listenOnLoopback(server)
  cleanUp.push(async () => {
    server.closeAllConnections()
    await closeServer(server)
  })
  return port
}

async function freshDatabase(): Promise<string> {
  const database = await createTestDatabase()
  cleanUp.push(() => database.drop())
  return database.url
}

describe('a step that fails for good', { timeout: 120_000 }, () => {
  it('makes the audit partial when it is the search, and the others run', async () => {
    const gated = await startGatedDemo(() => false)
    cleanUp.push(() => gated.close())
    const port = await serve((_request, response) => response.writeHead(403).end())
    const { url } = await startRowbeat({
      ...gated.settings,
      DATABASE_URL: await freshDatabase(),
      OUTBOUND_HOST_MAP: `${gated.settings.OUTBOUND_HOST_MAP},refusing.test=127.0.0.1:${port}`,
      SEARXNG_URL: 'http://refusing.test',
    })
    const status = await awaitEnd(url, CLIENT, await postAudit(url, CLIENT), 90_000)
    expect(status).toMatchObject({
      overall_status: 'partial',
      overall_progress: 100,
      failed_steps: 2,
      skipped_steps: 1,
      cancelled_steps: 0,
    })
    expect(status.workflow_steps.map((step) => [step.workflow_type, step.status])).toEqual([
      ['editorial_analysis', 'completed'],
      ['competitor_search', 'failed'],
      ['client_scraping', 'completed'],
      ['enhanced_scraping', 'skipped'],
      // The client's own articles are too few to be clustered; it ran, and says so.
      ['trend_pipeline', 'failed'],
    ])
    expect(status.failed_workflow_details.map((one) => [one.workflow, one.error_code])).toEqual([
      ['competitor_search', 'PROVIDER_NOT_CONFIGURED'],
      ['trend_pipeline', 'INSUFFICIENT_ARTICLES'],
    ])
    expect(status.failed_workflow_details).toContainEqual({
      workflow: 'competitor_search',
      error: expect.stringContaining('refusing.test answered 403'),
      error_code: 'PROVIDER_NOT_CONFIGURED',
      retry_possible: false,
      suggested_action: actionFor('PROVIDER_NOT_CONFIGURED'),
      timestamp: expect.stringMatching(/Z$/),
      attempts: 1,
    })
    expect(stepOf(status, 'enhanced_scraping')).toMatchObject({
      attempt: 0,
      error_code: 'DEPENDENCY_NOT_COMPLETED',
      skip_reason: 'Skipped because the step competitor_search did not complete',
    })
    const answer = await fetch(`${url}/api/v1/sites/${CLIENT}/audit`)
    expect(answer.status).toBe(200)
    const document = SiteAuditResponse.parse(await answer.json())
    expect(document).toMatchObject({ partial: true, competitors: [] })
    expect(document.failed_workflow_details).toEqual(status.failed_workflow_details)
    expect(document.issues.length).toBeGreaterThan(0)
  })

  it('fails the audit when it is the editorial analysis, and the rest is cancelled', async () => {
    const port = await freePort()
    const { url } = await startRowbeat({
      DATABASE_URL: await freshDatabase(),
      OUTBOUND_HOST_MAP: `down.test=127.0.0.1:${port}`,
      MAX_SCRAPING_RETRIES: '2',
      SCRAPING_RETRY_WAIT_MIN: '1',
      SCRAPING_RETRY_WAIT_MAX: '1',
    })
    const status = await awaitEnd(url, 'down.test', await postAudit(url, 'down.test'), 90_000)
    expect(status).toMatchObject({
      overall_status: 'failed',
      error_code: 'NETWORK_UNREACHABLE',
      error_message: expect.stringContaining('down.test cannot be reached: ECONNREFUSED'),
      failed_steps: 1,
      cancelled_steps: 4,
      failed_workflow_details: [
        {
          workflow: 'editorial_analysis',
          error: 'down.test cannot be reached: ECONNREFUSED',
          error_code: 'NETWORK_UNREACHABLE',
          retry_possible: true,
          suggested_action: actionFor('NETWORK_UNREACHABLE'),
          timestamp: expect.stringMatching(/Z$/),
          attempts: 2,
        },
      ],
    })
    for (const step of status.workflow_steps.slice(1)) {
      expect(step).toMatchObject({
        status: 'cancelled',
        attempt: 0,
        error_message: 'Cancelled because a critical step failed: editorial_analysis',
      })
    }
    const answer = await fetch(`${url}/api/v1/sites/down.test/audit`)
    expect(answer.status).toBe(409)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await answer.json()).toMatchObject({ code: 'AUDIT_RESTING' })
  })
})
