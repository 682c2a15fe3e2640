/** The search endpoint in the shape of SearXNG's JSON answers. */
import { type Answer, HTML, json, page, plain } from './answer.ts'
import { escapeMarkup } from './markdown.ts'
import { type SearchDocument, type SearchResult, searchOver } from './search-index.ts'
import { OUTSIDER_DOCUMENTS } from './search-outsiders.ts'
import type { QueryAnswer } from './site.ts'
import { SEARCH_HOST } from './sites.ts'

const PAGE_SIZE = 20
const QUERY_LENGTH_MAX = 500
const PAGE_NUMBER_MAX = 50

/** Everything that `search.test` answers: `/` in HTML and `/search` in JSON, over the documents given. */
export function buildSearch(documents: readonly SearchDocument[], asOf: Date) {
  const search = searchOver([...documents, ...OUTSIDER_DOCUMENTS])
  return {
    answers: new Map<string, Answer>([
      ['/', page(HTML, searchHome(), asOf)],
      ['/robots.txt', page('text/plain; charset=utf-8', 'User-agent: *\nDisallow:\n', asOf)],
    ]),
    queries: new Map<string, QueryAnswer>([['/search', (query) => answerSearch(search, query)]]),
    notFound: plain(404, 'Not found. Try /search?q=velo+cargo&format=json\n'),
  }
}

/**
 * Answers `q`, `format`, `language` (`fr`, `fr-FR`, `en`, `all`…) and `pageno`; 20 results a page. Like SearXNG it
 * refuses a missing query with 400 and any format but JSON with 403.
 */
function answerSearch(search: ReturnType<typeof searchOver>, parameters: URLSearchParams): Answer {
  const query = (parameters.get('q') ?? '').trim()
  if (query === '' || query.length > QUERY_LENGTH_MAX) {
    return plain(400, `q is needed and has at most ${QUERY_LENGTH_MAX} characters\n`)
  }
  if (parameters.get('format') !== 'json') return plain(403, 'Only format=json is served here\n')
  const pageText = parameters.get('pageno') ?? '1'
  const pageNumber = /^\d{1,3}$/.test(pageText) ? Number(pageText) : 0
  if (pageNumber < 1 || pageNumber > PAGE_NUMBER_MAX) return plain(400, `pageno is 1 to ${PAGE_NUMBER_MAX}\n`)
  const results = search(query, languageOf(parameters.get('language')))
  return json(200, {
    query,
    results: results.slice((pageNumber - 1) * PAGE_SIZE, pageNumber * PAGE_SIZE).map(shownResult),
    answers: [],
    corrections: [],
    infoboxes: [],
    suggestions: [],
    unresponsive_engines: [],
  })
}

function languageOf(tag: string | null) {
  const language = tag?.toLowerCase().split('-')[0]
  return language === 'fr' || language === 'en' ? language : null
}

function shownResult({ document, engines, positions, score }: SearchResult) {
  return {
    url: document.url,
    title: document.title,
    content: document.summary,
    engine: engines[0],
    engines,
    positions,
    score: Math.round(score * 1000) / 1000,
    category: 'general',
    publishedDate: document.publishedAt?.toISOString() ?? null,
  }
}

function searchHome(): string {
  const example = '/search?q=v%C3%A9lo+cargo&format=json'
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${SEARCH_HOST}</title></head>
<body><h1>Search of the Rowbeat demo</h1>
<p>It knows the four demo sites and answers in JSON: <a href="${escapeMarkup(example)}">an example</a>.</p></body></html>
`
}
