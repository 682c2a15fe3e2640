/** A WordPress-like REST endpoint: `/wp-json/wp/v2/posts`, read only, with its paging rules and headers. */
import { absolute } from './addresses.ts'
import { type Answer, json } from './answer.ts'
import { escapeMarkup, toHtml } from './markdown.ts'
import type { PlacedArticle } from './render/article-page.ts'
import type { SiteDesign } from './sites.ts'

const PER_PAGE_DEFAULT = 10
const PER_PAGE_MAX = 100

/** The post as WordPress shows it; `date` fields carry no zone, the `_gmt` ones are UTC. */
export function wordpressPost(design: SiteDesign, { article, path, date }: PlacedArticle, id: number) {
  const url = absolute(design, path)
  const stamp = date.toISOString().slice(0, 19)
  return {
    id,
    date: stamp,
    date_gmt: stamp,
    modified: stamp,
    modified_gmt: stamp,
    guid: { rendered: url },
    slug: article.slug,
    status: 'publish',
    type: 'post',
    link: url,
    title: { rendered: escapeMarkup(article.title) },
    excerpt: { rendered: `<p>${escapeMarkup(article.summary)}</p>`, protected: false },
    content: { rendered: toHtml(article.body), protected: false },
    sticky: false,
    format: 'standard',
  }
}

/** Answers a request for posts, newest first; 400 with WordPress's own codes when the paging is wrong. */
export function answerPosts(posts: readonly unknown[], query: URLSearchParams): Answer {
  const perPage = wholeNumber(query.get('per_page'), PER_PAGE_DEFAULT)
  const pageNumber = wholeNumber(query.get('page'), 1)
  if (perPage === null || perPage > PER_PAGE_MAX)
    return refusal('rest_invalid_param', 'Invalid parameter(s): per_page')
  if (pageNumber === null) return refusal('rest_invalid_param', 'Invalid parameter(s): page')
  const pages = Math.ceil(posts.length / perPage)
  if (pageNumber > Math.max(pages, 1)) {
    return refusal('rest_post_invalid_page_number', 'The page number is larger than the number of pages.')
  }
  return json(200, posts.slice((pageNumber - 1) * perPage, pageNumber * perPage), {
    'x-wp-total': String(posts.length),
    'x-wp-totalpages': String(pages),
  })
}

/** What `/wp-json/` says of the site. */
export function wordpressRoot(design: SiteDesign) {
  return {
    name: design.title,
    description: design.tagline,
    url: absolute(design, '/'),
    namespaces: ['wp/v2'],
    routes: { '/wp/v2/posts': { methods: ['GET'] } },
  }
}

function wholeNumber(text: string | null, otherwise: number): number | null {
  if (text === null) return otherwise
  return /^[1-9]\d{0,5}$/.test(text) ? Number(text) : null
}

function refusal(code: string, message: string): Answer {
  return json(400, { code, message, data: { status: 400 } })
}
