/** Reads one answer of a content management system, down to the addresses of the site: for a thread. No I/O. */
import { parseJson } from '../text/bounded-json.ts'
import type { FoundUrl } from '../types.ts'
import { parseIsoDate } from './dates.ts'
import { plainTitle } from './html-links.ts'
import { isSameSite, pageKey, resolveUrl } from './site-scope.ts'

export type CmsSystem = 'wordpress' | 'drupal'

/** An answer as it came. */
export interface RawPosts {
  readonly system: CmsSystem
  /** Scheme and host of the site. */
  readonly origin: string
  /** Address it was fetched from. */
  readonly url: string
  readonly body: Uint8Array
  /** Only pages of the site of this domain are wanted. */
  readonly domain: string
  /** Which page it is, from 1, and how many the system says there are. */
  readonly page: number
  readonly pages: number
}

export interface CmsPosts {
  /** Newest first, with the {@link pageKey} of each. */
  readonly posts: readonly (FoundUrl & { readonly key: string })[]
  readonly nextUrl: string | null
}

const WORDPRESS_PER_PAGE = 100
const DRUPAL_PER_PAGE = 50

type Json = Readonly<Record<string, unknown>>

interface Answer {
  readonly posts: readonly FoundUrl[]
  readonly nextUrl: string | null
}

interface Api {
  /** First page of the posts, newest first. */
  firstUrl(origin: string): string
  /** Null when the answer is not what this system sends. */
  read(answer: unknown, raw: RawPosts): Answer | null
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
  const publishedAt = date === null ? null : parseIsoDate(date.slice(0, 64))
  return { url, source: 'api', publishedAt, title: plainTitle(title) }
}

function wordpressUrl(origin: string, page: number): string {
  return `${origin}/wp-json/wp/v2/posts?per_page=${WORDPRESS_PER_PAGE}&page=${page}&_fields=link,date_gmt,title`
}

const wordpress: Api = {
  firstUrl: (origin) => wordpressUrl(origin, 1),
  read: (answer, { origin, page, pages }) => {
    if (!Array.isArray(answer)) return null
    const posts = answer
      .slice(0, WORDPRESS_PER_PAGE)
      .map(asRecord)
      .map((post) =>
        toPost(asText(post?.link), origin, asText(post?.date_gmt), asText(asRecord(post?.title)?.rendered)),
      )
      .filter((post) => post !== null)
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
  read: (answer, { origin, url }) => {
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
    return { posts, nextUrl: next === null ? null : resolveUrl(next, url) }
  },
}

const APIS: Readonly<Record<CmsSystem, Api>> = { wordpress, drupal }

/** Address of the first page of the posts of a site at `origin`, newest first. */
export function firstPostsUrl(system: CmsSystem, origin: string): string {
  return APIS[system].firstUrl(origin)
}

/** The posts of one page that are pages of the site; null when the answer is not what this system sends. */
export function readPosts(raw: RawPosts): CmsPosts | null {
  const answer = APIS[raw.system].read(parseJson(new TextDecoder().decode(raw.body)), raw)
  if (answer === null) return null
  const posts = answer.posts
    .filter(({ url }) => isSameSite(url, raw.domain))
    .map((post) => ({ ...post, key: pageKey(post.url) }))
  return { posts, nextUrl: answer.nextUrl }
}
