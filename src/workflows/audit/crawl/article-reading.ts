/** Reads one candidate: an article, an unchanged one, or a reason why it is none. */
import { codeOf, messageOf } from '../../../core/errors.ts'
import { urlHash } from '../text/urls.ts'
import type { Article, PageContent } from '../types.ts'
import { type ArticleRules, dateOf, finalScore, rejectionOf } from './article-check.ts'
import { type FetchedPage, fetchPage } from './pages.ts'
import type { ScoredUrl } from './score.ts'
import type { Site } from './site.ts'
import { isHomePage, isSameSite } from './site-scope.ts'

const MAX_VALIDATOR_LENGTH = 500

/** What is stored of an article that was read before. */
export interface KnownArticle {
  readonly etag: string | null
  readonly lastModified: string | null
  /** Its fingerprint, so that a copy of an unchanged article is still recognised. */
  readonly simhash?: string | null
}

export type ArticleOutcome =
  | { readonly kind: 'article'; readonly article: Article }
  | { readonly kind: 'unchanged'; readonly urlHash: string; readonly simhash: string | null }
  | { readonly kind: 'rejected'; readonly reason: string }

/** `If-None-Match` wins over `If-Modified-Since` (RFC 9110 §13.2.2); both are sent for servers that know only one. */
function conditions(known: KnownArticle | null): Record<string, string> {
  return {
    ...(known?.etag && { 'if-none-match': known.etag }),
    ...(known?.lastModified && { 'if-modified-since': known.lastModified }),
  }
}

/** A validator that does not fit is as good as none. */
function validator(value: string | null): string | null {
  return value !== null && value.length <= MAX_VALIDATOR_LENGTH ? value : null
}

/** The address an article is known by: its canonical one when that is a page of this site, else where it was read. */
function identityOf(content: PageContent, finalUrl: string, domain: string): string {
  const canonical = content.canonicalUrl
  return canonical !== null && isSameSite(canonical, domain) && !isHomePage(canonical) ? canonical : finalUrl
}

async function toArticle(
  site: Site,
  candidate: ScoredUrl,
  fetched: FetchedPage,
  content: PageContent,
  asOf: Date,
): Promise<Article> {
  const { title, text, declaredLanguage } = content
  const facts = await site.reader.textFacts({ title, text, declaredLanguage }, site.signal)
  const url = identityOf(content, fetched.page.finalUrl, site.domain)
  return {
    url,
    urlHash: urlHash(url),
    domain: site.domain,
    title,
    author: content.author,
    ...dateOf(content, candidate, asOf),
    text,
    wordCount: content.wordCount,
    ...facts,
    source: candidate.source,
    score: finalScore(candidate.score, content),
    etag: validator(fetched.etag),
    lastModified: validator(fetched.lastModified),
  }
}

/**
 * Fetches a candidate, with the validators of `known` when it was read before, and checks it. Only an abort is
 * thrown; what the site sends ends as `rejected`, with a reason that starts with a code.
 */
export async function readArticle(
  site: Site,
  candidate: ScoredUrl,
  rules: ArticleRules,
  known: (urlHash: string) => KnownArticle | null,
): Promise<ArticleOutcome> {
  const hash = urlHash(candidate.url)
  const stored = known(hash)
  const fetched = await fetchPage(site, candidate.url, 1, conditions(stored))
  const { content, problem, finalUrl } = fetched.page
  if (problem) return { kind: 'rejected', reason: `${problem.code}: ${problem.message}` }
  if (!content) return { kind: 'unchanged', urlHash: hash, simhash: stored?.simhash ?? null }
  const date = dateOf(content, candidate, rules.asOf)
  const reason = rejectionOf(content, finalUrl, date, finalScore(candidate.score, content), rules)
  if (reason !== null) return { kind: 'rejected', reason }
  try {
    return { kind: 'article', article: await toArticle(site, candidate, fetched, content, rules.asOf) }
  } catch (error) {
    site.signal.throwIfAborted()
    return { kind: 'rejected', reason: `${codeOf(error)}: ${messageOf(error)}` }
  }
}
