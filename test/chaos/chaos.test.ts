/** The short form of `npm run chaos`: fixed seeds, side by side, since most of their time is waiting for leases. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLedger } from '../../scripts/chaos/ledger.ts'
import { renderVerdicts } from '../../scripts/chaos/report.ts'
import type { Scenario } from '../../scripts/chaos/scenario.ts'
import { cancels } from '../../scripts/chaos/scenarios/cancels.ts'
import { cron } from '../../scripts/chaos/scenarios/cron.ts'
import { killStorm, sigstop } from '../../scripts/chaos/scenarios/kills.ts'
import { cutInCommit } from '../../scripts/chaos/scenarios/network.ts'
import { handEdits } from '../../scripts/chaos/scenarios/operators.ts'
import { restarts } from '../../scripts/chaos/scenarios/outages.ts'
import { type ChaosServer, startServer } from '../../scripts/chaos/server.ts'
import { runScenario } from '../../scripts/chaos/stage.ts'
import { useTestDatabase } from '../support/database.ts'

const SEED = 20_261_122
const ROOT = new URL('../../', import.meta.url).href
const quiet = (): void => undefined

describe('what was promised holds', { timeout: 180_000 }, () => {
  const ledger = useTestDatabase()
  let server: ChaosServer | null = null
  beforeAll(async () => {
    await createLedger(ledger.url)
    server = await startServer(quiet)
  })
  afterAll(async () => {
    await server?.stop()
  })

  const runs: readonly (readonly [title: string, scenario: Scenario, seconds: number])[] = [
    ['when pollers are killed again and again', killStorm, 5],
    ['when a poller sleeps past its lease', sigstop, 1],
    ['when Postgres crashes every few seconds', restarts, 8],
    ['when connections are cut in the middle of COMMIT', cutInCommit, 6],
    ['when people edit running work by hand', handEdits, 6],
    ['when people cancel running work', cancels, 5],
    ['when schedules fire on daemons that are killed, stopped and cut off', cron(null), 1],
  ]
  for (const [title, scenario, seconds] of runs) {
    it.concurrent(title, async () => {
      if (server === null) throw new Error('there is no server')
      const load = { perSecond: 5, longShare: scenario.load?.longShare ?? 0.05 }
      const arena = { server, ledgerUrl: ledger.url, root: ROOT, log: quiet }
      const verdict = await runScenario(arena, { ...scenario, load, daemons: 2 }, { seed: SEED, seconds })
      expect(verdict.status, renderVerdicts([verdict])).toBe('PASS')
      expect(verdict.faults.length).toBeGreaterThan(1)
    })
  }
})
