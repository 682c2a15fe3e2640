/** Step 3: scrapes the client's own articles. */
import type { Handler } from '../../../core/workflow.ts'
import { type AuditInput, domainOf } from './input.ts'
import type { Rooms } from './rooms.ts'
import { scrapeSite } from './scrape-site.ts'

/** Fails with the code of the site when it gives nothing; what was stored before stays. */
export function clientScraping(rooms: Pick<Rooms, 'scrapeArticles'>): Handler<AuditInput> {
  return async (context) => {
    const domain = domainOf(context)
    const report = await scrapeSite(context, rooms, {
      clientDomain: domain,
      domain,
      role: 'client',
      onProgress: (done, total) => context.progress({ done, total, unit: 'articles' }),
    })
    return {
      found: report.found,
      fetched: report.fetched,
      stored: report.stored,
      unchanged: report.unchanged,
      near_duplicates: report.nearDuplicates,
      rejected: report.rejected.length,
    }
  }
}
