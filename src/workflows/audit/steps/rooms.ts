/** What the steps work with, handed in so that their wiring can be tested without a network. */
import type { scrapeArticles } from '../crawl/articles.ts'
import type { crawlSite } from '../crawl/crawler.ts'
import type { findCompetitors } from '../search/competitors.ts'
import type { createSearchProvider } from '../search/provider.ts'
import type { TrendInput } from '../trends/pipeline.ts'
import type { CrawledPage, SiteProfile, TrendResult } from '../types.ts'

/** What the trend pipeline is given; nothing in it is a function, so that it can travel to a thread. */
export type TrendQuestion = Omit<TrendInput, 'onStage' | 'signal'>

export interface TrendHooks {
  readonly signal: AbortSignal
  readonly onStage: NonNullable<TrendInput['onStage']>
}

export interface Rooms {
  readonly crawlSite: typeof crawlSite
  readonly buildProfile: (pages: readonly CrawledPage[], signal: AbortSignal) => Promise<SiteProfile>
  readonly createSearchProvider: typeof createSearchProvider
  readonly findCompetitors: typeof findCompetitors
  readonly scrapeArticles: typeof scrapeArticles
  readonly runTrends: (question: TrendQuestion, hooks: TrendHooks) => Promise<TrendResult>
}
