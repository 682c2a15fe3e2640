/** Verdicts for people. */
import type { Verdict } from './stage.ts'

/** One line per scenario, and below it what was found. */
export function renderVerdicts(verdicts: readonly Verdict[]): string {
  const width = Math.max(8, ...verdicts.map((one) => one.scenario.length))
  const lines = verdicts.flatMap((one) => [
    `${one.status.padEnd(7)} ${one.scenario.padEnd(width)} ${one.seconds.toFixed(1).padStart(6)} s  ${one.status === 'SKIPPED' ? one.why : `${one.faults.length} faults`}`,
    ...one.facts.map((fact) => `${' '.repeat(10)}${fact}`),
    ...one.findings.flatMap(({ check, count, rows }) => [
      `${' '.repeat(8)}✗ ${check}: ${count}`,
      ...rows.map((row) => `${' '.repeat(12)}${row}`),
    ]),
  ])
  return `${lines.join('\n')}\n`
}

/** The last line: how it went, and how to see it again. */
export function renderSummary(verdicts: readonly Verdict[], seed: number): string {
  const count = (status: Verdict['status']): number => verdicts.filter((one) => one.status === status).length
  const failed = verdicts.filter((one) => one.status === 'FAIL').map((one) => one.scenario)
  const again =
    failed.length === 0 ? '' : `; again: npm run chaos -- --seed ${seed} --scenario ${failed.join(',')}`
  return `seed ${seed}: ${count('PASS')} passed, ${count('FAIL')} failed, ${count('SKIPPED')} skipped${again}\n`
}
