/** Finds the competitors of a site: asks, merges, excludes, visits, scores. */
import { skip } from '../../../core/outcome.ts'
import type { Outbound } from '../../../core/ports.ts'
import type { Reader } from '../reader.ts'
import type { Competitor, SearchProvider, SiteProfile } from '../types.ts'
import { askQueries, type OnProblem } from './ask.ts'
import { applyVisits, domainsToVisit, enterContenders, termsOf } from './contenders.ts'
import { domainTyped, nameOf, registrableDomain } from './domains.ts'
import { visitHomePages } from './enrich.ts'
import { countryOf, marketOf } from './markets.ts'
import { mergeHits } from './merge.ts'
import { buildQueries } from './queries.ts'
import { selectCompetitors } from './select.ts'

export interface CompetitorSearch {
  /** Null when none is configured: then only the manual ones are listed. */
  readonly provider: SearchProvider | null
  readonly outbound: Outbound
  readonly profile: SiteProfile
  readonly clientDomain: string
  /** Competitors named by a person, at most 100: domains, hosts or URLs. Always kept. */
  readonly manual: readonly string[]
  /** Most competitors kept beside the manual ones; default 20. */
  readonly maxCompetitors?: number
  readonly signal: AbortSignal
  /** Queries asked and home pages visited; `done` never falls, `total` may. */
  readonly onProgress?: (done: number, total: number) => void
  /** Queries, home pages and manual entries that failed without failing the search. */
  readonly onProblem?: OnProblem
  /** Reads the home pages; default `readHere`. */
  readonly reader?: Reader
}

const MAX_QUERIES = 12
const MAX_MANUAL = 100
/** Home pages visited among the found ones, and as many among the manual ones. */
const MAX_VISITS = 20

/**
 * The competitors of `clientDomain`: kept ones (`validated`, at most `maxCompetitors`, and `manual`) by combined
 * score, then at most 100 `excluded` ones; ties by domain. Every one carries its reason and sources. Nothing
 * below the minimum scores is kept: the list may be empty.
 *
 * Ends the job as skipped with PROVIDER_NOT_CONFIGURED when there is neither a provider nor a manual competitor,
 * and with NO_CONTENT when the profile gives nothing to ask for. Throws the last error of the provider when no
 * query was answered, and the reason of `signal`.
 */
export async function findCompetitors(search: CompetitorSearch): Promise<Competitor[]> {
  const { provider, outbound, profile, signal } = search
  const clientDomain = registrableDomain(search.clientDomain) ?? search.clientDomain
  const problem: OnProblem = (message, facts) => search.onProblem?.(message, facts)
  const named = readManual(search.manual, clientDomain, problem)
  const market = marketOf(clientDomain)
  const queries =
    provider === null ? [] : buildQueries(profile, market, MAX_QUERIES, [nameOf(clientDomain), clientDomain])
  if (named.length === 0) refuseNothing(provider, queries)

  const progress = countProgress(queries.length + MAX_VISITS, search.onProgress)
  const options = { language: profile.language, country: countryOf(market), signal }
  const answers =
    provider === null ? [] : await askQueries(provider, queries, options, { problem, asked: progress.step })

  const terms = termsOf(clientDomain, profile)
  const contenders = enterContenders(mergeHits(answers, clientDomain), named, terms)
  const domains = domainsToVisit(contenders.values(), answers.length, MAX_VISITS)
  progress.expect(queries.length + domains.length)
  const visits = await visitHomePages(domains, {
    outbound,
    signal,
    ...(search.reader === undefined ? {} : { reader: search.reader }),
    onVisited: (domain, visit) => {
      progress.step()
      if (!visit.ok)
        problem('a home page could not be read', { domain, code: visit.code, error: visit.message })
    },
  })
  progress.finish()
  return selectCompetitors([...applyVisits(contenders, visits, terms).values()], {
    profile,
    terms,
    answeredQueries: answers.length,
    maxCompetitors: search.maxCompetitors ?? 20,
  })
}

/** Registrable domains of the manual competitors, sorted; unusable entries are told and left out. */
function readManual(manual: readonly string[], clientDomain: string, problem: OnProblem): string[] {
  const named = new Set<string>()
  for (const entry of manual) {
    const domain = domainTyped(entry)
    const facts = { entry: entry.slice(0, 300) }
    if (domain === null) problem('a manual competitor is no domain name', facts)
    else if (domain === clientDomain) problem('a manual competitor is the client itself', facts)
    else if (named.size >= MAX_MANUAL) problem(`more than ${MAX_MANUAL} manual competitors`, facts)
    else named.add(domain)
  }
  return [...named].sort()
}

function refuseNothing(provider: SearchProvider | null, queries: readonly string[]): void {
  if (provider === null) {
    skip('PROVIDER_NOT_CONFIGURED', 'No search provider is configured and no competitor was added by hand.')
  }
  if (queries.length === 0) {
    skip('NO_CONTENT', 'The profile of the site holds no theme and no keyword to search competitors with.')
  }
}

function countProgress(firstTotal: number, report: CompetitorSearch['onProgress']) {
  let done = 0
  let total = firstTotal
  const tell = () => report?.(done, Math.max(done, total))
  return {
    step: () => {
      done += 1
      tell()
    },
    expect: (newTotal: number) => {
      total = newTotal
      tell()
    },
    finish: () => {
      done = Math.max(done, total)
      tell()
    },
  }
}
