import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Demo, startDemo } from '../../../../demo/start.ts'
import { isByline, withoutBylines } from '../../../../src/workflows/audit/text/bylines.ts'
import { extractPage } from '../../../../src/workflows/audit/text/extract.ts'

describe('a line above an article', () => {
  it.each([
    'Par Karim Benaïssa, 20 novembre 2026',
    'Publié le 10/06/2026 à 10h30 par Anaïs Le Roux | 5 min de lecture',
    'Dernière mise à jour : juin 2026',
    'Temps de lecture : 5 minutes',
    'mercredi 1er juillet 2026',
    'Nantes, le 10 juin 2026',
    'il y a 3 jours',
    'Anaïs Roux',
    'By Tom Verhaegen, 9 November 2026',
    'Posted on Wed, June 10th, 2026 by John O’Neil in News',
    'Written by Ana de la Cruz and Bob Stone',
    '2026-06-10T08:00:00Z · 5-minute read',
    'Updated 3 days ago',
  ])('says who, when or how long and nothing else: %s', (line) => {
    expect(isByline(line, 'Anaïs Roux')).toBe(true)
  })

  it.each([
    'Par beau temps, la livraison va vite',
    'Par Temps Froid la batterie faiblit',
    'Le 10 juin 2026, tout change pour les livreurs',
    'En juin 2026, la ville ferme son centre.',
    'By train',
    'May the best bike win',
    'Livrer en 30 minutes',
    'Paris, Nantes, Lyon',
    '',
  ])('is text when it says more: %s', (line) => {
    expect(isByline(line, 'Anaïs Roux')).toBe(false)
  })
})

const block = (text: string, tag = 'p') => ({ tag, text, linkShare: 0 })
const LONG = Array.from({ length: 30 }, (_, at) => `mot${at}`).join(' ')

describe('withoutBylines', () => {
  it('takes rubric, byline and reading time away and keeps headings, the lead and the text', () => {
    const blocks = [
      block('Entretien', 'span'),
      block('Changer ses freins', 'h2'),
      block('Par Léa Roche, 3 mars 2026'),
      block('5 min de lecture'),
      block('Ce que nous avons appris.'),
      block(LONG),
      block('Par Léa Roche, 3 mars 2026'),
    ]
    expect(withoutBylines(blocks, null).map(({ text }) => text)).toEqual([
      'Changer ses freins',
      'Ce que nous avons appris.',
      LONG,
      'Par Léa Roche, 3 mars 2026',
    ])
  })

  it('keeps a text of nothing but short lines, and lists', () => {
    const short = [block('3 mars 2026'), block('Lundi'), block('Mardi')]
    expect(withoutBylines(short, null)).toEqual(short)
    const list = [block('Vélo cargo', 'li'), block(LONG)]
    expect(withoutBylines(list, null)).toEqual(list)
    expect(withoutBylines([], 'Léa Roche')).toEqual([])
  })
})

describe('the text of the demo articles', () => {
  let demos: Demo[] = []
  beforeAll(async () => {
    demos = [
      await startDemo({ asOf: new Date('2026-05-20T10:00:00Z') }),
      await startDemo({ asOf: new Date('2026-07-21T10:00:00Z') }),
    ]
  })
  afterAll(() => Promise.all(demos.map((demo) => demo.close())))

  async function get(demo: Demo, domain: string, path: string): Promise<string> {
    const site = demo.sites.find((one) => one.domain === domain)
    return (await fetch(`${site?.address}${path}`)).text()
  }

  /** Texts of the articles that the home page links to, by title. */
  async function textsOf(demo: Demo, domain: string): Promise<Map<string, string>> {
    const home = extractPage(await get(demo, domain, '/'), `https://${domain}/`)
    const texts = new Map<string, string>()
    for (const link of home.internalLinks.slice(0, 20)) {
      if (texts.size === 4) break
      const page = extractPage(await get(demo, domain, new URL(link).pathname), link)
      if (page.publishedAt !== null && page.author !== null) texts.set(page.title, page.text)
    }
    return texts
  }

  it.each(['atelier-velo.test', 'cyclo-fret.test', 'last-mile-works.test', 'roue-libre-pro.test'])(
    'of %s says neither author nor date, and does not move with the date',
    async (domain) => {
      const [spring, summer] = await Promise.all(demos.map((demo) => textsOf(demo, domain)))
      const shared = [...(spring ?? [])].filter(([title]) => summer?.has(title))
      expect(shared.length).toBeGreaterThan(1)
      for (const [title, text] of shared) {
        expect(text.split('\n\n')[0]).not.toMatch(/^(?:Par|By) |20\d\d$/)
        expect(text).toBe(summer?.get(title))
      }
    },
  )
})
