/** How a text speaks to its reader, from what can be counted. */
import type { Language } from '../types.ts'
import { countWords, normaliseText, sentences, words } from './tokens.ts'
import { TONE_WORDS, type ToneWords } from './tone-words.ts'

export type Tone = 'professional' | 'conversational' | 'promotional' | 'educational' | 'technical'

export interface ToneReading {
  readonly tone: Tone
  /** 0 informal .. 1 formal, two decimals. */
  readonly formality: number
  /** The counts that the reading rests on. */
  readonly evidence: Readonly<Record<string, number>>
}

interface Counts {
  words: number
  sentences: number
  questions: number
  exclamations: number
  imperatives: number
  familiarYou: number
  politeYou: number
  firstPersonSingular: number
  firstPersonPlural: number
  contractions: number
  colloquialWords: number
  promotionalWords: number
  educationalWords: number
  technicalWords: number
  passives: number
  longWords: number
}

const LONG_WORD = 9
/** Too few words to tell. */
const MIN_WORDS = 20

/**
 * Reads tone and formality from counts per hundred words. Formality starts at 0.55 and moves with
 * tanh: long words, passives and the polite French `vous` raise it, contractions, `tu`, colloquial words,
 * exclamations and the first person lower it (own scale, in the spirit of Heylighen and Dewaele 1999). The tone is
 * the one with most evidence above its usual level; without any it is `professional`, or `conversational` when
 * formality is low. Neutral below 20 words or in a language that is not analysed.
 */
export function readTone(text: string, language: Language | null): ToneReading {
  if (language === null) {
    return {
      tone: 'professional',
      formality: 0.5,
      evidence: { words: countWords(text), sentences: sentences(text).length },
    }
  }
  const counts = countEvidence(text, language)
  const formality = counts.words < MIN_WORDS ? 0.5 : formalityOf(counts, language)
  return {
    tone: counts.words < MIN_WORDS ? 'professional' : toneOf(counts, formality),
    formality,
    evidence: { ...counts },
  }
}

function countEvidence(text: string, language: Language): Counts {
  const table = TONE_WORDS[language]
  const list = words(text, language)
  const all = sentences(text, language)
  const lower = normaliseText(text)
  const among = (marks: ReadonlySet<string>): number => list.filter((word) => marks.has(word)).length
  return {
    words: list.length,
    sentences: all.length,
    questions: all.filter((sentence) => /\?["»)]*$/.test(sentence)).length,
    exclamations: all.filter((sentence) => /!["»)]*$/.test(sentence)).length,
    imperatives: all.filter((sentence) => isImperative(sentence, language, table)).length,
    familiarYou: among(table.familiarYou),
    politeYou: among(table.politeYou),
    firstPersonSingular: among(table.i),
    firstPersonPlural: among(table.we),
    contractions: lower.match(table.contraction)?.length ?? 0,
    colloquialWords: among(table.colloquial),
    promotionalWords: among(table.promotional),
    educationalWords: among(table.educational),
    technicalWords: among(table.technical),
    passives: lower.match(table.passive)?.length ?? 0,
    longWords: list.filter((word) => word.length > LONG_WORD).length,
  }
}

/** A command opens its sentence: a listed verb, or in French a verb in `-ez` that is not asked back (`avez-vous`). */
function isImperative(sentence: string, language: Language, table: ToneWords): boolean {
  const [, first = '', next = ''] = /^[^\p{L}]*([\p{L}'-]+)\s*(\S*)/u.exec(sentence.toLowerCase()) ?? []
  if (table.imperatives.has(first))
    return language === 'fr' || !/^(?:is|are|was|were|has|can|will)$/.test(next)
  return language === 'fr' && /^\p{L}{3,}ez$/u.test(first) && !['assez', 'chez'].includes(first)
}

function formalityOf(counts: Counts, language: Language): number {
  const per = (count: number): number => (100 * count) / counts.words
  const formal =
    0.06 * (per(counts.longWords) - 12) +
    0.25 * per(counts.passives) +
    (language === 'fr' ? 0.1 : -0.05) * per(counts.politeYou)
  const informal =
    0.35 * per(counts.contractions) +
    0.3 * per(counts.familiarYou) +
    0.35 * per(counts.colloquialWords) +
    0.3 * per(counts.exclamations) +
    0.1 * per(counts.questions) +
    0.12 * per(counts.firstPersonSingular)
  return Number(Math.min(1, Math.max(0, 0.55 + 0.45 * Math.tanh(formal - informal))).toFixed(2))
}

/** Occurrences per hundred words over the level at which a tone is plain; the strongest one at 1 or more wins. */
function toneOf(counts: Counts, formality: number): Tone {
  const per = (count: number): number => (100 * count) / counts.words
  const strengths: [Tone, number][] = [
    [
      'promotional',
      (per(counts.promotionalWords) + 0.5 * per(counts.exclamations) + 0.3 * per(counts.imperatives)) / 2,
    ],
    ['technical', per(counts.technicalWords) / 2.5],
    ['educational', (per(counts.educationalWords) + 0.4 * per(counts.questions)) / 1.8],
    [
      'conversational',
      (per(counts.contractions) +
        per(counts.familiarYou) +
        per(counts.colloquialWords) +
        0.5 * per(counts.firstPersonSingular) +
        0.5 * per(counts.questions)) /
        3,
    ],
  ]
  const [tone, strength] = strengths.reduce((best, next) => (next[1] > best[1] ? next : best))
  if (strength >= 1) return tone
  return formality < 0.35 ? 'conversational' : 'professional'
}
