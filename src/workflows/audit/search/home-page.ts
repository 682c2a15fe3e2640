/** What a home page says of its site. Pure. */
import type { PageContent } from '../types.ts'
import { foldWords } from './folding.ts'

export interface HomePage {
  readonly title: string
  readonly description: string
  readonly text: string
  /** Language code that the page declares; null when it does not. */
  readonly language: string | null
  /** Why the site is no living site, in words; null when it is one. */
  readonly problem: string | null
}

const MAX_TEXT = 20_000
const MAX_DESCRIPTION = 300
/** A page with less words in title, description and text together is empty. */
const MIN_WORDS = 5
/** Pages with more words may speak of parked domains, or of what is coming soon, without being that. */
const MAX_PARKED_WORDS = 250
const MAX_UNFINISHED_WORDS = 60

/** Folded phrases of parked domains and of servers nobody has set up. */
const PARKED = [
  'domain is for sale',
  'domain may be for sale',
  'domain name is for sale',
  'buy this domain',
  'purchase this domain',
  'domain is parked',
  'parked free courtesy of',
  'domain has expired',
  'domain has been registered',
  'make an offer on this domain',
  'related searches privacy policy',
  'domaine est a vendre',
  'nom de domaine a vendre',
  'acheter ce domaine',
  'acheter ce nom de domaine',
  'domaine a expire',
  'domaine est reserve',
  'domaine vient d etre enregistre',
  'domaine est en parking',
  'account suspended',
  'compte suspendu',
  'apache2 default page',
  'apache2 ubuntu default page',
  'apache2 debian default page',
  'welcome to nginx',
  'iis windows server',
  'default web site page',
]

/** Folded phrases that living sites use too: they count on a page that says next to nothing else. */
const UNFINISHED = [
  'index of',
  'site en construction',
  'site en cours de construction',
  'site under construction',
  'website is under construction',
  'coming soon',
  'bientot en ligne',
]

/** Title, description (at most 300 characters), main text and problem of a home page. */
export function readHomePage(content: PageContent): HomePage {
  const text = content.text.slice(0, MAX_TEXT).trim()
  return {
    title: shorten(content.title, MAX_DESCRIPTION),
    description: shorten(content.description?.trim() ? content.description : text, MAX_DESCRIPTION),
    text,
    language: content.declaredLanguage,
    problem: findProblem(content, text),
  }
}

function findProblem(content: PageContent, text: string): string | null {
  const words = foldWords(`${content.title} ${content.description ?? ''} ${text}`)
  const count = words === '' ? 0 : words.split(' ').length
  if (count < MIN_WORDS) return 'its home page is empty'
  const signs = [
    ...(count <= MAX_PARKED_WORDS ? PARKED : []),
    ...(count <= MAX_UNFINISHED_WORDS ? UNFINISHED : []),
  ]
  const sign = signs.find((phrase) => ` ${words} `.includes(` ${phrase} `))
  return sign === undefined ? null : `its domain is parked or not in use ("${sign}")`
}

function shorten(text: string, length: number): string {
  const folded = text
    .slice(0, length * 4)
    .replace(/\s+/g, ' ')
    .trim()
  return folded.length > length ? `${folded.slice(0, length - 1).trimEnd()}…` : folded
}
