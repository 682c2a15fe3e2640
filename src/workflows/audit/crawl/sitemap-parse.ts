/** Reads one sitemap file: XML (sitemaps.org 0.9, news extension) or plain text. No I/O. */
import { parseIsoDate } from './dates.ts'
import { resolveUrl } from './site-scope.ts'
import { decodeEntities, scanXml, type XmlHandler, type XmlLimits } from './xml-scan.ts'

export interface SitemapEntry {
  readonly url: string
  readonly publishedAt: string | null
  readonly title: string | null
  /** True when the entry carries the news extension. */
  readonly news: boolean
}

export interface SitemapFile {
  readonly kind: 'index' | 'urls' | 'html' | 'other'
  readonly entries: readonly SitemapEntry[]
  /** Which limit ended the reading, as a sentence; null when the whole file was read, or as much as was wanted. */
  readonly stoppedBy: string | null
}

/**
 * Far beyond what sitemaps.org allows (50,000 entries of four fields, each with its languages and pictures), and
 * what a thread reads in about a second.
 */
const LIMITS: XmlLimits = {
  depth: 20,
  marks: 1_000_000,
  attributes: 1_000_000,
  attributesPerTag: 100,
  name: 256,
  tag: 16 * 1024,
  text: 1024 * 1024,
  aside: 256 * 1024,
}

/** Text longer than this inside one element is not an address, a date or a title. */
const MAX_VALUE_LENGTH = 4_096
/** Lines of the text form that are looked at, addresses or not. */
const MAX_LINES = 1_000_000

interface Draft {
  loc: string
  lastmod: string
  newsDate: string
  newsTitle: string
  news: boolean
}

/** A map and not a record: element names come from outside, and `constructor` is one of them. */
const FIELDS: ReadonlyMap<string, 'loc' | 'lastmod' | 'newsDate' | 'newsTitle'> = new Map([
  ['loc', 'loc'],
  ['lastmod', 'lastmod'],
  ['news:publication_date', 'newsDate'],
  ['news:title', 'newsTitle'],
])

function newDraft(): Draft {
  return { loc: '', lastmod: '', newsDate: '', newsTitle: '', news: false }
}

function toEntry(draft: Draft, base: string): SitemapEntry | null {
  const url = resolveUrl(decodeEntities(draft.loc), base)
  if (url === null) return null
  return {
    url,
    publishedAt: parseIsoDate(draft.newsDate) ?? parseIsoDate(draft.lastmod),
    title: decodeEntities(draft.newsTitle).trim() || null,
    news: draft.news,
  }
}

/** Name of an element without the prefix some generators give the whole sitemap namespace (`sm:loc`). */
function fieldName(name: string): string {
  const lower = name.toLowerCase()
  return lower.startsWith('news:') || lower.startsWith('image:') || lower.startsWith('video:')
    ? lower
    : lower.slice(lower.indexOf(':') + 1)
}

function rootKind(name: string): SitemapFile['kind'] {
  if (name === 'sitemapindex') return 'index'
  if (name === 'urlset') return 'urls'
  return name === 'html' ? 'html' : 'other'
}

/** Takes an entry; false when no more are wanted. */
export type TakeEntry = (entry: SitemapEntry) => boolean

/** A parser fed with pieces of text; `full` turns true when nothing more is read. */
interface SitemapReader {
  write(piece: string): void
  full(): boolean
  finish(): { readonly kind: SitemapFile['kind']; readonly stoppedBy: string | null }
}

/**
 * Tolerant on purpose: unescaped ampersands, stray bytes and a missing end are common in the wild, and the
 * entries before and after them are still good.
 */
