import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { useTestDatabase } from '../support/database.ts'
import { queryOnce } from '../support/sessions.ts'
import { startRowbeat, stopAll } from './rowbeat.ts'

const CALLERS = 120
const PER_SITE = 3
const ALL = 20

const database = useTestDatabase()
let urls: readonly string[] = []
afterAll(stopAll)
beforeAll(async () => {
  // Nobody works on what they start: each audit keeps its place.
  const settings = { DATABASE_URL: database.url, AUDIT_MAX_LIVE: String(ALL) }
  const servers = await Promise.all([startRowbeat(settings, ['api']), startRowbeat(settings, ['api'])])
  urls = servers.map((server) => server.url)
}, 120_000)

/** Asks for fresh audits from as many connections, at both servers; tallies the statuses. */
async function attack(domainOf: (at: number) => string, callers = CALLERS): Promise<Record<number, number>> {
  const tally: Record<number, number> = {}
  const ask = async (at: number): Promise<void> => {
    const path = `/api/v1/sites/${encodeURIComponent(domainOf(at))}/audit?refresh=true`
    const answer = await request(`${urls[at % urls.length]}${path}`, { reset: true })
    await answer.body.dump()
    tally[answer.statusCode] = (tally[answer.statusCode] ?? 0) + 1
    if (answer.statusCode === 429) expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
  }
  await Promise.all(Array.from({ length: callers }, (_, at) => ask(at)))
  return tally
}

const live = async (): Promise<number> =>
  (
    await queryOnce(
      database.url,
      `select from rowbeat.workflow_executions where status in ('pending', 'running')`,
    )
  ).length

describe('an attack with 120 refreshes at once', { timeout: 60_000 }, () => {
  it('gets three audits of one site, however its names are written', async () => {
    const spellings: ((at: number) => string)[] = [
      (at) => `s${at}.victim.co.uk`,
      (at) => `S${at}.VICTIM.co.uk.`,
      (at) => `t${at}。victim。co.uk`,
      (at) => `u${at}.ｖictim.co.uk`,
      (at) => `a.b.c.d.${at}.victim.co.uk`,
    ]
    expect(await attack((at) => spellings[at % spellings.length]?.(at) ?? '')).toEqual({
      202: PER_SITE,
      429: CALLERS - PER_SITE,
    })
    expect(await attack((at) => (at % 2 === 0 ? `s${at}.bücher.de` : `s${at}.xn--bcher-kva.de`))).toEqual({
      202: PER_SITE,
      429: CALLERS - PER_SITE,
    })
  })

  it('gets twenty audits of any sites, and a cancelled one leaves its place to another', async () => {
    const before = await live()
    expect(await attack((at) => `victim${at}.co.uk`)).toEqual({
      202: ALL - before,
      429: CALLERS - ALL + before,
    })
    expect(await live()).toBe(ALL)
    await queryOnce(
      database.url,
      `select rowbeat.cancel_execution(e.execution_id, 'makes room')
       from (select execution_id from rowbeat.workflow_executions where status = 'pending' limit 2) e`,
    )
    expect(await attack((at) => `other${at}.com`)).toEqual({ 202: 2, 429: CALLERS - 2 })
    expect(await live()).toBe(ALL)
  })
})
