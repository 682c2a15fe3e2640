/** Reads one sitemap file as it came, down to the addresses of the site: for a thread. No I/O. */
import { createHash } from 'node:crypto'
import { codeOf, type ErrorCode, messageOf, RowbeatError } from '../../../core/errors.ts'
import { isSameSite, pageKey } from './site-scope.ts'
import { readEntries, type SitemapEntry, type SitemapFile } from './sitemap-parse.ts'
import { readXmlText } from './xml-text.ts'

/** A sitemap file as it came, and how much of it is wanted. */
export interface RawSitemap {
  /** Address it was fetched from. */
  readonly url: string
  readonly body: Uint8Array
  /** The whole `content-type` header; empty when there was none. */
  readonly contentType: string
  /** Only pages of the site of this domain are wanted. */
  readonly domain: string
  readonly maxEntries: number
  /** Most bytes once unpacked. */
  readonly maxBytes: number
  /** Digests of the files that were read before. */
  readonly known: readonly string[]
}

export interface SitemapReading {
  /** `known` for the same content under another name. */
  readonly kind: SitemapFile['kind'] | 'known'
  /** Pages of the site in the order of the file, each once with its {@link pageKey}; of an index, other sitemaps. */
  readonly entries: readonly (SitemapEntry & { readonly key: string })[]
  readonly digest: string
  /** Characters that were read. */
  readonly length: number
  /** Why the file was not read to its end; null when it was, or when enough was found. */
  readonly note: { readonly code: ErrorCode; readonly message: string } | null
}

/** Entries of an index that are looked at. */
const MAX_CHILDREN = 200
/** Entries looked at for each one wanted: a file of other sites' addresses ends too. */
const LOOKED_AT_PER_ENTRY = 5
/** Characters of the addresses and titles that a file may give: they travel to the main loop. */
const MAX_GIVEN = 8 * 1024 * 1024

const ARTICLE_FILE =
  /(?:^|[^a-z])(?:posts?|blog|news|actus?|actualites?|articles?|magazine|stories|story)(?:[^a-z]|$)/i

/** True when the name of a sitemap says that it lists posts or news. */
export function isOfArticles(url: string): boolean {
  return ARTICLE_FILE.test(URL.parse(url)?.pathname ?? '')
}

/** Files of posts first, so that a site with hundreds of product files does not use up the limit before them. */
function childrenOf(entries: SitemapReading['entries']): SitemapReading['entries'] {
  const ordered = [
    ...entries.filter(({ url }) => isOfArticles(url)),
    ...entries.filter(({ url }) => !isOfArticles(url)),
  ]
  return ordered.slice(0, MAX_CHILDREN)
}

/** Reads a sitemap until its end, its limits, or until enough was found; what was read until then is good. */
export async function readSitemap(raw: RawSitemap): Promise<SitemapReading> {
  const digest = createHash('sha256').update(raw.body).digest('hex')
  if (raw.known.includes(digest)) return { kind: 'known', entries: [], digest, length: 0, note: null }
  let length = 0
  let failure: RowbeatError | null = null

  async function* pieces(): AsyncGenerator<string> {
    try {
      for await (const piece of readXmlText(raw.body, raw.contentType, raw.maxBytes)) {
        length += piece.length
        yield piece
      }
    } catch (error) {
      if (!(error instanceof RowbeatError)) throw error
      failure = error
    }
  }
  const collected = collect(raw)
  const { kind, stoppedBy } = await readEntries(pieces(), raw.url, collected.take)
  const note = noteOf(failure, stoppedBy ?? collected.stoppedBy())
  if (kind === 'index') return { kind, entries: childrenOf(collected.children), digest, length, note }
  return { kind, entries: kind === 'urls' ? [...collected.pages.values()] : [], digest, length, note }
}

function noteOf(failure: RowbeatError | null, stoppedBy: string | null): SitemapReading['note'] {
  if (failure !== null) return { code: codeOf(failure), message: messageOf(failure) }
  if (stoppedBy === null) return null
  return { code: 'RESPONSE_TOO_LARGE', message: `read only in part: ${stoppedBy}` }
}

/** Whether they are pages or sitemaps is known at the end only: both are kept. */
function collect({ domain, maxEntries }: RawSitemap) {
  const pages = new Map<string, SitemapEntry & { key: string }>()
  const children: (SitemapEntry & { key: string })[] = []
  let looked = 0
  let given = 0
  return {
    pages,
    children,
    take: (entry: SitemapEntry): boolean => {
      looked += 1
      const keyed = { ...entry, key: pageKey(entry.url) }
      if (children.length < MAX_CHILDREN * LOOKED_AT_PER_ENTRY) children.push(keyed)
      if (!pages.has(keyed.key) && isSameSite(entry.url, domain)) {
        given += entry.url.length + (entry.title?.length ?? 0)
        pages.set(keyed.key, keyed)
      }
      return pages.size < maxEntries && looked < maxEntries * LOOKED_AT_PER_ENTRY && given < MAX_GIVEN
    },
    stoppedBy: (): string | null => {
      if (given >= MAX_GIVEN) return `its addresses have more than ${MAX_GIVEN} characters`
      return looked >= maxEntries * LOOKED_AT_PER_ENTRY && pages.size < maxEntries
        ? `${looked} entries were looked at`
        : null
    },
  }
}