function xmlReader(base: string, take: TakeEntry): SitemapReader {
  let kind: SitemapFile['kind'] | null = null
  let draft = newDraft()
  let field: string | null = null
  let satisfied = false

  const append = (text: string) => {
    const key = field === null ? undefined : FIELDS.get(field)
    if (key !== undefined && draft[key].length < MAX_VALUE_LENGTH)
      draft[key] += text.slice(0, MAX_VALUE_LENGTH)
  }
  const handler: XmlHandler = {
    open: (tag) => {
      const name = fieldName(tag)
      kind ??= rootKind(name)
      if (name === 'url' || name === 'sitemap') draft = newDraft()
      if (name.startsWith('news:')) draft.news = true
      field = name
    },
    close: (tag) => {
      const name = fieldName(tag)
      field = null
      if (name !== 'url' && name !== 'sitemap') return
      const entry = toEntry(draft, base)
      if (entry !== null && !satisfied) satisfied = !take(entry)
    },
    text: append,
    // Entities are decoded when the entry is complete; here an ampersand means itself.
    cdata: (text) => append(text.replaceAll('&', '&amp;')),
    enough: () => satisfied || kind === 'html' || kind === 'other',
  }
  const scan = scanXml(handler, LIMITS)
  return {
    write: scan.write,
    full: () => scan.over,
    finish: () => {
      scan.end()
      return { kind: kind ?? 'other', stoppedBy: scan.stoppedBy }
    },
  }
}

function textReader(base: string, take: TakeEntry): SitemapReader {
  let rest = ''
  let lines = 0
  let taken = 0
  let satisfied = false

  const takeLine = (line: string) => {
    const text = line.length > MAX_VALUE_LENGTH ? '' : line.trim()
    const url = /^https?:\/\//i.test(text) ? resolveUrl(text, base) : null
    if (url === null || satisfied) return
    taken += 1
    satisfied = !take({ url, publishedAt: null, title: null, news: false })
  }
  return {
    write: (piece) => {
      const read = (rest + piece).split(/[\r\n]/)
      // One unit more than a line may have, so that its tail is not taken for a line of its own.
      rest = (read.pop() ?? '').slice(0, MAX_VALUE_LENGTH + 1)
      lines += read.length
      for (const line of read) takeLine(line)
    },
    full: () => satisfied || lines > MAX_LINES,
    finish: () => {
      takeLine(rest)
      const stoppedBy = lines > MAX_LINES ? `it has more than ${MAX_LINES} lines` : null
      return { kind: taken > 0 ? 'urls' : 'other', stoppedBy }
    },
  }
}

/**
 * Reads the pieces of a sitemap found at `url` and hands its entries to `take` in document order, until it has
 * enough or a limit is reached: what was read before that stays good. What is not a sitemap has kind `html` or
 * `other`; entries it seemed to have are not to be used.
 */
export async function readEntries(
  pieces: AsyncIterable<string> | Iterable<string>,
  url: string,
  take: TakeEntry,
): Promise<Omit<SitemapFile, 'entries'>> {
  let reader: SitemapReader | null = null
  for await (const raw of pieces) {
    const piece: string = reader ? raw : raw.replace(/^\uFEFF?\s+/, '')
    if (!reader && piece === '') continue
    if (!reader && /^<(?:!doctype html|html)/i.test(piece)) return { kind: 'html', stoppedBy: null }
    reader ??= piece.startsWith('<') ? xmlReader(url, take) : textReader(url, take)
    reader.write(piece)
    if (reader.full()) break
  }
  return reader?.finish() ?? { kind: 'other', stoppedBy: null }
}

/** The first `maxEntries` entries of a sitemap; none of what is not a sitemap. See {@link readEntries}. */
export async function parseSitemap(
  pieces: AsyncIterable<string> | Iterable<string>,
  url: string,
  maxEntries: number,
): Promise<SitemapFile> {
  const entries: SitemapEntry[] = []
  const file = await readEntries(pieces, url, (entry) => {
    entries.push(entry)
    return entries.length < maxEntries
  })
  return { ...file, entries: file.kind === 'html' || file.kind === 'other' ? [] : entries }
}
