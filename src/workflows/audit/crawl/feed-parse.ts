/** Reads one feed: RSS, Atom, RDF or JSON Feed. No I/O. */
import { parseFeed as parseAnyFeed } from 'feedsmith'
import { parseAnyDate } from './dates.ts'
import { plainTitle } from './html-links.ts'
import { resolveUrl } from './site-scope.ts'

export interface FeedItem {
  readonly url: string
  readonly publishedAt: string | null
  readonly title: string | null
}

export interface Feed {
  readonly items: readonly FeedItem[]
  /** Address of the next, older page of the feed, when it names one (RFC 5005, JSON Feed `next_url`). */
  readonly nextUrl: string | null
}

type ParsedFeed = ReturnType<typeof parseAnyFeed>
type Of<Format extends ParsedFeed['format']> = Extract<ParsedFeed, { format: Format }>['feed']

interface RawItem {
  readonly links: readonly (string | undefined)[]
  readonly dates: readonly unknown[]
  readonly title: string | undefined
}

interface RawFeed {
  readonly items: readonly RawItem[]
  readonly next: string | undefined
}

interface RawLink {
  readonly href?: string | undefined
  readonly rel?: string | undefined
}

function linkOf(links: readonly RawLink[] | undefined, rel: string): string | undefined {
  return links?.find((link) => (link.rel ?? 'alternate') === rel)?.href
}

function fromRss(feed: Of<'rss'>): RawFeed {
  const items = (feed.items ?? []).map((item) => ({
    links: [item.link, item.guid?.isPermaLink === false ? undefined : item.guid?.value],
    dates: [item.pubDate, ...(item.dc?.dates ?? [])],
    title: item.title,
  }))
  return { items, next: linkOf(feed.atom?.links, 'next') }
}

function fromAtom(feed: Of<'atom'>): RawFeed {
  const items = (feed.entries ?? []).map((entry) => ({
    links: [linkOf(entry.links, 'alternate'), entry.id],
    dates: [entry.published, entry.updated],
    title: entry.title?.value,
  }))
  return { items, next: linkOf(feed.links, 'next') }
}

function fromRdf(feed: Of<'rdf'>): RawFeed {
  const items = (feed.items ?? []).map((item) => ({
    links: [item.link, item.rdf?.about],
    dates: item.dc?.dates ?? [],
    title: item.title,
  }))
  return { items, next: undefined }
}

function fromJson(feed: Of<'json'>): RawFeed {
  const items = (feed.items ?? []).map((item) => ({
    links: [item.url, item.external_url],
    dates: [item.date_published, item.date_modified],
    title: item.title,
  }))
  return { items, next: feed.next_url }
}

function toRaw(parsed: ParsedFeed): RawFeed {
  switch (parsed.format) {
    case 'rss':
      return fromRss(parsed.feed)
    case 'atom':
      return fromAtom(parsed.feed)
    case 'rdf':
      return fromRdf(parsed.feed)
    case 'json':
      return fromJson(parsed.feed)
  }
}

/** Absolute addresses stand for themselves; an identifier such as `urn:uuid:…` is none. */
function firstUrl(links: readonly (string | undefined)[], base: string): string | null {
  for (const link of links) {
    const url = link === undefined || /^(?:urn|tag):/i.test(link) ? null : resolveUrl(link, base)
    if (url !== null) return url
  }
  return null
}

function firstDate(dates: readonly unknown[]): string | null {
  for (const date of dates) {
    const parsed = typeof date === 'string' ? parseAnyDate(date) : null
    if (parsed !== null) return parsed
  }
  return null
}

/**
 * Reads the text of a feed found at `url`: at most `maxItems` items in the order of the feed, those without an
 * address left out. Returns null for anything that is no feed.
 */
export function parseFeed(text: string, url: string, maxItems: number): Feed | null {
  let raw: RawFeed
  try {
    raw = toRaw(parseAnyFeed(text))
  } catch {
    // The parser throws for whatever is not a feed, an HTML page for instance: the caller says so as a problem.
    return null
  }
  const items: FeedItem[] = []
  for (const item of raw.items.slice(0, maxItems)) {
    const link = firstUrl(item.links, url)
    if (link === null) continue
    items.push({ url: link, publishedAt: firstDate(item.dates), title: plainTitle(item.title) })
  }
  return { items, nextUrl: raw.next === undefined ? null : resolveUrl(raw.next, url) }
}
