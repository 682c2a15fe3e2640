import { describe, expect, it } from 'vitest'
import { countSyllables } from '../../../../src/workflows/audit/text/syllables.ts'

/** Spoken syllables: `word:count`. */
const FRENCH = `chat:1 maison:2 école:2 table:1 tables:1 entreprise:3 entreprises:3 transformation:4 numérique:3
  client:2 clients:2 oublier:3 réalité:4 création:3 théâtre:2 aéroport:4 poésie:3 naïf:2 maïs:2 musique:2 guerre:1
  langue:1 question:2 quatre:1 voyage:2 payer:2 essayer:3 journée:2 créé:2 pied:1 lion:1 nation:2 eau:1 bateau:2
  cœur:1 œuvre:1 feuille:1 travail:2 soleil:2 aujourd'hui:3 mangent:1 parlent:1 développent:3 souvent:2 vent:1
  argent:2 moment:2 rapidement:4 développement:5 aiment:1 forment:1 oui:1 nuit:1 deux:1 le:1 que:1 des:1
  les:1 est:1 août:1 fiabilité:4 sécurité:4 données:2 logiciel:3 hébergement:4 référencement:5 stratégie:3 site:1
  internet:3 plateforme:3 équipe:2 gestion:2 projet:2 solution:3 utilisateur:5 intelligence:4 artificielle:4
  rendez-vous:3 e-commerce:3 l'hôpital:3`
const ENGLISH = `cat:1 house:1 table:2 tables:2 company:3 companies:3 business:2 make:1 makes:1 made:1 wanted:2 jumped:1
  loved:1 boxes:2 wishes:2 changes:2 pages:2 people:2 little:2 apple:2 create:2 creation:3 nation:2 national:3
  idea:3 area:3 science:2 client:2 being:2 seeing:2 going:2 radio:3 video:3 serious:3 previous:3 million:2
  software:2 development:4 management:3 careful:2 useful:2 something:2 safely:2 happiness:3 information:4
  technology:4 computer:3 analysis:4 website:2 marketing:3 customer:3 security:4 service:2 services:3 digital:3
  data:2 database:3 quiet:2 rhythm:2 the:1 be:1 a:1 eye:1 you:1 queue:1 through:1 beautiful:3 simple:2 example:3
  language:2 guidelines:2 poetry:3 actually:4 usually:4 value:2 values:2 continue:3 user:2 users:2 fuel:2
  created:3 related:3 automated:4 based:1 used:1 needed:2 times:1 articles:3 prices:2 houses:2 audience:3
  experience:4 theory:3 real:1 social:2 special:2 partial:2 material:4 industrial:4 variable:4 engineering:4
  player:2 employee:3 medium:3 tourism:3 continuous:4 didn't:2 algorithm:4 dual:2 creature:2 creative:3 actual:3`

function wrongOnes(list: string, language: 'fr' | 'en'): string[] {
  return list.split(/\s+/).flatMap((entry) => {
    const [word = '', expected] = entry.split(':')
    const counted = countSyllables(word, language)
    return counted === Number(expected) ? [] : [`${word}: ${counted} instead of ${expected}`]
  })
}

describe('countSyllables', () => {
  it('counts the spoken syllables of common French words', () => {
    expect(wrongOnes(FRENCH, 'fr')).toEqual([])
  })

  it('counts the spoken syllables of common English words', () => {
    expect(wrongOnes(ENGLISH, 'en')).toEqual([])
  })

  it('gives every word one syllable at least, even without a vowel', () => {
    expect(countSyllables('pfft', 'fr')).toBe(1)
    expect(countSyllables('hmm', 'en')).toBe(1)
    expect(countSyllables('2024', 'en')).toBe(1)
  })
})
