/** Step 1: crawls the site and stores its profile and pages. */
import type { Handler } from '../../../core/workflow.ts'
import { saveProfile } from '../store.ts'
import { type AuditInput, domainOf, secondsSince } from './input.ts'
import type { Rooms } from './rooms.ts'

/** Fails with the network's code, ROBOTS_DISALLOWED or NO_CONTENT when the site gives nothing to analyse. */
export function editorialAnalysis(rooms: Pick<Rooms, 'crawlSite' | 'buildProfile'>): Handler<AuditInput> {
  return async (context) => {
    const started = performance.now()
    const domain = domainOf(context)
    const { input, outbound, signal, executionId, jobId } = context
    const crawl = await rooms.crawlSite({
      outbound,
      domain,
      signal,
      maxPages: input.max_pages,
      onProgress: (done, total) => context.progress({ done, total, unit: 'pages' }),
    })
    signal.throwIfAborted()
    const profile = await rooms.buildProfile(crawl.pages, signal)
    signal.throwIfAborted()
    const run = { domain, executionId, jobId, durationSeconds: secondsSince(started) }
    const profileId = await saveProfile(context.db, run, profile, crawl.pages)
    return {
      profile_id: profileId,
      pages_crawled: crawl.pages.length,
      pages_analyzed: profile.pagesAnalyzed,
      pages_discovered: crawl.discovered,
      pages_skipped: crawl.skipped.length,
      total_words: profile.totalWords,
      language: profile.language,
      themes: profile.themes.map((theme) => theme.slug),
    }
  }
}
