/** Counts of the demo, for the README and the tests. */
import { loadContent } from './content.ts'
import { toText } from './markdown.ts'

export interface DemoFacts {
  readonly sites: number
  readonly articles: number
  readonly words: number
  /** Words of the shortest article. */
  readonly shortestArticleWords: number
  readonly articlesPerDomain: Readonly<Record<string, number>>
  readonly articlesPerLanguage: Readonly<Record<string, number>>
  /** Articles per topic and domain. */
  readonly topics: Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly articlesOfLast14Days: number
  readonly articlesOfLast90Days: number
  /** `folder/slug` pairs that were written as near-duplicates. */
  readonly nearDuplicatePairs: readonly (readonly [string, string])[]
}

/** Counts the content files; the same files give the same facts. */
export function demoFacts(): DemoFacts {
  const all = loadContent().flatMap(({ design, articles }) =>
    articles.map((article) => ({ ...article, domain: design.domain, folder: design.folder })),
  )
  const lengths = all.map(({ body }) => toText(body).split(/\s+/).length)
  const topics: Record<string, Record<string, number>> = {}
  for (const { topic, domain } of all) {
    const perDomain = topics[topic] ?? {}
    topics[topic] = { ...perDomain, [domain]: (perDomain[domain] ?? 0) + 1 }
  }
  return {
    sites: new Set(all.map(({ domain }) => domain)).size,
    articles: all.length,
    words: lengths.reduce((sum, length) => sum + length, 0),
    shortestArticleWords: Math.min(...lengths),
    articlesPerDomain: countBy(all.map(({ domain }) => domain)),
    articlesPerLanguage: countBy(all.map(({ language }) => language)),
    topics,
    articlesOfLast14Days: all.filter(({ daysAgo }) => daysAgo <= 14).length,
    articlesOfLast90Days: all.filter(({ daysAgo }) => daysAgo <= 90).length,
    nearDuplicatePairs: all.flatMap(({ folder, slug, nearDuplicateOf }) => {
      const pair = [`${folder}/${slug}`, nearDuplicateOf ?? ''] as const
      return nearDuplicateOf !== null && pair[0] < pair[1] ? [pair] : []
    }),
  }
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
