import { describe, expect, it } from 'vitest'
import {
  extractKeywords,
  keepFirstOfRepeats,
  removeBoilerplate,
} from '../../../../src/workflows/audit/text/keywords.ts'

const page = (text: string, title = '', language: 'fr' | 'en' | null = 'fr') => ({ text, title, language })
const terms = (pages: ReturnType<typeof page>[], limit = 10, exclude: string[] = []): string[] =>
  extractKeywords(pages, limit, exclude).map((keyword) => keyword.term)

describe('removeBoilerplate', () => {
  const menu = 'Accueil Nos offres Contact 2024'
  const pages = [1, 2, 3, 4].map((n) => ({
    id: n,
    text: `Accueil Nos offres Contact ${n}\n\nTexte propre numéro ${'i'.repeat(n)}`,
  }))

  it('removes blocks of more than 30% of the pages, digits alike, and keeps other fields', () => {
    expect(removeBoilerplate(pages)[1]).toEqual({ id: 2, text: 'Texte propre numéro ii' })
  })

  it('touches nothing below four different pages', () => {
    expect(removeBoilerplate(pages.slice(0, 3))[0]?.text).toContain('Accueil')
    const same = Array.from({ length: 9 }, () => ({ text: `${menu}\n\nTexte` }))
    expect(removeBoilerplate(same)).toEqual(same)
  })

  it('leaves blocks that few pages share', () => {
    const many = Array.from({ length: 10 }, (_, n) => ({
      text: n < 3 ? 'Partagé par trois' : `Seul ${'a'.repeat(n)}`,
    }))
    expect(removeBoilerplate(many)[0]?.text).toBe('Partagé par trois')
  })
})

describe('keepFirstOfRepeats', () => {
  it('keeps a repeated block on its first page only', () => {
    const kept = keepFirstOfRepeats([{ text: 'A\n\nB' }, { text: 'B\n\nC and more' }])
    expect(kept).toEqual([{ text: 'A\n\nB' }, { text: 'C and more' }])
  })

  it('leaves a page alone that is mostly repeats', () => {
    const pages = [{ text: 'A long block of text' }, { text: 'A long block of text\n\nB' }]
    expect(keepFirstOfRepeats(pages)).toEqual(pages)
  })
})

describe('extractKeywords', () => {
  it('groups forms by stem and shows the most frequent one with its accents', () => {
    const found = extractKeywords([page('Un vélo. Des vélos. Nos vélos. LES VELOS.')], 5)
    expect(found[0]).toMatchObject({ term: 'vélos', count: 4, pages: 1, score: 1 })
  })

  it('prefers phrases and merges the words that live inside them', () => {
    const text = 'La gestion de projet compte. Une gestion de projet suivie. Notre gestion de projets aide.'
    expect(terms([page(text)])).toContain('gestion de projet')
    expect(terms([page(text)])).not.toContain('gestion')
  })

  it('does not build phrases across punctuation or paragraphs', () => {
    const found = terms([page('Un chat, chien.\n\nUn chat, chien.\n\nUn chat\n\nchien')])
    expect(found.some((term) => term.includes(' '))).toBe(false)
  })

  it('never offers stop words, numbers or excluded names', () => {
    const found = terms([page("Acmé SARL vend des lampes. Acmé vend 200 lampes et c'est tout.")], 20, [
      'acme',
    ])
    expect(found).toContain('lampes')
    expect(found).not.toContain('acmé')
    expect(found.filter((term) => /^(?:des|et|200|tout)$/.test(term))).toEqual([])
  })

  it('counts pages and ranks a subject of several pages above a single mention', () => {
    const pages = [
      'toiture neuve',
      'toiture usée',
      'toiture plate',
      'toiture verte et gouttière gouttière',
    ].map((text) => page(text))
    expect(extractKeywords(pages, 2)[0]).toMatchObject({ term: 'toiture', pages: 4, count: 4 })
  })

  it('gives the same answer twice, at most `limit`, and nothing for nothing', () => {
    const pages = [page('Solar panels and wind power. Solar panels again.', 'Solar panels', 'en')]
    expect(extractKeywords(pages, 3)).toEqual(extractKeywords(pages, 3))
    expect(extractKeywords(pages, 1)).toHaveLength(1)
    expect(extractKeywords([], 5)).toEqual([])
    expect(extractKeywords([page('')], 5)).toEqual([])
  })
})
