/** The audit document as a page for a terminal. Pure; sections without data say so through the issues at the end. */
import type { AuditIssue, SiteAuditResponse } from '../workflows/audit/schema.ts'
import { opportunityLines, trendLines } from './audit-findings.ts'
import { clean, column, counted, hang, type Look, type Paint, paint, paintedBar } from './layout.ts'
import { BAR_WIDTH, heading, INDENT, more, nameWidth } from './summary-parts.ts'

const LABEL_WIDTH = 13
const THEMES_MAX = 6
const ISSUES_MAX = 12

/** The whole summary, no line wider than the look. */
export function renderAuditSummary(document: SiteAuditResponse, look: Look): string[] {
  return [
    ...titleLines(document, look),
    ...profileLines(document, look),
    ...themeLines(document, look),
    ...competitorLines(document, look),
    ...trendLines(document, look),
    ...opportunityLines(document, look),
    ...failureLines(document, look),
    ...issueLines(document, look),
  ]
}

function titleLines(document: SiteAuditResponse, look: Look): string[] {
  const state = document.partial ? paint('partial', look, 'yellow') : paint('complete', look, 'green')
  const age = document.data_age_hours < 1 ? 'fresh data' : `data ${formatHours(document.data_age_hours)} old`
  const day = document.last_updated.slice(0, 10)
  return [
    paint('━'.repeat(look.width), look, 'dim'),
    paint(column(`Site audit of ${clean(document.url)}`, look.width).trimEnd(), look, 'bold'),
    `${state} · ${day} · ${age}`,
  ]
}

function formatHours(hours: number): string {
  return hours < 48 ? counted(Math.round(hours), 'hour') : counted(Math.round(hours / 24), 'day')
}

function profileLines({ profile, audience }: SiteAuditResponse, look: Look): string[] {
  const { tone, vocabulary, format } = profile.style
  const rows: [string, string][] = [
    ['Style', [tone, `${vocabulary} vocabulary`, `${format} pages`].join(', ')],
    ['Written for', [audience.type, `${audience.level} readers`].join(', ')],
    ['Sectors', audience.sectors.join(', ')],
  ]
  return [
    ...heading('Profile', look),
    ...rows
      .filter(([, text]) => clean(text) !== '')
      .flatMap(([label, text]) => hang(INDENT + column(label, LABEL_WIDTH), clean(text), look.width)),
  ]
}

function themeLines({ domains }: SiteAuditResponse, look: Look): string[] {
  if (domains.length === 0) return []
  const room = nameWidth(look)
  return [
    ...heading('Themes', look, 'share of the articles that bear them out'),
    ...domains.slice(0, THEMES_MAX).flatMap((domain) => {
      const words = (domain.metrics?.top_keywords ?? []).slice(0, 5).map(clean).join(', ')
      const facts = domain.topics_count === 0 ? '' : counted(domain.topics_count, 'topic')
      return [
        scoreLine(domain.label, domain.confidence, room, [domain.confidence_label, facts], look, 'cyan'),
        ...(words === ''
          ? []
          : hang(`${INDENT}  `, words, look.width, 1).map((line) => paint(line, look, 'dim'))),
      ]
    }),
    ...more(domains.length - THEMES_MAX, 'theme', look),
  ]
}

function competitorLines({ competitors }: SiteAuditResponse, look: Look): string[] {
  if (competitors.length === 0) return []
  const room = nameWidth(look)
  return [
    ...heading('Competitors', look, 'how closely they match the profile'),
    ...competitors.map((one) => scoreLine(one.name, one.similarity, room, [], look, 'yellow')),
  ]
}

/** A name, a bar, a percentage and what else there is room for. */
function scoreLine(
  name: string,
  percent: number,
  room: number,
  facts: readonly string[],
  look: Look,
  color: Paint,
): string {
  const width = look.width < 60 ? 0 : BAR_WIDTH
  const shown = width === 0 ? '' : `${paintedBar(percent, width, look, color)} `
  const text = facts.filter((fact) => fact !== '').join(', ')
  const left = look.width - INDENT.length - room - 1 - (width === 0 ? 0 : width + 1) - 5 - 2
  const tail = left < 6 || text === '' ? '' : `  ${paint(column(text, left).trimEnd(), look, 'dim')}`
  return `${INDENT}${column(clean(name), room)} ${shown}${column(`${Math.round(percent)} %`, 5, 'right')}${tail}`
}

function failureLines({ failed_workflow_details: failed }: SiteAuditResponse, look: Look): string[] {
  if (failed.length === 0) return []
  return [
    ...heading('Steps that did not complete', look),
    ...failed.flatMap((one) => [
      ...hang(
        `${INDENT}${paint('✖', look, 'red')} `,
        clean(`${one.workflow.replaceAll('_', ' ')}: ${one.error} (${one.error_code})`),
        look.width,
      ),
      ...advice(one.suggested_action, look),
    ]),
  ]
}

const SEVERITIES: Readonly<Record<AuditIssue['severity'], readonly [mark: string, color: Paint]>> = {
  critical: ['✖', 'red'],
  warning: ['!', 'yellow'],
  info: ['i', 'dim'],
}

function issueLines({ issues }: SiteAuditResponse, look: Look): string[] {
  if (issues.length === 0) return []
  return [
    ...heading('What to know about this audit', look),
    ...issues.slice(0, ISSUES_MAX).flatMap((issue) => {
      const [mark, color] = SEVERITIES[issue.severity]
      return [
        ...hang(`${INDENT}${paint(mark, look, color)} `, clean(issue.message), look.width),
        ...advice(issue.suggestion, look),
      ]
    }),
    ...more(issues.length - ISSUES_MAX, 'issue', look),
  ]
}

function advice(text: string, look: Look): string[] {
  return hang(`${INDENT}  → `, clean(text), look.width).map((line) => paint(line, look, 'dim'))
}
