/** The page of one article. */
import type { DemoArticle } from '../content.ts'
import { escapeMarkup, toHtml } from '../markdown.ts'
import { type Frame, htmlDocument } from './layout.ts'
import { articleHeadMarks } from './structured-data.ts'
import { longDate, TOPIC_LABELS, WORDS } from './words.ts'

/** An article with its place and time on a site. */
export interface PlacedArticle {
  readonly article: DemoArticle
  readonly path: string
  readonly date: Date
}

/** Up to three others for the foot of an article: same topic first, then newest; `placed` is newest first. */
export function relatedTo(current: PlacedArticle, placed: readonly PlacedArticle[]): PlacedArticle[] {
  const others = placed.filter((other) => other.path !== current.path)
  const isNear = (other: PlacedArticle) => other.article.topic === current.article.topic
  return [...others.filter(isNear), ...others.filter((other) => !isNear(other))].slice(0, 3)
}

/** HTML of an article page, with the marks of its site (JSON-LD, OpenGraph or microdata). */
export function articlePage(frame: Frame, current: PlacedArticle, placed: readonly PlacedArticle[]): string {
  const { article, path, date } = current
  const { design } = frame
  const words = WORDS[article.language]
  const prop = (name: string) => (design.marks === 'microdata' ? ` itemprop="${name}"` : '')
  const scope = design.marks === 'microdata' ? ' itemscope itemtype="https://schema.org/BlogPosting"' : ''
  const related = relatedTo(current, placed).map(
    (other) => `<li><a href="${other.path}">${escapeMarkup(other.article.title)}</a></li>`,
  )
  const main = `<article${scope}>
<header>
<span class="topic">${TOPIC_LABELS[article.topic][article.language]}</span>
<h1${prop('headline')}>${escapeMarkup(article.title)}</h1>
<p class="byline">${words.by} <span class="author"${prop('author')}>${escapeMarkup(article.author)}</span>,
<time${prop('datePublished')} datetime="${date.toISOString()}">${longDate(date, article.language)}</time></p>
</header>
<figure><img src="/media/${article.topic}.svg" width="840" height="360" alt="${TOPIC_LABELS[article.topic][article.language]}"></figure>
<div class="prose"${prop('articleBody')}>
<p class="lead">${escapeMarkup(article.summary)}</p>
${toHtml(article.body)}
</div>
</article>
<aside class="related">
<h2>${words.related}</h2>
<ul>
${related.join('\n')}
</ul>
</aside>`
  return htmlDocument(frame, {
    path,
    title: article.title,
    description: article.summary,
    language: article.language,
    main,
    head: articleHeadMarks({ design, article, path, date }),
    charset: article.quirk === 'windows-1252' ? 'windows-1252' : 'utf-8',
  })
}
