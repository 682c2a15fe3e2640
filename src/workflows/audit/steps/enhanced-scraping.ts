/** Step 4: scrapes the articles of every validated or manual competitor. */
import { type ErrorCode, RowbeatError } from '../../../core/errors.ts'
import { skip } from '../../../core/outcome.ts'
import type { Handler, JsonValue } from '../../../core/workflow.ts'
import { readScrapedBy, readUsableDomains } from '../store.ts'
import { type AuditContext, type AuditInput, domainOf } from './input.ts'
import type { Rooms } from './rooms.ts'
import { scrapeSite } from './scrape-site.ts'

/** Sites scraped at the same time; each keeps its own pace. */
const SITES_AT_ONCE = 3

type SiteOutcome = {
  readonly domain: string
  readonly stored: number
  readonly unchanged: number
  readonly problem: { readonly code: ErrorCode; readonly message: string } | null
}

/**
 * A site that gives nothing is recorded and does not fail the step unless all do. A retried step goes on with the
 * sites that its earlier attempts did not finish. Skipped when there is no competitor to scrape.
 */
export function enhancedScraping(rooms: Pick<Rooms, 'scrapeArticles'>): Handler<AuditInput> {
  return async (context) => {
    const clientDomain = domainOf(context)
    const domains = await readUsableDomains(context.db, clientDomain, { byHand: false })
    if (domains.length === 0)
      skip('DEPENDENCY_NOT_COMPLETED', 'There is no validated or manual competitor to scrape.')
    const finished = await readScrapedBy(context.db, clientDomain, context.jobId)
    const open = domains.filter((domain) => !finished.has(domain))
    const outcomes = await scrapeAll(context, rooms, { clientDomain, open, total: domains.length })
    refuseWhenAllFailed(outcomes, domains.length)
    return summarise(outcomes, domains)
  }
}

async function scrapeAll(
  context: AuditContext,
  rooms: Pick<Rooms, 'scrapeArticles'>,
  work: { readonly clientDomain: string; readonly open: readonly string[]; readonly total: number },
): Promise<SiteOutcome[]> {
  const queue = [...work.open]
  const outcomes: SiteOutcome[] = []
  const report = (): void => {
    const done = work.total - work.open.length + outcomes.length
    context.progress({ done, total: work.total, unit: 'sites' })
  }
  const lane = async (): Promise<void> => {
    try {
      for (let domain = queue.shift(); domain !== undefined; domain = queue.shift()) {
        context.signal.throwIfAborted()
        outcomes.push(await scrapeOne(context, rooms, work.clientDomain, domain))
        report()
      }
    } finally {
      // A lane that breaks off takes the rest of the work with it.
      queue.length = 0
    }
  }
  report()
  const lanes = await Promise.allSettled(Array.from({ length: SITES_AT_ONCE }, lane))
  for (const one of lanes) if (one.status === 'rejected') throw one.reason
  return outcomes.sort((a, b) => (a.domain < b.domain ? -1 : 1))
}

async function scrapeOne(
  context: AuditContext,
  rooms: Pick<Rooms, 'scrapeArticles'>,
  clientDomain: string,
  domain: string,
): Promise<SiteOutcome> {
  try {
    const { stored, unchanged } = await scrapeSite(context, rooms, {
      clientDomain,
      domain,
      role: 'competitor',
    })
    return { domain, stored, unchanged, problem: null }
  } catch (error) {
    if (!(error instanceof RowbeatError) || context.signal.aborted) throw error
    context.log.warn('a competitor gave no article', { domain, code: error.code, reason: error.message })
    return { domain, stored: 0, unchanged: 0, problem: { code: error.code, message: error.message } }
  }
}

function refuseWhenAllFailed(outcomes: readonly SiteOutcome[], total: number): void {
  const failed = outcomes.flatMap((one) => one.problem ?? [])
  const [first] = failed
  if (first === undefined || failed.length < total) return
  throw new RowbeatError(
    first.code,
    `none of ${total} competitors gave an article; the first: ${first.message}`,
  )
}

function summarise(outcomes: readonly SiteOutcome[], domains: readonly string[]): JsonValue {
  const failed = outcomes.filter((one) => one.problem !== null)
  return {
    sites: domains.length,
    sites_scraped: domains.length - failed.length,
    stored: outcomes.reduce((sum, one) => sum + one.stored, 0),
    unchanged: outcomes.reduce((sum, one) => sum + one.unchanged, 0),
    sites_failed: failed.map((one) => ({ domain: one.domain, code: one.problem?.code ?? null })),
  }
}
