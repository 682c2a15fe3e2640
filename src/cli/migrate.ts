/** `migrate`: brings the database to this version's shape. */
import { migrateDatabase } from '../app/database.ts'
import { readConfig } from '../config.ts'
import { describeMigration } from './announcements.ts'
import { EXIT, type ExitCode, startFailure } from './faults.ts'
import { type Output, writeLines } from './terminal.ts'

/** Applies what is missing and prints its names. */
export async function migrate(output: Output): Promise<ExitCode> {
  const config = readConfig()
  const applied = await migrateDatabase(config, (line) => writeLines(output.err, [line])).catch(
    (error: unknown) => {
      throw startFailure(error, { port: config.port, command: 'npm run migrate' })
    },
  )
  writeLines(output.out, describeMigration(applied))
  return EXIT.ok
}
