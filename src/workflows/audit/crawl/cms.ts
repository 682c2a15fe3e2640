/** Asks content management systems for their posts: WordPress REST and Drupal JSON:API. */
import type { Outbound, OutboundResponse } from '../../../core/ports.ts'
import type { FoundUrl } from '../types.ts'
import { parseIsoDate } from './dates.ts'
import { fetchDocument, type Problem } from './documents.ts'
import type { Discovery, DiscoveryOptions } from './feeds.ts'
import { plainTitle } from './html-links.ts'
import type { Robots } from './robots.ts'
import { isSameSite, pageKey, resolveUrl } from './site-scope.ts'

const MAX_PAGES = 5
const MAX_BYTES = 5 * 1024 * 1024
const WORDPRESS_PER_PAGE = 100
const DRUPAL_PER_PAGE = 50

type Json = Readonly<Record<string, unknown>>

interface Page {
  readonly posts: readonly FoundUrl[]
  readonly nextUrl: string | null
}

interface Api {
  /** First page of the posts, newest first. */
  firstUrl(origin: string): string
  /** Null when the answer is not what this system sends. */
  read(answer: unknown, response: OutboundResponse, page: number, origin: string): Page | null
}

function asRecord(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null
}

function asText(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function toPost(
  link: string | null,
  base: string,
  date: string | null,
  title: string | null,
): FoundUrl | null {
  const url = link === null ? null : resolveUrl(link, base)
  if (url === null) return null
  return {
    url,
    source: 'api',
    publishedAt: date === null ? null : parseIsoDate(date),
    title: plainTitle(title),
  }
}

function wordpressUrl(origin: string, page: number): string {
  return `${origin}/wp-json/wp/v2/posts?per_page=${WORDPRESS_PER_PAGE}&page=${page}&_fields=link,date_gmt,title`
}

const wordpress: Api = {
  firstUrl: (origin) => wordpressUrl(origin, 1),
  read: (answer, response, page, origin) => {
    if (!Array.isArray(answer)) return null
    const posts = answer
      .slice(0, WORDPRESS_PER_PAGE)
      .map(asRecord)
      .map((post) =>
        toPost(asText(post?.link), origin, asText(post?.date_gmt), asText(asRecord(post?.title)?.rendered)),
      )
      .filter((post) => post !== null)
    const pages = Number(response.headers['x-wp-totalpages'] ?? '1')
    return { posts, nextUrl: page < pages ? wordpressUrl(origin, page + 1) : null }
  },
}

/** Path of a Drupal node: its alias with the language in front when it has one, else its number. */
function drupalPath(attributes: Json): string | null {
  const alias = asText(asRecord(attributes.path)?.alias)
  if (alias !== null) return alias
  const node = attributes.drupal_internal__nid
  return typeof node === 'number' ? `/node/${node}` : null
}

const drupal: Api = {
  firstUrl: (origin) =>
    `${origin}/jsonapi/node/article?page[limit]=${DRUPAL_PER_PAGE}&sort=-created` +
    '&fields[node--article]=title,path,created,drupal_internal__nid',
  read: (answer, response, _page, origin) => {
    const document = asRecord(answer)
    if (!document || !Array.isArray(document.data)) return null
    const posts = document.data
      .slice(0, DRUPAL_PER_PAGE)
      .map((node) => asRecord(asRecord(node)?.attributes))
      .filter((attributes) => attributes !== null)
      .map((attributes) =>
        toPost(drupalPath(attributes), origin, asText(attributes.created), asText(attributes.title)),
      )
      .filter((post) => post !== null)
    const next = asText(asRecord(asRecord(document.links)?.next)?.href)
    return { posts, nextUrl: next === null ? null : resolveUrl(next, response.url) }
  },
}

/** Undefined for what is not JSON. */
function readJson(response: OutboundResponse): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(response.body))
  } catch {
    // A site without the interface answers such a path with a page: it simply does not run this system.
    return undefined
  }
}

interface Asking {
  readonly outbound: Outbound
  readonly robots: Robots
  readonly domain: string
  readonly options: DiscoveryOptions
  readonly problems: Problem[]
}

async function readApi(asking: Asking, api: Api): Promise<FoundUrl[]> {
  const { outbound, robots, domain, options } = asking
  const found = new Map<string, FoundUrl>()
  const asked = new Set<string>()
  let url: string | null = api.firstUrl(robots.origin)
  for (let page = 1; page <= MAX_PAGES && url !== null && !asked.has(url); page += 1) {
    if (!isSameSite(url, domain)) break
    asked.add(url)
    const request = {
      url,
      signal: options.signal,
      maxBytes: MAX_BYTES,
      headers: { accept: 'application/json' },
    }
    const { response, problem } = await fetchDocument(outbound, robots, request)
    if (problem) {
      if (page > 1) asking.problems.push(problem)
      break
    }
    const read = api.read(readJson(response), response, page, robots.origin)
    if (read === null) break
    for (const post of read.posts) {
      if (isSameSite(post.url, domain) && found.size < options.maxUrls) found.set(pageKey(post.url), post)
    }
    url = found.size < options.maxUrls ? read.nextUrl : null
  }
  return [...found.values()]
}

/**
 * Posts of a WordPress site (100 a page) or, when there are none, articles of a Drupal site (50 a page), newest
 * first, at most 5 pages. A site without such an interface gives an empty list and no problem.
 */
export async function readCmsPosts(
  outbound: Outbound,
  robots: Robots,
  domain: string,
  options: DiscoveryOptions,
): Promise<Discovery> {
  const asking: Asking = { outbound, robots, domain, options, problems: [] }
  for (const api of [wordpress, drupal]) {
    const urls = await readApi(asking, api)
    if (urls.length > 0) return { urls, problems: asking.problems }
  }
  return { urls: [], problems: asking.problems }
}
