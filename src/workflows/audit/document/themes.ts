/** How topics and themes belong together: by the stems they share, whole words only. */
import type { DocumentSources, TopicRow } from '../store/document.ts'
import { THEME_MATCH_MIN, themeTerms } from '../store/document.ts'
import { contentTerms } from '../text/tokens.ts'
import type { Language, Theme } from '../types.ts'

/** Themes of the profile and topics of the trend run, matched. */
export interface ThemeIndex {
  /** Label of the theme that a topic belongs to; null when it belongs to none. */
  readonly themeOf: ReadonlyMap<number, string>
  /** Topics that belong to a theme, by its slug, largest first. */
  readonly topicsOf: ReadonlyMap<string, readonly TopicRow[]>
}

interface ThemeTerms {
  readonly theme: Theme
  readonly terms: ReadonlySet<string>
}

/**
 * Matches topics to themes. The theme of a topic is the one that most of its client articles (at most 10) are
 * about; a topic without such articles goes by its own label and terms. A tie goes to the larger theme.
 */
export function indexThemes(sources: Pick<DocumentSources, 'profile' | 'run'>): ThemeIndex {
  const { language } = sources.profile
  const themes = sources.profile.themes.map((theme) => ({
    theme,
    terms: new Set(themeTerms(theme, language)),
  }))
  const themeOf = new Map<number, string>()
  const topicsOf = new Map<string, TopicRow[]>(themes.map(({ theme }) => [theme.slug, []]))
  for (const topic of sources.run?.topics ?? []) {
    const own = topicTerms(topic, language)
    const best = mostMatching(themes, topic.clientTerms) ?? closest(themes, own)
    if (best !== null) themeOf.set(topic.topicId, best.theme.label)
    for (const candidate of themes) {
      const belongs = candidate === best || matches(candidate.terms, own)
      if (belongs) topicsOf.get(candidate.theme.slug)?.push(topic)
    }
  }
  return { themeOf, topicsOf }
}

function topicTerms(topic: TopicRow, language: Language | null): Set<string> {
  return new Set(contentTerms(`${topic.label}. ${topic.terms.map((term) => term.word).join('. ')}`, language))
}

function shared(wanted: ReadonlySet<string>, held: Iterable<string>): number {
  let count = 0
  for (const term of held) if (wanted.has(term)) count += 1
  return count
}

function matches(wanted: ReadonlySet<string>, held: Iterable<string>): boolean {
  return wanted.size > 0 && shared(wanted, held) >= Math.min(THEME_MATCH_MIN, wanted.size)
}

function mostMatching(
  themes: readonly ThemeTerms[],
  articles: readonly (readonly string[])[],
): ThemeTerms | null {
  return best(themes, (theme) => articles.filter((terms) => matches(theme.terms, terms)).length, 1)
}

function closest(themes: readonly ThemeTerms[], terms: ReadonlySet<string>): ThemeTerms | null {
  return best(themes, (theme) => (matches(theme.terms, terms) ? shared(theme.terms, terms) : 0), 1)
}

/** The first with the highest score of at least `least`. */
function best<Item>(items: readonly Item[], score: (item: Item) => number, least: number): Item | null {
  let found: Item | null = null
  let highest = least - 1
  for (const item of items) {
    const value = score(item)
    if (value > highest) {
      found = item
      highest = value
    }
  }
  return found
}
