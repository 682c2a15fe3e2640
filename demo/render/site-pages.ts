/** The pages of a site that are not articles: home, standing pages, the listing, and "not found". */
import { LISTING_SIZE, listingPagePath } from '../addresses.ts'
import type { DemoPage } from '../content.ts'
import { escapeMarkup, toHtml } from '../markdown.ts'
import type { PlacedArticle } from './article-page.ts'
import { type Frame, htmlDocument } from './layout.ts'
import { organizationMarks } from './structured-data.ts'
import { longDate, TOPIC_LABELS, WORDS } from './words.ts'

function card({ article, path, date }: PlacedArticle): string {
  return `<li class="card" lang="${article.language}">
<span class="topic">${TOPIC_LABELS[article.topic][article.language]}</span>
<h3><a href="${path}">${escapeMarkup(article.title)}</a></h3>
<p>${escapeMarkup(article.summary)}</p>
<time datetime="${date.toISOString()}">${longDate(date, article.language)}</time>
</li>`
}

/** HTML of a standing page; the home page also has a hero and the three newest articles. */
export function standingPage(frame: Frame, page: DemoPage, placed: readonly PlacedArticle[]): string {
  const isHome = page.path === '/'
  const words = WORDS[page.language]
  const title = `<h1>${escapeMarkup(isHome ? frame.design.tagline : page.title)}</h1>`
  const summary = `<p>${escapeMarkup(page.summary)}</p>`
  const latest = `<section>
<h2>${words.latest}</h2>
<ul class="cards">
${placed.slice(0, 3).map(card).join('\n')}
</ul>
<p><a href="${frame.design.listingPath}">${words.all}</a></p>
</section>`
  const body = `<div class="prose">\n${toHtml(page.body)}\n</div>`
  return htmlDocument(frame, {
    path: page.path,
    title: page.title,
    description: page.summary,
    language: page.language,
    main: isHome
      ? `<section class="hero">\n${title}\n${summary}\n</section>\n${body}\n${latest}`
      : `${title}\n<div class="prose lead">${summary}</div>\n${body}`,
    ...(isHome ? { head: organizationMarks(frame.design) } : {}),
  })
}

/** One HTML page per `LISTING_SIZE` articles, keyed by path, with links to the page before and after. */
export function listingPages(frame: Frame, placed: readonly PlacedArticle[]): Map<string, string> {
  const count = Math.ceil(placed.length / LISTING_SIZE)
  const numbers = Array.from({ length: count }, (_, index) => index + 1)
  return new Map(
    numbers.map((number) => {
      const shown = placed.slice((number - 1) * LISTING_SIZE, number * LISTING_SIZE)
      return [listingPagePath(frame.design, number), listingPage(frame, shown, number, count)]
    }),
  )
}

function listingPage(frame: Frame, shown: readonly PlacedArticle[], number: number, count: number): string {
  const { design } = frame
  const words = WORDS[design.language]
  const newer =
    number > 1 ? `<a rel="prev" href="${listingPagePath(design, number - 1)}">${words.newer}</a>` : ''
  const older =
    number < count ? `<a rel="next" href="${listingPagePath(design, number + 1)}">${words.older}</a>` : ''
  return htmlDocument(frame, {
    path: listingPagePath(design, number),
    title: number === 1 ? design.listingTitle : `${design.listingTitle}, ${words.page} ${number}`,
    description: design.tagline,
    language: design.language,
    main: `<h1>${escapeMarkup(design.listingTitle)}</h1>
<ul class="cards">
${shown.map(card).join('\n')}
</ul>
<nav class="pager">
${newer}
${older}
</nav>`,
  })
}

/** HTML of the 404 answer. */
export function notFoundPage(frame: Frame): string {
  const words = WORDS[frame.design.language]
  return htmlDocument(frame, {
    path: '/404',
    title: words.notFound,
    description: words.notFoundText,
    language: frame.design.language,
    main: `<h1>${words.notFound}</h1>\n<p>${words.notFoundText}</p>`,
  })
}
