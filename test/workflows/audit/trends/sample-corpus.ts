/** Corpora with known topics, written from word lists by a seeded generator. */
import { seededRandom } from '../../../../src/workflows/audit/trends/random.ts'
import type { Language, TrendArticle } from '../../../../src/workflows/audit/types.ts'

export const AS_OF = new Date('2025-06-30T12:00:00.000Z')

/** Subject words of each topic; no topic shares a stem with another. */
export const VOCABULARY = {
  referencement: [
    'référencement naturel',
    'moteur de recherche',
    'mots-clés',
    'balises',
    'indexation',
    'backlinks',
    'SERP',
    'maillage interne',
    'sémantique',
    'positionnement',
  ],
  cybersecurite: [
    'cybersécurité',
    'rançongiciel',
    'mot de passe',
    'pare-feu',
    'chiffrement',
    'hameçonnage',
    'vulnérabilité',
    'intrusion',
    'authentification forte',
    'sauvegarde chiffrée',
  ],
  recrutement: [
    'recrutement',
    'candidats',
    'entretien annuel',
    'marque employeur',
    'talents',
    'intégration',
    'embauche',
    'salariés',
    'compétences',
    'offre de poste',
  ],
  logistics: [
    'supply chain',
    'warehouse',
    'freight',
    'pallet',
    'shipping container',
    'inventory',
    'last-mile delivery',
    'carrier',
    'customs',
    'fleet',
  ],
  gardening: [
    'compost',
    'raised bed',
    'seedlings',
    'pruning',
    'perennial',
    'mulch',
    'tomato',
    'greenhouse',
    'irrigation',
    'soil',
  ],
} as const

export type SampleTopic = keyof typeof VOCABULARY

const FILLER: Readonly<Record<Language, readonly string[]>> = {
  fr: `équipe projet méthode résultat clients entreprise outil stratégie contexte exemple budget planning qualité
    objectif analyse processus service solution besoin décision performance évolution dossier atelier
    documentation partenaire conseil étape scénario retour`.split(/\s+/),
  en: `team project method result customer business tool strategy context example budget planning quality
    objective analysis process service solution requirement decision performance evolution workshop
    documentation partner advice stage scenario feedback`.split(/\s+/),
}

const LANGUAGE: Readonly<Record<SampleTopic, Language>> = {
  referencement: 'fr',
  cybersecurite: 'fr',
  recrutement: 'fr',
  logistics: 'en',
  gardening: 'en',
}

export interface SampleRequest {
  readonly topic: SampleTopic
  readonly domain: string
  /** Days before {@link AS_OF}; null for an undated article. */
  readonly ages: readonly (number | null)[]
  readonly role?: TrendArticle['role']
  readonly sentences?: number
  /** Phrases added to the topic's words. */
  readonly also?: readonly string[]
}

/** One article per age; ids are `topic-domain-n`. */
export function sampleArticles(request: SampleRequest): TrendArticle[] {
  const { topic, domain, ages, role = 'competitor', sentences = 14, also = [] } = request
  return ages.map((age, at) => {
    const id = `${topic}-${domain}-${String(at).padStart(3, '0')}`
    const random = seededRandom(hashOf(id))
    const pick = (list: readonly string[]): string => list[Math.floor(random() * list.length)] ?? ''
    const language = LANGUAGE[topic]
    const subjects = [...VOCABULARY[topic], ...also]
    const text = Array.from({ length: sentences }, () => sentenceOf(language, subjects, pick)).join(' ')
    return {
      id,
      domain,
      role,
      title: `${capital(pick(subjects))} ${language === 'fr' ? 'et' : 'and'} ${pick(subjects)}`,
      text,
      language,
      publishedAt: age === null ? null : new Date(AS_OF.getTime() - age * 86_400_000).toISOString(),
      url: `https://${domain}/${id}`,
    }
  })
}

function sentenceOf(
  language: Language,
  subjects: readonly string[],
  pick: (list: readonly string[]) => string,
): string {
  const filler = (): string => pick(FILLER[language])
  const [a, b] = [pick(subjects), pick(subjects)]
  return language === 'fr'
    ? `Pour le ${filler()}, ${a} reste avec ${b} un sujet de ${filler()} pour chaque ${filler()}.`
    : `For the ${filler()}, ${a} remains with ${b} a subject of ${filler()} for every ${filler()}.`
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

function hashOf(text: string): number {
  let hash = 2_166_136_261
  for (const letter of text) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 16_777_619)
  return hash >>> 0
}

/** `count` ages spread evenly between `from` and `to` days. */
export function spread(count: number, from: number, to: number): number[] {
  return Array.from({ length: count }, (_, at) => from + ((to - from) * (at + 0.5)) / count)
}
