/** The editorial profile of a site from its crawled pages. */
import { RowbeatError } from '../../../core/errors.ts'
import type { CrawledPage, Language, PageContent, SiteProfile } from '../types.ts'
import { describeAudience } from './audience.ts'
import { extractKeywords, keepFirstOfRepeats, removeBoilerplate } from './keywords.ts'
import { detectLanguage } from './language.ts'
import { MAX_PAGE_TEXT } from './page-text.ts'
import type { TextPage } from './phrases.ts'
import { levelOf, measureReadability } from './readability.ts'
import { findThemes } from './themes.ts'
import { countWords } from './tokens.ts'
import { readTone } from './tone.ts'
import { normaliseUrl } from './urls.ts'

interface ReadPage extends TextPage {
  readonly url: string
  readonly content: PageContent
  /** Detected code, whatever the language. */
  readonly code: string | null
}

const MAX_KEYWORDS = 30
const MAX_THEMES = 8
const MAX_PAGES = 500

/**
 * Builds the profile: languages, readability, tone, keywords, themes, audience and structure. Pages without text
 * are left out, the rest is read in the order of their URLs, so that the order of arrival does not matter.
 * Throws `NO_CONTENT` when no page has text.
 */
export async function buildProfile(pages: readonly CrawledPage[]): Promise<SiteProfile> {
  const read = await readPages(pages)
  if (read.length === 0)
    throw new RowbeatError('NO_CONTENT', `none of ${pages.length} pages has readable text`)
  const clean = withoutBoilerplate(read)
  const language = mainLanguage(read)
  const own = clean.filter((page) => page.language === language)
  const text = own.map((page) => page.text).join('\n\n')
  const readability = measureReadability(text, language)
  const level = levelOf(readability)
  const tone = readTone(text, language)
  const names = namesOf(read)
  const keywords = extractKeywords(clean, MAX_KEYWORDS, names)
  const themes = findThemes(clean, keywords, MAX_THEMES, names)
  return {
    language,
    languages: languageShares(read),
    languageLevel: level,
    tone: tone.tone,
    toneEvidence: tone.evidence,
    readability: {
      flesch: readability.flesch,
      lix: readability.lix,
      wordsPerSentence: readability.wordsPerSentence,
    },
    formality: tone.formality,
    audience: describeAudience(clean, themes.primary, level),
    themes: themes.primary,
    secondaryThemes: themes.secondary,
    keywords,
    structure: structureOf(read),
    pagesAnalyzed: read.length,
    totalWords: clean.reduce((sum, page) => sum + countWords(page.text, page.language), 0),
  }
}

/** Pages with text by URL; of pages with one canonical address or one text the first stays. */
async function readPages(pages: readonly CrawledPage[]): Promise<ReadPage[]> {
  const ordered = pages
    .map((page) => ({ page, key: normaliseUrl(page.finalUrl) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  const seen = new Set<string>()
  const read: ReadPage[] = []
  for (const { page, key } of ordered) {
    const content = page.content
    if (content === null || content.text.trim() === '' || read.length >= MAX_PAGES) continue
    if (seen.has(key) || seen.has(content.text)) continue
    seen.add(key).add(content.text)
    const { code, language } = await detectLanguage(content.text, content.declaredLanguage)
    const text = content.text.slice(0, MAX_PAGE_TEXT)
    read.push({ url: page.finalUrl, content, text, title: content.title, code, language })
  }
  return read
}

/** Boilerplate and repeats taken out of texts and titles; a page that is nothing else is kept only when all are. */
function withoutBoilerplate(read: readonly ReadPage[]): ReadPage[] {
  const titles = commonTitleParts(read.map((page) => page.title))
  const clean = keepFirstOfRepeats(removeBoilerplate(read)).map((page) => ({
    ...page,
    title: stripTitle(page.title, titles),
  }))
  const full = clean.filter((page) => page.text !== '')
  return full.length > 0 ? full : [...read]
}

/** Parts of titles (`Page | Site`) that more than a third of at least three pages share. */
function commonTitleParts(titles: readonly string[]): ReadonlySet<string> {
  const counts = new Map<string, number>()
  for (const title of titles)
    for (const part of new Set(titleParts(title))) counts.set(part, (counts.get(part) ?? 0) + 1)
  const least = Math.max(3, titles.length / 3)
  return new Set([...counts].filter(([, count]) => count >= least).map(([part]) => part))
}

function stripTitle(title: string, common: ReadonlySet<string>): string {
  return titleParts(title)
    .filter((part) => !common.has(part))
    .join(' | ')
}

function titleParts(title: string): string[] {
  return title
    .split(/\s+[|–—·•»:-]\s+/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** What the site and its authors are called: no subject of its texts. */
function namesOf(read: readonly ReadPage[]): string[] {
  const hosts = read.map((page) => URL.parse(page.url)?.hostname.replace(/^www\./, '') ?? '')
  const labels = hosts.flatMap((host) => [host, host.split('.').at(-2) ?? ''])
  const names = read.flatMap((page) => [page.content.siteName ?? '', page.content.author ?? ''])
  return [...new Set([...labels, ...names])].filter((name) => name !== '')
}

/** The analysed language with most words; null when the site is in none of them. */
function mainLanguage(read: readonly ReadPage[]): Language | null {
  const sizes = { fr: 0, en: 0 }
  let others = 0
  for (const page of read) {
    if (page.language === null) others += page.content.wordCount
    else sizes[page.language] += page.content.wordCount
  }
  const best: Language = sizes.en > sizes.fr ? 'en' : 'fr'
  return sizes[best] > 0 && sizes[best] >= others ? best : null
}

/** Share of pages per code, largest first; `und` (ISO 639-2) for pages whose language cannot be told. */
function languageShares(read: readonly ReadPage[]): Record<string, number> {
  const counts = new Map<string, number>()
  for (const page of read) counts.set(page.code ?? 'und', (counts.get(page.code ?? 'und') ?? 0) + 1)
  return Object.fromEntries(
    [...counts]
      .sort(([a, left], [b, right]) => right - left || (a < b ? -1 : 1))
      .map(([code, count]) => [code, round(count / read.length, 4)]),
  )
}

/** Means per page; `headings` counts each level as `h1`..`h6`. */
function structureOf(read: readonly ReadPage[]): SiteProfile['structure'] {
  const mean = (value: (content: PageContent) => number): number =>
    round(read.reduce((sum, page) => sum + value(page.content), 0) / read.length, 2)
  const words = mean((content) => content.wordCount)
  const paragraphs = mean((content) => content.paragraphCount)
  const headings: Record<string, number> = {}
  for (const level of [1, 2, 3, 4, 5, 6]) {
    headings[`h${level}`] = mean(
      (content) => content.headings.filter((heading) => heading.level === level).length,
    )
  }
  return {
    averageWordCount: words,
    averageParagraphCount: paragraphs,
    averageParagraphWords: paragraphs === 0 ? words : round(words / paragraphs, 2),
    headings,
    imagesPerPage: mean((content) => content.imageCount),
    videosPerPage: mean((content) => content.videoCount),
    internalLinksPerPage: mean((content) => content.internalLinks.length),
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
