import { describe, expect, it } from 'vitest'
import { extractPage } from '../../../../src/workflows/audit/text/extract.ts'
import { extractKeywords } from '../../../../src/workflows/audit/text/keywords.ts'
import { buildProfile } from '../../../../src/workflows/audit/text/profile.ts'
import { findThemes, slugOf } from '../../../../src/workflows/audit/text/themes.ts'
import { countWords, normaliseText } from '../../../../src/workflows/audit/text/tokens.ts'
import type { CrawledPage } from '../../../../src/workflows/audit/types.ts'

const SUBJECTS = {
  toiture: [
    'La toiture en ardoise protège la maison pendant un siècle quand les crochets restent sains.',
    'Une toiture abîmée laisse passer la pluie et fait pourrir la charpente en quelques hivers.',
    'Notre couvreur inspecte la toiture, remplace les ardoises et nettoie les gouttières de la maison.',
    'Refaire une toiture en ardoise demande un échafaudage, deux couvreurs et un ciel sec.',
  ],
  chauffage: [
    'La pompe à chaleur remplace la chaudière au fioul et divise la facture de chauffage par deux.',
    'Un chauffage bien réglé garde dix-neuf degrés au salon sans fatiguer la pompe à chaleur.',
    'Notre chauffagiste dimensionne la pompe à chaleur selon les radiateurs et les pertes du logement.',
    'Entretenir la pompe à chaleur chaque automne évite la panne de chauffage au cœur de janvier.',
  ],
  isolation: [
    'La laine de bois isole les combles perdus et freine la chaleur de juillet sous les tuiles.',
    'Une isolation des combles posée sans pare-vapeur prend l’humidité et perd son pouvoir isolant.',
    'Notre équipe souffle la ouate de cellulose dans les combles en une seule matinée de travail.',
    'Isoler les murs par l’extérieur supprime les ponts thermiques que l’isolation intérieure oublie.',
  ],
} as const

function pageOf(path: string, title: string, sentences: readonly string[]): CrawledPage {
  const url = `https://www.renov-exemple.fr/${path}`
  const html = `<html lang="fr"><head><title>${title} | Rénov Exemple</title></head><body><nav><a href="/">Accueil</a>
    <a href="/devis">Demandez votre devis gratuit</a></nav><main><h1>${title}</h1>
    ${sentences.map((sentence) => `<p>${sentence}</p>`).join('')}
    <p>Rénov Exemple, artisans certifiés, 12 rue des Lilas, appelez le 01 02 03 04 05.</p></main></body></html>`
  return {
    url,
    finalUrl: url,
    status: 200,
    contentType: 'text/html',
    depth: 1,
    bytes: html.length,
    elapsedMs: 1,
    content: extractPage(html, url),
    problem: null,
  }
}

/** Three pages per subject, their sentences in another order. */
const SITE: readonly CrawledPage[] = Object.entries(SUBJECTS).flatMap(([subject, sentences]) =>
  [0, 1, 2].map((turn) =>
    pageOf(
      `${subject}/${turn}`,
      `Conseils ${subject} ${turn + 1}`,
      sentences.filter((_, index) => index !== turn),
    ),
  ),
)

