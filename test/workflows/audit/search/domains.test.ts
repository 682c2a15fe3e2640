import { describe, expect, it } from 'vitest'
import {
  domainTyped,
  hostOf,
  isSameSite,
  nameOf,
  registrableDomain,
} from '../../../../src/workflows/audit/search/domains.ts'
import { countryOf, marketOf, placeName } from '../../../../src/workflows/audit/search/markets.ts'

describe('the registrable domain', () => {
  it.each([
    ['www.atelier.fr', 'atelier.fr'],
    ['Blog.Atelier.CO.UK.', 'atelier.co.uk'],
    ['shop.bücher.de', 'xn--bcher-kva.de'],
    ['alice.github.io', 'alice.github.io'],
    ['github.io', 'github.io'],
    ['www.impots.gouv.fr', 'impots.gouv.fr'],
    ['client.test', 'client.test'],
    ['a.b.client.test', 'client.test'],
    ['x.rival.example', 'rival.example'],
    ['demo.localhost', 'demo.localhost'],
  ])('of %s is %s', (host, domain) => {
    expect(registrableDomain(host)).toBe(domain)
  })

  it.each([
    '127.0.0.1',
    '[::1]',
    '::1',
    'localhost',
    'test',
    'com',
    'co.uk',
    'intranet.corp',
    '',
    '..',
    'a..fr',
    'a b.fr',
    `${'a'.repeat(300)}.fr`,
  ])('of %j is null', (host) => {
    expect(registrableDomain(host)).toBeNull()
  })

  it('makes hosts of one owner one site, and customers of one host several', () => {
    expect(isSameSite('www.atelier.fr', 'blog.atelier.fr')).toBe(true)
    expect(isSameSite('alice.github.io', 'bob.github.io')).toBe(false)
    expect(isSameSite('127.0.0.1', '127.0.0.1')).toBe(false)
  })

  it('is read from whatever a person types', () => {
    expect(domainTyped(' https://www.Rival.fr/prix?x=1 ')).toBe('rival.fr')
    expect(domainTyped('WWW.RIVAL.FR')).toBe('rival.fr')
    expect(domainTyped('rival.test:8080')).toBe('rival.test')
    for (const text of ['', 'my rival', 'ftp://', 'http://10.0.0.1/', 'x'.repeat(3_000)]) {
      expect(domainTyped(text)).toBeNull()
    }
  })

  it('has a name without its suffix', () => {
    expect(nameOf('atelier-velo.co.uk')).toBe('atelier-velo')
    expect(nameOf('atelier.test')).toBe('atelier')
  })

  it('is looked for on http and https addresses only', () => {
    expect(hostOf('https://a.fr/x')).toBe('a.fr')
    expect(hostOf('ftp://a.fr')).toBeNull()
    expect(hostOf('no url')).toBeNull()
  })
})

describe('the market of a domain', () => {
  it.each([
    ['a.fr', 'FR'],
    ['a.co.uk', 'GB'],
    ['a.bzh', 'FR-BRE'],
    ['a.quebec', 'CA-QC'],
    ['a.com', null],
    ['a.io', null],
    ['a.eu', null],
    ['a.test', null],
    ['a.constructor', null],
  ])('%s speaks of %s', (domain, market) => {
    expect(marketOf(domain)).toBe(market)
  })

  it('is named in the language of the site', () => {
    expect(placeName('FR', 'fr')).toBe('France')
    expect(placeName('BE', 'fr')).toBe('Belgique')
    expect(placeName('FR-BRE', 'en')).toBe('Brittany')
    expect(placeName('??', 'en')).toBeNull()
    expect(placeName(null, 'en')).toBeNull()
    expect(countryOf('FR-BRE')).toBe('FR')
  })
})
