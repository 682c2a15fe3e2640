/** The site audit: five steps from a domain to a roadmap. */
import { minutes } from '../../core/duration.ts'
import { codeOf, messageOf, RowbeatError } from '../../core/errors.ts'
import { SkipSignal, SnoozeSignal } from '../../core/outcome.ts'
import type { Compute } from '../../core/ports.ts'
import { defineWorkflow, type Handler, step, type WorkflowDefinition } from '../../core/workflow.ts'
import { STEP_TITLES } from './plan.ts'
import type { AuditSettings } from './settings.ts'
import { clientScraping } from './steps/client-scraping.ts'
import { competitorSearch } from './steps/competitor-search.ts'
import { editorialAnalysis } from './steps/editorial-analysis.ts'
import { enhancedScraping } from './steps/enhanced-scraping.ts'
import { AuditInput } from './steps/input.ts'
import type { Rooms } from './steps/rooms.ts'
import { threadedRooms } from './steps/threaded-rooms.ts'
import { trendPipeline } from './steps/trend-pipeline.ts'
import { AUDIT_WORKFLOW } from './workflow-name.ts'

/** The workflow as configured. `roomsOf` replaces the real crawler, search and pipeline in tests. */
export function auditWorkflow(
  settings: AuditSettings,
  roomsOf: (compute: Compute) => Rooms = threadedRooms,
): WorkflowDefinition<AuditInput> {
  const { retry } = settings
  const inRooms =
    (run: (rooms: Rooms) => Handler<AuditInput>): Handler<AuditInput> =>
    async (context) => {
      try {
        return await run(roomsOf(context.compute))(context)
      } catch (error) {
        throw ownFault(error)
      }
    }
  return defineWorkflow({
    name: AUDIT_WORKFLOW,
    input: AuditInput,
    subject: (input) => input.domain,
    maxDuration: settings.maxDurationSeconds,
    steps: {
      editorial_analysis: step({
        title: STEP_TITLES.editorial_analysis,
        critical: true,
        timeout: minutes(10),
        estimate: minutes(10),
        retry,
        run: inRooms(editorialAnalysis),
      }),
      competitor_search: step({
        title: STEP_TITLES.competitor_search,
        after: ['editorial_analysis'],
        timeout: minutes(5),
        estimate: minutes(5),
        retry,
        run: inRooms((rooms) => competitorSearch(rooms, settings)),
      }),
      client_scraping: step({
        title: STEP_TITLES.client_scraping,
        after: ['editorial_analysis'],
        timeout: minutes(10),
        estimate: minutes(3),
        retry,
        run: inRooms(clientScraping),
      }),
      enhanced_scraping: step({
        title: STEP_TITLES.enhanced_scraping,
        needs: ['competitor_search'],
        timeout: minutes(20),
        estimate: minutes(10),
        retry,
        run: inRooms(enhancedScraping),
      }),
      trend_pipeline: step({
        title: STEP_TITLES.trend_pipeline,
        after: ['client_scraping', 'enhanced_scraping'],
        timeout: minutes(20),
        estimate: minutes(20),
        retry,
        run: inRooms(trendPipeline),
      }),
    },
  })
}

/** What our own steps throw without a code is a fault of ours, which another try does not mend. */
function ownFault(error: unknown): unknown {
  if (error instanceof RowbeatError || error instanceof SkipSignal || error instanceof SnoozeSignal)
    return error
  return new RowbeatError(codeOf(error), messageOf(error), { cause: error })
}
