/** Fair choice of pages over the sections of a site. Pure. */
import { isPeripheral } from './score.ts'

interface Candidate {
  readonly url: string
  readonly publishedAt?: string | null
}

/** First path segment, after a language segment such as `/fr/` when more follows; empty for pages at the root. */
export function sectionOf(url: string): string {
  const parsed = URL.parse(url)
  if (!parsed) return ''
  const segments = parsed.pathname.split('/').filter((segment) => segment !== '')
  const afterLanguage = /^[a-z]{2}(?:-[a-z]{2})?$/i.test(segments[0] ?? '') ? 1 : 0
  return segments.length > afterLanguage + 1
    ? `${parsed.hostname}/${segments.slice(0, afterLanguage + 1).join('/')}`
    : parsed.hostname
}

/** Shallow pages first, then the newest, then by address; the depth is read once per page, not once per comparison. */
function inSectionOrder<Item extends Candidate>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, depth: URL.parse(item.url)?.pathname.split('/').filter(Boolean).length ?? 0 }))
    .sort((a, b) => {
      if (a.depth !== b.depth) return a.depth - b.depth
      const [dateA, dateB] = [a.item.publishedAt ?? '', b.item.publishedAt ?? '']
      if (dateA !== dateB) return dateA < dateB ? 1 : -1
      return a.item.url < b.item.url ? -1 : a.item.url > b.item.url ? 1 : 0
    })
    .map(({ item }) => item)
}

function roundRobin<Item extends Candidate>(items: readonly Item[]): Item[] {
  const sections = Map.groupBy(items, (item) => sectionOf(item.url))
  let queues = [...sections.keys()].sort().map((name) => inSectionOrder(sections.get(name) ?? []))
  const ordered: Item[] = []
  for (let turn = 0; ordered.length < items.length; turn += 1) {
    queues = queues.filter((queue) => queue.length > turn)
    for (const queue of queues) ordered.push(...queue.slice(turn, turn + 1))
  }
  return ordered
}

/**
 * Orders pages so that any number of the first ones is a fair sample: one page of every section in turn,
 * sections by name, the shallow and new pages of a section first; pages around the content (tags, paging,
 * legal, login) last. The order of the input does not matter.
 */
export function spreadOverSections<Item extends Candidate>(items: readonly Item[]): Item[] {
  const { content = [], peripheral = [] } = Object.groupBy(items, (item) =>
    isPeripheral(item.url) ? 'peripheral' : 'content',
  )
  return [...roundRobin(content), ...roundRobin(peripheral)]
}
