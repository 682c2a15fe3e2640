/**
 * The rooms with everything that computes long in threads: parsing pages, the profile, the trend pipeline. The
 * threads are shared by all audits of a process, start with the first and end some time after the last.
 */
import { availableParallelism } from 'node:os'
import { readerIn } from '../reader.ts'
import { createSearchProvider } from '../search/provider.ts'
import { trimPages } from '../text/page-text.ts'
import { createThreads, type Threads, type ThreadTask } from '../threads.ts'
import type { Rooms } from './rooms.ts'
import type { StageReport } from './trend-task.ts'

/**
 * A core is left to the main loop: on two cores a second reader makes nothing faster, and each loads its parsers
 * and the tables of the language detector, some 100 MiB. A page that needs more memory than this is no page.
 */
const READING = { most: availableParallelism() > 2 ? 2 : 1, heapMaxMb: 512 }
/** The trend pipeline holds 2,000 articles and their vectors. */
const TRENDS = { most: 2, heapMaxMb: 1536 }

const BUILD_PROFILE: ThreadTask = {
  module: new URL('../text/profile.ts', import.meta.url),
  name: 'buildProfile',
  limitSeconds: 300,
  limitCode: 'STEP_TIMEOUT',
}

/** Its limit is that of the step, which ends the thread by the signal; this one is the net below. */
const COMPUTE_TRENDS: ThreadTask = {
  module: new URL('./trend-task.ts', import.meta.url),
  name: 'computeTrends',
  limitSeconds: 3600,
  limitCode: 'STEP_TIMEOUT',
}

/** The real rooms, computing in threads of the kinds given. */
export function threadedRooms(
  threads: { readonly reading: Threads; readonly trends: Threads } = {
    reading: createThreads(READING),
    trends: createThreads(TRENDS),
  },
): Rooms {
  const { reading, trends } = threads
  const reader = readerIn(reading)
  return {
    // Loaded with the first audit: their parsers are some 20 MiB that an idle daemon need not hold.
    crawlSite: async (options) => (await import('../crawl/crawler.ts')).crawlSite({ reader, ...options }),
    buildProfile: (pages, signal) => reading.run(BUILD_PROFILE, trimPages(pages), { signal }),
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
      return trends.run(COMPUTE_TRENDS, question, { signal, onReport })
    },
  }
}
