/** Candidates on their way through the search: who is in, who is out and why. Pure. */
import type { SiteProfile } from '../types.ts'
import type { Visit } from './enrich.ts'
import type { CategoryName } from './exclusions/category.ts'
import { categoriesOf, excludeReason, type Judged } from './exclusions.ts'
import type { HomePage } from './home-page.ts'
import { type Candidate, joinCandidates, namedCandidate } from './merge.ts'
import { relevanceOf } from './score.ts'

export interface Contender {
  readonly candidate: Candidate
  /** True when a person named it: lists and scores do not apply. */
  readonly manual: boolean
  /** Null when its home page was not read. */
  readonly page: HomePage | null
  /** Why it is out, in words; null while it is in. */
  readonly excluded: string | null
  /** More to say about it in its reason, for instance why its home page could not be read. */
  readonly notes: readonly string[]
}

/** What candidates are judged by. */
export interface Terms {
  readonly clientDomain: string
  /** Categories of the client itself, which exclude nobody. */
  readonly spared: ReadonlySet<CategoryName>
}

/** The categories of the client, by its name and themes. */
export function termsOf(clientDomain: string, profile: SiteProfile): Terms {
  const client: Judged = {
    domain: clientDomain,
    hosts: [clientDomain],
    title: profile.themes.map(({ label }) => label).join(' | '),
    snippet: profile.keywords
      .slice(0, 10)
      .map(({ term }) => term)
      .join(' | '),
    documentsOnly: false,
  }
  return { clientDomain, spared: categoriesOf(client) }
}

/** Found and named sites as contenders by domain; found ones judged by the exclusion lists. */
export function enterContenders(
  found: readonly Candidate[],
  named: readonly string[],
  terms: Terms,
): Map<string, Contender> {
  const manual = new Set(named)
  const candidates = new Map(found.map((candidate) => [candidate.domain, candidate]))
  for (const domain of named) {
    if (!candidates.has(domain)) candidates.set(domain, namedCandidate(domain))
  }
  return new Map(
    [...candidates].map(([domain, candidate]) => [domain, enter(candidate, manual.has(domain), terms)]),
  )
}

/** The domains worth a visit: at most `limit` named ones, then the `limit` most relevant of the others. */
export function domainsToVisit(
  contenders: Iterable<Contender>,
  answeredQueries: number,
  limit: number,
): string[] {
  const open = [...contenders]
    .filter(({ excluded }) => excluded === null)
    .map(({ candidate, manual }) => ({
      domain: candidate.domain,
      manual,
      relevance: relevanceOf(candidate.sources, answeredQueries),
    }))
    .sort((a, b) => b.relevance - a.relevance || (a.domain < b.domain ? -1 : 1))
  const first = (manual: boolean) => open.filter((entry) => entry.manual === manual).slice(0, limit)
  return [...first(true), ...first(false)].map(({ domain }) => domain)
}

/**
 * What the visits changed: pages attached, sites that redirect merged into where they lead, parked and empty
 * ones out, and the exclusion lists applied to what the home page says of itself.
 */
export function applyVisits(
  contenders: ReadonlyMap<string, Contender>,
  visits: ReadonlyMap<string, Visit>,
  terms: Terms,
): Map<string, Contender> {
  const result = new Map<string, Contender>()
  for (const [domain, contender] of contenders) result.set(domain, attach(contender, visits.get(domain)))
  for (const domain of [...visits.keys()].sort()) {
    const target = finalDomain(domain, visits)
    if (target !== domain) redirect(result, domain, target, visits.get(domain), terms)
  }
  for (const [domain, contender] of result) result.set(domain, judgeAgain(contender, terms))
  return result
}

function enter(candidate: Candidate, manual: boolean, terms: Terms): Contender {
  const excluded = manual ? null : excludeReason(candidate, terms.spared)
  return { candidate, manual, page: null, excluded, notes: [] }
}

function attach(contender: Contender, visit: Visit | undefined): Contender {
  if (visit === undefined) return contender
  if (!visit.ok) {
    return { ...contender, notes: [...contender.notes, `its home page could not be read: ${visit.message}`] }
  }
  return visit.answeredBy === contender.candidate.domain ? { ...contender, page: visit.page } : contender
}

/** Where redirects end; two sites that redirect to each other count as the first by name. */
function finalDomain(domain: string, visits: ReadonlyMap<string, Visit>): string {
  const seen = [domain]
  for (;;) {
    const visit = visits.get(seen.at(-1) ?? domain)
    const next = visit?.ok === true ? visit.answeredBy : undefined
    if (next === undefined || next === seen.at(-1)) return seen.at(-1) ?? domain
    if (seen.includes(next)) return seen.slice(seen.indexOf(next)).sort()[0] ?? domain
    seen.push(next)
  }
}

function redirect(
  contenders: Map<string, Contender>,
  from: string,
  to: string,
  visit: Visit | undefined,
  terms: Terms,
): void {
  const source = contenders.get(from)
  if (source === undefined || visit?.ok !== true) return
  if (to === terms.clientDomain) {
    contenders.set(from, { ...source, excluded: "Excluded: redirects to the client's own site" })
    return
  }
  const known = contenders.get(to)
  const target = known ?? enter(namedCandidate(to), source.manual, terms)
  const reason = known === undefined ? excludeReason(target.candidate, terms.spared) : known.excluded
  if (reason !== null) {
    if (source.manual) contenders.set(from, { ...source, notes: [...source.notes, `it redirects to ${to}`] })
    else contenders.set(from, { ...source, excluded: `Excluded: redirects to ${to} (${lowerFirst(reason)})` })
    return
  }
  contenders.set(to, {
    candidate: joinCandidates(source.candidate, target.candidate),
    manual: target.manual || source.manual,
    page: target.page ?? visit.page,
    excluded: null,
    notes: [...target.notes, `${from} redirects to it`],
  })
  contenders.set(from, { ...source, excluded: `Excluded: redirects to ${to}, which is listed in its place` })
}

function judgeAgain(contender: Contender, terms: Terms): Contender {
  const { candidate, page, excluded, manual, notes } = contender
  if (page === null || excluded !== null) return contender
  if (manual) return page.problem === null ? contender : { ...contender, notes: [...notes, page.problem] }
  if (page.problem !== null) return { ...contender, excluded: `Excluded: ${page.problem}` }
  // Only its own words: what a hit said was judged before, and would count twice.
  const own: Judged = { ...candidate, title: page.title, snippet: page.description, documentsOnly: false }
  return { ...contender, excluded: excludeReason(own, terms.spared) }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
