/** Who is never a competitor: known sites by list, unknown ones by what their names and texts give away. Pure. */
import { nameOf } from './domains.ts'
import { BUSINESS_SALES } from './exclusions/business-sales.ts'
import type { Category, CategoryName } from './exclusions/category.ts'
import { CODE_HOSTS } from './exclusions/code-hosts.ts'
import { COMPARISONS } from './exclusions/comparisons.ts'
import { DIRECTORIES } from './exclusions/directories.ts'
import { JOB_BOARDS } from './exclusions/job-boards.ts'
import { MARKETPLACES } from './exclusions/marketplaces.ts'
import { MEDIA } from './exclusions/media.ts'
import { PARKING } from './exclusions/parking.ts'
import { PLATFORMS } from './exclusions/platforms.ts'
import { PUBLIC_SERVICES } from './exclusions/public-services.ts'
import { REFERENCES } from './exclusions/references.ts'
import { SEO_TOOLS } from './exclusions/seo-tools.ts'
import { SOCIAL_NETWORKS } from './exclusions/social-networks.ts'
import { UNIVERSITIES } from './exclusions/universities.ts'
import { foldWords } from './folding.ts'
import type { Candidate } from './merge.ts'

/** What a judgement looks at. */
export type Judged = Pick<Candidate, 'domain' | 'hosts' | 'title' | 'snippet' | 'documentsOnly'>

/** Every list, in the order in which they are tried. */
export const CATEGORIES: readonly Category[] = [
  PARKING,
  SOCIAL_NETWORKS,
  CODE_HOSTS,
  PLATFORMS,
  REFERENCES,
  PUBLIC_SERVICES,
  UNIVERSITIES,
  BUSINESS_SALES,
  JOB_BOARDS,
  DIRECTORIES,
  COMPARISONS,
  SEO_TOOLS,
  MARKETPLACES,
  MEDIA,
]

interface CategoryEvidence {
  readonly category: Category
  readonly listed: boolean
  readonly hostParts: readonly string[]
  readonly keywords: readonly string[]
}

const NONE: ReadonlySet<CategoryName> = new Set()

/**
 * Why a candidate is no competitor, in words; null when nothing speaks against it. A site is out when a list
 * names it, or when a category finds two of its parts in the host name, or one and one of its keywords in title
 * and snippet, or three keywords (media: 2, or 1 and 2, or 4).
 *
 * `spared` holds the categories of the client itself: for a newspaper other newspapers are competitors.
 */
export function excludeReason(candidate: Judged, spared: ReadonlySet<CategoryName> = NONE): string | null {
  if (candidate.documentsOnly) return 'Excluded: only documents were found, no page'
  const caught = evidenceOf(candidate, spared).find(isCaught)
  return caught === undefined ? null : sentence(caught)
}

/** The categories that a site belongs to, or may: what is caught, and what {@link suspicionPenalty} suspects. */
export function categoriesOf(site: Judged): ReadonlySet<CategoryName> {
  return new Set(
    evidenceOf(site, NONE)
      .filter((evidence) => isCaught(evidence) || isSuspected(evidence))
      .map(({ category }) => category.name),
  )
}

/**
 * What a suspicion costs a candidate that no rule caught: the highest penalty, 0..1, of the categories with one
 * host part or two keywords (.3 public service, directory, university; .4 sale of businesses), else 0.
 */
export function suspicionPenalty(candidate: Judged, spared: ReadonlySet<CategoryName> = NONE): number {
  const suspected = evidenceOf(candidate, spared).filter(
    (evidence) => isCaught(evidence) || isSuspected(evidence),
  )
  return Math.max(0, ...suspected.map(({ category }) => category.penalty))
}

function isSuspected({ hostParts, keywords }: CategoryEvidence): boolean {
  return hostParts.length >= 1 || keywords.length >= 2
}

function evidenceOf(site: Judged, spared: ReadonlySet<CategoryName>): CategoryEvidence[] {
  const text = ` ${foldWords(`${site.title} ${site.snippet}`)} `
  return CATEGORIES.filter(({ name }) => !spared.has(name)).map((category) => ({
    category,
    listed: isListed(category, site),
    hostParts: category.hostParts.filter((part) => isNamed(site, (name) => `.${name}.`.includes(part))),
    keywords: keywordsIn(text, category.keywords),
  }))
}

function isCaught({ category, listed, hostParts, keywords }: CategoryEvidence): boolean {
  const { withHost, alone } = category.keywordsNeeded
  if (listed || hostParts.length >= 2) return true
  return (hostParts.length === 1 && keywords.length >= withHost) || keywords.length >= alone
}

function isListed(category: Category, site: Judged): boolean {
  const { endings, brands } = indexOf(category)
  return (
    brands.has(nameOf(site.domain)) ||
    isNamed(site, (name) => endingsOf(name).some((end) => endings.has(end)))
  )
}

/** True of the domain, or of every host: the careers sub-domain of a company makes no job board of it. */
function isNamed(site: Judged, holds: (name: string) => boolean): boolean {
  return holds(site.domain) || (site.hosts.length > 0 && site.hosts.every(holds))
}

interface ListIndex {
  /** Domains and suffixes. */
  readonly endings: ReadonlySet<string>
  readonly brands: ReadonlySet<string>
}

const INDEXES: ReadonlyMap<CategoryName, ListIndex> = new Map(
  CATEGORIES.map(({ name, domains, suffixes }) => [
    name,
    {
      endings: new Set([...suffixes, ...domains.filter((domain) => !domain.endsWith('.*'))]),
      brands: new Set(domains.filter((domain) => domain.endsWith('.*')).map((domain) => domain.slice(0, -2))),
    },
  ]),
)

function indexOf(category: Category): ListIndex {
  const index = INDEXES.get(category.name)
  if (index === undefined) throw new RangeError(`no list named ${category.name}`)
  return index
}

/** `a.b.c` gives `a.b.c`, `b.c`, `c`. */
function endingsOf(name: string): string[] {
  const labels = name.split('.')
  return labels.map((_, index) => labels.slice(index).join('.'))
}

/** Keywords found in a folded text, long ones first so that their words count once. */
function keywordsIn(text: string, keywords: readonly string[]): string[] {
  let rest = text
  const found: string[] = []
  for (const keyword of [...keywords].sort((a, b) => b.length - a.length || (a < b ? -1 : 1))) {
    const form = ['', 's', 'x'].map((plural) => ` ${keyword}${plural} `).find((word) => rest.includes(word))
    if (form === undefined) continue
    found.push(keyword)
    rest = rest.replaceAll(form, ' | ')
  }
  return found
}

function sentence({ category, listed, hostParts, keywords }: CategoryEvidence): string {
  if (listed) return `Excluded: known ${category.label}`
  const signs = [
    ...hostParts.map((part) => `"${part}" in its name`),
    ...keywords.map((word) => `"${word}" in its texts`),
  ]
  return `Excluded: looks like a ${category.label} (${signs.slice(0, 5).join(', ')})`
}
