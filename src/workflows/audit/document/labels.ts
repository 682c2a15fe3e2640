/** Every label and threshold of the document in one place; all scores are 0..1. */
import type { Effort, LanguageLevel } from '../types.ts'

type Scale = readonly (readonly [least: number, label: string])[]

/** Highest first; the last entry catches the rest. */
const SCALES = {
  confidence: [
    [0.7, 'very high'],
    [0.5, 'high'],
    [0.3, 'medium'],
    [0.15, 'low'],
    [0, 'very low'],
  ],
  potential: [
    [0.5, 'very promising'],
    [0.35, 'promising'],
    [0.2, 'moderate'],
    [0, 'low'],
  ],
  differentiation: [
    [0.85, 'very distinctive'],
    [0.75, 'distinctive'],
    [0.65, 'somewhat distinctive'],
    [0, 'similar to others'],
  ],
} as const satisfies Record<string, Scale>

/** From here on a potential counts as high: the first class of its scale. */
export const HIGH_POTENTIAL = SCALES.potential[0][0]
/** From here on a differentiation counts as high. */
export const HIGH_DIFFERENTIATION = SCALES.differentiation[1][0]
/** Relative growth of the daily rate above which a topic is trending: half as much again. */
export const TRENDING_VELOCITY = 0.5
/** Freshness above which a topic counts as fresh. */
export const HIGH_FRESHNESS = 0.7
/** Confidence below which a domain is reported. */
export const LOW_CONFIDENCE = SCALES.confidence[3][0]

/** The label of a score, 0..1. */
export function labelOf(scale: keyof typeof SCALES, score: number): string {
  const steps: Scale = SCALES[scale]
  return steps.find(([least]) => score >= least)?.[1] ?? steps.at(-1)?.[1] ?? ''
}

/** {@link labelOf} for a score that may be missing. */
export function labelOrNull(scale: keyof typeof SCALES, score: number | null): string | null {
  return score === null ? null : labelOf(scale, score)
}

export const VOCABULARY: Readonly<Record<LanguageLevel, string>> = {
  simple: 'accessible',
  intermediate: 'technical',
  advanced: 'advanced, specialised',
  expert: 'expert, very specialised',
}

export const READER_LEVEL: Readonly<Record<LanguageLevel, string>> = {
  simple: 'beginner',
  intermediate: 'intermediate',
  advanced: 'intermediate to expert',
  expert: 'expert',
}

export const EFFORT: Readonly<Record<Effort, string>> = {
  easy: 'Quick to write',
  medium: 'Some research',
  complex: 'In-depth work',
}

export const RECOMMENDATION_STATUS = {
  suggested: 'Suggested',
  approved: 'Approved',
  in_progress: 'Being written',
  published: 'Published',
} as const

/** The usual length of the pages in words: below 1,000 short, to 2,000 medium, above long. */
export function formatOf(averageWords: number): string {
  if (averageWords < 1000) return 'short'
  return averageWords <= 2000 ? 'medium' : 'long'
}
