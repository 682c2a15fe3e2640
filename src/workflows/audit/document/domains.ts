/** The activity domains of the client: how far its articles and topics bear them out. */
import type { DomainDetail, TopicSummary } from '../schema.ts'
import type { DocumentSources, SynthesisRow, ThemeMatches, TopicRow } from '../store/document.ts'
import { labelOf } from './labels.ts'
import type { ThemeIndex } from './themes.ts'

/** One entry per theme of the profile, in its order. */
export function assembleDomains(
  sources: DocumentSources,
  index: ThemeIndex,
  options: { readonly includeTopics: boolean; readonly topicsLimit: number },
): DomainDetail[] {
  const matches = new Map(sources.themes.map((theme) => [theme.slug, theme]))
  const syntheses = new Map((sources.run?.syntheses ?? []).map((one) => [one.topicId, one]))
  return sources.profile.themes.map((theme) => {
    const match = matches.get(theme.slug)
    const topics = index.topicsOf.get(theme.slug) ?? []
    const share =
      sources.clientArticles === 0 ? 0 : Math.min(1, (match?.articles ?? 0) / sources.clientArticles)
    return {
      id: theme.slug,
      label: theme.label,
      confidence: Math.trunc(100 * share),
      confidence_normalized: round(share, 3),
      confidence_label: labelOf('confidence', share),
      topics_count: topics.length,
      summary: theme.summary,
      topics: options.includeTopics
        ? topics.slice(0, options.topicsLimit).map((topic) => summarise(topic, syntheses.get(topic.topicId)))
        : [],
      metrics: metricsOf(match, topics),
    }
  })
}

function summarise(topic: TopicRow, synthesis: SynthesisRow | undefined): TopicSummary {
  return {
    id: topicKey(topic),
    title: topic.label,
    summary: synthesis?.synthesis ?? `${topic.size} articles on this topic.`,
    keywords: topic.terms.slice(0, 10).map((term) => term.word),
    relevance_score: relevanceOf(topic),
    trend: topic.trend,
    category: topic.scope,
  }
}

/** 0..100: coherence where there is one, else the volume, 1,000 articles being full. */
function relevanceOf(topic: TopicRow): number {
  return round(topic.coherence > 0 ? topic.coherence * 100 : Math.min(100, topic.size / 10), 1)
}

function metricsOf(match: ThemeMatches | undefined, topics: readonly TopicRow[]): DomainDetail['metrics'] {
  const articles = match?.articles ?? 0
  if (articles === 0 && topics.length === 0) return null
  const relevance = topics.reduce((sum, topic) => sum + relevanceOf(topic), 0)
  return {
    total_articles: articles,
    trending_topics: topics.filter((topic) => topic.trend === 'up').length,
    avg_relevance: topics.length === 0 ? 0 : round(relevance / topics.length, 1),
    top_keywords: [...(match?.topKeywords ?? [])],
  }
}

/** Readable and unique within a run: the label without accents, and the number. */
export function topicKey(topic: Pick<TopicRow, 'label' | 'topicId'>): string {
  const slug = topic.label
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 80)
  return `${slug === '' ? 'topic' : slug}-${topic.topicId}`
}

/** Rounds half up to a number of decimals. */
export function round(value: number, decimals: number): number {
  const factor = 10 ** decimals
  return Math.round(value * factor) / factor
}
