/** Whether a page that was read is an article fit to be stored, and when it was published. Pure. */
import type { FoundUrl, PageContent } from '../types.ts'
import { isDeclaredArticle, isListingPath, negativeKinds, pageKinds, scorePage } from './score.ts'
import { isHomePage } from './site-scope.ts'

const DAY_MS = 86_400_000

export interface ArticleRules {
  /** Least words of the main text. */
  readonly minWordCount: number
  /** The moment the run counts as now. */
  readonly asOf: Date
}

export interface ArticleDate {
  readonly publishedAt: string | null
  readonly dateSource: PageContent['dateSource']
}

function isFuture(date: string, asOf: Date): boolean {
  return Date.parse(date) > asOf.getTime() + DAY_MS
}

/**
 * The date of an article: what the page says, then its feed or CMS, then the date in its address, then the
 * sitemap, whose `lastmod` is often the last edit. A `lastmod` in the future is no date at all.
 */
export function dateOf(content: PageContent, found: FoundUrl, asOf: Date): ArticleDate {
  const own = { publishedAt: content.publishedAt, dateSource: content.dateSource }
  if (content.publishedAt !== null && content.dateSource !== 'url') return own
  const announced = found.source === 'api' || found.source === 'feed'
  if (announced && found.publishedAt !== null) return { publishedAt: found.publishedAt, dateSource: 'feed' }
  if (content.publishedAt !== null) return own
  if (found.publishedAt === null || isFuture(found.publishedAt, asOf))
    return { publishedAt: null, dateSource: null }
  return { publishedAt: found.publishedAt, dateSource: 'sitemap' }
}

/** Kinds that no words make up for; an author's page or a page of results is not an article either. */
function kindOfAddress(url: string): string | undefined {
  if (isHomePage(url)) return 'home page'
  if (isListingPath(url)) return 'listing'
  return negativeKinds(url)[0]
}

/**
 * Why a page is no article, in a few words that start with a stable code; null when it is one. `url` is the
 * address where it was read, `score` the sum of {@link scoreUrl} and {@link scorePage}.
 */
export function rejectionOf(
  content: PageContent,
  url: string,
  date: ArticleDate,
  score: number,
  rules: ArticleRules,
): string | null {
  const kind =
    kindOfAddress(url) ?? (isDeclaredArticle(content) ? undefined : pageKinds(content.jsonLdTypes)[0])
  if (kind !== undefined) return `not_an_article: ${kind}`
  if (score < 0) return `low_score: ${score}`
  if (content.title.trim() === '') return 'no_title'
  if (content.text.trim() === '') return 'no_text'
  if (content.wordCount < rules.minWordCount) return `too_short: ${content.wordCount} words`
  if (date.publishedAt !== null && isFuture(date.publishedAt, rules.asOf))
    return `future_date: ${date.publishedAt}`
  return null
}

/** Points of a page that was read: those of its address and those it adds itself. */
export function finalScore(urlScore: number, content: PageContent): number {
  return urlScore + scorePage(content)
}
