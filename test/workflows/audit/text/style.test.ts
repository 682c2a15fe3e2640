import { describe, expect, it } from 'vitest'
import { detectLanguage } from '../../../../src/workflows/audit/text/language.ts'
import { flesch, levelOf, measureReadability } from '../../../../src/workflows/audit/text/readability.ts'
import { findSectors } from '../../../../src/workflows/audit/text/sectors.ts'
import { readTone } from '../../../../src/workflows/audit/text/tone.ts'

describe('measureReadability', () => {
  it('follows the formulas of both languages', () => {
    expect(flesch(10, 1.5, 'en')).toBe(69.8)
    expect(flesch(10, 1.5, 'fr')).toBe(86.5)
    expect(flesch(60, 4, 'en')).toBe(0)
    expect(flesch(1, 1, 'fr')).toBe(100)
  })

  it('counts words per sentence, syllables and long words', () => {
    const read = measureReadability('The cat sat here. The extraordinary dog ran.', 'en')
    expect(read).toMatchObject({ words: 8, sentences: 2, wordsPerSentence: 4, lix: 4 + 100 / 8 })
  })

  it('does not take menu entries for sentences', () => {
    const read = measureReadability(
      'Accueil\n\nNos offres\n\nNous livrons la ville à vélo chaque matin.',
      'fr',
    )
    expect(read.sentences).toBe(1)
  })

  it('gives null without text, and no Flesch without a formula for the language', () => {
    expect(measureReadability('', 'fr')).toMatchObject({ flesch: null, lix: null, wordsPerSentence: 0 })
    expect(measureReadability('Das ist ein kurzer Satz.', null)).toMatchObject({ flesch: null, lix: 5 })
  })

  it('is finite for words that name parts of objects', () => {
    expect(measureReadability('The constructor calls toString and valueOf today.', 'en').flesch).not.toBeNaN()
  })

  it('maps scores to levels', () => {
    expect(levelOf({ flesch: 80, lix: 30 })).toBe('simple')
    expect(levelOf({ flesch: 55, lix: 45 })).toBe('intermediate')
    expect(levelOf({ flesch: 35, lix: 55 })).toBe('advanced')
    expect(levelOf({ flesch: 5, lix: 70 })).toBe('expert')
    expect(levelOf({ flesch: null, lix: null })).toBe('intermediate')
  })
})

describe('detectLanguage', () => {
  it('knows French and English prose', async () => {
    expect(await detectLanguage('Nous livrons chaque matin les commerçants du centre-ville.', null)).toEqual({
      code: 'fr',
      language: 'fr',
      reliable: true,
    })
    expect((await detectLanguage('We deliver to the shops of the city every morning.', 'fr')).language).toBe(
      'en',
    )
  })

  it('trusts the declaration when there is too little text', async () => {
    expect(await detectLanguage('Menu', 'fr-CA')).toEqual({ code: 'fr', language: 'fr', reliable: false })
    expect(await detectLanguage('', null)).toEqual({ code: null, language: null, reliable: false })
  })

  it('names other languages without analysing them', async () => {
    const german =
      'Wir liefern jeden Morgen Waren an die Geschäfte in der Innenstadt und holen sie auch wieder ab.'
    expect(await detectLanguage(german, null)).toMatchObject({ code: 'de', language: null })
  })
})

describe('readTone', () => {
  const formal = `Le présent contrat est conclu pour une durée déterminée. Les prestations sont réalisées par le
    prestataire conformément aux dispositions contractuelles. Toute modification est notifiée par écrit. Vous êtes
    informés des conditions applicables. Les responsabilités respectives sont définies dans les annexes.`
  const casual = `Salut ! Tu veux un truc super sympa ? T'inquiète, ça va être génial ! Ton vélo, c'est ta vie, non ?
    Allez, viens, tu vas voir, je te montre ma méthode cool. Bref, tu vas adorer !`

  it('tells formal from informal French and shows the counts', () => {
    const high = readTone(formal, 'fr')
    const low = readTone(casual, 'fr')
    expect(high.formality).toBeGreaterThan(0.7)
    expect(low.formality).toBeLessThan(0.2)
    expect(low.evidence.familiarYou).toBeGreaterThan(4)
    expect(low.evidence.exclamations).toBe(3)
    expect(high.evidence.passives).toBeGreaterThan(0)
    expect([high.tone, low.tone]).toEqual(['professional', 'conversational'])
  })

  it('recognises promotional, educational and technical English', () => {
    const sale = `Get the best deals today! Limited offer: free delivery and exclusive discounts on every order. Buy now
      and save! Our guaranteed prices are unbeatable. Join now and get an instant quote.`
    const lesson = `In this tutorial you will learn how to bake bread. Step one: read the definition of dough. The next
      example explains why yeast works. Follow each step of this guide, then try the exercise of the lesson.`
    const manual = `The server exposes an API over the network. Each module of the framework has a configuration file.
      The runtime loads the library and the compiler checks every type. The database cluster stores the query.`
    expect([sale, lesson, manual].map((text) => readTone(text, 'en').tone)).toEqual([
      'promotional',
      'educational',
      'technical',
    ])
  })

  it('stays neutral without enough words or in another language', () => {
    expect(readTone('', 'fr')).toMatchObject({ tone: 'professional', formality: 0.5 })
    expect(readTone('Guten Tag, wie geht es Ihnen?', null)).toMatchObject({
      tone: 'professional',
      formality: 0.5,
    })
  })
})

describe('findSectors', () => {
  it('names a sector only on evidence', () => {
    const text =
      'Le patient rencontre le médecin à l’hôpital ; la clinique assure les soins et le diagnostic.'
    expect(findSectors([{ text, language: 'fr' }])).toEqual(['Health'])
    expect(findSectors([{ text: 'Le patient attend dans la salle bleue.', language: 'fr' }])).toEqual([])
    expect(findSectors([{ text, language: null }])).toEqual([])
    expect(findSectors([])).toEqual([])
  })
})
