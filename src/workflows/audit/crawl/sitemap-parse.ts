/** Reads one sitemap file: XML (sitemaps.org 0.9, news extension) or plain text. No I/O. */
import { SaxesParser } from 'saxes'
import { parseIsoDate } from './dates.ts'
import { resolveUrl } from './site-scope.ts'

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
}

/** Text longer than this inside one element is not an address, a date or a title. */
const MAX_VALUE_LENGTH = 4_096
/** A file with more faults than this is not a damaged sitemap but none; each costs time. */
const MAX_FAULTS = 10_000

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
  const url = resolveUrl(draft.loc, base)
  if (url === null) return null
  return {
    url,
    publishedAt: parseIsoDate(draft.newsDate) ?? parseIsoDate(draft.lastmod),
    title: draft.newsTitle.trim() || null,
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

/** A parser fed with pieces of text; `full` turns true when nothing more is wanted. */
interface SitemapReader {
  write(piece: string): void
  full(): boolean
  finish(): SitemapFile
}

const STRAY_AMPERSAND = /&(?!(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]\w{0,31});)/gi
/** An ampersand so near the end of a piece that what follows may still make it an entity. */
const OPEN_ENTITY = /&[#\w]{0,33}$/

/**
 * Tolerant on purpose: unescaped ampersands, stray bytes and a missing end are common in the wild, and the
 * entries before and after them are still good. A bare `&` is escaped first, since the parser would read on to
 * the next semicolon, however far; inside CDATA that is taken back. saxes expands no entities of the document's own, so there is
 * nothing to blow up.
 */
function xmlReader(base: string, maxEntries: number): SitemapReader {
  const parser = new SaxesParser({ position: false })
  const entries: SitemapEntry[] = []
  let kind: SitemapFile['kind'] | null = null
  let draft = newDraft()
  let field: string | null = null
  let rest = ''
  let faults = 0

  const append = (text: string) => {
    const key = field === null ? undefined : FIELDS.get(field)
    if (key !== undefined && draft[key].length < MAX_VALUE_LENGTH) draft[key] += text
  }
  parser.on('error', () => {
    faults += 1
  })
  parser.on('opentag', (tag) => {
    const name = fieldName(tag.name)
    kind ??= rootKind(name)
    if (name === 'url' || name === 'sitemap') draft = newDraft()
    if (name.startsWith('news:')) draft.news = true
    field = name
  })
  parser.on('text', append)
  parser.on('cdata', (text) => append(text.replaceAll('&amp;', '&')))
  parser.on('closetag', (tag) => {
    const name = fieldName(tag.name)
    field = null
    if (name !== 'url' && name !== 'sitemap') return
    const entry = toEntry(draft, base)
    if (entry && entries.length < maxEntries) entries.push(entry)
  })

  return {
    write: (piece) => {
      const text = rest + piece
      rest = OPEN_ENTITY.exec(text)?.[0] ?? ''
      parser.write(text.slice(0, text.length - rest.length).replace(STRAY_AMPERSAND, '&amp;'))
    },
    full: () => entries.length >= maxEntries || faults > MAX_FAULTS || kind === 'html' || kind === 'other',
    finish: () => ({ kind: kind ?? 'other', entries }),
  }
}

function textReader(base: string, maxEntries: number): SitemapReader {
  const entries: SitemapEntry[] = []
  let rest = ''

  const take = (line: string) => {
    const url = /^https?:\/\//i.test(line.trim()) ? resolveUrl(line, base) : null
    if (url !== null && entries.length < maxEntries) {
      entries.push({ url, publishedAt: null, title: null, news: false })
    }
  }
  return {
    write: (piece) => {
      const lines = (rest + piece).split(/\r\n|\r|\n/)
      rest = (lines.pop() ?? '').slice(0, MAX_VALUE_LENGTH)
      for (const line of lines) take(line)
    },
    full: () => entries.length >= maxEntries,
    finish: () => {
      take(rest)
      return { kind: entries.length > 0 ? 'urls' : 'other', entries }
    },
  }
}

/**
 * Reads the pieces of a sitemap found at `url`; at most `maxEntries` entries, in document order. What is not a
 * sitemap has kind `html` or `other` and no entries.
 */
export async function parseSitemap(
  pieces: AsyncIterable<string> | Iterable<string>,
  url: string,
  maxEntries: number,
): Promise<SitemapFile> {
  let reader: SitemapReader | null = null
  for await (const raw of pieces) {
    const piece: string = reader ? raw : raw.replace(/^\uFEFF?\s+/, '')
    if (!reader && piece === '') continue
    if (!reader && /^<(?:!doctype html|html)/i.test(piece)) return { kind: 'html', entries: [] }
    reader ??= piece.startsWith('<') ? xmlReader(url, maxEntries) : textReader(url, maxEntries)
    reader.write(piece)
    if (reader.full()) break
  }
  const file = reader?.finish() ?? { kind: 'other', entries: [] }
  return file.kind === 'html' || (file.kind === 'other' && file.entries.length > 0)
    ? { kind: file.kind, entries: [] }
    : file
}
