/** Reads one feed: RSS, Atom, RDF or JSON Feed. No I/O. */
import { parseJson } from '../text/bounded-json.ts'
import { parseAnyDate } from './dates.ts'
import { plainTitle } from './html-links.ts'
import { resolveUrl } from './site-scope.ts'
import { decodeEntities, readAttributes, scanXml, type XmlHandler, type XmlLimits } from './xml-scan.ts'

export interface FeedItem {
  readonly url: string
  readonly publishedAt: string | null
  readonly title: string | null
}

export interface Feed {
  readonly items: readonly FeedItem[]
  /** Address of the next, older page of the feed, when it names one (RFC 5005, JSON Feed `next_url`). */
  readonly nextUrl: string | null
  /** Which limit ended the reading, as a sentence; null when the whole feed was read, or as much as was wanted. */
  readonly stoppedBy: string | null
}

/** Atom carries whole pages as elements, which nest deeper than anything of a feed itself; see {@link MAX_DEPTH}. */
const LIMITS: XmlLimits = {
  depth: 100,
  marks: 500_000,
  attributes: 500_000,
  attributesPerTag: 100,
  name: 256,
  tag: 64 * 1024,
  text: 4 * 1024 * 1024,
  aside: 256 * 1024,
}

/** Elements that a feed itself nests; only text below a title may lie deeper. */
const MAX_DEPTH = 20
const MAX_VALUE_LENGTH = 4_096

interface RawItem {
  readonly links: readonly unknown[]
  readonly dates: readonly unknown[]
  readonly title: unknown
}

/** Fields of an item whose text is kept; later ones of a name are left out. */
const FIELDS: ReadonlySet<string> = new Set([
  'title',
  'link',
  'guid',
  'id',
  'pubdate',
  'published',
  'updated',
  'dc:date',
])

/** An item as it is read. */
interface Draft {
  readonly isEntry: boolean
  readonly texts: Map<string, string>
  /** Of `<link href>`, by what they are: `alternate`, `edit`. */
  readonly hrefs: Map<string, string>
  /** `rdf:about` of RDF. */
  readonly about: string | undefined
  guidIsLink: boolean
}

function rawOf({ isEntry, texts, hrefs, about, guidIsLink }: Draft): RawItem {
  const get = (name: string) => {
    const text = texts.get(name)
    return text === undefined ? undefined : decodeEntities(text)
  }
  const links = isEntry
    ? [hrefs.get('alternate'), get('id')]
    : [get('link'), guidIsLink ? get('guid') : undefined, about]
  return {
    links,
    dates: [get('pubdate'), get('published'), get('updated'), get('dc:date')],
    title: get('title'),
  }
}

interface XmlFeed {
  readonly items: readonly RawItem[]
  readonly next: string | undefined
  readonly stoppedBy: string | null
}

