/** Runs once before the first test file and after the last one. */
import type { TestProject } from 'vitest/node'
import { startBroker } from './broker.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where `database.ts` asks for databases. */
    databaseBroker: string
    /** True where databases are reached through PgBouncer. */
    pooled: boolean
    /** Major version of the older server that databases are on; null: the server of the run. */
    oldServer: number | null
  }
}

/** Opens the broker of databases; returns how to close it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const broker = await startBroker(process.env, (line) => process.stderr.write(`${line}\n`))
  project.provide('databaseBroker', broker.url)
  return () => broker.close()
}
