/** Everything that the audit reads out of one HTML page. */
import type { CheerioAPI } from 'cheerio'
import type { PageContent } from '../types.ts'
import { joinBlocks, type TextBlock } from './blocks.ts'
import { withoutBylines } from './bylines.ts'
import { findPageDate } from './dates.ts'
import { isArticleNode, type LinkedNode, readJsonLd, resolveReference, textOf } from './json-ld.ts'
import { absoluteUrl, readLinks } from './links.ts'
import { findMainText } from './main-text.ts'
import { removeNoise } from './noise.ts'
import { countWords } from './tokens.ts'
import { parsePage } from './tree.ts'

/** Longest HTML that is looked at, in UTF-16 units: 3 Mi. The rest is cut off. */
export const MAX_HTML_LENGTH = 3 * 1024 * 1024
const MAX_TITLE = 500
const MAX_DESCRIPTION = 2000
const MAX_HEADINGS = 200
const MAX_HEADING = 300
/** Blocks with fewer words are labels and captions rather than paragraphs. */
const MIN_PARAGRAPH_WORDS = 5

const VIDEO_HOST = /(?:youtube(?:-nocookie)?\.com|youtu\.be|vimeo\.com|dailymotion\.com|wistia\.(?:com|net))/i

/**
 * Reads title, text, structure, links and marks of a page. `url` is the address it was fetched from, the base of
 * its links. Never throws on malformed HTML: what is missing is null or empty. HTML beyond 3 Mi units is cut.
 */
export function extractPage(html: string, url: string): PageContent {
  const $ = parsePage(html.length > MAX_HTML_LENGTH ? html.slice(0, MAX_HTML_LENGTH) : html)
  const linked = readJsonLd(
    $('script[type*="ld+json" i]')
      .toArray()
      .map((element) => $(element).text()),
  )
  const links = readLinks($, url)
  const meta = readMeta($)
  const head = {
    title: readTitle($, meta, linked),
    description: clip(meta.get('description') ?? meta.get('og:description'), MAX_DESCRIPTION),
    canonicalUrl: absoluteUrl($('link[rel~="canonical" i][href]').first().attr('href'), url),
    declaredLanguage: readLanguage($),
    author: readAuthor($, meta, linked),
    ...findPageDate($, linked, url),
    jsonLdTypes: [...new Set(linked.flatMap((node) => node.types))],
    ogType: clip(meta.get('og:type'), 100)?.toLowerCase() ?? null,
    siteName: clip(meta.get('og:site_name') ?? meta.get('application-name'), 200),
    videoCount: countVideos($),
  }
  removeNoise($)
  const main = findMainText($)
  const body = readBody($, withoutBylines(main.blocks, head.author))
  return {
    ...head,
    ...body,
    internalLinks: links.internal,
    externalLinks: links.external,
    method: main.method,
  }
}

function readBody($: CheerioAPI, blocks: readonly TextBlock[]) {
  const text = joinBlocks(blocks)
  const images = $('img')
    .toArray()
    .filter((image) => !/^[01](?:px)?$/.test(image.attribs.width ?? ''))
  return {
    text,
    wordCount: countWords(text),
    headings: readHeadings($),
    paragraphCount: blocks.filter(isParagraph).length,
    imageCount: images.length,
    imagesWithoutAlt: images.filter((image) => image.attribs.alt === undefined).length,
  }
}

/** First content per name or property, names lower-cased. */
function readMeta($: CheerioAPI): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const { attribs } of $('meta[content]').toArray().slice(0, 500)) {
    const name = (attribs.property ?? attribs.name)?.trim().toLowerCase()
    const content = attribs.content?.trim()
    if (name && content && !found.has(name)) found.set(name, content)
  }
  return found
}

function readTitle($: CheerioAPI, meta: ReadonlyMap<string, string>, linked: readonly LinkedNode[]): string {
  const article = linked.find(isArticleNode)
  const whole = fold($('head title').first().text()) || fold($('title').not('svg title').first().text())
  const heading = fold($('h1').first().text())
  const short = heading !== '' && whole.startsWith(heading) && heading.length > 10 ? heading : whole
  const candidates = [
    fold(meta.get('og:title') ?? ''),
    fold(textOf(article?.properties.headline) ?? ''),
    short,
    heading,
  ]
  const title = candidates.find((candidate) => candidate !== '') ?? ''
  return withoutSiteName(title, fold(meta.get('og:site_name') ?? '')).slice(0, MAX_TITLE)
}

/** `Article | Site` without its end, when the page says what its site is called. */
function withoutSiteName(title: string, siteName: string): string {
  if (siteName === '' || !title.toLowerCase().endsWith(siteName.toLowerCase())) return title
  const rest = title.slice(0, title.length - siteName.length).replace(/\s*[|–—·•:»-]\s*$/, '')
  return rest.length > 3 && rest.length < title.length - siteName.length ? rest : title
}

function readLanguage($: CheerioAPI): string | null {
  const attributes = $('html').first().attr()
  const code = (attributes?.lang ?? attributes?.['xml:lang'])?.trim().toLowerCase().split(/[-_]/)[0]
  return code !== undefined && /^[a-z]{2,3}$/.test(code) ? code : null
}

function readAuthor(
  $: CheerioAPI,
  meta: ReadonlyMap<string, string>,
  linked: readonly LinkedNode[],
): string | null {
  const article = linked.find((node) => isArticleNode(node) && node.properties.author !== undefined)
  const candidates = [
    textOf(resolveReference(article?.properties.author, linked)),
    meta.get('author'),
    meta.get('article:author'),
    meta.get('dc.creator'),
    $('[rel="author"],[itemprop="author"] [itemprop="name"],[itemprop="author"]').first().text(),
  ]
  const author = candidates
    .map((name) => fold(name ?? ''))
    .find((name) => name !== '' && !/^https?:|^@/.test(name))
  return clip(author, 200)
}

function readHeadings($: CheerioAPI): { level: number; text: string }[] {
  return $('h1,h2,h3,h4,h5,h6')
    .toArray()
    .map((element) => ({
      level: Number(element.tagName.slice(1)),
      text: fold($(element).text()).slice(0, MAX_HEADING),
    }))
    .filter((heading) => heading.text !== '')
    .slice(0, MAX_HEADINGS)
}

function countVideos($: CheerioAPI): number {
  const frames = $('iframe')
    .toArray()
    .filter(({ attribs }) => VIDEO_HOST.test(attribs.src ?? attribs['data-src'] ?? ''))
  return $('video').length + frames.length
}

function isParagraph(block: TextBlock): boolean {
  return !/^h[1-6]$/.test(block.tag) && block.text.split(' ').length >= MIN_PARAGRAPH_WORDS
}

function clip(text: string | undefined, length: number): string | null {
  const folded = fold(text ?? '')
  return folded === '' ? null : folded.slice(0, length)
}

function fold(text: string): string {
  return text.slice(0, 10_000).replace(/\s+/g, ' ').trim()
}
