/**
 * The shapes that the rooms of the audit hand each other. Shares and scores are 0..1, times are ISO 8601 UTC
 * strings with `Z` unless said otherwise, every list is in a stable order (same input, same output).
 */

export type Language = 'fr' | 'en'

// ── Crawl ────────────────────────────────────────────────────────────────────────────────────────────────

/** Where a URL was found; the better the source, the higher its score (contract A6 W3 phase 2). */
export type UrlSource = 'api' | 'feed' | 'sitemap_blog' | 'sitemap' | 'listing' | 'crawl'

export interface FoundUrl {
  readonly url: string
  readonly source: UrlSource
  /** `lastmod` of the sitemap or date of the feed item, when given and valid. */
  readonly publishedAt: string | null
  readonly title: string | null
}

/** A fetched page. `text` is empty unless status is 2xx and the page is HTML. */
export interface CrawledPage {
  readonly url: string
  /** After redirects; equal to `url` when there were none. */
  readonly finalUrl: string
  readonly status: number
  readonly contentType: string
  readonly depth: number
  readonly bytes: number
  readonly elapsedMs: number
  /** Null when the page was not HTML or could not be read. */
  readonly content: PageContent | null
  /** Code and sentence when the page could not be used. */
  readonly problem: { readonly code: string; readonly message: string } | null
}

// ── Page content ─────────────────────────────────────────────────────────────────────────────────────────

/** What is read out of one HTML page. */
export interface PageContent {
  readonly title: string
  readonly description: string | null
  readonly canonicalUrl: string | null
  /** Main text: paragraphs separated by a blank line; navigation, headers and footers left out. */
  readonly text: string
  readonly wordCount: number
  readonly headings: readonly { readonly level: number; readonly text: string }[]
  readonly paragraphCount: number
  readonly imageCount: number
  readonly imagesWithoutAlt: number
  readonly videoCount: number
  readonly internalLinks: readonly string[]
  readonly externalLinks: readonly string[]
  /** Value of `<html lang>`, lower-cased, without region; null when absent. */
  readonly declaredLanguage: string | null
  readonly author: string | null
  readonly publishedAt: string | null
  /** Which mark the date was read from. */
  readonly dateSource: 'json-ld' | 'meta' | 'time' | 'feed' | 'sitemap' | 'url' | null
  /** `@type`s of JSON-LD blocks, in document order. */
  readonly jsonLdTypes: readonly string[]
  readonly ogType: string | null
  readonly siteName: string | null
  /** How the main text was found. */
  readonly method: 'readability' | 'selectors' | 'body'
}

/** An article fit to be stored. */
export interface Article {
  readonly url: string
  /** SHA-256 in hex of the normalised URL: the identity of the article. */
  readonly urlHash: string
  readonly domain: string
  readonly title: string
  readonly author: string | null
  readonly publishedAt: string | null
  readonly dateSource: PageContent['dateSource']
  readonly text: string
  readonly wordCount: number
  readonly language: Language | null
  readonly keywords: readonly string[]
  /** 64-bit SimHash of the text as 16 hex digits. */
  readonly simhash: string
  readonly source: UrlSource
  readonly score: number
  readonly etag: string | null
  readonly lastModified: string | null
}

// ── Profile ──────────────────────────────────────────────────────────────────────────────────────────────

export interface Keyword {
  /** Most frequent surface form. */
  readonly term: string
  readonly score: number
  /** Occurrences over all pages. */
  readonly count: number
  /** Pages that hold it. */
  readonly pages: number
}

export interface Theme {
  readonly slug: string
  readonly label: string
  /** Share of pages that belong to it. */
  readonly share: number
  readonly keywords: readonly string[]
  readonly summary: string
  readonly pageUrls: readonly string[]
}

export type LanguageLevel = 'simple' | 'intermediate' | 'advanced' | 'expert'

/** The editorial profile of a site; every claim carries the counts it rests on. */
export interface SiteProfile {
  readonly language: Language | null
  /** Share of pages per detected language code. */
  readonly languages: Readonly<Record<string, number>>
  readonly languageLevel: LanguageLevel
  readonly tone: string
  readonly toneEvidence: Readonly<Record<string, number>>
  readonly readability: {
    /** Flesch of the language (Kandel-Moles for French), 0..100 clamped; null without text. */
    readonly flesch: number | null
    readonly lix: number | null
    readonly wordsPerSentence: number
  }
  /** 0 informal .. 1 formal. */
  readonly formality: number
  readonly audience: {
    readonly primary: string
    readonly level: LanguageLevel
    readonly sectors: readonly string[]
  }
  readonly themes: readonly Theme[]
  readonly secondaryThemes: readonly string[]
  readonly keywords: readonly Keyword[]
  readonly structure: {
    readonly averageWordCount: number
    readonly averageParagraphCount: number
    readonly averageParagraphWords: number
    readonly headings: Readonly<Record<string, number>>
    readonly imagesPerPage: number
    readonly videosPerPage: number
    readonly internalLinksPerPage: number
  }
  readonly pagesAnalyzed: number
  /** Words of these pages without what they share, which `structure` counts on every page. */
  readonly totalWords: number
}

// ── Competitors ──────────────────────────────────────────────────────────────────────────────────────────

export interface SearchHit {
  readonly url: string
  readonly title: string
  readonly snippet: string
  /** 1 for the first. */
  readonly rank: number
  readonly engine: string
}

