/** Valid values of the audit's shapes, to be varied by tests. */
import { createHash } from 'node:crypto'
import type { DataFacts, DataStatus } from '../../../src/workflows/audit/plan.ts'
import type { ExecutionView, StepView } from '../../../src/workflows/audit/progress.ts'
import { auditEnvironment, toAuditSettings } from '../../../src/workflows/audit/settings.ts'
import type {
  Article,
  Competitor,
  CrawledPage,
  SiteProfile,
  TopicMetrics,
  TrendResult,
} from '../../../src/workflows/audit/types.ts'

export const NOW = Date.parse('2026-03-15T12:00:00.000Z')
export const EXECUTION_ID = '0195a2b3-0000-7000-8000-000000000001'

export const settings = toAuditSettings(auditEnvironment.parse({}))

export const ALL_THERE: DataStatus = {
  has_profile: true,
  has_competitors: true,
  has_client_articles: true,
  has_competitor_articles: true,
  has_trend_pipeline: true,
}
export const NOTHING_THERE: DataStatus = {
  has_profile: false,
  has_competitors: false,
  has_client_articles: false,
  has_competitor_articles: false,
  has_trend_pipeline: false,
}

export const facts = (over: Partial<DataFacts> = {}): DataFacts => ({
  profileAt: NOW,
  competitors: 2,
  competitorsAt: NOW,
  clientArticles: 5,
  clientScrapedAt: NOW,
  competitorArticles: 10,
  competitorsScrapedAt: NOW,
  trendAt: NOW,
  ...over,
})

export const profile = (over: Partial<SiteProfile> = {}): SiteProfile => ({
  language: 'fr',
  languages: { fr: 1 },
  languageLevel: 'advanced',
  tone: 'professional',
  toneEvidence: { sentences: 120 },
  readability: { flesch: 48, lix: 45, wordsPerSentence: 19 },
  formality: 0.7,
  audience: { primary: 'fleet managers', level: 'advanced', sectors: ['logistics'] },
  themes: [
    theme('velos-cargos', 'Vélos cargos', ['vélo cargo', 'livraison']),
    theme('logistique-urbaine', 'Logistique urbaine', ['entrepôt', 'dernier kilomètre']),
  ],
  secondaryThemes: ['Batteries'],
  keywords: [{ term: 'vélo cargo', score: 1, count: 30, pages: 8 }],
  structure: {
    averageWordCount: 1200,
    averageParagraphCount: 12,
    averageParagraphWords: 60,
    headings: { h2: 4 },
    imagesPerPage: 2,
    videosPerPage: 0,
    internalLinksPerPage: 10,
  },
  pagesAnalyzed: 8,
  totalWords: 9600,
  ...over,
})

function theme(slug: string, label: string, keywords: string[]): SiteProfile['themes'][number] {
  return { slug, label, share: 0.5, keywords, summary: `About ${label}.`, pageUrls: [] }
}

export const page = (over: Partial<CrawledPage> = {}): CrawledPage => ({
  url: 'https://client.fr/',
  finalUrl: 'https://client.fr/',
  status: 200,
  contentType: 'text/html',
  depth: 0,
  bytes: 5000,
  elapsedMs: 12.5,
  content: {
    title: 'Accueil',
    description: null,
    canonicalUrl: null,
    text: 'Du texte.',
    wordCount: 2,
    headings: [{ level: 1, text: 'Accueil' }],
    paragraphCount: 1,
    imageCount: 1,
    imagesWithoutAlt: 0,
    videoCount: 0,
    internalLinks: [],
    externalLinks: [],
    declaredLanguage: 'fr',
    author: null,
    publishedAt: null,
    dateSource: null,
    jsonLdTypes: [],
    ogType: null,
    siteName: null,
    method: 'readability',
  },
  problem: null,
  ...over,
})

export const hashOf = (url: string): string => createHash('sha256').update(url).digest('hex')

/** Article number `n` of a site; its date is `n` days before {@link NOW}. */
export const article = (domain: string, n: number, over: Partial<Article> = {}): Article => {
  const url = `https://${domain}/blog/${n}`
  return {
    url,
    urlHash: hashOf(url),
    domain,
    title: `Choisir un vélo cargo ${n}`,
    author: null,
    publishedAt: new Date(NOW - n * 86_400_000).toISOString(),
    dateSource: 'json-ld',
    text: `Texte ${n} sur la livraison en ville.`,
    wordCount: 200,
    language: 'fr',
    keywords: ['vélo cargo', 'livraison'],
    simhash: n.toString(16).padStart(16, '0'),
    source: 'sitemap',
    score: 60,
    etag: `"${n}"`,
    lastModified: null,
    ...over,
  }
}

