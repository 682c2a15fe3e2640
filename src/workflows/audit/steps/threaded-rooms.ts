/** The rooms with everything that computes long in threads: parsing pages, the profile, the trend pipeline. */
import type { Compute, ThreadTask } from '../../../core/ports.ts'
import { readerIn } from '../reader.ts'
import { createSearchProvider } from '../search/provider.ts'
import { trimPages } from '../text/page-text.ts'
import { READING, TRENDS } from '../thread-pools.ts'
import type { Rooms } from './rooms.ts'
import type { StageReport } from './trend-task.ts'

const BUILD_PROFILE: ThreadTask = {
  module: new URL('../text/profile.ts', import.meta.url),
  name: 'buildProfile',
  limitSeconds: 300,
  limitCode: 'STEP_TIMEOUT',
  pool: READING,
}

/** Its limit is that of the step, which ends the thread by the signal; this one is the net below. */
const COMPUTE_TRENDS: ThreadTask = {
  module: new URL('./trend-task.ts', import.meta.url),
  name: 'computeTrends',
  limitSeconds: 3600,
  limitCode: 'STEP_TIMEOUT',
  pool: TRENDS,
}

/** The real rooms. */
export function threadedRooms(compute: Compute): Rooms {
  const reader = readerIn(compute)
  return {
    // Loaded with the first audit: their parsers are some 20 MiB that an idle daemon need not hold.
    crawlSite: async (options) => (await import('../crawl/crawler.ts')).crawlSite({ reader, ...options }),
    buildProfile: (pages, signal) => compute.run(BUILD_PROFILE, trimPages(pages), { signal }),
    createSearchProvider,
    findCompetitors: async (search) =>
      (await import('../search/competitors.ts')).findCompetitors({ reader, ...search }),
    scrapeArticles: async (options) =>
      (await import('../crawl/articles.ts')).scrapeArticles({ reader, ...options }),
    runTrends: (question, { signal, onStage }) => {
      const onReport = (report: unknown): void => {
        const { stage, done, total } = report as StageReport
        onStage(stage, done, total)
      }
      return compute.run(COMPUTE_TRENDS, question, { signal, onReport })
    },
  }
}
