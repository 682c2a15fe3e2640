import { describe, expect, it } from 'vitest'
import { extractKeywords } from '../../../../src/workflows/audit/text/keywords.ts'
import { findThemes } from '../../../../src/workflows/audit/text/themes.ts'
import { normaliseText, tokenize } from '../../../../src/workflows/audit/text/tokens.ts'
import {
  countUses,
  endsOf,
  newWordUses,
  roleOf,
  signOf,
} from '../../../../src/workflows/audit/text/word-uses.ts'
import type { Language } from '../../../../src/workflows/audit/types.ts'

function usesOf(text: string, language: Language) {
  const uses = newWordUses()
  const normal = normaliseText(text)
  countUses(uses, normal, tokenize(normal, language), language)
  return (word: string) => roleOf(uses, word, language)
}

const FRENCH = `Ce que coûte un vélo dépend du contrat. Il coûte plus cher en ville, et nul ne coûte moins qu'un autre.
  Les rayons cassent à l'arrière. L'atelier remplace les plaquettes, et qui les remplace le soir ? L'atelier
  remplace les disques. Nous gardons le cargo au dépôt, sans attendre l'arrêté. Le livreur la charge et la charge
  reste dans le caisson isotherme. Elle déclare un accident. Les clients, souvent pressés, déclarent des retards.
  Le prix du vélo, la tournée du matin et une flotte de cargos. Pour devenir logisticien, il faut un entrepôt.`

const ENGLISH = `The rider will share the road. We share a hub, and they share parcels with neighbours. Carriers want to
  lend the truck to retailers. The parcel stays in the cage. Every night shift needs a fire plan. It is charging the
  pack. The charging of packs takes an hour. Batteries have failed.`

describe('the role of a word', () => {
  it.each(['coûte', 'cassent', 'remplace', 'gardons', 'attendre', 'déclare', 'déclarent', 'devenir'])(
    'is that of a verb for %s',
    (word) => expect(usesOf(FRENCH, 'fr')(word)).toBe('verb'),
  )

  it.each([
    'vélo',
    'contrat',
    'rayons',
    'atelier',
    'dépôt',
    'prix',
    'tournée',
    'flotte',
    'caisson',
    'charge',
  ])('is that of a noun for %s', (word) => expect(usesOf(FRENCH, 'fr')(word)).toBe('noun'))

  it.each(['share', 'lend'])('is that of a verb for %s', (word) => {
    expect(usesOf(ENGLISH, 'en')(word)).toBe('verb')
  })

  it.each(['rider', 'parcel', 'cage', 'night', 'neighbours', 'retailers', 'road'])(
    'is that of a noun for %s',
    (word) => expect(usesOf(ENGLISH, 'en')(word)).toBe('noun'),
  )

  it('is open for an adjective behind its noun, and for what was never seen', () => {
    expect(usesOf(FRENCH, 'fr')('isotherme')).toBeNull()
    expect(usesOf(FRENCH, 'fr')('guidon')).toBeNull()
    expect(usesOf('', 'en')('share')).toBeNull()
    expect(roleOf(newWordUses(), 'partager', null)).toBeNull()
  })

  it('is decided by the majority, and by no single weak sign', () => {
    expect(usesOf('La porte ferme. Il porte, elle porte une caisse.', 'fr')('porte')).toBe('verb')
    expect(usesOf('La porte ferme. Une porte, des portes. Elle porte.', 'fr')('porte')).toBe('noun')
    expect(usesOf('Livraison le jour même.', 'fr')('livraison')).toBeNull()
  })
})

describe('a sign', () => {
  const near = (before: string, word: string, after = '', beforeThat = '') => ({
    word,
    before,
    beforeThat,
    after,
  })

  it('is read over the pronoun in front of a verb', () => {
    expect(signOf(near('la', 'charge', '', 'il'), 'fr')).toBe('verb')
    expect(signOf(near('la', 'charge', '', 'de'), 'fr')).toBe('noun')
  })

  it('is not taken from a preposition that may stand before either', () => {
    expect(signOf(near('de', 'livrer'), 'fr')).toBeNull()
    expect(signOf(near('de', 'livrer', 'les'), 'fr')).toBe('verb')
    expect(signOf(near('de', 'vélo'), 'fr')).toBe('noun')
    expect(signOf(near('for', 'charging'), 'en')).toBeNull()
    expect(signOf(near('to', 'neighbours'), 'en')).toBe('noun')
    expect(signOf(near('to', 'pass'), 'en')).toBe('verb')
  })
})

describe('labels and keywords', () => {
  const PAGES = [
    [
      'Pourquoi les rayons cassent',
      'Les rayons cassent à l’arrière. Ils cassent parce que les rayons sont courts.',
    ],
    [
      'Les rayons cassent encore',
      'Quand les rayons cassent, l’atelier remplace les rayons. Il remplace la roue.',
    ],
    [
      'Combien coûte un colis',
      'Il coûte deux euros. Le coût du colis change : un colis coûte moins en ville.',
    ],
    ['Le coût du colis', 'Le coût du colis se calcule. Ce qui coûte, c’est le dernier mètre du colis.'],
  ].map(([title = '', text = ''], at) => ({
    title,
    text: `${text} ${text}`,
    language: 'fr' as const,
    url: `https://a.fr/${at}`,
  }))

  it('do not begin or end with verbs, and show the noun of a stem', () => {
    const terms = extractKeywords(PAGES, 20).map(({ term }) => term)
    expect(terms).toEqual(expect.arrayContaining(['rayons', 'coût', 'colis']))
    expect(terms.flatMap(endsOf)).not.toEqual(expect.arrayContaining(['cassent']))
    expect(terms.flatMap(endsOf)).not.toEqual(expect.arrayContaining(['coûte']))
    const labels = findThemes(PAGES, []).primary.map(({ label }) => label)
    expect(labels.length).toBeGreaterThan(0)
    for (const label of labels) expect(label).toMatch(/^(?:Rayons|Coût|Colis|Coût du colis|Roue)$/)
  })
})
