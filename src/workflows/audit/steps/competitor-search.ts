/** Step 2: searches competitors and stores every candidate with its reason. */
import type { Handler } from '../../../core/workflow.ts'
import type { AuditSettings } from '../settings.ts'
import { readLatestProfile, readUsableDomains, saveCompetitors } from '../store.ts'
import { type AuditInput, domainOf, requireProfile } from './input.ts'
import type { Rooms } from './rooms.ts'

/** Skipped with PROVIDER_NOT_CONFIGURED when there is neither a provider nor a competitor added by hand. */
export function competitorSearch(
  rooms: Pick<Rooms, 'createSearchProvider' | 'findCompetitors'>,
  settings: Pick<AuditSettings, 'search'>,
): Handler<AuditInput> {
  return async (context) => {
    const domain = domainOf(context)
    const { db, outbound, signal } = context
    const profile = requireProfile(await readLatestProfile(db, domain), domain)
    const manual = await readUsableDomains(db, domain, { byHand: true })
    const found = await rooms.findCompetitors({
      provider: rooms.createSearchProvider(settings.search, outbound),
      outbound,
      profile,
      clientDomain: domain,
      manual,
      maxCompetitors: context.input.max_competitors,
      signal,
      onProgress: (done, total) => context.progress({ done, total, unit: 'requests' }),
      onProblem: (message, facts) => context.log.warn(message, facts),
    })
    signal.throwIfAborted()
    await saveCompetitors(db, domain, found)
    const count = (status: string): number => found.filter((one) => one.status === status).length
    return { validated: count('validated'), manual: count('manual'), excluded: count('excluded') }
  }
}
