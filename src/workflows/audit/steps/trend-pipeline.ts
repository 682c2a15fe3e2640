/** Step 5: finds topics and how they move, what is missing and what to write, and stores the run whole. */
import type { Handler } from '../../../core/workflow.ts'
import { readAsOf, readLatestProfile, readTrendArticles, readUsableDomains, saveTrendRun } from '../store.ts'
import { type AuditInput, domainOf, requireProfile, secondsSince } from './input.ts'
import type { Rooms } from './rooms.ts'

const DAY_MS = 86_400_000
const STAGES = ['clustering', 'temporal', 'synthesis', 'gap'] as const

/** Fails with INSUFFICIENT_ARTICLES when there is too little to cluster. */
export function trendPipeline(rooms: Pick<Rooms, 'runTrends'>): Handler<AuditInput> {
  return async (context) => {
    const started = performance.now()
    const domain = domainOf(context)
    const { db, input, signal, executionId, jobId } = context
    const profile = requireProfile(await readLatestProfile(db, domain), domain)
    const asOf = await readAsOf(db, domain, jobId)
    // Twice the window: the rate in a window is compared with the one before it.
    const since = new Date(asOf.getTime() - 2 * input.time_window_days * DAY_MS)
    const result = await rooms.runTrends(
      {
        articles: await readTrendArticles(db, domain, since),
        competitorDomains: await readUsableDomains(db, domain, { byHand: false }),
        clientDomain: domain,
        themes: profile.themes.map(({ slug, label, keywords }) => ({ slug, label, keywords })),
        asOf,
        timeWindowDays: input.time_window_days,
        skipSynthesis: input.skip_llm,
        skipGapAnalysis: input.skip_gap_analysis,
      },
      {
        signal,
        onStage: (stage, done, total) => {
          const part = total === 0 ? 1 : Math.min(1, done / total)
          const at = STAGES.indexOf(stage) + part
          context.progress({
            done: Math.round(at * 100) / 100,
            total: STAGES.length,
            unit: 'stages',
            message: stage,
          })
        },
      },
    )
    signal.throwIfAborted()
    const run = { clientDomain: domain, executionId, jobId, durationSeconds: secondsSince(started) }
    const runId = await saveTrendRun(db, run, result)
    return {
      trend_run_id: runId,
      as_of: result.asOf,
      stages: { ...result.stages },
      counts: { ...result.counts },
    }
  }
}
