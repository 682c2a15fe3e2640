/** What the scenarios share: the server, a database per system, and where readings go. */
import type { ScenarioName, Sizes } from './options.ts'
import type { Reading } from './results.ts'
import type { Server } from './server.ts'
import { systemNamed } from './systems/index.ts'

export interface Bench {
  readonly server: Server
  readonly sizes: Sizes
  readonly readings: readonly Reading[]
  readonly notes: readonly string[]
  readonly skipped: readonly string[]
  /** URL of the system's own database, made and prepared at first use. */
  databaseOf(system: string): Promise<string>
  /** URL of a further database, made by `make` at first use. */
  databaseFor(name: string, make: (url: string) => Promise<void>): Promise<string>
  read(reading: Reading): void
  /** An earlier reading of this run. */
  find(wanted: Omit<Reading, 'value'>): number | undefined
  note(sentence: string): void
  skip(sentence: string): void
  say(line: string): void
}

export interface Scenario {
  readonly name: ScenarioName
  /** Measures every system once. */
  run(bench: Bench, round: number): Promise<void>
}

export function createBench(server: Server, sizes: Sizes, say: (line: string) => void): Bench {
  const readings: Reading[] = []
  const notes: string[] = []
  const skipped: string[] = []
  const databases = new Map<string, Promise<string>>()

  const databaseFor = (name: string, make: (url: string) => Promise<void>): Promise<string> => {
    const made =
      databases.get(name) ??
      server.createDatabase(name).then(async (url) => {
        await make(url)
        return url
      })
    databases.set(name, made)
    return made
  }

  return {
    server,
    sizes,
    readings,
    notes,
    skipped,
    databaseOf: (system) =>
      databaseFor(`bench_${system.replaceAll(/\W/g, '_').toLowerCase()}`, (url) =>
        systemNamed(system).prepare(url),
      ),
    databaseFor,
    read: (reading) => {
      readings.push(reading)
      say(
        `  ${reading.scenario} · ${reading.system} · ${reading.metric}: ${Number(reading.value.toPrecision(4))}`,
      )
    },
    find: (wanted) =>
      readings.find(
        (one) =>
          one.scenario === wanted.scenario &&
          one.system === wanted.system &&
          one.metric === wanted.metric &&
          one.round === wanted.round,
      )?.value,
    note: (sentence) => {
      notes.push(sentence)
      say(`  note: ${sentence}`)
    },
    skip: (sentence) => {
      skipped.push(sentence)
      say(`  skipped: ${sentence}`)
    },
    say,
  }
}
