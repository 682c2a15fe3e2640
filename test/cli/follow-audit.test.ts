import { describe, expect, it } from 'vitest'
import { createAuditClient } from '../../src/cli/audit-client.ts'
import { endedBadly, interruptedLines } from '../../src/cli/audit-outcome.ts'
import { Failure } from '../../src/cli/faults.ts'
import { type AuditOutcome, followAudit } from '../../src/cli/follow-audit.ts'
import {
  at,
  completed,
  dataStatus,
  EXECUTION_ID,
  emptyDocument,
  recordingScreen,
  running,
  statusOf,
  step,
} from './fixtures.ts'
import { serveInTurn } from './loopback.ts'

const DOMAIN = 'atelier-velo.test'
const AUDIT = `/api/v1/sites/${DOMAIN}/audit`
const STATUS = `GET ${AUDIT}/status/${EXECUTION_ID}`
const done = statusOf([completed(1)], { overall_status: 'completed', overall_progress: 100, end_time: at(5) })
const pending = {
  status: 202,
  body: {
    status: 'pending',
    execution_id: EXECUTION_ID,
    message: 'started',
    workflow_steps: [],
    data_status: dataStatus(false),
    status_url: `${AUDIT}/status/${EXECUTION_ID}`,
  },
}
const document = { status: 200, body: emptyDocument() }
const ok = (body: unknown) => ({ status: 200, body })

async function follow(
  turns: Parameters<typeof serveInTurn>[0],
  options: { refresh?: boolean; signal?: AbortSignal } = {},
): Promise<{ outcome: AuditOutcome; asked: string[]; text: string }> {
  const { url, asked } = await serveInTurn(turns)
  const { refresh = false, signal = new AbortController().signal } = options
  const screen = recordingScreen()
  const client = createAuditClient(url, signal)
  const outcome = await followAudit(client, DOMAIN, { refresh, screen, signal, maxSeconds: 10 })
  return { outcome, asked, text: screen.text() }
}

describe('following an audit', () => {
  it('gives a stored audit at once', async () => {
    const { outcome, asked, text } = await follow({ [`GET ${AUDIT}`]: [document] })
    expect(outcome).toMatchObject({ kind: 'document', status: null, document: emptyDocument() })
    expect([asked, text]).toEqual([[`GET ${AUDIT}`], ''])
  })

  it('shows the run until it ends, then asks for the document', async () => {
    const { outcome, text } = await follow({
      [`GET ${AUDIT}`]: [pending, document],
      [STATUS]: [ok(statusOf([running(1)])), ok(done)],
    })
    expect(outcome).toMatchObject({ kind: 'document', status: { overall_status: 'completed' } })
    expect(text).toContain('Editorial Analysis: running\n')
    expect(text).toContain('completed in 5.0 s\n')
  })

  it('says refresh only once, because each time starts a run', async () => {
    const { asked } = await follow(
      {
        [`GET ${AUDIT}?refresh=true`]: [pending],
        [`GET ${AUDIT}`]: [document],
        [STATUS]: [ok(done)],
      },
      { refresh: true },
    )
    expect(asked).toEqual([`GET ${AUDIT}?refresh=true`, STATUS, `GET ${AUDIT}`])
  })

  it('follows a second run when the first, from before, tried less than is needed', async () => {
    const { outcome, asked } = await follow({
      [`GET ${AUDIT}`]: [pending, pending, document],
      [STATUS]: [ok(done)],
    })
    expect(outcome.kind).toBe('document')
    expect(asked.filter((one) => one === STATUS)).toHaveLength(2)
  })

  it('gives up when one run after the other ends without a document', async () => {
    const turns = { [`GET ${AUDIT}`]: [pending], [STATUS]: [ok(done)] }
    await expect(follow(turns)).rejects.toThrow('ended 3 times and there is still no document')
  })

  it('starts at once what a GET may not repeat yet', async () => {
    const { outcome, asked } = await follow({
      [`GET ${AUDIT}`]: [{ status: 409, body: { code: 'AUDIT_RESTING', detail: 'Wait.' } }, document],
      [`POST ${AUDIT}`]: [pending],
      [STATUS]: [ok(done)],
    })
    expect(outcome.kind).toBe('document')
    expect(asked.slice(0, 2)).toEqual([`GET ${AUDIT}`, `POST ${AUDIT}`])
  })

  it('ends with a failed run and asks no more, so that none is started', async () => {
    const failed = statusOf([step(1, { status: 'failed', error_message: 'gone' })], {
      overall_status: 'failed',
      end_time: at(9),
    })
    const { outcome, asked } = await follow({ [`GET ${AUDIT}`]: [pending], [STATUS]: [ok(failed)] })
    expect(outcome).toMatchObject({ kind: 'ended', status: { overall_status: 'failed' } })
    expect(asked).toEqual([`GET ${AUDIT}`, STATUS])
  })

  it('asks again after a passing failure', async () => {
    const { outcome } = await follow({ [`GET ${AUDIT}`]: [{ status: 503, body: {} }, document] })
    expect(outcome.kind).toBe('document')
  })

  it('passes on why the server refuses', async () => {
    const refused = { status: 422, body: { title: 'No', detail: 'the domain is a public suffix' } }
    await expect(follow({ [`GET ${AUDIT}`]: [refused] })).rejects.toThrow(
      new Failure('the domain is a public suffix'),
    )
    await expect(follow({ [`GET ${AUDIT}`]: [{ status: 418, body: 'tea' }] })).rejects.toThrow('status 418')
  })

  it('leaves the run alone when it is told to stop', async () => {
    const controller = new AbortController()
    const { url } = await serveInTurn({ [`GET ${AUDIT}`]: [pending], [STATUS]: [ok(statusOf([running(1)]))] })
    const screen = recordingScreen()
    const write = (text: string): void => {
      screen.write(text)
      controller.abort()
    }
    const outcome = await followAudit(createAuditClient(url, controller.signal), DOMAIN, {
      refresh: false,
      screen: { ...screen, write },
      signal: controller.signal,
      maxSeconds: 10,
    })
    expect(outcome).toEqual({ kind: 'interrupted', executionId: EXECUTION_ID })
  })
})

describe('an audit without a result', () => {
  it('says why it failed and what can be done', () => {
    const detail = {
      workflow: 'editorial_analysis',
      error: 'a.test cannot be reached',
      error_code: 'NETWORK_UNREACHABLE',
      retry_possible: true,
      suggested_action: 'Check that the site is online.',
      timestamp: at(9),
      attempts: 3,
    }
    const status = statusOf([], { overall_status: 'failed', failed_workflow_details: [detail] })
    expect(endedBadly(status).message).toBe(
      `the audit of ${DOMAIN} failed: a.test cannot be reached. Check that the site is online.`,
    )
    expect(endedBadly(statusOf([], { overall_status: 'cancelled' })).message).toBe(
      `the audit of ${DOMAIN} was cancelled: no reason was recorded.`,
    )
  })

  it('says how to go on after an interrupt', () => {
    const lines = interruptedLines(DOMAIN, EXECUTION_ID, 'npm run audit -- a.test').join('\n')
    expect(lines).toContain(EXECUTION_ID)
    expect(lines).toContain('"npm run audit -- a.test" or "npm start" goes on with it')
    expect(interruptedLines(DOMAIN, null, 'x')).toEqual(['Stopped before the audit was asked for.'])
  })
})
