import { afterEach, describe, expect, it } from 'vitest'
import { useCleanUp } from '../support/clean-up.ts'
import { createTestDatabase } from '../support/database.ts'
import { queryOnce } from '../support/sessions.ts'
import { until } from '../support/wait.ts'
import { startGatedDemo } from './gate.ts'
import { awaitEnd, postAudit, type Rowbeat, startRowbeat, stopAll } from './rowbeat.ts'

const CLIENT = 'atelier-velo.test'
const cleanUp = useCleanUp()
afterEach(stopAll)

/** A process with an audit whose first step is held in the middle. */
async function startHeldAudit(shutdownSeconds: number) {
  const database = await createTestDatabase()
  cleanUp.push(() => database.drop())
  const gated = await startGatedDemo(({ host, visit }) => host === CLIENT && visit === 1)
  cleanUp.push(() => gated.close())
  const settings = {
    ...gated.settings,
    DATABASE_URL: database.url,
    ROWBEAT_SHUTDOWN_SECONDS: String(shutdownSeconds),
  }
  const process = await startRowbeat(settings)
  const executionId = await postAudit(process.url, CLIENT)
  await until(() => gated.held() > 0, { timeoutMs: 60_000, what: 'a request of the first step' })
  return { url: database.url, gated, settings, process, executionId }
}

async function secondsToExit(process: Rowbeat, act: () => void): Promise<number> {
  const begun = performance.now()
  act()
  expect(await process.exited).toEqual({ code: 0, signal: null })
  return (performance.now() - begun) / 1000
}

const FIRST_STEP = `select status, retry_count, errors, last_error, lease_id from rowbeat.scheduled_jobs
 where step = 'editorial_analysis'`
const HANDED_BACK = [{ status: 'pending', retry_count: 0, errors: null, last_error: null, lease_id: null }]

describe('SIGTERM with an audit in hand', { timeout: 120_000 }, () => {
  it('ends the process in time, costs the step no retry, and the next process goes on', async () => {
    const { url, gated, settings, process, executionId } = await startHeldAudit(2)
    const seconds = await secondsToExit(process, () => process.kill('SIGTERM'))
    expect(seconds).toBeGreaterThan(1.5)
    expect(seconds).toBeLessThan(2 + 18)
    expect(await queryOnce(url, FIRST_STEP)).toEqual(HANDED_BACK)
    expect(await queryOnce(url, 'select status, running from rowbeat.pollers')).toEqual([
      { status: 'stopped', running: 0 },
    ])
    expect(await queryOnce(url, 'select from rowbeat.leases')).toEqual([])
    gated.open()
    const next = await startRowbeat(settings)
    const status = await awaitEnd(next.url, CLIENT, executionId, 90_000)
    expect(status.overall_status).toBe('completed')
    expect(await queryOnce(url, `select from rowbeat.scheduled_jobs where retry_count > 0`)).toEqual([])
  })

  it('lets running work end first when there is time', async () => {
    const { url, gated, process } = await startHeldAudit(60)
    process.kill('SIGTERM')
    await until(
      async () => (await queryOnce(url, `select from rowbeat.pollers where status = 'draining'`)).length > 0,
      { what: 'the poller to drain' },
    )
    const ready = await fetch(`${process.url}/health/ready`)
    expect(ready.status).toBe(503)
    expect(await ready.json()).toEqual({ status: 'not_ready', reasons: ['the process is shutting down'] })
    await secondsToExit(process, () => gated.open())
    expect(
      await queryOnce(url, `select step, status from rowbeat.scheduled_jobs order by sequence_index limit 3`),
    ).toEqual([
      { step: 'editorial_analysis', status: 'completed' },
      { step: 'competitor_search', status: 'pending' },
      { step: 'client_scraping', status: 'pending' },
    ])
  })

  it('ends at once at the second signal, and still hands the work back', async () => {
    const { url, process } = await startHeldAudit(3600)
    process.kill('SIGTERM')
    await until(
      async () => (await queryOnce(url, `select from rowbeat.pollers where status = 'draining'`)).length > 0,
      { what: 'the poller to drain' },
    )
    // Two signals within 0.4 s are one wish: npm repeats the interrupt that the terminal has sent already.
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(await secondsToExit(process, () => process.kill('SIGTERM'))).toBeLessThan(20)
    expect(await queryOnce(url, FIRST_STEP)).toEqual(HANDED_BACK)
  })
})
