/** Takes out what a site prints under every article (calls to action, author boxes): it says nothing of a topic. */

/** A paragraph counts as boilerplate from this many different texts of its domain … */
const MIN_TEXTS = 3
/** … and this share of them. */
const MIN_SHARE = 0.2
/** An article that would lose more than this share of its length is left whole. */
const MAX_LOSS = 0.5

interface SiteText {
  readonly domain: string
  readonly text: string
}

/** The texts, in the order given, without the paragraphs that many different texts of the same domain share. */
export function withoutRepeatedParagraphs(articles: readonly SiteText[]): string[] {
  const counts = countByDomain(articles)
  return articles.map(({ domain, text }) => {
    const site = counts.get(domain)
    if (site === undefined || site.texts < MIN_TEXTS) return text
    const kept = paragraphsOf(text).filter((paragraph) => {
      const shared = site.paragraphs.get(paragraph) ?? 0
      return shared < MIN_TEXTS || shared < MIN_SHARE * site.texts
    })
    const cleaned = kept.join('\n\n')
    return cleaned.length < text.length * (1 - MAX_LOSS) ? text : cleaned
  })
}

interface SiteParagraphs {
  /** Different texts of the domain. */
  readonly texts: number
  /** How many of them hold each paragraph. */
  readonly paragraphs: ReadonlyMap<string, number>
}

function countByDomain(articles: readonly SiteText[]): Map<string, SiteParagraphs> {
  const textsByDomain = new Map<string, Set<string>>()
  for (const { domain, text } of articles) {
    const texts = textsByDomain.get(domain) ?? new Set()
    textsByDomain.set(domain, texts.add(text))
  }
  const counts = new Map<string, SiteParagraphs>()
  for (const [domain, texts] of textsByDomain) {
    const paragraphs = new Map<string, number>()
    for (const text of texts) {
      for (const paragraph of new Set(paragraphsOf(text))) {
        paragraphs.set(paragraph, (paragraphs.get(paragraph) ?? 0) + 1)
      }
    }
    counts.set(domain, { texts: texts.size, paragraphs })
  }
  return counts
}

function paragraphsOf(text: string): string[] {
  return text
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.trim())
    .filter((paragraph) => paragraph !== '')
}