export interface SearchOptions {
  readonly language: Language | null
  readonly country: string | null
  readonly signal: AbortSignal
}

/** One search provider; throws `RowbeatError` when it cannot answer. */
export interface SearchProvider {
  readonly name: string
  search(query: string, options: SearchOptions): Promise<readonly SearchHit[]>
}

export type ValidationStatus = 'validated' | 'manual' | 'excluded'

export interface Competitor {
  /** Registrable domain. */
  readonly domain: string
  readonly title: string
  readonly description: string
  readonly status: ValidationStatus
  /** Why it was kept or excluded, in words. */
  readonly reason: string
  /** Cosine similarity of its texts to the profile, 0..1. */
  readonly similarity: number
  /** How well its hits match the queries, 0..1. */
  readonly relevance: number
  readonly combined: number
  readonly confidence: number
  readonly sources: readonly { readonly query: string; readonly engine: string; readonly rank: number }[]
}

// ── Trends ───────────────────────────────────────────────────────────────────────────────────────────────

/** An article as the trend pipeline sees it. */
export interface TrendArticle {
  readonly id: string
  readonly domain: string
  readonly role: 'client' | 'competitor'
  readonly title: string
  readonly text: string
  readonly language: Language | null
  readonly publishedAt: string | null
  readonly url: string
}

export type TopicScope = 'core' | 'adjacent' | 'off_scope'

export interface Topic {
  /** 0, 1, 2 … by size, largest first. */
  readonly topicId: number
  readonly label: string
  readonly terms: readonly { readonly word: string; readonly score: number }[]
  readonly articleIds: readonly string[]
  readonly size: number
  /** Mean pairwise cosine, 0..1. */
  readonly coherence: number
  readonly scope: TopicScope
}

export interface Outlier {
  readonly articleId: string
  readonly category: 'too_short' | 'too_unique' | 'mixed_topics' | 'emerging'
  /** Cosine distance to the nearest topic, 0..1. */
  readonly distance: number
}

export type Trend = 'up' | 'stable' | 'down'

export interface TopicWindow {
  readonly days: 7 | 14 | 30 | 90
  readonly start: string
  readonly end: string
  readonly volume: number
  /** Relative change of the daily rate in this window against the window before it of the same length, smoothed; 0 = no change, null below minimum support. */
  readonly velocity: number | null
  /** Articles of the last 7 days over all dated articles of the window, 0..1. */
  readonly freshness: number | null
  readonly sourceDiversity: number
  readonly drift: number | null
  readonly driftDetected: boolean
  readonly trend: Trend
}

export interface TopicMetrics {
  readonly topicId: number
  readonly windows: readonly TopicWindow[]
  /**
   * Of the window asked for (time_window_days, default 90); when too little is known of the time before it, of the
   * longest shorter window that can be compared. `trend` is that of the same window.
   */
  readonly velocity: number | null
  /** Of the window asked for, like `sourceDiversity`. */
  readonly freshness: number | null
  readonly sourceDiversity: number
  readonly cohesion: number
  readonly potential: number
  readonly trend: Trend
  readonly datedArticles: number
  readonly undatedArticles: number
}

export interface TopicSynthesis {
  readonly topicId: number
  readonly method: 'extractive'
  readonly synthesis: string
  readonly saturatedAngles: readonly {
    readonly angle: string
    readonly frequency: number
    readonly reason: string
  }[]
  readonly opportunities: readonly {
    readonly angle: string
    readonly potential: number
    readonly differentiation: number
    readonly effort: Effort
  }[]
}

export type Effort = 'easy' | 'medium' | 'complex'

export interface Recommendation {
  readonly topicId: number
  readonly title: string
  readonly hook: string
  readonly outline: Readonly<Record<string, string>>
  readonly effort: Effort
  readonly differentiation: number
}

export interface Gap {
  readonly topicId: number
  /** Client articles over mean articles per competitor. */
  readonly coverage: number
  readonly level: 'weak' | 'gap'
  readonly priority: number
  readonly diagnostic: string
  readonly opportunity: string
  readonly risk: 'high' | 'medium' | 'low'
  readonly riskAssessment: string
}

export interface Strength {
  readonly topicId: number
  readonly coverage: number
  readonly advantage: number
  readonly description: string
}

export interface RoadmapItem {
  readonly order: number
  readonly topicId: number
  /** Index into `recommendations`. */
  readonly recommendation: number
  readonly priority: number
  readonly tier: 'high' | 'medium' | 'low'
  readonly effort: Effort
}

export type StageStatus = 'completed' | 'failed' | 'skipped'

export interface TrendResult {
  readonly asOf: string
  readonly timeWindowDays: number
  readonly topics: readonly Topic[]
  readonly outliers: readonly Outlier[]
  readonly metrics: readonly TopicMetrics[]
  readonly syntheses: readonly TopicSynthesis[]
  readonly recommendations: readonly Recommendation[]
  readonly gaps: readonly Gap[]
  readonly strengths: readonly Strength[]
  readonly roadmap: readonly RoadmapItem[]
  readonly stages: {
    readonly clustering: StageStatus
    readonly temporal: StageStatus
    readonly synthesis: StageStatus
    readonly gap: StageStatus
  }
  readonly counts: {
    readonly articles: number
    readonly undated: number
    readonly clusters: number
    readonly outliers: number
    readonly recommendations: number
    readonly gaps: number
  }
}
