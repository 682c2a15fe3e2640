/** The frame around every page of a site: head, header with navigation, main, footer. */
import { absolute } from '../addresses.ts'
import type { DemoPage } from '../content.ts'
import { escapeMarkup } from '../markdown.ts'
import type { DemoLanguage, SiteDesign } from '../sites.ts'
import { WORDS } from './words.ts'

export interface Frame {
  readonly design: SiteDesign
  /** Pages of the site, in the order of its menu. */
  readonly pages: readonly DemoPage[]
}

export interface Sheet {
  readonly path: string
  readonly title: string
  readonly description: string
  readonly language: DemoLanguage
  /** HTML of `<main>`. */
  readonly main: string
  /** More of `<head>`, for instance JSON-LD. */
  readonly head?: string
  readonly charset?: 'utf-8' | 'windows-1252'
}

const FOOTER_PATHS = /^\/(?:mentions|legal|contact|prive)/

function feedLink({ feed, title }: SiteDesign): string {
  if (feed === null) return ''
  const type = feed.kind === 'rss' ? 'application/rss+xml' : 'application/atom+xml'
  return `<link rel="alternate" type="${type}" title="${escapeMarkup(title)}" href="${feed.path}">`
}

function wordpressLinks({ wordpress }: SiteDesign): string {
  if (!wordpress) return ''
  return '<meta name="generator" content="WordPress 6.8">\n<link rel="https://api.w.org/" href="/wp-json/">'
}

function menu({ design, pages }: Frame, inFooter: boolean): string {
  const chosen = pages.filter((page) => FOOTER_PATHS.test(page.path) === inFooter)
  const links = chosen.map(({ path, menu: label }) => `<a href="${path}">${escapeMarkup(label)}</a>`)
  if (!inFooter) links.push(`<a href="${design.listingPath}">${escapeMarkup(design.listingTitle)}</a>`)
  return links.join('\n')
}

/** The HTML document of a page; every address in it is a path, so that it also works by address and port. */
export function htmlDocument(frame: Frame, sheet: Sheet): string {
  const { design } = frame
  const title = sheet.path === '/' ? sheet.title : `${sheet.title} | ${design.title}`
  const head = [
    `<meta charset="${sheet.charset ?? 'utf-8'}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeMarkup(title)}</title>`,
    `<meta name="description" content="${escapeMarkup(sheet.description)}">`,
    `<link rel="canonical" href="${absolute(design, sheet.path)}">`,
    '<link rel="icon" href="data:,">',
    '<link rel="stylesheet" href="/style.css">',
    feedLink(design),
    wordpressLinks(design),
    sheet.head ?? '',
  ]
  return `<!doctype html>
<html lang="${sheet.language}">
<head>
${head.filter((line) => line !== '').join('\n')}
</head>
<body>
<a class="skip" href="#content">${WORDS[sheet.language].skip}</a>
<header class="site-header"><div class="wrap">
<a class="brand" href="/">${escapeMarkup(design.title)}</a>
<nav>
${menu(frame, false)}
</nav>
</div></header>
<main id="content" class="wrap">
${sheet.main}
</main>
<footer class="site-footer"><div class="wrap">
<p>${escapeMarkup(design.title)}, ${escapeMarkup(design.tagline)}</p>
<nav>
${menu(frame, true)}
</nav>
</div></footer>
</body>
</html>
`
}