export const competitor = (domain: string, over: Partial<Competitor> = {}): Competitor => ({
  domain,
  title: domain,
  description: 'Rival',
  status: 'validated',
  reason: 'same subject',
  similarity: 0.5,
  relevance: 0.6,
  combined: 0.55,
  confidence: 0.5,
  sources: [{ query: 'vélo cargo', engine: 'demo', rank: 1 }],
  ...over,
})

export const metrics = (topicId: number, over: Partial<TopicMetrics> = {}): TopicMetrics => ({
  topicId,
  windows: ([7, 14, 30, 90] as const).map((days) => ({
    days,
    start: new Date(NOW - days * 86_400_000).toISOString(),
    end: new Date(NOW).toISOString(),
    volume: days,
    velocity: 0.8,
    freshness: 0.3,
    sourceDiversity: 2,
    drift: 0.1,
    driftDetected: false,
    trend: 'up' as const,
  })),
  velocity: 0.8,
  freshness: 0.3,
  sourceDiversity: 2,
  cohesion: 0.4,
  potential: 0.55,
  trend: 'up',
  datedArticles: 10,
  undatedArticles: 1,
  ...over,
})

/** A run with two topics; the first holds `articleIds`. */
export const trendResult = (articleIds: readonly string[], over: Partial<TrendResult> = {}): TrendResult => ({
  asOf: new Date(NOW).toISOString(),
  timeWindowDays: 90,
  topics: [
    {
      topicId: 0,
      label: 'Vélo cargo en ville',
      terms: [
        { word: 'vélo', score: 0.9 },
        { word: 'cargo', score: 0.8 },
      ],
      articleIds,
      size: articleIds.length,
      coherence: 0.42,
      scope: 'core',
    },
    {
      topicId: 1,
      label: 'Entrepôts urbains',
      terms: [{ word: 'entrepôt', score: 0.9 }],
      articleIds: [],
      size: 3,
      coherence: 0.3,
      scope: 'adjacent',
    },
  ],
  outliers: [],
  metrics: [metrics(0), metrics(1, { velocity: null, freshness: null, potential: 0.2, trend: 'stable' })],
  syntheses: [
    {
      topicId: 0,
      method: 'extractive',
      synthesis: 'Les villes ouvrent des voies.',
      saturatedAngles: [{ angle: 'prix', frequency: 5, reason: 'five sites' }],
      opportunities: [{ angle: 'assurance', potential: 0.6, differentiation: 0.8, effort: 'easy' }],
    },
  ],
  recommendations: [
    {
      topicId: 0,
      title: 'Assurer une flotte',
      hook: 'Peu en parlent.',
      outline: { intro: 'Pourquoi' },
      effort: 'easy',
      differentiation: 0.7,
    },
    {
      topicId: 1,
      title: 'Partager un entrepôt',
      hook: 'Personne ne compare.',
      outline: {},
      effort: 'medium',
      differentiation: 0.9,
    },
  ],
  gaps: [
    {
      topicId: 1,
      coverage: 0.1,
      level: 'gap',
      priority: 0.8,
      diagnostic: 'Nothing on it.',
      opportunity: 'Be first.',
      risk: 'medium',
      riskAssessment: 'Others grow.',
    },
  ],
  strengths: [{ topicId: 0, coverage: 2, advantage: 1, description: 'Twice as much.' }],
  roadmap: [{ order: 0, topicId: 1, recommendation: 1, priority: 0.8, tier: 'high', effort: 'medium' }],
  stages: { clustering: 'completed', temporal: 'completed', synthesis: 'completed', gap: 'completed' },
  counts: { articles: 20, undated: 1, clusters: 2, outliers: 0, recommendations: 2, gaps: 1 },
  ...over,
})

export const stepView = (step: string, index: number, over: Partial<StepView> = {}): StepView => ({
  jobId: String(100 + index),
  step,
  index,
  status: 'waiting',
  attempt: 0,
  retryCount: 0,
  maxRetries: 2,
  startedAt: null,
  finishedAt: null,
  scheduledAt: new Date(NOW),
  lastError: null,
  lastErrorCode: null,
  errors: [],
  progress: null,
  progressDetail: null,
  dependsOn: [],
  estimateSeconds: 100,
  ...over,
})

export const executionView = (
  steps: readonly StepView[],
  over: Partial<ExecutionView> = {},
): ExecutionView => ({
  executionId: EXECUTION_ID,
  workflowType: 'audit_orchestrator',
  subject: 'client.fr',
  status: 'running',
  createdAt: new Date(NOW - 60_000),
  startTime: new Date(NOW - 60_000),
  endTime: null,
  version: 3,
  errorCode: null,
  errorMessage: null,
  steps,
  now: new Date(NOW),
  ...over,
})