describe('buildProfile', () => {
  it('finds language, subjects and structure of a site', async () => {
    const profile = await buildProfile(SITE)
    expect(profile.language).toBe('fr')
    expect(profile.languages).toEqual({ fr: 1 })
    expect(profile.pagesAnalyzed).toBe(9)
    expect(profile.themes).toHaveLength(3)
    expect(profile.themes.map((theme) => theme.pageUrls.length)).toEqual([3, 3, 3])
    for (const subject of Object.keys(SUBJECTS)) {
      const theme = profile.themes.find((candidate) => candidate.pageUrls[0]?.includes(`/${subject}/`))
      expect(theme?.pageUrls.every((url) => url.includes(`/${subject}/`))).toBe(true)
    }
    expect(profile.structure.headings.h1).toBe(1)
    expect(profile.readability.flesch).toBeGreaterThan(0)
    expect(profile.audience.sectors).toEqual(['Construction and renovation'])
    expect(profile.audience.primary).toMatch(/ interested in /)
  })

  it('takes no navigation, legal line or site name for a subject', async () => {
    const profile = await buildProfile(SITE)
    const said = [
      ...profile.keywords.map((k) => k.term),
      ...profile.themes.flatMap((t) => [t.label, ...t.keywords]),
    ]
    expect(said.filter((term) => /accueil|devis|lilas|certifié|rénov exemple/i.test(term))).toEqual([])
  })

  it('counts the words that pages have of their own, and none of a line that stands on all of them', async () => {
    const pages = SUBJECTS.toiture.map((sentence, index) => pageOf(`p${index}`, 'Toiture', [sentence]))
    const { totalWords, structure } = await buildProfile(pages)
    expect(totalWords).toBe(countWords(SUBJECTS.toiture.join(' ')))
    expect(structure.averageWordCount * pages.length).toBeGreaterThan(totalWords)
  })

  it('does not depend on the order in which pages arrive', async () => {
    expect(await buildProfile(SITE.toReversed())).toEqual(await buildProfile(SITE))
  })

  it('works with a single page', async () => {
    const profile = await buildProfile(SITE.slice(0, 1))
    expect(profile.themes).toHaveLength(1)
    expect(profile.themes[0]).toMatchObject({ share: 1 })
    expect(profile.themes[0]?.label).not.toBe('')
  })

  it('leaves out pages that could not be read', async () => {
    const broken: CrawledPage = { ...pageOf('x', 'X', []), status: 500, content: null }
    expect((await buildProfile([...SITE, broken])).pagesAnalyzed).toBe(9)
  })

  it('names a foreign language and claims neither Flesch nor sectors for it', async () => {
    const german = pageOf('de', 'Über uns', [
      'Wir liefern jeden Morgen Waren an die Geschäfte in der Innenstadt und holen sie abends wieder ab.',
      'Unsere Fahrer kennen jede Straße der Stadt und kommen auch bei schlechtem Wetter pünktlich an.',
    ])
    const profile = await buildProfile([german])
    expect(profile).toMatchObject({ language: null, languages: { de: 1 }, readability: { flesch: null } })
    expect(profile.audience.sectors).toEqual([])
  })

  it('refuses a crawl without text with NO_CONTENT', async () => {
    await expect(buildProfile([])).rejects.toMatchObject({ code: 'NO_CONTENT' })
  })
})

describe('findThemes', () => {
  const pages = SITE.map((page) => ({
    url: page.url,
    text: page.content?.text ?? '',
    title: page.content?.title ?? '',
    language: 'fr' as const,
  }))

  it('keeps the keywords of themes apart, and slugs unique and plain', () => {
    const { primary } = findThemes(pages, extractKeywords(pages, 30), 8)
    const all = primary.flatMap((theme) => theme.keywords)
    expect(all.length).toBeGreaterThan(primary.length)
    expect(new Set(all).size).toBe(all.length)
    expect(new Set(primary.map((theme) => theme.slug)).size).toBe(primary.length)
    for (const theme of primary) expect(theme.slug).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/)
  })

  it('summarises a theme with a sentence of its pages', () => {
    const { primary } = findThemes(pages, [], 8)
    const said = Object.values(SUBJECTS).flat().map(normaliseText)
    expect(primary).toHaveLength(3)
    for (const theme of primary) expect(said).toContain(theme.summary)
  })

  it('honours the maximum and takes no pages', () => {
    expect(findThemes(pages, [], 2).primary).toHaveLength(2)
    expect(findThemes([], [], 8)).toEqual({ primary: [], secondary: [] })
  })

  it('makes ASCII slugs', () => {
    expect(slugOf('Cœur d’été : énergie !')).toBe('coeur-d-ete-energie')
    expect(slugOf('日本')).toBe('theme')
  })
})
