/** `npm run chaos`: real daemons, a real Postgres, seeded faults, and a checker of what was promised. */
import { randomInt } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createLedger } from './ledger.ts'
import { type Options, parseOptions, USAGE } from './options.ts'
import { renderSummary, renderVerdicts } from './report.ts'
import { allScenarios } from './scenarios/index.ts'
import { createDatabase, startServer } from './server.ts'
import { runScenario, type Verdict } from './stage.ts'

async function main(argv: readonly string[]): Promise<void> {
  if (argv.includes('--help')) {
    process.stdout.write(`${USAGE}\n`)
    return
  }
  const known = allScenarios(null).map((one) => one.name)
  const options = parseOptions(argv, known, randomInt(2 ** 31))
  process.stdout.write(`seed ${options.seed}\n`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // Daemons are killed with this process, the watchdogs of the servers stop those and remove their data.
    process.once(signal, () => process.exit(130))
  }
  const verdicts = await runAll(options)
  process.stdout.write(`\n${renderVerdicts(verdicts)}${renderSummary(verdicts, options.seed)}`)
  if (options.json !== null) await writeFile(options.json, `${JSON.stringify(verdicts, null, 2)}\n`)
  if (verdicts.some((one) => one.status === 'FAIL')) process.exitCode = 1
}

async function runAll(options: Options): Promise<readonly Verdict[]> {
  const log = (line: string): void => {
    if (!options.quiet) process.stderr.write(`${line}\n`)
  }
  const chosen = allScenarios(options.faketime).filter(
    (one) => options.only.length === 0 || options.only.includes(one.name),
  )
  const verdicts: Verdict[] = []
  // The ledger's server is another one: no fault may touch the witness.
  const [server, witness] = [await startServer(() => undefined), await startServer(() => undefined)]
  try {
    const ledgerUrl = await createDatabase(witness.url, 'ledger')
    await createLedger(ledgerUrl)
    const root = new URL('../../', import.meta.url).href
    for (const scenario of chosen) {
      log(`── ${scenario.name}: ${scenario.guarantee}`)
      const verdict = await runScenario({ server, ledgerUrl, root, log }, scenario, options)
      process.stdout.write(renderVerdicts([verdict]))
      verdicts.push(verdict)
    }
  } finally {
    await server.stop()
    await witness.stop()
  }
  return verdicts
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`chaos: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}
// A watchdog or a socket that is still open must not keep a finished run alive.
process.exit()
