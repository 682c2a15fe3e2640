import { Pool } from 'undici'
import { afterAll, describe, expect, it } from 'vitest'
import { PendingAuditResponse } from '../../src/workflows/audit/schema.ts'
import { useCleanUp } from '../support/clean-up.ts'
import { useTestDatabase } from '../support/database.ts'
import { queryOnce } from '../support/sessions.ts'
import { startGatedDemo } from './gate.ts'
import { startRowbeat, stopAll } from './rowbeat.ts'

const CALLERS = 1_000
const CONNECTIONS_PER_SERVER = 250

const database = useTestDatabase()
const cleanUp = useCleanUp('all')
afterAll(stopAll)

/** Asks every server for the audits of `domains`, all at once; returns each answer's status and body. */
async function askAll(servers: readonly string[], domains: readonly string[], callers: number) {
  const pools = servers.map((url) => new Pool(url, { connections: CONNECTIONS_PER_SERVER, pipelining: 1 }))
  try {
    return await Promise.all(
      Array.from({ length: callers }, async (_, caller) => {
        const domain = domains[caller % domains.length] ?? ''
        const pool = pools[Math.floor(caller / domains.length) % pools.length]
        const answer = await pool?.request({ method: 'GET', path: `/api/v1/sites/${domain}/audit` })
        return {
          domain,
          status: answer?.statusCode,
          body: PendingAuditResponse.parse(await answer?.body.json()),
        }
      }),
    )
  } finally {
    await Promise.all(pools.map((pool) => pool.close()))
  }
}

describe('a crowd that asks two servers for the same audit', { timeout: 120_000 }, () => {
  it('gets one audit between them, and ten for ten domains', async () => {
    const gated = await startGatedDemo(() => true)
    cleanUp.push(() => gated.close())
    const hosts = Array.from({ length: 10 }, (_, at) => `crowd-${at}.test`)
    const mapped = hosts.map((host) => `${host}=127.0.0.1:9`)
    const settings = {
      ...gated.settings,
      DATABASE_URL: database.url,
      OUTBOUND_HOST_MAP: [gated.settings.OUTBOUND_HOST_MAP, ...mapped].join(','),
    }
    const servers = await Promise.all([startRowbeat(settings), startRowbeat(settings)])
    const urls = servers.map((server) => server.url)

    const answers = await askAll(urls, ['atelier-velo.test'], CALLERS)
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([202]))
    const ids = new Set(answers.map((answer) => answer.body.execution_id))
    expect(ids.size).toBe(1)
    const executions = await queryOnce<{ execution_id: string; steps: number }>(
      database.url,
      `select e.execution_id,
              (select count(*)::int from rowbeat.scheduled_jobs j where j.parent_execution_id = e.execution_id) as steps
       from rowbeat.workflow_executions e`,
    )
    expect(executions).toEqual([{ execution_id: [...ids][0], steps: 5 }])
    expect(await queryOnce(database.url, 'select from rowbeat.scheduled_jobs')).toHaveLength(5)

    const others = await askAll(urls, hosts, 100)
    const perHost = hosts.map(
      (host) => new Set(others.filter((one) => one.domain === host).map((one) => one.body.execution_id)).size,
    )
    expect(perHost).toEqual(hosts.map(() => 1))
    expect(await queryOnce(database.url, 'select from rowbeat.workflow_executions')).toHaveLength(11)
  })
})
