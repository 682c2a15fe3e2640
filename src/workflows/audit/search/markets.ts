/** The country or region that the end of a domain name speaks of. Pure. */
import type { Language } from '../types.ts'

/** Country codes sold to everybody for what they spell: no evidence of a country. */
const WORLDWIDE = new Set(
  'ac ad ag ai am as bz cc cd co cx dj eu fm ga gg gl gs im io is la li ly me ml ms mu nu pw sc sh sk so st su tk to tv vc vg vu ws'.split(
    ' ',
  ),
)

interface Region {
  /** ISO 3166-2. */
  readonly code: string
  readonly fr: string
  readonly en: string
}

/** Geographic top-level domains. */
const REGIONS: Readonly<Record<string, Region>> = {
  paris: { code: 'FR-75C', fr: 'Paris', en: 'Paris' },
  bzh: { code: 'FR-BRE', fr: 'Bretagne', en: 'Brittany' },
  alsace: { code: 'FR-6AE', fr: 'Alsace', en: 'Alsace' },
  corsica: { code: 'FR-20R', fr: 'Corse', en: 'Corsica' },
  quebec: { code: 'CA-QC', fr: 'Québec', en: 'Quebec' },
  brussels: { code: 'BE-BRU', fr: 'Bruxelles', en: 'Brussels' },
  vlaanderen: { code: 'BE-VLG', fr: 'Flandre', en: 'Flanders' },
  london: { code: 'GB-LND', fr: 'Londres', en: 'London' },
  scot: { code: 'GB-SCT', fr: 'Écosse', en: 'Scotland' },
  wales: { code: 'GB-WLS', fr: 'Pays de Galles', en: 'Wales' },
  cymru: { code: 'GB-WLS', fr: 'Pays de Galles', en: 'Wales' },
  zuerich: { code: 'CH-ZH', fr: 'Zurich', en: 'Zurich' },
  berlin: { code: 'DE-BE', fr: 'Berlin', en: 'Berlin' },
  hamburg: { code: 'DE-HH', fr: 'Hambourg', en: 'Hamburg' },
  bayern: { code: 'DE-BY', fr: 'Bavière', en: 'Bavaria' },
  wien: { code: 'AT-9', fr: 'Vienne', en: 'Vienna' },
  amsterdam: { code: 'NL-NH', fr: 'Amsterdam', en: 'Amsterdam' },
  barcelona: { code: 'ES-B', fr: 'Barcelone', en: 'Barcelona' },
  madrid: { code: 'ES-MD', fr: 'Madrid', en: 'Madrid' },
  cat: { code: 'ES-CT', fr: 'Catalogne', en: 'Catalonia' },
  nyc: { code: 'US-NY', fr: 'New York', en: 'New York' },
  miami: { code: 'US-FL', fr: 'Miami', en: 'Miami' },
  tokyo: { code: 'JP-13', fr: 'Tokyo', en: 'Tokyo' },
  sydney: { code: 'AU-NSW', fr: 'Sydney', en: 'Sydney' },
}

/**
 * The market of a domain from its top-level domain: an ISO 3166-1 country (`FR`), an ISO 3166-2 region
 * (`FR-BRE`), or null when the name says nothing (`.com`, `.io`, `.test`).
 */
export function marketOf(domain: string): string | null {
  const top = domain.toLowerCase().split('.').at(-1) ?? ''
  const region = Object.hasOwn(REGIONS, top) ? REGIONS[top] : undefined
  if (region !== undefined) return region.code
  if (!/^[a-z]{2}$/.test(top) || WORLDWIDE.has(top)) return null
  return top === 'uk' ? 'GB' : top.toUpperCase()
}

/** The country of a market: `FR` of `FR-BRE`. */
export function countryOf(market: string | null): string | null {
  return market === null ? null : market.slice(0, 2)
}

/** The name of a market in a language, for instance `Bretagne`; null for a code nobody knows. */
export function placeName(market: string | null, language: Language): string | null {
  if (market === null) return null
  const region = Object.values(REGIONS).find((entry) => entry.code === market)
  if (region !== undefined) return region[language]
  const country = market.slice(0, 2).toUpperCase()
  if (!/^[A-Z]{2}$/.test(country)) return null
  return new Intl.DisplayNames([language], { type: 'region', fallback: 'none' }).of(country) ?? null
}
