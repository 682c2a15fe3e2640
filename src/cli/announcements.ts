/** What a person is told about a process and its surroundings. Pure. */
import type { DemoSite } from '../../demo/start.ts'
import { column, counted, type Look, paint } from './layout.ts'
import type { StartOptions } from './start.ts'

export interface Places {
  /** Base address of the API. */
  readonly url: string
  readonly domain: string
  /** Connection string, and whether it is the embedded server's: only that one's password is shown. */
  readonly databaseUrl: string
  readonly embedded: boolean
  readonly sites: readonly DemoSite[]
  readonly searchAddress: string
}

const LABEL_WIDTH = 12

/** Addresses and a `psql` command; lines may be wider than the look, so that they can be copied whole. */
export function renderPlaces(places: Places, look: Look): string[] {
  const { url, domain, sites } = places
  const audit = `${url}/api/v1/sites/${domain}/audit`
  const line = (label: string, text: string): string =>
    `  ${paint(column(label, LABEL_WIDTH), look, 'dim')}${text}`
  return [
    '',
    paint('Look around', look, 'bold'),
    line('Audit', audit),
    line('Status', `${audit}/status/latest`),
    line('Health', `${url}/health`),
    line('Metrics', `${url}/metrics`),
    line('API', `${url}/openapi.json`),
    ...sites.map((site, at) =>
      line(at === 0 ? 'Demo sites' : '', `${site.address}/  ${site.domain}, ${site.role}`),
    ),
    line('Search', `${places.searchAddress}/`),
    line('Database', psqlCommand(places)),
    line('', paint('its table rowbeat.scheduled_jobs has a row for every step', look, 'dim')),
  ]
}

/** What to type to look into the database. */
export function psqlCommand({ databaseUrl, embedded }: Pick<Places, 'databaseUrl' | 'embedded'>): string {
  // The password of a database of theirs is not ours to print; the shell has it.
  return embedded ? `psql '${databaseUrl.replaceAll("'", '%27')}'` : 'psql "$DATABASE_URL"'
}

/** The one line that greets a person. */
export function describeStart(version: string, url: string | null, { poller }: StartOptions): string {
  const api = url === null ? 'runs jobs' : `serves ${url} (${url}/health, ${url}/openapi.json)`
  const jobs = url === null ? '; no API' : poller ? ' and runs jobs' : '; jobs are left to other processes'
  return `Rowbeat ${version} ${api}${jobs}. Ctrl-C stops it.`
}

/** What was applied, one name a line. */
export function describeMigration(applied: readonly string[]): string[] {
  if (applied.length === 0) return ['The database is up to date.']
  return [`Applied ${counted(applied.length, 'migration')}:`, ...applied.map((name) => `  ${name}`)]
}
