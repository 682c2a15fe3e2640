/** How much text of a page is analysed. */
import type { CrawledPage } from '../types.ts'

/** Text of a page that is analysed, in UTF-16 units. */
export const MAX_PAGE_TEXT = 50_000

/**
 * The pages with no more text than is analysed, so that they travel to a thread at little cost; those without
 * text are left out.
 */
export function trimPages(pages: readonly CrawledPage[]): CrawledPage[] {
  return pages.flatMap((page) => {
    if (page.content === null || page.content.text.trim() === '') return []
    return [{ ...page, content: { ...page.content, text: page.content.text.slice(0, MAX_PAGE_TEXT) } }]
  })
}
