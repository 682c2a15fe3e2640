import { describe, expect, it } from 'vitest'
import { loadContent, parseEntries, publishedAt, readArticle, TOPICS } from '../../demo/content.ts'
import { demoFacts } from '../../demo/facts.ts'
import { toText } from '../../demo/markdown.ts'
import { hammingDistance, simhash } from '../../src/workflows/audit/text/simhash.ts'

const contents = loadContent()
const articles = contents.flatMap(({ design, articles: own }) =>
  own.map((article) => ({ ...article, id: `${design.folder}/${article.slug}`, role: design.role })),
)
const facts = demoFacts()

describe('the articles of the demo', () => {
  it('are at least 66, each of at least 180 words', () => {
    expect(facts.articles).toBeGreaterThanOrEqual(66)
    expect(facts.shortestArticleWords).toBeGreaterThanOrEqual(180)
    expect(facts.sites).toBe(4)
  })

  it('cover every topic, most of them on several sites and in different numbers', () => {
    expect(Object.keys(facts.topics).sort()).toEqual([...TOPICS].sort())
    for (const perDomain of Object.values(facts.topics)) {
      const counts = Object.values(perDomain)
      expect(counts.length).toBeGreaterThanOrEqual(3)
      expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(5)
    }
  })

  it('leave the client with a strength and with gaps', () => {
    const client = 'atelier-velo.test'
    const countOf = (topic: string, isClient: boolean) =>
      Object.entries(facts.topics[topic] ?? {})
        .filter(([domain]) => (domain === client) === isClient)
        .reduce((sum, [, count]) => sum + count, 0)
    expect(countOf('maintenance', true)).toBeGreaterThan(countOf('maintenance', false))
    expect(countOf('batteries', true)).toBe(0)
    expect(countOf('froid', true)).toBe(0)
  })

  it('are French for the most part and English for some', () => {
    const { fr = 0, en = 0 } = facts.articlesPerLanguage
    expect(fr).toBeGreaterThan(3 * en)
    expect(en).toBeGreaterThanOrEqual(6)
  })

  it('have at least 35 in the last 90 days, a rising topic and a dead one', () => {
    expect(facts.articlesOfLast90Days).toBeGreaterThanOrEqual(35)
    const agesOf = (topic: string) => articles.filter((one) => one.topic === topic).map((one) => one.daysAgo)
    const batteries = agesOf('batteries')
    expect(batteries.filter((days) => days <= 14).length).toBeGreaterThan(batteries.length / 2)
    expect(Math.min(...agesOf('robots'))).toBeGreaterThan(60)
    expect(Math.max(...articles.map((one) => one.daysAgo))).toBeLessThanOrEqual(300)
  })

  it('hold exactly one near-duplicate pair, the planned one', () => {
    const prints = articles.map(({ id, body }) => ({ id, print: simhash(toText(body)) }))
    const near = prints.flatMap((one, index) =>
      prints
        .slice(index + 1)
        .filter((other) => hammingDistance(one.print, other.print) <= 3)
        .map((other) => [one.id, other.id].sort()),
    )
    expect(near).toEqual(facts.nearDuplicatePairs.map((pair) => [...pair]))
    expect(near).toHaveLength(1)
  })

  it('share no paragraph, the planned pair apart', () => {
    const owners = new Map<string, string>()
    for (const { id, body, nearDuplicateOf } of articles) {
      if (nearDuplicateOf !== null) continue
      for (const paragraph of toText(body).split('\n\n')) {
        if (paragraph.length < 60) continue
        expect(owners.get(paragraph), paragraph).toBeUndefined()
        owners.set(paragraph, id)
      }
    }
  })

  it('are dated in the past of whatever day the demo is started on', () => {
    for (const asOf of [new Date('2025-03-01T00:00:00Z'), new Date('2027-12-31T23:59:59Z')]) {
      for (const article of articles) {
        const days = (asOf.getTime() - publishedAt(article, asOf).getTime()) / 86_400_000
        expect(days).toBeGreaterThan(article.daysAgo - 1)
        expect(days).toBeLessThan(article.daysAgo + 1)
        expect(days).toBeGreaterThan(0)
      }
    }
  })
})

describe('a content file', () => {
  const text = (head: string) => `=== un-article\n${head}\n---\nUn paragraphe.\n`
  const head =
    'title: Un titre\nauthor: Une Personne\ndaysAgo: 3\ntopic: zfe\nlanguage: fr\nsummary: Un résumé court.'
  const readFirst = (source: string) => parseEntries(source).map(readArticle)[0]

  it('is read entry by entry', () => {
    expect(readFirst(text(head))).toMatchObject({ slug: 'un-article', daysAgo: 3, topic: 'zfe', quirk: null })
  })

  it.each([
    ['an unknown topic', head.replace('zfe', 'astrologie'), /un-article.*topic/s],
    ['a day in the future', head.replace('daysAgo: 3', 'daysAgo: 0'), /un-article.*daysAgo/s],
    ['an unknown field', `${head}\ncolour: blue`, /un-article.*colour/s],
    ['a line that is no field', `${head}\nrien`, /cannot read the line "rien"/],
  ])('is refused with its key for %s', (_case, wrong, message) => {
    expect(() => readFirst(text(wrong))).toThrow(message)
  })

  it('is refused when an entry has no body or text stands before the first one', () => {
    expect(() => parseEntries('=== seul\ntitle: Rien\n')).toThrow('"seul"')
    expect(() => parseEntries('avant\n=== a\n---\n')).toThrow('starts with')
  })
})
