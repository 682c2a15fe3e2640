/** Builds everything that one site answers. */
import { gzipSync } from 'node:zlib'
import { absolute, articlePath } from './addresses.ts'
import { type Answer, HTML, json, page, redirect } from './answer.ts'
import { type DemoContent, publishedAt, TOPICS } from './content.ts'
import { toText } from './markdown.ts'
import { articlePage, type PlacedArticle } from './render/article-page.ts'
import { robotsTxt, sitemap, sitemapIndex } from './render/crawl-files.ts'
import { atomFeed, rssFeed } from './render/feed.ts'
import { illustration } from './render/illustration.ts'
import type { Frame } from './render/layout.ts'
import { listingPages, notFoundPage, standingPage } from './render/site-pages.ts'
import { styleSheet } from './render/style.ts'
import type { SearchDocument } from './search-index.ts'
import { encodeWindows1252 } from './windows-1252.ts'
import { answerPosts, wordpressPost, wordpressRoot } from './wordpress.ts'

const SLOW_PAGE_MS = 800
const XML = 'application/xml; charset=utf-8'
const FEED_TYPES = {
  rss: 'application/rss+xml; charset=utf-8',
  atom: 'application/atom+xml; charset=utf-8',
} as const

/** Answers that depend on the query string. */
export type QueryAnswer = (query: URLSearchParams) => Answer

export interface BuiltSite {
  readonly answers: ReadonlyMap<string, Answer>
  readonly queries: ReadonlyMap<string, QueryAnswer>
  readonly notFound: Answer
  /** What a search engine knows of the site: pages and articles that robots.txt allows. */
  readonly documents: readonly SearchDocument[]
}

/** Every answer of a site as of a day; the same content and day give the same bytes. */
export function buildSite({ design, articles, pages }: DemoContent, asOf: Date): BuiltSite {
  const frame: Frame = { design, pages }
  const placed = articles.map((article) => ({
    article,
    path: articlePath(design, article, asOf),
    date: publishedAt(article, asOf),
  }))
  const newest = placed[0]?.date ?? asOf
  const html = (text: string) => page(HTML, text, newest)
  return {
    answers: new Map([
      ...pages.map((one): [string, Answer] => [one.path, html(standingPage(frame, one, placed))]),
      ...[...listingPages(frame, placed)].map(([path, text]): [string, Answer] => [path, html(text)]),
      ...placed.map((one): [string, Answer] => [one.path, articleAnswer(frame, one, placed)]),
      ...crawlAnswers(frame, placed, newest),
      ...assetAnswers(frame, asOf),
      ...Object.entries(design.redirects).map(([from, to]): [string, Answer] => [from, redirect(to)]),
    ]),
    queries: queryAnswers(frame, placed),
    notFound: { ...html(notFoundPage(frame)), status: 404 },
    documents: documentsOf(frame, placed),
  }
}

function articleAnswer(frame: Frame, one: PlacedArticle, placed: readonly PlacedArticle[]): Answer {
  const text = articlePage(frame, one, placed)
  switch (one.article.quirk) {
    case 'windows-1252':
      return page('text/html; charset=windows-1252', encodeWindows1252(text), one.date)
    case 'slow':
      return { ...page(HTML, text, one.date), delayMs: SLOW_PAGE_MS }
    case 'flaky':
      return { ...page(HTML, text, one.date), failuresFirst: 1 }
    case null:
      return page(HTML, text, one.date)
  }
}

function isAllowed({ design }: Frame, path: string): boolean {
  return !design.robots.disallow.some((prefix) => path.startsWith(prefix))
}

function crawlAnswers(frame: Frame, placed: readonly PlacedArticle[], newest: Date): [string, Answer][] {
  const { design, pages } = frame
  const standing = pages.filter(({ path }) => isAllowed(frame, path))
  const articleMap = sitemap(
    design,
    placed.map(({ path, date }) => ({ path, lastModified: date })),
  )
  const answers: [string, Answer][] = [
    ['/robots.txt', page('text/plain; charset=utf-8', robotsTxt(design), newest)],
    [design.sitemap.index, page(XML, sitemapIndex(design, newest), newest)],
    [
      design.sitemap.pages,
      page(
        XML,
        sitemap(
          design,
          standing.map(({ path }) => ({ path, lastModified: newest })),
        ),
        newest,
      ),
    ],
    [
      design.sitemap.articles,
      design.sitemap.articles.endsWith('.gz')
        ? page('application/gzip', gzipSync(articleMap), newest)
        : page(XML, articleMap, newest),
    ],
  ]
  if (design.feed !== null) {
    const { kind, path } = design.feed
    const text = kind === 'rss' ? rssFeed(design, placed) : atomFeed(design, placed, newest)
    answers.push([path, page(FEED_TYPES[kind], text, newest)])
  }
  return answers
}

function assetAnswers({ design }: Frame, asOf: Date): [string, Answer][] {
  return [
    ['/style.css', page('text/css; charset=utf-8', styleSheet(design), asOf)],
    ...TOPICS.map((topic): [string, Answer] => [
      `/media/${topic}.svg`,
      page('image/svg+xml', illustration(topic, design.palette), asOf),
    ]),
  ]
}

function queryAnswers({ design }: Frame, placed: readonly PlacedArticle[]): Map<string, QueryAnswer> {
  if (!design.wordpress) return new Map()
  // The oldest post has the lowest number, as if the site had been written in order.
  const posts = placed.map((one, index) => wordpressPost(design, one, 100 + placed.length - index))
  return new Map<string, QueryAnswer>([
    ['/wp-json/', () => json(200, wordpressRoot(design))],
    ['/wp-json/wp/v2/posts', (query) => answerPosts(posts, query)],
  ])
}

function documentsOf(frame: Frame, placed: readonly PlacedArticle[]): SearchDocument[] {
  const { design, pages } = frame
  const standing = pages.filter(({ path }) => isAllowed(frame, path))
  return [
    ...standing.map((one) => ({ ...one, date: null })),
    ...placed.map(({ article, path, date }) => ({ ...article, path, date })),
  ].map(({ path, title, summary, body, language, date }) => ({
    url: absolute(design, path),
    host: design.domain,
    title: path === '/' ? title : `${title} | ${design.title}`,
    summary,
    text: toText(body),
    language,
    publishedAt: date,
  }))
}
