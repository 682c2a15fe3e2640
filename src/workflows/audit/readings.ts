/**
 * The readings that cost CPU, as functions from plain data to plain data, so that they can run in a thread. What a
 * site sends is bounded here before any parser sees it.
 */
import { extractFeedLinks, extractLinks, extractListingLinks } from './crawl/html-links.ts'
import { boundMarkup } from './crawl/markup-limits.ts'
import { decodeHtml } from './text/charset.ts'
import { extractPage } from './text/extract.ts'
import { extractKeywords } from './text/keywords.ts'
import { detectLanguage } from './text/language.ts'
import { simhash } from './text/simhash.ts'
import type { Language, PageContent } from './types.ts'

/** An HTML page as it came. */
export interface RawPage {
  /** Address it was fetched from, the base of its links. */
  readonly url: string
  readonly body: Uint8Array
  /** The whole `content-type` header; empty when there was none. */
  readonly contentType: string
}

/** Where the home page of a site leads to; absolute addresses in document order. */
export interface HomeLinks {
  readonly links: readonly string[]
  readonly feeds: readonly string[]
}

export interface PlainText {
  readonly title: string
  readonly text: string
  /** Value of `<html lang>`; null when absent. */
  readonly declaredLanguage: string | null
}

/** What is found out about the text of an article. */
export interface TextFacts {
  readonly language: Language | null
  /** At most ten, best first. */
  readonly keywords: readonly string[]
  readonly simhash: string
}

export { readPosts } from './crawl/cms-posts.ts'
export { readFeed } from './crawl/feed-reading.ts'
export { readRobotsText } from './crawl/robots-rules.ts'
export { readSitemap } from './crawl/sitemap-reading.ts'

const KEYWORDS = 10

/** Everything that the audit reads out of a page. */
export function readContent(raw: RawPage): PageContent {
  return extractPage(htmlOf(raw), raw.url)
}

export function readHomeLinks(raw: RawPage): HomeLinks {
  const html = htmlOf(raw)
  return { links: extractLinks(html, raw.url), feeds: extractFeedLinks(html, raw.url) }
}

/** Links of the content of a listing page, at most 500. */
export function readListingLinks(raw: RawPage): string[] {
  return extractListingLinks(htmlOf(raw), raw.url)
}

export async function readTextFacts({ title, text, declaredLanguage }: PlainText): Promise<TextFacts> {
  const { language } = await detectLanguage(text, declaredLanguage)
  const keywords = extractKeywords([{ title, text, language }], KEYWORDS)
  return { language, keywords: keywords.map(({ term }) => term), simhash: simhash(text) }
}

function htmlOf({ body, contentType }: RawPage): string {
  return boundMarkup(decodeHtml(body, contentType))
}
