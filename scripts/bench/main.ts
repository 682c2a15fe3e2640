/** `npm run bench`: measures Rowbeat beside its peers on one fresh server, and prints what it found. */
import { readFile, writeFile } from 'node:fs/promises'
import { type Bench, createBench } from './bench.ts'
import { describeMachine } from './machine.ts'
import { type Options, parseOptions, SCENARIO_NAMES, USAGE } from './options.ts'
import { insertResults, renderResults } from './report.ts'
import type { Machine, Results } from './results.ts'
import { SCENARIOS } from './scenarios/index.ts'
import { startServer } from './server.ts'
import { DBOS_FACTS } from './systems/dbos.ts'
import { SYSTEMS } from './systems/index.ts'

const DOCUMENT = new URL('../../docs/benchmarks.md', import.meta.url)

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

async function main(argv: readonly string[]): Promise<void> {
  if (argv.includes('--help')) {
    process.stdout.write(`${USAGE}\n`)
    return
  }
  const options = parseOptions(argv)
  if (options.render !== null) {
    await render(options.render)
    return
  }
  const results = await measure(options, argv)
  process.stdout.write(`\n${renderResults(results)}`)
}

async function save(file: string | null, results: Results): Promise<void> {
  if (file !== null) await writeFile(file, `${JSON.stringify(results, null, 2)}\n`)
}

async function render(file: string): Promise<void> {
  const results = JSON.parse(await readFile(file, 'utf8')) as Results
  await writeFile(DOCUMENT, insertResults(await readFile(DOCUMENT, 'utf8'), renderResults(results)))
}

async function measure(options: Options, argv: readonly string[]): Promise<Results> {
  const startedAt = new Date().toISOString()
  const server = await startServer(say)
  const interrupt = (): void => {
    // Ends the children too (children.ts); the server's watchdog stops the server and removes its data.
    process.exit(130)
  }
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  try {
    const bench = createBench(server, options.sizes, say)
    const machine = await describeMachine(server)
    const collected = (): Results => collect(bench, options, argv, startedAt, machine)
    // After each round: an hour of readings must not be lost with the last one.
    await runRounds(bench, options, () => save(options.json, collected()))
    return collected()
  } finally {
    await server.stop()
  }
}

async function runRounds(bench: Bench, options: Options, onRound: () => Promise<void>): Promise<void> {
  const chosen = SCENARIOS.filter((scenario) => options.only.includes(scenario.name))
  for (let round = 1; round <= options.rounds; round++) {
    for (const scenario of chosen) {
      say(`round ${round} of ${options.rounds}: ${scenario.name}`)
      try {
        await scenario.run(bench, round)
      } catch (error) {
        // Hours of readings must not be lost because one of them failed.
        bench.note(
          `${scenario.name} failed in round ${round}: ${error instanceof Error ? error.message : String(error)}`,
        )
      }
    }
    await onRound()
  }
}

function collect(
  bench: Bench,
  options: Options,
  argv: readonly string[],
  startedAt: string,
  machine: Machine,
): Results {
  const seen = new Set(bench.readings.map((reading) => reading.scenario))
  return {
    startedAt,
    command: ['npm run bench --', ...argv].join(' '),
    quick: options.quick,
    rounds: new Set(bench.readings.map((reading) => reading.round)).size,
    scenarios: SCENARIO_NAMES.filter((name) => options.only.includes(name) || seen.has(name)),
    sizes: options.sizes,
    machine,
    systems: [...SYSTEMS, DBOS_FACTS].map(({ name, configuration, keeps }) => ({
      name,
      configuration,
      keeps,
    })),
    readings: bench.readings,
    notes: bench.notes,
    skipped: bench.skipped,
  }
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
