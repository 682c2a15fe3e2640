/** For whom a site writes, in plain words. */
import type { Language, LanguageLevel, SiteProfile, Theme } from '../types.ts'
import { findSectors, type SectorText } from './sectors.ts'
import { words } from './tokens.ts'

const BUSINESS: Readonly<Record<Language, ReadonlySet<string>>> = {
  fr: new Set(
    'entreprise entreprises b2b professionnel professionnels tpe pme dirigeant dirigeants collaborateurs artisans commerçants transporteurs grossistes fournisseurs salariés exploitants opérateurs métier métiers rh dsi'.split(
      ' ',
    ),
  ),
  en: new Set(
    'business businesses company companies enterprise enterprises b2b professional professionals teams organizations organisations sme smes operators suppliers retailers carriers employers employees managers stakeholders'.split(
      ' ',
    ),
  ),
}
/** Occurrences per thousand words above which a text speaks to people at work. */
const BUSINESS_PER_THOUSAND = 3

/** The reader in one phrase: who, from the words for working life and the level; what for, from the themes. */
export function describeAudience(
  pages: readonly SectorText[],
  themes: readonly Theme[],
  level: LanguageLevel,
): SiteProfile['audience'] {
  const sectors = findSectors(pages)
  const who = readers(businessShare(pages) >= BUSINESS_PER_THOUSAND, level)
  const subjects = themes
    .slice(0, 2)
    .map((theme) => (/^\p{Lu}{2,6}$/u.test(theme.label) ? theme.label : theme.label.toLowerCase()))
  return {
    primary: subjects.length === 0 ? who : `${who} interested in ${subjects.join(' and ')}`,
    level,
    sectors,
  }
}

function readers(atWork: boolean, level: LanguageLevel): string {
  if (level === 'expert') return 'Specialists'
  if (atWork) return level === 'simple' ? 'Businesses' : 'Professionals'
  return level === 'advanced' ? 'Informed readers' : 'General public'
}

function businessShare(pages: readonly SectorText[]): number {
  let total = 0
  let business = 0
  for (const { text, language } of pages) {
    if (language === null) continue
    const list = words(text, language)
    total += list.length
    business += list.filter((word) => BUSINESS[language].has(word)).length
  }
  return total === 0 ? 0 : (1000 * business) / total
}
