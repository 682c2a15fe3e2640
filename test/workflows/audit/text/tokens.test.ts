import { describe, expect, it } from 'vitest'
import {
  contentTerms,
  countWords,
  sentences,
  stem,
  words,
} from '../../../../src/workflows/audit/text/tokens.ts'

describe('words', () => {
  it('splits French elisions and keeps words with an inner apostrophe', () => {
    expect(words('L’école d’été qu’il aime, s’il n’a pas aujourd’hui', 'fr')).toEqual([
      "l'",
      'école',
      "d'",
      'été',
      "qu'",
      'il',
      'aime',
      "s'",
      'il',
      "n'",
      'a',
      'pas',
      "aujourd'hui",
    ])
    expect(words("presqu'île et prud'hommes", 'fr')).toEqual(["presqu'île", 'et', "prud'hommes"])
  })

  it('keeps English contractions whole and joins a letter to its hyphened word', () => {
    expect(words("Don't e-mail me", 'en')).toEqual(["don't", 'e-mail', 'me'])
  })

  it('composes decomposed accents', () => {
    expect(words('e\u0301te\u0301', 'fr')).toEqual(['été'])
  })
})

describe('sentences', () => {
  it('does not break after abbreviations, and always at blank lines', () => {
    expect(sentences('M. Dupont arrive. Voir p. 3 du guide.\n\nUn titre\n\nFin.', 'fr')).toEqual([
      'M. Dupont arrive.',
      'Voir p. 3 du guide.',
      'Un titre',
      'Fin.',
    ])
  })

  it('leaves a closing quote with its sentence', () => {
    expect(sentences('Il dit : « Bonjour ! » Puis il part.', 'fr')[0]).toContain('»')
  })
})

describe('stem', () => {
  it('brings forms of one word together in both languages', () => {
    expect(stem('vélos', 'fr')).toBe(stem('vélo', 'fr'))
    expect(stem('entreprises', 'fr')).toBe(stem('entreprise', 'fr'))
    expect(stem('batteries', 'en')).toBe(stem('battery', 'en'))
  })

  it('leaves words of other languages alone', () => {
    expect(stem('häuser', null)).toBe('häuser')
  })
})

describe('contentTerms', () => {
  it('drops stop words, numbers, elisions and identifiers', () => {
    expect(
      contentTerms("Les 12 vélos de l'atelier en 2024, le commit 59807616e et front_of_house", 'fr'),
    ).toEqual([stem('vélos', 'fr'), stem('atelier', 'fr'), stem('commit', 'fr')])
  })

  it('keeps subjects that the published English list counts as stop words', () => {
    expect(contentTerms('information system research', 'en')).toHaveLength(3)
  })

  it('gives nothing for nothing', () => {
    expect(contentTerms('', 'fr')).toEqual([])
    expect(countWords(' … !', 'en')).toBe(0)
  })
})
