/** The settings of a process: the only reader of the environment. All problems are reported at once. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { problemOfDatabaseUrl } from './core/database-url.ts'
import { parsePublicHosts } from './core/hosts.ts'
import { type HostMap, parseHostMap } from './outbound/host-map.ts'
import {
  type AuditSettings,
  auditEnvironment,
  auditEnvironmentProblems,
  toAuditSettings,
} from './workflows/audit/settings.ts'

const wholeNumber = (least: number, most: number) =>
  z.coerce
    .number(`must be a whole number from ${least} to ${most}`)
    .int(`must be a whole number from ${least} to ${most}`)
    .min(least, `must be at least ${least}`)
    .max(most, `must be at most ${most}`)

function refuseDatabaseUrl(url: string, context: z.RefinementCtx): void {
  const message = problemOfDatabaseUrl(url)
  if (message !== null) context.addIssue({ code: 'custom', message })
}

/** Every setting of the house with its range, default and one sentence; the README's table is checked against it. */
export const environment = z.object({
  PORT: wholeNumber(0, 65_535).default(3000).describe('Port of the HTTP server; 0 takes any free one.'),
  HOST: z.string().min(1).default('127.0.0.1').describe('Address the HTTP server listens on.'),
  PUBLIC_HOSTS: z
    .string()
    .default('')
    .describe(
      'Names, comma-separated, that clients and proxies may put into the Host header, beside loopback names and HOST; others get 421.',
    ),
  DATABASE_URL: z
    .string()
    .superRefine(refuseDatabaseUrl)
    .optional()
    .describe('Connection string of Postgres 15 or newer; absent: an embedded server is started.'),
  LISTEN_DATABASE_URL: z
    .string()
    .superRefine(refuseDatabaseUrl)
    .optional()
    .describe(
      'Direct connection to the same database for LISTEN, when DATABASE_URL leads through a transaction pooler; absent: DATABASE_URL is tried, and work is found by polling when nothing is heard.',
    ),
  MIGRATE_DATABASE_URL: z
    .string()
    .superRefine(refuseDatabaseUrl)
    .optional()
    .describe(
      'The same database as a user that may migrate, so that DATABASE_URL needs the role rowbeat_daemon only; absent: DATABASE_URL migrates.',
    ),
  ROWBEAT_DATA_DIR: z
    .string()
    .min(1)
    .default('.rowbeat')
    .describe('Folder of the embedded server and its data.'),
  ROWBEAT_CONCURRENCY: wholeNumber(1, 2000).default(20).describe('Most jobs that this process runs at once.'),
  ROWBEAT_SHUTDOWN_SECONDS: wholeNumber(0, 3600)
    .default(25)
    .describe('Seconds that running jobs get to finish at shutdown before they are handed back.'),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'], 'must be debug, info, warn, error or silent')
    .default('info')
    .describe('Least level that is logged.'),
  OUTBOUND_HOST_MAP: z
    .string()
    .default('')
    .describe('Development only: host=address:port pairs, comma-separated, reached by plain HTTP.'),
  ...auditEnvironment.shape,
})

export interface Config {
  readonly port: number
  readonly host: string
  /** Names that are answered to, beside loopback names and `host`. */
  readonly publicHosts: ReadonlySet<string>
  /** Null: the embedded server. */
  readonly databaseUrl: string | null
  /** Where to LISTEN; null: at the database's own URL. */
  readonly listenDatabaseUrl: string | null
  /** Whom to migrate as; null: at the database's own URL. */
  readonly migrateDatabaseUrl: string | null
  readonly dataDir: string
  readonly concurrency: number
  readonly shutdownSeconds: number
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  readonly hostMap: HostMap
  readonly audit: AuditSettings
  readonly version: string
}

/** Thrown with every problem of the configuration, one per line. */
export class ConfigError extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(
      `the configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${problems.map((one) => `  ${one}`).join('\n')}`,
    )
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** Values that a command brings along. */
export interface ConfigChanges {
  /** Win over the environment. */
  readonly overrides?: Readonly<Record<string, string>>
  /** Stand in for what the environment leaves out. */
  readonly defaults?: Readonly<Record<string, string>>
}

/** Reads the settings from the environment; empty variables count as absent. Throws {@link ConfigError}. */
export function readConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
  changes: ConfigChanges = {},
): Config {
  const set = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  )
  const given = { ...changes.defaults, ...set, ...changes.overrides }
  const parsed = environment.safeParse(given)
  const problems = parsed.success
    ? auditEnvironmentProblems(parsed.data).map(([name, sentence]) => `${name} ${sentence}`)
    : parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`)
  const publicHosts = parsePublicHosts(given.PUBLIC_HOSTS ?? '')
  if (!publicHosts.ok) problems.push(...publicHosts.problems.map((one) => `PUBLIC_HOSTS ${one}`))
  const hosts = parseHostMap(given.OUTBOUND_HOST_MAP ?? '')
  if (!hosts.ok) problems.push(...hosts.problems.map((one) => `OUTBOUND_HOST_MAP ${one}`))
  if (given.LISTEN_DATABASE_URL !== undefined && given.DATABASE_URL === undefined)
    problems.push('LISTEN_DATABASE_URL belongs to DATABASE_URL, which is not set')
  if (given.MIGRATE_DATABASE_URL !== undefined && given.DATABASE_URL === undefined)
    problems.push('MIGRATE_DATABASE_URL belongs to DATABASE_URL, which is not set')
  problems.push(...misspelt(given))
  if (!parsed.success || !hosts.ok || !publicHosts.ok || problems.length > 0) throw new ConfigError(problems)
  const settings = parsed.data
  return Object.freeze({
    port: settings.PORT,
    host: settings.HOST,
    publicHosts: publicHosts.names,
    databaseUrl: settings.DATABASE_URL ?? null,
    listenDatabaseUrl: settings.LISTEN_DATABASE_URL ?? null,
    migrateDatabaseUrl: settings.MIGRATE_DATABASE_URL ?? null,
    dataDir: settings.ROWBEAT_DATA_DIR,
    concurrency: settings.ROWBEAT_CONCURRENCY,
    shutdownSeconds: settings.ROWBEAT_SHUTDOWN_SECONDS,
    logLevel: settings.LOG_LEVEL,
    hostMap: hosts.map,
    audit: toAuditSettings(settings),
    version: readVersion(),
  })
}

/** What the environment says about the terminal. */
export interface TerminalTraits {
  /** False when the person asked for none (https://no-color.org) or the terminal has none. */
  readonly color: boolean
  /** True when the terminal can only append: `TERM=dumb`. */
  readonly dumb: boolean
}

/** Reads NO_COLOR and TERM. */
export function readTerminalTraits(
  env: Readonly<Record<string, string | undefined>> = process.env,
): TerminalTraits {
  const dumb = env.TERM === 'dumb'
  return { dumb, color: !dumb && (env.NO_COLOR ?? '') === '' }
}

/** A variable of ours that does not exist is a setting that silently does nothing: refuse it. */
function misspelt(given: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(given)
    .filter((name) => name.startsWith('ROWBEAT_') && !Object.hasOwn(environment.shape, name))
    .map((name) => `${name} is not a setting; the settings that begin so are ${ownNames().join(', ')}`)
}

function ownNames(): string[] {
  return Object.keys(environment.shape).filter((name) => name.startsWith('ROWBEAT_'))
}

function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version
}
