import { expect, it } from 'vitest'
import { describeMigration, describeStart, psqlCommand, renderPlaces } from '../../src/cli/announcements.ts'
import { plain } from './fixtures.ts'

const site = { address: 'http://127.0.0.1:4001', port: 4001, title: 'T' }
const places = {
  url: 'http://127.0.0.1:3000',
  domain: 'a.test',
  databaseUrl: "postgres://rowbeat:se'cret@127.0.0.1:5499/rowbeat",
  embedded: true,
  sites: [{ ...site, domain: 'a.test', role: 'client' as const }],
  searchAddress: 'http://127.0.0.1:4009',
}

it('the places to look at are whole addresses', () => {
  const text = renderPlaces(places, plain(40)).join('\n')
  for (const address of [
    'http://127.0.0.1:3000/api/v1/sites/a.test/audit/status/latest',
    'http://127.0.0.1:3000/health',
    'http://127.0.0.1:3000/metrics',
    'http://127.0.0.1:3000/openapi.json',
    'http://127.0.0.1:4001/  a.test, client',
  ]) {
    expect(text).toContain(address)
  }
})

it('the psql command can be pasted into a shell, and gives away no password of theirs', () => {
  expect(psqlCommand(places)).toBe("psql 'postgres://rowbeat:se%27cret@127.0.0.1:5499/rowbeat'")
  expect(psqlCommand({ ...places, embedded: false })).toBe('psql "$DATABASE_URL"')
})

it('a start says what it does and how to stop it', () => {
  const both = { api: true, poller: true }
  expect(describeStart('1.2.3', places.url, both)).toMatch(
    /^Rowbeat 1\.2\.3 serves http:\/\/127\.0\.0\.1:3000 .* and runs jobs\. Ctrl-C stops it\.$/,
  )
  expect(describeStart('1.2.3', places.url, { api: true, poller: false })).toContain(
    'jobs are left to other processes',
  )
  expect(describeStart('1.2.3', null, { api: false, poller: true })).toBe(
    'Rowbeat 1.2.3 runs jobs; no API. Ctrl-C stops it.',
  )
})

it('a migration names what it applied', () => {
  expect(describeMigration([])).toEqual(['The database is up to date.'])
  expect(describeMigration(['0001_a'])).toEqual(['Applied 1 migration:', '  0001_a'])
})
