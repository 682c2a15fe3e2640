/** How alike a site's texts and the client's profile are. Pure. */
import { contentTerms } from '../text/tokens.ts'
import { buildVectors, cosine } from '../text/vectors.ts'
import type { SiteProfile } from '../types.ts'

export interface SiteText {
  readonly domain: string
  readonly text: string
}

/** Longest text of one site that is compared, in UTF-16 units. */
const MAX_TEXT = 20_000
const PROFILE_ID = ' profile'

/**
 * TF-IDF cosine, 0..1, of each site's text to the terms of the profile, by domain. Both sides are stemmed in the
 * language of the profile. Themes weigh more than their keywords, and those more than summaries. 0 without text.
 */
export function similarities(profile: SiteProfile, sites: readonly SiteText[]): ReadonlyMap<string, number> {
  const { language } = profile
  const space = buildVectors([
    { id: PROFILE_ID, terms: contentTerms(profileText(profile), language) },
    ...sites.map(({ domain, text }) => ({
      id: domain,
      terms: contentTerms(text.slice(0, MAX_TEXT), language),
    })),
  ])
  const client = space.vectors.get(PROFILE_ID)
  return new Map(
    sites.map(({ domain }) => {
      const site = space.vectors.get(domain)
      return [domain, client === undefined || site === undefined ? 0 : cosine(client, site)]
    }),
  )
}

/** Repetition is weight: the vectors grow with the logarithm of a term's count. */
function profileText(profile: SiteProfile): string {
  const labels = profile.themes.map(({ label }) => label)
  const keywords = [
    ...profile.themes.flatMap((theme) => theme.keywords),
    ...profile.keywords.map(({ term }) => term),
  ]
  const summaries = profile.themes.map(({ summary }) => summary)
  return [...repeat(labels, 3), ...repeat(keywords, 2), ...profile.secondaryThemes, ...summaries].join('. ')
}

function repeat(texts: readonly string[], times: number): string[] {
  return Array.from({ length: times }, () => texts).flat()
}
