/** Who writes about a topic: the client, its competitors, others. */
import type { TopicProfile } from './clusters.ts'
import type { Corpus, CorpusArticle } from './corpus.ts'
import type { TopicCounts } from './wording.ts'

export interface Market {
  readonly clientDomain: string
  /** Listed competitors with at least one article in the corpus: one that could not be read is no zero. */
  readonly competitors: ReadonlySet<string>
}

/** The client and those of the listed competitors that the corpus knows; domains are compared in lower case. */
export function marketOf(corpus: Corpus, clientDomain: string, competitorDomains: readonly string[]): Market {
  const client = clientDomain.toLowerCase()
  const present = new Set(corpus.articles.map(({ domain }) => domain))
  const listed = competitorDomains.map((domain) => domain.toLowerCase())
  return {
    clientDomain: client,
    competitors: new Set(listed.filter((domain) => domain !== client && present.has(domain)).sort()),
  }
}

export function isClient(market: Market, article: Pick<CorpusArticle, 'domain' | 'role'>): boolean {
  return article.role === 'client' || article.domain === market.clientDomain
}

/** The articles at some places of the corpus. */
export function articlesAt(corpus: Corpus, places: readonly number[]): CorpusArticle[] {
  return places.flatMap((at) => corpus.articles[at] ?? [])
}

/** Counts of a topic. Articles of domains that are neither the client nor a listed competitor count in `articles` alone. */
export function countTopic(corpus: Corpus, market: Market, profile: TopicProfile): TopicCounts {
  const articles = articlesAt(corpus, profile.members)
  const rivals = articles.filter(
    (article) => !isClient(market, article) && market.competitors.has(article.domain),
  )
  return {
    label: profile.topic.label,
    articles: articles.length,
    domains: new Set(articles.map(({ domain }) => domain)).size,
    clientArticles: articles.filter((article) => isClient(market, article)).length,
    competitorArticles: rivals.length,
    sources: new Set(rivals.map(({ domain }) => domain)).size,
    competitors: market.competitors.size,
  }
}
