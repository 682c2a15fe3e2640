/** The database of the configuration: opening it and bringing it to this build's shape. */
import { resolve } from 'node:path'
import type { Config } from '../config.ts'
import { type Connections, connect, explainDatabaseError } from '../store/database.ts'
import { startEmbedded } from '../store/embedded.ts'
import { prepareRoles } from '../store/embedded-roles.ts'
import { keepEmbedded, type ServerEvent } from '../store/kept-server.ts'
import { migrate } from '../store/migrate.ts'

export interface OpenDatabase {
  /** Where to work. */
  readonly url: string
  /** Whom to migrate as; null: at `url`. */
  readonly migrateUrl: string | null
  /** For a person at psql. */
  readonly psqlUrl: string
  /** Resolves, with why, when the database has gone for good; never for one that is not ours to start. */
  readonly lost: Promise<Error>
  stop(): Promise<void>
}

export interface OpenOptions {
  /** The embedded server ends with this process, however that ends. */
  readonly guard?: boolean
  /** Receives sentences for a person, for instance where the data is. */
  readonly note?: ((line: string) => void) | undefined
}

const NEVER = new Promise<never>(() => undefined)

/**
 * Opens the database of DATABASE_URL, or the embedded one, which is started again whenever it ends before
 * `stop()`, and is worked with as rowbeat_daemon.
 */
export async function openDatabase(
  config: Config,
  options: OpenOptions,
  tell: (event: ServerEvent) => void,
): Promise<OpenDatabase> {
  if (config.databaseUrl !== null) {
    const { databaseUrl: url, migrateDatabaseUrl: migrateUrl } = config
    return { url, migrateUrl, psqlUrl: url, lost: NEVER, stop: async () => undefined }
  }
  const server = await keepEmbedded(embeddedOptions(config, options), { tell })
  try {
    const { daemon, migrate: migrateUrl } = await prepareRoles(server.url)
    return { url: daemon, migrateUrl, psqlUrl: server.url, lost: server.lost, stop: () => server.stop() }
  } catch (error) {
    await server.stop()
    throw error
  }
}

function embeddedOptions(config: Config, options: OpenOptions) {
  return {
    dataDir: resolve(config.dataDir, 'postgres'),
    log: options.note,
    guard: options.guard ?? false,
  }
}

/** Migrates the database of the configuration; returns the names applied. */
export async function migrateDatabase(
  config: Config,
  note?: (line: string) => void,
): Promise<readonly string[]> {
  if (config.migrateDatabaseUrl !== null) return migrateAt(config.migrateDatabaseUrl, note)
  if (config.databaseUrl !== null) return migrateAt(config.databaseUrl, note, 'DATABASE_URL')
  const server = await startEmbedded(embeddedOptions(config, { note }))
  try {
    return await migrateAt((await prepareRoles(server.url)).migrate, note)
  } finally {
    await server.stop()
  }
}

/** The setting that a person would correct. */
type DatabaseSetting = 'DATABASE_URL' | 'MIGRATE_DATABASE_URL'

/** Migrates on connections of its own, which are gone afterwards: daemons at work need fewer rights. */
export async function migrateAt(
  url: string,
  note?: (line: string) => void,
  setting: DatabaseSetting = 'MIGRATE_DATABASE_URL',
): Promise<readonly string[]> {
  const connections = connect({ url, max: 2, applicationName: 'rowbeat-migrate' })
  try {
    return (await migrateOrExplain(connections, url, note, setting)).applied
  } finally {
    await connections.close()
  }
}

/** Migrates; throws a sentence about the database of `url` when it cannot be used. */
export async function migrateOrExplain(
  connections: Connections,
  url: string,
  note?: (line: string) => void,
  setting: DatabaseSetting = 'DATABASE_URL',
): Promise<{ applied: string[] }> {
  try {
    await connections.pool.query('select 1')
  } catch (error) {
    throw new Error(explainDatabaseError(error, url, setting), { cause: error })
  }
  return migrate(connections.pool, note === undefined ? {} : { notice: note })
}
