/** The small Markdown that the demo is written in: headings, paragraphs, lists, quotes, bold and links. */
import type { DemoLanguage } from './sites.ts'

const NBSP = '\u00a0'

/** Curly apostrophes for both languages; for French also the unbreakable spaces around « », `:`, `;`, `?` and `!`. */
export function typographic(text: string, language: DemoLanguage): string {
  const curly = text.replaceAll("'", '’')
  if (language === 'en') return curly
  return curly
    .replace(/ ([:;?!»])/g, `${NBSP}$1`)
    .replaceAll('« ', `«${NBSP}`)
    .replace(/(\d) (?=\d{3}(?!\d))/g, `$1${NBSP}`)
}

/** Text made safe between tags and inside double-quoted attributes, in HTML and in XML. */
export function escapeMarkup(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

function inline(text: string): string {
  return escapeMarkup(text)
    .replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
    .replace(/\[([^\]]+)\]\(([^)\s]+)\)/g, '<a href="$2">$1</a>')
}

function listHtml(tag: 'ul' | 'ol', lines: readonly string[], marker: RegExp): string {
  const items = lines.map((line) => `<li>${inline(line.replace(marker, ''))}</li>`)
  return `<${tag}>\n${items.join('\n')}\n</${tag}>`
}

function blockHtml(block: string): string {
  const lines = block.split('\n')
  if (block.startsWith('## ')) return `<h2>${inline(block.slice(3))}</h2>`
  if (lines.every((line) => line.startsWith('- '))) return listHtml('ul', lines, /^- /)
  if (lines.every((line) => /^\d+\. /.test(line))) return listHtml('ol', lines, /^\d+\. /)
  if (block.startsWith('> ')) return `<blockquote><p>${inline(block.slice(2))}</p></blockquote>`
  return `<p>${inline(lines.join(' '))}</p>`
}

function blocksOf(markdown: string): string[] {
  return markdown.split(/\n{2,}/).filter((block) => block !== '')
}

/** HTML of a body, one element per block. */
export function toHtml(markdown: string): string {
  return blocksOf(markdown).map(blockHtml).join('\n')
}

/** The same body as bare text: no marks, link texts kept, blocks separated by a blank line. */
export function toText(markdown: string): string {
  return blocksOf(markdown)
    .map((block) =>
      block
        .replace(/^(?:## |> )/, '')
        .replace(/^(?:- |\d+\. )/gm, '')
        .replaceAll('**', '')
        .replace(/\[([^\]]+)\]\([^)\s]+\)/g, '$1'),
    )
    .join('\n\n')
}
