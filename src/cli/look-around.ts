/** Where a person can look after an audit. Pure. */
import type { DemoSite } from '../../demo/start.ts'
import { column, type Look, paint } from './layout.ts'

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
    line('', paint('select * from rowbeat.scheduled_jobs order by id; shows every step', look, 'dim')),
  ]
}

/** What to type to look into the database. */
export function psqlCommand({ databaseUrl, embedded }: Pick<Places, 'databaseUrl' | 'embedded'>): string {
  // The password of a database of theirs is not ours to print; the shell has it.
  return embedded ? `psql '${databaseUrl.replaceAll("'", '%27')}'` : 'psql "$DATABASE_URL"'
}
