/** One scenario from its empty database to its verdict. */
import type { Finding } from './checker.ts'
import { play } from './play.ts'
import { NotHere, type Scenario, type Target } from './scenario.ts'

/** What scenarios share. */
export interface Arena {
  readonly server: Target
  readonly ledgerUrl: string
  /** Build under test: a `file:` URL that ends with a slash. */
  readonly root: string
  readonly log: (line: string) => void
}

export interface Verdict {
  readonly scenario: string
  readonly guarantee: string
  readonly seed: number
  readonly status: 'PASS' | 'FAIL' | 'SKIPPED'
  /** Why it was skipped; empty otherwise. */
  readonly why: string
  readonly seconds: number
  readonly faults: readonly { readonly atSeconds: number; readonly text: string }[]
  readonly facts: readonly string[]
  readonly findings: readonly Finding[]
}

/** Runs a scenario in a database of its own; never throws: what cannot be run is a finding too. */
export async function runScenario(
  arena: Arena,
  scenario: Scenario,
  options: { readonly seed: number; readonly seconds: number },
): Promise<Verdict> {
  const begun = performance.now()
  const faults: { atSeconds: number; text: string }[] = []
  const facts: string[] = []
  const findings: Finding[] = []
  const ends: (() => Promise<void>)[] = []
  const seconds = (): number => Math.round((performance.now() - begun) / 100) / 10
  const verdict = (status: Verdict['status'], why = ''): Verdict => ({
    scenario: scenario.name,
    guarantee: scenario.guarantee,
    seed: options.seed,
    status,
    why,
    seconds: seconds(),
    faults,
    facts,
    findings,
  })
  const noteFault = (text: string): void => {
    faults.push({ atSeconds: seconds(), text })
    arena.log(`${scenario.name} ${seconds().toFixed(1)} s: ${text}`)
  }
  try {
    const why = (await scenario.cannotRun?.()) ?? null
    if (why !== null) return verdict('SKIPPED', why)
    const found = await play({ arena, scenario, ...options, facts, noteFault, ends })
    findings.push(...found)
  } catch (error) {
    if (error instanceof NotHere) return verdict('SKIPPED', error.message)
    const row = error instanceof Error ? (error.stack ?? error.message) : String(error)
    findings.push({ check: 'the scenario can be played', count: 1, rows: [row] })
  } finally {
    for (const end of ends.reverse()) {
      await end().catch((error: unknown) => facts.push(`could not clean up: ${String(error)}`))
    }
  }
  return verdict(findings.length === 0 ? 'PASS' : 'FAIL')
}
