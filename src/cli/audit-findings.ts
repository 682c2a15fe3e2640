/** The market side of the summary: what moves, what is missing, what to write next. Pure. */
import type { SiteAuditResponse } from '../workflows/audit/schema.ts'
import { clean, column, counted, hang, type Look, type Paint, paint } from './layout.ts'
import { heading, more, nameWidth, paragraph } from './summary-parts.ts'

type Gaps = NonNullable<SiteAuditResponse['gap_analysis']>
type Opportunities = NonNullable<SiteAuditResponse['editorial_opportunities']>

const TRENDS_MAX = 5
const GAPS_MAX = 4
const STRENGTHS_MAX = 3
const ROADMAP_MAX = 5

/** Topics that grow or promise much. */
export function trendLines({ trending_topics: section }: SiteAuditResponse, look: Look): string[] {
  if (section === null || section.topics.length === 0) return []
  const room = nameWidth(look)
  return [
    ...heading('Trending topics', look, 'growth of the daily rate'),
    ...section.topics.slice(0, TRENDS_MAX).map((topic) => {
      const growth = growthText(topic.growth_rate)
      const facts = [
        counted(topic.volume, 'article'),
        topic.source_diversity === 0 ? '' : counted(topic.source_diversity, 'site'),
        topic.potential_label ?? '',
      ].filter((fact) => fact !== '')
      const left = look.width - 4 - room - 9
      const tail = left < 10 ? '' : `  ${paint(column(facts.join(', '), left - 2).trimEnd(), look, 'dim')}`
      const mark = paint((topic.growth_rate ?? 0) > 0 ? '↑' : '·', look, 'green')
      return `  ${mark} ${column(clean(topic.title), room)} ${column(growth, 8, 'right')}${tail}`
    }),
    ...more(section.topics.length - TRENDS_MAX, 'topic', look),
  ]
}

function growthText(rate: number | null): string {
  if (rate === null) return ''
  return `${rate > 0 ? '+' : ''}${Math.round(rate)} %`
}

/** Gaps, strengths and the roadmap; without a roadmap the best single suggestions. */
export function opportunityLines(document: SiteAuditResponse, look: Look): string[] {
  const gaps = document.gap_analysis
  const suggestions = document.editorial_opportunities
  return [
    ...(gaps === null ? [] : [...gapLines(gaps, look), ...strengthLines(gaps, look)]),
    ...(gaps !== null && gaps.roadmap.length > 0
      ? roadmapLines(gaps, suggestions, look)
      : suggestionLines(suggestions, look)),
  ]
}

function gapLines({ gaps }: Gaps, look: Look): string[] {
  if (gaps.length === 0) return []
  const risks: Readonly<Record<Gaps['gaps'][number]['risk'], Paint>> = {
    high: 'red',
    medium: 'yellow',
    low: 'green',
  }
  return [
    ...heading('Gaps', look, 'topics that competitors cover and this site does not'),
    ...gaps
      .slice(0, GAPS_MAX)
      .flatMap((gap) => [
        ...entry(`  ${paint('▲', look, risks[gap.risk])} `, gap.topic_title, `${gap.risk} risk`, look),
        ...paragraph(gap.diagnostic, look, 2),
      ]),
    ...more(gaps.length - GAPS_MAX, 'gap', look),
  ]
}

function strengthLines({ strengths }: Gaps, look: Look): string[] {
  if (strengths.length === 0) return []
  return [
    ...heading('Strengths', look, 'where this site leads'),
    ...strengths
      .slice(0, STRENGTHS_MAX)
      .flatMap((one) => [
        ...entry(`  ${paint('✔', look, 'green')} `, one.topic_title, '', look),
        ...paragraph(one.description, look, 2),
      ]),
    ...more(strengths.length - STRENGTHS_MAX, 'strength', look),
  ]
}

function roadmapLines({ roadmap }: Gaps, suggestions: Opportunities | null, look: Look): string[] {
  const byId = new Map((suggestions?.recommendations ?? []).map((one) => [one.id, one]))
  return [
    ...heading('What to write next', look, 'in this order'),
    ...roadmap.slice(0, ROADMAP_MAX).flatMap((item) => {
      const suggestion = byId.get(item.recommendation_id)
      const effort = suggestion?.effort_label.toLowerCase() ?? item.estimated_effort
      return suggestionEntry(
        `${column(String(item.priority_order), 3, 'right')}. `,
        item.article_title,
        `${item.tier} priority, ${effort}`,
        suggestion?.hook ?? '',
        look,
      )
    }),
    ...more(roadmap.length - ROADMAP_MAX, 'item', look),
  ]
}

function suggestionLines(section: Opportunities | null, look: Look): string[] {
  if (section === null || section.recommendations.length === 0) return []
  return [
    ...heading('Ideas for articles', look, 'most distinctive first'),
    ...section.recommendations
      .slice(0, ROADMAP_MAX)
      .flatMap((one) =>
        suggestionEntry('  • ', one.article_title, one.effort_label.toLowerCase(), one.hook, look),
      ),
    ...more(section.recommendations.length - ROADMAP_MAX, 'idea', look),
  ]
}

function suggestionEntry(lead: string, title: string, facts: string, hook: string, look: Look): string[] {
  return [...entry(lead, title, facts, look), ...(hook === '' ? [] : paragraph(hook, look, 2))]
}

/** A title that may take two lines, followed by its facts. */
function entry(lead: string, title: string, facts: string, look: Look): string[] {
  const text = clean(title) + (facts === '' ? '' : ` (${clean(facts)})`)
  return hang(lead, text, look.width, 2)
}
