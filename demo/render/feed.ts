/** RSS 2.0 and Atom feeds of a site. */
import { absolute } from '../addresses.ts'
import { escapeMarkup } from '../markdown.ts'
import type { SiteDesign } from '../sites.ts'
import type { PlacedArticle } from './article-page.ts'

const ENTRIES_MAX = 20

/** An RSS 2.0 document of the newest 20 articles. */
export function rssFeed(design: SiteDesign, placed: readonly PlacedArticle[]): string {
  const items = placed.slice(0, ENTRIES_MAX).map(({ article, path, date }) => {
    const url = absolute(design, path)
    return `<item>
<title>${escapeMarkup(article.title)}</title>
<link>${url}</link>
<guid isPermaLink="true">${url}</guid>
<dc:creator>${escapeMarkup(article.author)}</dc:creator>
<category>${article.topic}</category>
<pubDate>${date.toUTCString()}</pubDate>
<description>${escapeMarkup(article.summary)}</description>
</item>`
  })
  return `<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel>
<title>${escapeMarkup(design.title)}</title>
<link>${absolute(design, '/')}</link>
<description>${escapeMarkup(design.tagline)}</description>
<language>${design.language}</language>
${items.join('\n')}
</channel>
</rss>
`
}

/** An Atom document of the newest 20 articles; `updated` is the date of the newest. */
export function atomFeed(design: SiteDesign, placed: readonly PlacedArticle[], updated: Date): string {
  const entries = placed.slice(0, ENTRIES_MAX).map(({ article, path, date }) => {
    const url = absolute(design, path)
    return `<entry xml:lang="${article.language}">
<title>${escapeMarkup(article.title)}</title>
<link href="${url}"/>
<id>${url}</id>
<author><name>${escapeMarkup(article.author)}</name></author>
<published>${date.toISOString()}</published>
<updated>${date.toISOString()}</updated>
<summary>${escapeMarkup(article.summary)}</summary>
</entry>`
  })
  return `<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
<title>${escapeMarkup(design.title)}</title>
<subtitle>${escapeMarkup(design.tagline)}</subtitle>
<link href="${absolute(design, '/')}"/>
<link rel="self" href="${absolute(design, design.feed?.path ?? '/')}"/>
<id>${absolute(design, '/')}</id>
<updated>${updated.toISOString()}</updated>
${entries.join('\n')}
</feed>
`
}
