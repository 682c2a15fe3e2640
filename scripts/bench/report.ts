/** The results as Markdown, which also reads well in a terminal. Pure. */
import { judge, type Verdict } from './bars.ts'
import type { ScenarioName } from './options.ts'
import type { Reading, Results } from './results.ts'
import { spreadOf } from './statistics.ts'

const TITLES: Readonly<Record<ScenarioName, (results: Results) => string>> = {
  drain: ({ sizes }) => `Drain ${count(sizes.drainJobs)} no-op jobs`,
  snapshot: () => 'The same with a repeatable-read snapshot held open throughout',
  'full-table': ({ sizes }) =>
    `The same with ${count(sizes.finishedRows)} finished and ${count(sizes.futureRows)} future rows in the table`,
  enqueue: () => 'Enqueue from 8 connections',
  latency: () => 'Pick-up latency at 100 jobs/s, open loop, one idle poller',
  workflows: () => 'Five-step workflows (a → b, c → d after b → e after c and d)',
  'blocked-head': ({ sizes }) => `${count(sizes.headJobs)} jobs at the head of the queue that cannot run`,
  pollers: () => 'From one to eight pollers',
  idle: () => 'Idle, eight pollers',
}

/** Tables of all scenarios of a run, with machine, configurations and verdicts. */
export function renderResults(results: Results): string {
  const verdicts = judge(results.readings)
  const parts = [
    results.quick
      ? '**A run with `--quick`: it shows that everything works; its numbers mean nothing.**'
      : '',
    renderMachine(results),
    renderSystems(results),
    ...results.scenarios.map((scenario) => renderScenario(scenario, results, verdicts)),
    renderList('Left out', results.skipped),
    renderList('Notes', results.notes),
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function renderMachine({ machine, startedAt, command, rounds }: Results): string {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`)
  const settings = Object.entries(machine.settings).map(([name, value]) => `${name}=${value}`)
  return [
    `Run of ${startedAt}, ${rounds} round${rounds === 1 ? '' : 's'}: \`${command}\``,
    `Machine: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.platform}.`,
    `Versions: ${versions.join(', ')}.`,
    `Server settings, the same for all: ${settings.join(', ')}.`,
  ].join('\n\n')
}

function renderSystems({ systems }: Results): string {
  return table(
    ['System', 'Configuration', 'What is left of a finished job'],
    systems.map((one) => [one.name, one.configuration, one.keeps]),
  )
}

function renderScenario(scenario: ScenarioName, results: Results, verdicts: readonly Verdict[]): string {
  const mine = results.readings.filter((reading) => reading.scenario === scenario)
  const heading = `### ${TITLES[scenario](results)}`
  if (mine.length === 0) return `${heading}\n\nNo reading.`
  const judged = verdicts.filter((verdict) => verdict.bar.scenario === scenario)
  return [heading, renderReadings(mine), judged.length === 0 ? '' : renderVerdicts(judged)]
    .filter((part) => part !== '')
    .join('\n\n')
}

/** One row per metric and system: median, spread, and ours as a multiple of it in the same round. */
function renderReadings(readings: readonly Reading[]): string {
  const groups = Map.groupBy(readings, (reading) => `${reading.metric}\n${reading.system}`)
  const metrics = [...new Set(readings.map((reading) => reading.metric))]
  const rows = metrics.flatMap((metric) =>
    [...groups.values()].flatMap((group) => {
      const first = group[0]
      if (first === undefined || first.metric !== metric) return []
      const { median, min, max } = spreadOf(group.map((reading) => reading.value))
      return [
        [metric, first.system, figure(median), `${figure(min)}–${figure(max)}`, ratioTo(group, readings)],
      ]
    }),
  )
  return table(['Reading', 'System', 'Median', 'Min–max', 'rowbeat ÷ this'], rows)
}

function ratioTo(group: readonly Reading[], all: readonly Reading[]): string {
  const ratios = group.flatMap((other) => {
    if (other.system === 'rowbeat' || other.value === 0) return []
    const ours = all.find(
      (one) => one.system === 'rowbeat' && one.metric === other.metric && one.round === other.round,
    )
    return ours === undefined ? [] : [ours.value / other.value]
  })
  return ratios.length === 0 ? '' : spreadOf(ratios).median.toFixed(2)
}

function renderVerdicts(verdicts: readonly Verdict[]): string {
  return table(
    ['Bar', 'Median', 'Min–max', 'Verdict'],
    verdicts.map(({ bar, ratio, passed }) => [
      bar.text,
      ratio === null ? '' : ratio.median.toFixed(2),
      ratio === null ? '' : `${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)}`,
      passed === null ? 'NOT READ' : passed ? 'PASS' : 'MISS',
    ]),
  )
}

function renderList(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${title}:\n${[...new Set(lines)].map((line) => `- ${line}`).join('\n')}`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) =>
    Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join(
    '\n',
  )
}

/** Three significant digits for small values, whole numbers with commas for large ones. */
export function figure(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US')
  return Number(value.toPrecision(3)).toString()
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

export const RESULTS_BEGIN = '<!-- results: begin -->'
export const RESULTS_END = '<!-- results: end -->'

/** Puts the tables between the two marks of a document. Throws when a mark is missing. */
export function insertResults(document: string, tables: string): string {
  const begin = document.indexOf(RESULTS_BEGIN)
  const end = document.indexOf(RESULTS_END)
  if (begin === -1 || end < begin)
    throw new Error(`the document lacks the lines ${RESULTS_BEGIN} and ${RESULTS_END}`)
  return `${document.slice(0, begin + RESULTS_BEGIN.length)}\n\n${tables}\n${document.slice(end)}`
}
