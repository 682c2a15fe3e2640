import { describe, expect, it } from 'vitest'
import { readHomePage } from '../../../../src/workflows/audit/search/home-page.ts'
import { extractPage } from '../../../../src/workflows/audit/text/extract.ts'
import { htmlPage } from './fakes.ts'

function read(title: string, text: string) {
  return readHomePage(extractPage(htmlPage(title, text).body ?? '', 'https://rival.fr/'))
}

const LIVING = 'Nous louons des vélos cargo aux entreprises qui livrent en ville. '.repeat(10)

describe('readHomePage', () => {
  it('reads title, description and text of a living site', () => {
    const page = read('Rival', LIVING)
    expect(page).toMatchObject({ title: 'Rival', language: 'fr', problem: null })
    expect(page.description).toContain('vélos cargo')
    expect(page.text).toContain('en ville')
  })

  it.each([
    ['rival.fr', 'The domain rival.fr is for sale. Buy this domain today.'],
    ['rival.fr', 'Ce nom de domaine est à vendre, contactez son propriétaire.'],
    ['Apache2 Ubuntu Default Page: It works', 'This is the default welcome page.'],
    ['Welcome to nginx!', 'If you see this page, the web server is installed.'],
    ['Rival', 'Notre nouveau site en construction arrive en septembre.'],
  ])('finds that %s / %s is not in use', (title, text) => {
    expect(read(title, text).problem).toContain('parked')
  })

  it('finds an empty page', () => {
    expect(read('Rival', '').problem).toBe('its home page is empty')
    expect(readHomePage(extractPage('', 'https://rival.fr/')).problem).toBe('its home page is empty')
  })

  it('takes no living page for a parked one because of its words', () => {
    expect(read('Courtier', `Buy this domain. ${LIVING.repeat(3)}`).problem).toBeNull()
    expect(read('Rival', `Coming soon: le nouveau modèle. ${LIVING}`).problem).toBeNull()
  })

  it('falls back on the text where there is no description, and cuts both', () => {
    const page = readHomePage(
      extractPage(`<title>T</title><p>${LIVING.repeat(100)}</p>`, 'https://rival.fr/'),
    )
    expect(page.description.length).toBeLessThanOrEqual(300)
    expect(page.description.startsWith('Nous louons')).toBe(true)
    expect(page.text.length).toBeLessThanOrEqual(20_000)
  })
})
