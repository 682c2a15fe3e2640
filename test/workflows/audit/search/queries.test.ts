import { describe, expect, it } from 'vitest'
import { foldWords } from '../../../../src/workflows/audit/search/folding.ts'
import { buildQueries } from '../../../../src/workflows/audit/search/queries.ts'
import { keyword, makeProfile, theme } from './fakes.ts'

const BARE = { themes: [], secondaryThemes: [], keywords: [] }

describe('buildQueries', () => {
  it('asks in French for a French site, with its country', () => {
    const queries = buildQueries(makeProfile(), 'FR')
    expect(queries.slice(0, 2)).toEqual(['Vélos cargo', 'Logistique urbaine'])
    expect(queries).toContain('Vélos cargo entreprise')
    expect(queries).toContain('Logistique urbaine France')
    expect(queries.length).toBeGreaterThanOrEqual(8)
    expect(queries.length).toBeLessThanOrEqual(12)
  })

  it('asks in English for an English site, with its region', () => {
    const profile = makeProfile({
      language: 'en',
      themes: [theme('Cargo bikes', ['fleet', 'leasing'])],
      keywords: [],
    })
    const queries = buildQueries(profile, 'GB-SCT')
    expect(queries).toContain('Cargo bikes company')
    expect(queries).toContain('Cargo bikes Scotland')
    expect(queries.join(' ')).not.toMatch(/entreprise|fournisseur/)
  })

  it('puts no place in when the country is not known', () => {
    expect(buildQueries(makeProfile(), null).join(' ')).not.toContain('France')
    expect(buildQueries(makeProfile(), '!!').length).toBeGreaterThan(0)
  })

  it('holds a term of the profile in every query', () => {
    const profile = makeProfile()
    const terms = [
      ...profile.themes.flatMap(({ label, keywords }) => [label, ...keywords]),
      ...profile.keywords.map(({ term }) => term),
    ]
    const words = new Set(terms.flatMap((term) => foldWords(term).split(' ')))
    const queries = buildQueries(profile, 'FR')
    expect(queries.length).toBeGreaterThan(1)
    for (const query of queries) {
      expect(
        foldWords(query)
          .split(' ')
          .some((word) => words.has(word)),
      ).toBe(true)
    }
  })

  it('asks nothing when the profile says nothing', () => {
    expect(buildQueries(makeProfile(BARE), 'FR')).toEqual([])
    expect(
      buildQueries(makeProfile({ ...BARE, themes: [theme(' !!! ')], keywords: [keyword('--')] }), 'FR'),
    ).toEqual([])
  })

  it('never asks the same words twice, whatever order, accents, capitals or plurals', () => {
    const profile = makeProfile({
      themes: [theme('Vélo cargo'), theme('cargo vélo'), theme('VELOS CARGO')],
      keywords: [keyword('vélo cargo'), keyword('Velo')],
    })
    const keys = buildQueries(profile, 'FR').map((query) => foldWords(query).split(' ').sort().join(' '))
    expect(new Set(keys).size).toBe(keys.length)
    expect(keys.filter((key) => key === 'cargo velo')).toHaveLength(1)
  })

  it('keeps orders to the search engine out of what pages said', () => {
    const profile = makeProfile({
      ...BARE,
      themes: [theme('!ddg site:evil.fr -vélo "cargo"', ['intitle:x', '(a OR b)'])],
      keywords: [keyword('C++'), keyword("l'atelier")],
    })
    const queries = buildQueries(profile, null)
    expect(queries[0]).toBe('ddg site evil.fr vélo cargo')
    for (const query of queries) expect(query).not.toMatch(/[!:"()]|(?:^| )-/)
    expect(queries.some((query) => query.includes('C++'))).toBe(true)
  })

  it("leaves the client's own name out", () => {
    const profile = makeProfile({ keywords: ['Atelier Vélo', 'atelier-velo.test', 'flotte'].map(keyword) })
    const queries = buildQueries(profile, null, 12, ['atelier-velo', 'atelier-velo.test'])
    expect(queries.join(' | ')).toContain('flotte')
    expect(queries.join(' | ').toLowerCase()).not.toContain('atelier')
  })

  it('never asks for a lone word where the profile has a phrase to go with it', () => {
    const profile = makeProfile({
      themes: [theme('Vélo cargo', ['tournée']), theme('Pièces', ['casse', 'coûte'])],
      keywords: ['vélo', 'atelier', 'zone'].map(keyword),
    })
    const queries = buildQueries(profile, 'FR')
    expect(queries).toContain('Pièces Vélo cargo')
    expect(queries).toContain('casse Vélo cargo coûte')
    for (const query of queries) expect(query).toMatch(/cargo/i)
  })

  it('gives a lone word of a theme its company', () => {
    const profile = makeProfile({ ...BARE, themes: [theme('Logistique', ['logistique', 'entrepôt'])] })
    expect(buildQueries(profile, null)[0]).toBe('Logistique entrepôt')
  })

  it('stays within its bounds for an enormous profile', () => {
    const profile = makeProfile({
      themes: Array.from({ length: 300 }, (_, index) =>
        theme(`${'mot '.repeat(40)}thème${index} ${'z'.repeat(400)}`),
      ),
      keywords: Array.from({ length: 300 }, (_, index) => keyword(`clé${index}`)),
    })
    const queries = buildQueries(profile, 'FR')
    expect(queries).toHaveLength(12)
    for (const query of queries) {
      expect(query.length).toBeLessThanOrEqual(100)
      expect(query.split(' ').length).toBeLessThanOrEqual(8)
    }
    expect(buildQueries(profile, 'FR', 3)).toEqual(queries.slice(0, 3))
    expect(buildQueries(profile, 'FR', 0)).toEqual([])
  })

  it('gives the same queries for the same profile', () => {
    expect(buildQueries(makeProfile(), 'FR')).toEqual(buildQueries(makeProfile(), 'FR'))
  })
})
