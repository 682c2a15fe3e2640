/** The shape of one exclusion list: who is never a competitor, and what gives such a site away. */

export type CategoryName =
  | 'social_network'
  | 'marketplace'
  | 'media'
  | 'reference'
  | 'job_board'
  | 'directory'
  | 'public_service'
  | 'university'
  | 'business_sale'
  | 'seo_tool'
  | 'code_host'
  | 'comparison'
  | 'platform'
  | 'parking'

export interface Category {
  readonly name: CategoryName
  /** Completes the sentence "Excluded: …". */
  readonly label: string
  /**
   * Registrable domains, matched with everything below them; `name.*` stands for the name under every public
   * suffix.
   */
  readonly domains: readonly string[]
  /** Suffixes reserved for this kind of site, for instance `gouv.fr`. */
  readonly suffixes: readonly string[]
  /**
   * Parts of host names, which are looked at as `.name.fr.`: a dot asks for the edge of a label. No part may
   * contain another of its list, or one word would count twice.
   */
  readonly hostParts: readonly string[]
  /** Words and phrases of titles and snippets, without accents; plurals in s and x are found by themselves. */
  readonly keywords: readonly string[]
  /** Keywords needed beside one host part, and without any. */
  readonly keywordsNeeded: { readonly withHost: number; readonly alone: number }
  /** Taken off the combined score (0..1) of a candidate that is suspected but not caught. */
  readonly penalty: number
}

/** One part of a host name and one keyword, or three keywords. */
export const USUAL_NEED = { withHost: 1, alone: 3 } as const

/** The entries of a list written as text, separated by white space. */
export function entries(text: string): readonly string[] {
  return text.trim().split(/\s+/)
}

/** The phrases of a list written as text, separated by `|`. */
export function phrases(text: string): readonly string[] {
  return text.split('|').map((phrase) => phrase.trim().replace(/\s+/g, ' '))
}
