/** How near a topic is to what the client writes about. */
import { contentTerms } from '../text/tokens.ts'
import type { Language, TopicScope } from '../types.ts'
import { compareText } from './numbers.ts'

export interface ClientTheme {
  readonly slug: string
  readonly label: string
  readonly keywords: readonly string[]
}

interface WeightedStem {
  readonly stem: string
  /** 0..1, best first. */
  readonly score: number
}

/** Terms of a topic that are compared with the themes. */
const COMPARED_TERMS = 15
/** A topic is core from this share of its term weight on … */
const CORE_SHARE = 0.25
/** … or from this many shared terms, and adjacent from one. */
const CORE_TERMS = 3
const MAX_THEME_TERMS = 2_000

/** The stems of the themes' labels and keywords, read as both languages: keywords carry none. */
export function themeStems(themes: readonly ClientTheme[]): ReadonlySet<string> {
  const stems = new Set<string>()
  const languages: readonly Language[] = ['fr', 'en']
  for (const theme of [...themes].sort((a, b) => compareText(a.slug, b.slug))) {
    const text = [theme.label, ...theme.keywords].join('. ')
    for (const language of languages) {
      for (const stem of contentTerms(text, language)) if (stems.size < MAX_THEME_TERMS) stems.add(stem)
    }
  }
  return stems
}

/**
 * `core` when a quarter of the weight of the topic's 15 best terms, or three of them, belong to the client's
 * themes; `adjacent` when at least one does; else `off_scope`. Without themes nothing can be told: `adjacent`.
 */
export function scopeOf(terms: readonly WeightedStem[], themes: ReadonlySet<string>): TopicScope {
  if (themes.size === 0) return 'adjacent'
  const compared = terms.slice(0, COMPARED_TERMS)
  const shared = compared.filter(({ stem }) => themes.has(stem))
  if (shared.length === 0) return 'off_scope'
  const weight = (some: readonly WeightedStem[]): number => some.reduce((sum, { score }) => sum + score, 0)
  const core = shared.length >= CORE_TERMS || weight(shared) >= CORE_SHARE * weight(compared)
  return core ? 'core' : 'adjacent'
}
