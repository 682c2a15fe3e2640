import { describe, expect, it } from 'vitest'
import { registrableDomain } from '../../../../src/workflows/audit/search/domains.ts'
import {
  CATEGORIES,
  categoriesOf,
  excludeReason,
  type Judged,
  suspicionPenalty,
} from '../../../../src/workflows/audit/search/exclusions.ts'
import { foldWords } from '../../../../src/workflows/audit/search/folding.ts'

function site(domain: string, text = '', hosts: readonly string[] = [domain]): Judged {
  return { domain, hosts, title: '', snippet: text, documentsOnly: false }
}

describe('the exclusion lists', () => {
  it.each([
    ['linkedin.com', 'social network'],
    ['pinterest.fr', 'social network'],
    ['amazon.co.uk', 'marketplace'],
    ['leboncoin.fr', 'marketplace'],
    ['lemonde.fr', 'media'],
    ['wikipedia.org', 'encyclopaedia'],
    ['indeed.com', 'job board'],
    ['francetravail.fr', 'job board'],
    ['pagesjaunes.fr', 'directory'],
    ['impots.gouv.fr', 'public service'],
    ['hackney.gov.uk', 'public service'],
    ['univ-lyon2.fr', 'university'],
    ['stanford.edu', 'university'],
    ['fusacq.com', 'sale of businesses'],
    ['semrush.com', 'SEO'],
    ['alice.github.io', 'code host'],
    ['capterra.fr', 'comparison'],
    ['google.fr', 'platform'],
    ['sedo.com', 'parked'],
  ])('know %s as %s', (domain, label) => {
    expect(excludeReason(site(domain))).toContain(label)
  })

  it.each([
    'cyclo-fret.test',
    'lastmile-journal.test',
    'roue-libre-pro.test',
    'notlinkedin.com',
    'myx.com',
    'amazonie-conseil.fr',
    'acme.fr',
  ])('leave %s in', (domain) => {
    expect(excludeReason(site(domain, 'Vélos cargo et logistique urbaine pour les entreprises'))).toBeNull()
  })

  it('hold forty entries or more in every main list, each written once, as registrable domains', () => {
    for (const { name, domains } of CATEGORIES) {
      expect(domains.length, name).toBeGreaterThanOrEqual(40)
      expect(new Set(domains).size, name).toBe(domains.length)
      for (const entry of domains) {
        const domain = entry.replace(/\.\*$/, '.com')
        expect(registrableDomain(domain), name).toBe(domain)
        expect(entry, name).toMatch(/^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:[a-z]+|\*)$/)
      }
    }
  })

  it('hold keywords as they are compared, and parts of names that never overlap', () => {
    for (const { name, keywords, hostParts } of CATEGORIES) {
      for (const word of keywords) expect(foldWords(word), name).toBe(word)
      expect(new Set(keywords).size, name).toBe(keywords.length)
      for (const part of hostParts) {
        expect(
          hostParts.filter((other) => other.includes(part)),
          `${name}: ${part}`,
        ).toEqual([part])
      }
    }
  })
})

describe('the pattern families', () => {
  it('need two parts of the name', () => {
    expect(excludeReason(site('jobs-et-recrutement.fr'))).toContain('job board')
    expect(excludeReason(site('jobs-acme.fr'))).toBeNull()
  })

  it('or one part and one keyword', () => {
    expect(excludeReason(site('jobs-acme.fr', 'Postuler en ligne'))).toContain('"postuler" in its texts')
    expect(excludeReason(site('annuaire-velo.fr', 'Annuaire des entreprises du vélo'))).toContain('directory')
  })

  it('or three keywords in title and snippet, plural or accented, each counted once', () => {
    expect(excludeReason(site('acme.fr', "Offres d'emploi : recrutement en CDI"))).toContain('job board')
    expect(excludeReason(site('acme.fr', "Offres d'emploi. Offres d’emploi !"))).toBeNull()
    expect(excludeReason(site('acme.fr', 'Université, Masters, Étudiants'))).toContain('university')
  })

  it('ask more of media: one part and two keywords, or four keywords', () => {
    expect(excludeReason(site('journal-velo.fr', 'À la une'))).toBeNull()
    expect(excludeReason(site('journal-velo.fr', 'À la une, faits divers'))).toContain('media')
    expect(excludeReason(site('velo.fr', 'À la une, faits divers, horoscope'))).toBeNull()
    expect(excludeReason(site('velo.fr', 'À la une, faits divers, horoscope, replay'))).toContain('media')
  })

  it('look at a sub-domain only when nothing else of the site was found', () => {
    const text = 'Postuler chez Acme'
    expect(excludeReason(site('acme.fr', text, ['carrieres.acme.fr', 'www.acme.fr']))).toBeNull()
    expect(excludeReason(site('acme.fr', text, ['carrieres.acme.fr']))).toContain('job board')
  })

  it('do not take words apart', () => {
    expect(excludeReason(site('concession-moto.fr', 'fonds de commerce'))).toBeNull()
    expect(suspicionPenalty(site('concession-moto.fr'))).toBe(0)
    expect(suspicionPenalty(site('goveetools.com'))).toBe(0)
  })
})

describe('what else decides', () => {
  it('excludes a site of which only documents were found', () => {
    expect(excludeReason({ ...site('acme.fr'), documentsOnly: true })).toContain('only documents')
  })

  it('spares the categories of the client itself', () => {
    const spared = categoriesOf(site('lemonde.fr'))
    expect([...spared]).toEqual(['media'])
    expect(excludeReason(site('lefigaro.fr'), spared)).toBeNull()
    expect(excludeReason(site('linkedin.com'), spared)).not.toBeNull()
    expect(categoriesOf(site('acme.fr', 'vélos cargo')).size).toBe(0)
  })

  it('takes .3 off what may be public, a directory or a university, .4 off what may sell businesses', () => {
    expect(suspicionPenalty(site('annuaire-velo.fr'))).toBe(0.3)
    expect(suspicionPenalty(site('univ-velo.fr'))).toBe(0.3)
    expect(suspicionPenalty(site('velo.fr', 'Mairie et prefecture'))).toBe(0.3)
    expect(suspicionPenalty(site('franchise-velo.fr'))).toBe(0.4)
    expect(suspicionPenalty(site('jobs-velo.fr'))).toBe(0)
    expect(suspicionPenalty(site('velo.fr', 'Mairie'))).toBe(0)
    expect(suspicionPenalty(site('franchise-velo.fr'), new Set(['business_sale']))).toBe(0)
  })
})
