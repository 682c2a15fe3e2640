/** When a page was published, from the marks it carries. */
import type { CheerioAPI } from 'cheerio'
import { parseIsoDate } from '../crawl/dates.ts'
import type { PageContent } from '../types.ts'
import { isArticleNode, type LinkedNode, textOf } from './json-ld.ts'

export interface PageDate {
  /** ISO 8601 UTC with `Z`; a day without a time is midnight UTC. */
  readonly publishedAt: string | null
  readonly dateSource: PageContent['dateSource']
}

const META_NAMES = [
  'article:published_time',
  'og:article:published_time',
  'article:published',
  'datepublished',
  'publication_date',
  'date_published',
  'pubdate',
  'publishdate',
  'parsely-pub-date',
  'dc.date.issued',
  'dcterms.issued',
  'dcterms.created',
  'dc.date',
  'date',
]
/** More dated entries than this make a page a list, whose dates are not its own. */
const MAX_TIMES = 5
const EARLIEST_YEAR = 1990

const LIST_PATH = /^\/(?:[a-z]{2}\/?)?$|\/page\/\d+\/?$/
const MARKED_TIMES =
  'time[itemprop="datePublished"],time[pubdate],time.published,time.entry-date,time.dt-published'
const FOREIGN_TIMES = 'aside,footer,nav,[class*="comment"],[id*="comment"],[class*="related"]'
const URL_DATES = [
  /\/((?:19|20)\d{2})\/(0?[1-9]|1[0-2])\/(0?[1-9]|[12]\d|3[01])(?=[/_.-]|$)/,
  /[/_-]((?:19|20)\d{2})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?=[/_.-]|$)/,
  /\/((?:19|20)\d{2})\/(0[1-9]|1[0-2])(?=\/)/,
]

/**
 * The date of publication by priority: JSON-LD `datePublished`, meta `article:published_time` and its like,
 * `<time datetime>`, the pattern of the URL (a month alone is its first day). What is no date of the calendar
 * since 1990 is passed over.
 */
export function findPageDate($: CheerioAPI, linked: readonly LinkedNode[], url: string): PageDate {
  const candidates: [PageContent['dateSource'], string | null][] = [
    ['json-ld', linkedDate(linked)],
    ['meta', metaDate($)],
    ['time', isList($, url) ? null : timeDate($)],
    ['url', dateInUrl(url)],
  ]
  const [dateSource, publishedAt] = candidates.find(([, date]) => date !== null) ?? [null, null]
  return { publishedAt, dateSource }
}

/** The date that the path of a URL spells, or null. */
export function dateInUrl(url: string): string | null {
  const path = URL.parse(url)?.pathname ?? ''
  for (const pattern of URL_DATES) {
    const [, year, month, day = '01'] = pattern.exec(path) ?? []
    if (year === undefined || month === undefined) continue
    const date = dayOrTime(`${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`)
    if (date !== null) return date
  }
  return null
}

function linkedDate(linked: readonly LinkedNode[]): string | null {
  const articlesFirst = [...linked.filter(isArticleNode), ...linked.filter((node) => !isArticleNode(node))]
  for (const node of articlesFirst) {
    const date = dayOrTime(textOf(node.properties.datePublished))
    if (date !== null) return date
  }
  return null
}

function metaDate($: CheerioAPI): string | null {
  const found = new Map<string, string>()
  for (const element of $('meta').toArray()) {
    const name = $(element).attr('property') ?? $(element).attr('name') ?? $(element).attr('itemprop')
    const date = dayOrTime($(element).attr('content') ?? null)
    const key = name?.trim().toLowerCase()
    if (key !== undefined && date !== null && !found.has(key)) found.set(key, date)
  }
  const name = META_NAMES.find((candidate) => found.has(candidate))
  return name === undefined ? null : (found.get(name) ?? null)
}

/** Home pages and pages of entries show the dates of others. */
function isList($: CheerioAPI, url: string): boolean {
  return LIST_PATH.test(URL.parse(url)?.pathname ?? '') || $('article:has(time)').length > 1
}

function timeDate($: CheerioAPI): string | null {
  const marked = datesOf($, MARKED_TIMES)
  const dates = marked.length > 0 ? marked : datesOf($, 'time[datetime]')
  return dates.length > MAX_TIMES ? null : (dates[0] ?? null)
}

function datesOf($: CheerioAPI, selector: string): string[] {
  const dates = new Set<string>()
  for (const element of $(selector).toArray().slice(0, 100)) {
    if ($(element).closest(FOREIGN_TIMES).length > 0 || $(element).attr('itemprop') === 'dateModified')
      continue
    const date = dayOrTime($(element).attr('datetime') ?? null)
    if (date !== null) dates.add(date)
  }
  return [...dates]
}

/** Asks for a whole day at least: a bare year or month on a page is seldom its date. */
function dayOrTime(text: string | null): string | null {
  const trimmed = text?.trim() ?? ''
  if (trimmed.length < 10 || trimmed.length > 40) return null
  const date = parseIsoDate(trimmed)
  return date !== null && Number(date.slice(0, 4)) >= EARLIEST_YEAR ? date : null
}
