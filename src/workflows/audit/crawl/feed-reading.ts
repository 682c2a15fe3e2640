/** Reads one feed as it came, down to the addresses of the site: for a thread. No I/O. */
import { RowbeatError } from '../../../core/errors.ts'
import { type FeedItem, parseFeed } from './feed-parse.ts'
import { isSameSite, pageKey } from './site-scope.ts'
import { readXmlText } from './xml-text.ts'

/** A feed as it came. */
export interface RawFeed {
  /** Address it was fetched from. */
  readonly url: string
  readonly body: Uint8Array
  /** The whole `content-type` header; empty when there was none. */
  readonly contentType: string
  /** Only pages of the site of this domain are wanted. */
  readonly domain: string
}

export interface FeedReading {
  /** In the order of the feed, with the {@link pageKey} of each. */
  readonly items: readonly (FeedItem & { readonly key: string })[]
  /** Address of the next, older page of the feed; null when it names none. */
  readonly nextUrl: string | null
  /** Which limit ended the reading; null when the whole feed was read, or as much as was wanted. */
  readonly stoppedBy: string | null
}

const MAX_ITEMS = 1_000
const MAX_UNPACKED_BYTES = 10 * 1024 * 1024

/** The text up to where it ends, is damaged or grows beyond 10 MiB; throws only when there is none at all. */
async function textOf(
  body: Uint8Array,
  contentType: string,
): Promise<{ text: string; stoppedBy: string | null }> {
  const pieces: string[] = []
  try {
    for await (const piece of readXmlText(body, contentType, MAX_UNPACKED_BYTES)) pieces.push(piece)
  } catch (error) {
    if (!(error instanceof RowbeatError) || pieces.length === 0) throw error
    return { text: pieces.join(''), stoppedBy: error.message }
  }
  return { text: pieces.join(''), stoppedBy: null }
}

/**
 * The first 1,000 items of a feed that are pages of the site; null for what is no feed. At most 10 MiB are read,
 * unpacked. Throws NO_CONTENT when it is a gzip that is broken from its start.
 */
export async function readFeed({ url, body, contentType, domain }: RawFeed): Promise<FeedReading | null> {
  const { text, stoppedBy } = await textOf(body, contentType)
  const feed = parseFeed(text, url, MAX_ITEMS)
  if (feed === null) return null
  const items = feed.items
    .filter((item) => isSameSite(item.url, domain))
    .map((item) => ({ ...item, key: pageKey(item.url) }))
  return { items, nextUrl: feed.nextUrl, stoppedBy: feed.stoppedBy ?? stoppedBy }
}