/** What the elements of a feed come to. */
function createFeedHandler(maxItems: number) {
  const items: RawItem[] = []
  let prefix = ''
  let root: string | null = null
  let depth = 0
  let draft: Draft | null = null
  let itemDepth = 0
  let field: { readonly name: string; readonly depth: number } | null = null
  let next: string | undefined

  /** Lower-case name without the prefix that the root gives its own namespace (`atom:feed`). */
  const nameOf = (tag: string): string => {
    const lower = tag.toLowerCase()
    return prefix !== '' && lower.startsWith(prefix) ? lower.slice(prefix.length) : lower
  }
  const openRoot = (tag: string): void => {
    const lower = tag.toLowerCase()
    prefix = lower.slice(0, lower.indexOf(':') + 1)
    root = lower.slice(prefix.length)
  }
  const isFeed = (): boolean => root === 'rss' || root === 'feed' || root === 'rdf'

  const openLink = (attributes: string, ofFeed: boolean): void => {
    const found = readAttributes(attributes)
    const href = found.get('href')
    const rel = found.get('rel') ?? 'alternate'
    if (href === undefined) return
    if (ofFeed) {
      if (rel === 'next') next ??= href
    } else if (draft !== null && !draft.hrefs.has(rel) && draft.hrefs.size < 20) draft.hrefs.set(rel, href)
  }
  const openInItem = (item: Draft, name: string, attributes: string): void => {
    if (depth !== itemDepth + 1 || !FIELDS.has(name)) return
    if (name === 'link') openLink(attributes, false)
    if (name === 'guid')
      item.guidIsLink = readAttributes(attributes).get('ispermalink')?.toLowerCase() !== 'false'
    if (item.texts.has(name)) return
    item.texts.set(name, '')
    field = { name, depth }
  }
  const append = (text: string): void => {
    const known = field === null ? undefined : draft?.texts.get(field.name)
    if (field === null || known === undefined || known.length >= MAX_VALUE_LENGTH) return
    draft?.texts.set(field.name, known + text.slice(0, MAX_VALUE_LENGTH))
  }

  const handler: XmlHandler = {
    open: (tag, attributes) => {
      depth += 1
      if (root === null) return openRoot(tag)
      const name = nameOf(tag)
      if (draft !== null) return openInItem(draft, name, attributes)
      if ((name === 'item' || name === 'entry') && depth < MAX_DEPTH) {
        const about = root === 'rdf' ? readAttributes(attributes).get('rdf:about') : undefined
        draft = { isEntry: name === 'entry', texts: new Map(), hrefs: new Map(), about, guidIsLink: true }
        itemDepth = depth
      } else if (name === 'link' || name.endsWith(':link')) openLink(attributes, true)
    },
    close: () => {
      if (field?.depth === depth) field = null
      if (draft !== null && depth === itemDepth) {
        items.push(rawOf(draft))
        draft = null
      }
      depth -= 1
    },
    text: append,
    // Entities are decoded when the item is complete; here an ampersand means itself.
    cdata: (text) => append(text.replaceAll('&', '&amp;')),
    enough: () => items.length >= maxItems || (root !== null && !isFeed()),
  }
  return { handler, result: () => (isFeed() ? { items, next } : null) }
}

function readXmlFeed(pieces: Iterable<string>, maxItems: number): XmlFeed | null {
  const { handler, result } = createFeedHandler(maxItems)
  const scan = scanXml(handler, LIMITS)
  for (const piece of pieces) {
    scan.write(piece)
    if (scan.over) break
  }
  scan.end()
  const read = result()
  return read === null ? null : { ...read, stoppedBy: scan.stoppedBy }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function readJsonFeed(text: string, maxItems: number): XmlFeed | null {
  const feed = parseJson(text)
  if (!isRecord(feed) || !Array.isArray(feed.items)) return null
  const items = feed.items
    .slice(0, maxItems)
    .filter(isRecord)
    .map((item) => ({
      links: [item.url, item.external_url],
      dates: [item.date_published, item.date_modified],
      title: item.title,
    }))
  return { items, next: typeof feed.next_url === 'string' ? feed.next_url : undefined, stoppedBy: null }
}

/** Absolute addresses stand for themselves; an identifier such as `urn:uuid:…` is none. */
function firstUrl(links: readonly unknown[], base: string): string | null {
  for (const link of links) {
    const url = typeof link !== 'string' || /^(?:urn|tag):/i.test(link) ? null : resolveUrl(link, base)
    if (url !== null) return url
  }
  return null
}

function firstDate(dates: readonly unknown[]): string | null {
  for (const date of dates) {
    const parsed = typeof date === 'string' ? parseAnyDate(date.trim()) : null
    if (parsed !== null) return parsed
  }
  return null
}

/** Half a million characters at a time, so that a limit ends the reading early. */
function* piecesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; at += 500_000) yield text.slice(at, at + 500_000)
}

/**
 * Reads the text of a feed found at `url`: at most `maxItems` items in the order of the feed, those without an
 * address left out. Where a limit ends the reading, the items before it are good. Returns null for anything that
 * is no feed.
 */
export function parseFeed(text: string, url: string, maxItems: number): Feed | null {
  const start = /^\uFEFF?\s*([{<]?)/.exec(text.slice(0, 1_000))?.[1]
  const raw = start === '{' ? readJsonFeed(text, maxItems) : readXmlFeed(piecesOf(text), maxItems)
  if (raw === null) return null
  const items: FeedItem[] = []
  for (const item of raw.items) {
    const link = firstUrl(item.links, url)
    if (link === null) continue
    const title = typeof item.title === 'string' ? plainTitle(item.title) : null
    items.push({ url: link, publishedAt: firstDate(item.dates), title })
  }
  const nextUrl = raw.next === undefined ? null : resolveUrl(raw.next, url)
  return { items, nextUrl, stoppedBy: raw.stoppedBy }
}
