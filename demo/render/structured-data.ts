/** The machine-readable marks of an article, one technique per site. */
import { absolute } from '../addresses.ts'
import type { DemoArticle } from '../content.ts'
import { escapeMarkup, toText } from '../markdown.ts'
import type { SiteDesign } from '../sites.ts'

export interface ArticleFacts {
  readonly design: SiteDesign
  readonly article: DemoArticle
  readonly path: string
  readonly date: Date
}

/** What goes into `<head>`; empty for microdata, whose marks are attributes of the body. */
export function articleHeadMarks(facts: ArticleFacts): string {
  switch (facts.design.marks) {
    case 'json-ld':
      return jsonLdScript({ '@context': 'https://schema.org', ...blogPosting(facts, 'BlogPosting') })
    case 'json-ld-graph':
      return jsonLdScript({
        '@context': 'https://schema.org',
        '@graph': [organization(facts.design), blogPosting(facts, 'Article')],
      })
    case 'open-graph':
      return openGraph(facts)
    case 'microdata':
      return ''
  }
}

/** JSON-LD of the company, for its home page. */
export function organizationMarks(design: SiteDesign): string {
  return jsonLdScript({ '@context': 'https://schema.org', ...organization(design) })
}

function organization(design: SiteDesign): Record<string, unknown> {
  return { '@type': 'Organization', name: design.title, url: absolute(design, '/'), slogan: design.tagline }
}

function blogPosting({ design, article, path, date }: ArticleFacts, type: string): Record<string, unknown> {
  return {
    '@type': type,
    headline: article.title,
    description: article.summary,
    inLanguage: article.language,
    datePublished: date.toISOString(),
    author: { '@type': 'Person', name: article.author },
    publisher: { '@type': 'Organization', name: design.title },
    mainEntityOfPage: absolute(design, path),
    wordCount: toText(article.body).split(/\s+/).length,
  }
}

function jsonLdScript(value: Record<string, unknown>): string {
  // A "<" would let a title that holds "</script>" end the element.
  const text = JSON.stringify(value).replaceAll('<', '\\u003c')
  return `<script type="application/ld+json">${text}</script>`
}

function openGraph({ design, article, path, date }: ArticleFacts): string {
  const properties: readonly (readonly [string, string])[] = [
    ['og:type', 'article'],
    ['og:site_name', design.title],
    ['og:locale', article.language === 'fr' ? 'fr_FR' : 'en_GB'],
    ['og:title', article.title],
    ['og:description', article.summary],
    ['og:url', absolute(design, path)],
    ['article:published_time', date.toISOString()],
    ['article:author', article.author],
    ['article:section', article.topic],
  ]
  return properties
    .map(([property, content]) => `<meta property="${property}" content="${escapeMarkup(content)}">`)
    .join('\n')
}
