/** Reads the articles and pages of the demo from `content/`, and checks what it reads. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { typographic } from './markdown.ts'
import { type DemoLanguage, SITE_DESIGNS, type SiteDesign } from './sites.ts'

export const TOPICS = [
  'batteries',
  'micro-hubs',
  'froid',
  'zfe',
  'maintenance',
  'financement',
  'formation',
  'robots',
] as const
export type DemoTopic = (typeof TOPICS)[number]

/** How the server misbehaves on purpose for one article. */
export type Quirk = 'slow' | 'flaky' | 'windows-1252'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

const Heading = z.strictObject({
  title: z.string().min(5),
  summary: z.string().min(10),
})

const ArticleHead = Heading.extend({
  author: z.string().min(3),
  daysAgo: z.coerce.number().int().min(1).max(300),
  topic: z.enum(TOPICS),
  language: z.enum(['fr', 'en']),
  quirk: z.enum(['slow', 'flaky', 'windows-1252']).optional(),
  nearDuplicateOf: z.string().optional(),
})

const PageHead = Heading.extend({
  menu: z.string().min(2),
  language: z.enum(['fr', 'en']).optional(),
})

export interface DemoArticle {
  readonly slug: string
  readonly title: string
  readonly summary: string
  readonly author: string
  /** Whole days before the `asOf` the demo is started with; 1..300. */
  readonly daysAgo: number
  readonly topic: DemoTopic
  readonly language: DemoLanguage
  readonly quirk: Quirk | null
  /** `folder/slug` of the planned near-duplicate; null for every other article. */
  readonly nearDuplicateOf: string | null
  /** Body in the small Markdown of `markdown.ts`. */
  readonly body: string
}

export interface DemoPage {
  readonly path: string
  readonly title: string
  readonly summary: string
  readonly menu: string
  readonly language: DemoLanguage
  readonly body: string
}

export interface DemoContent {
  readonly design: SiteDesign
  /** Newest first. */
  readonly articles: readonly DemoArticle[]
  readonly pages: readonly DemoPage[]
}

interface Entry {
  readonly key: string
  readonly head: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * Splits a content file: `=== key`, then `name: value` lines, then `---`, then the body.
 * Throws an Error that names the entry when a part is missing.
 */
export function parseEntries(text: string): Entry[] {
  const [before = '', ...chunks] = text.split(/^=== /m)
  if (before.trim() !== '') throw new Error('a content file starts with a line "=== key"')
  return chunks.map((chunk) => {
    const key = chunk.slice(0, chunk.indexOf('\n')).trim()
    const end = chunk.indexOf('\n---\n')
    if (key === '' || end < 0) throw new Error(`entry "${key}" has no key or no "---" line`)
    const lines = chunk.slice(chunk.indexOf('\n') + 1, end).split('\n')
    const head = Object.fromEntries(lines.map((line) => splitHeadLine(key, line)))
    return { key, head, body: chunk.slice(end + 5).trim() }
  })
}

function splitHeadLine(key: string, line: string): [string, string] {
  const colon = line.indexOf(': ')
  if (colon < 1) throw new Error(`entry "${key}": cannot read the line "${line}"`)
  return [line.slice(0, colon), line.slice(colon + 2).trim()]
}

/** One article of a content file; throws with the key and the problems when the head is wrong. */
export function readArticle(entry: Entry): DemoArticle {
  const head = checked(ArticleHead, entry)
  return {
    ...head,
    slug: entry.key,
    title: typographic(head.title, head.language),
    summary: typographic(head.summary, head.language),
    quirk: head.quirk ?? null,
    nearDuplicateOf: head.nearDuplicateOf ?? null,
    body: typographic(entry.body, head.language),
  }
}

function readPage(entry: Entry, siteLanguage: DemoLanguage): DemoPage {
  const head = checked(PageHead, entry)
  const language = head.language ?? siteLanguage
  return {
    path: entry.key,
    title: typographic(head.title, language),
    summary: typographic(head.summary, language),
    menu: head.menu,
    language,
    body: typographic(entry.body, language),
  }
}

function checked<T>(schema: z.ZodType<T>, entry: Entry): T {
  const result = schema.safeParse(entry.head)
  if (!result.success) throw new Error(`entry "${entry.key}": ${z.prettifyError(result.error)}`)
  return result.data
}

/** All four sites in the order of `SITE_DESIGNS`; reads eight files each time it is called. */
export function loadContent(): DemoContent[] {
  return SITE_DESIGNS.map((design) => {
    const read = (name: string) =>
      parseEntries(readFileSync(new URL(`content/${design.folder}/${name}.md`, import.meta.url), 'utf8'))
    const articles = read('articles').map(readArticle)
    return {
      design,
      articles: articles.sort((a, b) => a.daysAgo - b.daysAgo || (a.slug < b.slug ? -1 : 1)),
      pages: read('pages').map((entry) => readPage(entry, design.language)),
    }
  })
}

/** When an article came out: a working hour of the UTC day `daysAgo` days before that of `asOf`. */
export function publishedAt(article: DemoArticle, asOf: Date): Date {
  const midnight = Math.floor(asOf.getTime() / DAY_MS) * DAY_MS
  const hour = 7 + (article.slug.length % 10)
  return new Date(midnight - article.daysAgo * DAY_MS + hour * HOUR_MS)
}
