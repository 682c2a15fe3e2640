/** Reading an audit, or starting it when something is missing. */

import type { ExecutionStatus } from '../../../core/states.ts'
import { assembleDocument, type DocumentOptions } from '../document.ts'
import {
  AUDIT_STEPS,
  type AuditStep,
  type DataStatus,
  type DataThresholds,
  type Decision,
  decide,
  neededSteps,
  stepTitle,
} from '../plan.ts'
import {
  assembleStatus,
  type DurationHistory,
  type ExecutionView,
  pollAfterSeconds,
  workflowSteps,
} from '../progress.ts'
import type {
  AuditQuery,
  PendingAuditResponse,
  SiteAuditResponse,
  StartAuditBody,
  WorkflowStep,
} from '../schema.ts'
import type { AuditSettings } from '../settings.ts'
import { AUDIT_WORKFLOW } from '../workflow-name.ts'
import { admission, requireRight, type StartRight } from './admission.ts'
import type { AuditRouteDeps, StartDoor } from './deps.ts'
import { readData, readExecution, readHistory, readLatest, readSources } from './reads.ts'

/** Seconds after which a caller looks again at an audit that has just been started. */
const FIRST_LOOK_SECONDS = 2

export interface PendingAnswer {
  readonly created: boolean
  readonly body: PendingAuditResponse
  readonly headers: { readonly Location: string; readonly 'Retry-After': string }
}

export type AuditAnswer =
  | { readonly kind: 'document'; readonly body: SiteAuditResponse }
  | { readonly kind: 'pending'; readonly answer: PendingAnswer }

/** The thresholds of a query, with the settings for what it leaves out. */
export function thresholdsOf(
  query: Pick<AuditQuery, 'min_client_articles' | 'min_competitor_articles' | 'max_age_hours'>,
  settings: AuditSettings,
): DataThresholds {
  return {
    minClientArticles: query.min_client_articles ?? settings.minClientArticles,
    minCompetitorArticles: query.min_competitor_articles ?? settings.minCompetitorArticles,
    maxAgeHours: query.max_age_hours ?? null,
  }
}

/** Answers a GET: the document, the live audit, or a new one; without the `right` to start one its problem is thrown. */
export async function answerAudit(
  deps: AuditRouteDeps,
  domain: string,
  query: AuditQuery,
  requestId: string | null,
  right: StartRight = 'allowed',
): Promise<AuditAnswer> {
  const thresholds = thresholdsOf(query, deps.settings)
  // One after the other: a run that ends between the two reads must not look ended while its data looks missing.
  const latest = await readLatest(deps, domain)
  const reading = await readData(deps, domain, thresholds)
  const decision = decide({
    status: reading.status,
    refresh: query.refresh && right !== 'head',
    latest: latest === null ? null : latestOf(latest),
    // Runs of one site follow each other: when the newest is live or nothing is to start, those before do not matter.
    earlier:
      latest?.endTime == null || (!query.refresh && neededSteps(reading.status).length === 0)
        ? []
        : await deps.findRecentRuns(AUDIT_WORKFLOW, domain, deps.settings.freshSeconds),
    now: reading.now,
    freshSeconds: deps.settings.freshSeconds,
  })
  const stored = async (): Promise<AuditAnswer | null> => {
    const sources = await readSources(deps, domain)
    if (sources === null) return null
    const { now, status: dataStatus } = reading
    const moment = { domain, dataStatus, latest, now, freshSeconds: deps.settings.freshSeconds }
    return { kind: 'document', body: assembleDocument(sources, optionsOf(query, thresholds), moment) }
  }
  const ignored = query.refresh ? ['refresh'] : []
  const startAll = async (steps: readonly AuditStep[]): Promise<AuditAnswer> => {
    requireRight(deps, domain, right)
    return pending(await start(deps, domain, steps, reading.status, requestId, ignored))
  }
  switch (decision.kind) {
    case 'answer':
      // The profile can be gone by now (a retention job, a hand): then the analysis is simply missing.
      return (await stored()) ?? (await startAll(AUDIT_STEPS))
    case 'running': {
      const found = await joined(deps, latest)
      return pending(describe({ domain, ...decision, ...found, status: reading.status, ignored }))
    }
    case 'start':
      return startAll(decision.steps)
    case 'rest': {
      // What succeeded a moment ago is as young as it gets, whatever age was asked for.
      const succeeded = decision.status === 'completed' || decision.status === 'partial'
      const document = succeeded ? await stored() : null
      if (document === null) throw restProblem(deps, domain, latest, decision)
      return document
    }
  }
}

/** A POST that is read and checked, and only has to create. */
export type PreparedStart = (within: StartDoor) => Promise<PendingAnswer>

/** Reads what a POST needs to know, and gives back how to start: a new audit, or the one that runs. */
export async function prepareStart(
  deps: AuditRouteDeps,
  domain: string,
  body: StartAuditBody,
  requestId: string | null,
): Promise<PreparedStart> {
  const [{ status }, history] = await Promise.all([
    readData(deps, domain, thresholdsOf({}, deps.settings)),
    readHistory(deps, AUDIT_STEPS),
  ])
  await requireAddress(deps, domain)
  const missing = neededSteps(status)
  // An explicit start with nothing missing means: look again at everything.
  const wanted = body.steps ?? (body.force === true || missing.length === 0 ? AUDIT_STEPS : missing)
  const steps = [...new Set(wanted)]
  return async (within) => {
    const { executionId, created } = await within.createExecution(
      AUDIT_WORKFLOW,
      { domain },
      { steps, requestId, admit: admission(deps, domain) },
    )
    const view = created ? null : await within.readExecution(executionId)
    const ignored = created ? [] : Object.keys(body).sort()
    return describe({ domain, executionId, steps, view, history, status, ignored })
  }
}

async function start(
  deps: AuditRouteDeps,
  domain: string,
  steps: readonly string[],
  status: DataStatus,
  requestId: string | null,
  ignored: readonly string[],
): Promise<PendingAnswer> {
  await requireAddress(deps, domain)
  const { executionId, created } = await deps.createExecution(
    AUDIT_WORKFLOW,
    { domain },
    { steps, requestId, admit: admission(deps, domain) },
  )
  const { view, history } = await joined(deps, created ? null : await readExecution(deps, executionId))
  return describe({ domain, executionId, steps, view, history, status, ignored: created ? [] : ignored })
}

/** An execution that was there already, with what is known of how long its steps take. */
async function joined(
  deps: AuditRouteDeps,
  view: ExecutionView | null,
): Promise<Pick<Parameters<typeof describe>[0], 'view' | 'history'>> {
  return { view, history: view === null ? new Map() : await readHistory(deps, AUDIT_STEPS) }
}

/** `view` is an execution that was there already; without it one was created, with the steps asked for. */
function describe(given: {
  readonly domain: string
  readonly executionId: string
  readonly steps: readonly string[]
  readonly view: ExecutionView | null
  readonly history: DurationHistory
  readonly status: DataStatus
  /** What was asked for and came to nothing, because the audit was joined. */
  readonly ignored?: readonly string[]
}): PendingAnswer {
  const { domain, executionId, view, history, status, ignored = [] } = given
  const created = view === null
  const joined = `An audit of ${domain} is already running${ignored.length === 0 ? '' : `; ${ignored.join(' and ')} had no effect on it`}.`
  const statusUrl = statusUrlOf(domain, executionId)
  const lookAfter = created
    ? FIRST_LOOK_SECONDS
    : pollAfterSeconds(assembleStatus(view, history, status), view)
  return {
    created,
    body: {
      status: 'pending',
      execution_id: executionId,
      message: created ? `The audit of ${domain} was started.` : joined,
      workflow_steps: view === null ? plannedSteps(given.steps, executionId) : workflowSteps(view),
      data_status: { ...status },
      ignored: [...ignored],
      status_url: statusUrl,
    },
    headers: { Location: statusUrl, 'Retry-After': String(lookAfter) },
  }
}

async function requireAddress(deps: AuditRouteDeps, domain: string): Promise<void> {
  if (!deps.settings.validateDomainDns || deps.resolves === undefined || deps.outbound.isMapped(domain))
    return
  if (await deps.resolves(domain)) return
  throw deps.problem('DOMAIN_UNRESOLVABLE', `${domain} has no address in the DNS: check its spelling.`)
}

function restProblem(
  deps: AuditRouteDeps,
  domain: string,
  latest: ExecutionView | null,
  rest: Extract<Decision, { kind: 'rest' }>,
): Error {
  const seconds = rest.retryAfterSeconds
  const message = latest?.executionId === rest.executionId ? latest.errorMessage : null
  const ends: Partial<Record<ExecutionStatus, string>> = {
    cancelled: 'was cancelled',
    failed: `has just failed${message === null ? '' : ` (${message})`}`,
  }
  const what = ends[rest.status] ?? 'has just ended, and there is no profile'
  const where = ` See ${statusUrlOf(domain, rest.executionId)}.`
  return deps.problem(
    'AUDIT_RESTING',
    `The audit of ${domain} ${what}. It can be asked for again in ${seconds} s; POST starts it at once.${where}`,
    { headers: { 'Retry-After': String(seconds) } },
  )
}

function plannedSteps(steps: readonly string[], executionId: string): WorkflowStep[] {
  return AUDIT_STEPS.filter((step) => steps.includes(step)).map((step, at) => ({
    step: at + 1,
    name: stepTitle(step),
    workflow_type: step,
    status: 'pending',
    execution_id: executionId,
  }))
}

function optionsOf(query: AuditQuery, thresholds: DataThresholds): DocumentOptions {
  return {
    includeTopics: query.include_topics,
    includeTrending: query.include_trending,
    includeAnalyses: query.include_analyses,
    includeTemporal: query.include_temporal,
    includeOpportunities: query.include_opportunities,
    topicsLimit: query.topics_limit ?? 10,
    trendingLimit: query.trending_limit ?? 15,
    minClientArticles: thresholds.minClientArticles,
  }
}

function latestOf(view: ExecutionView) {
  return {
    executionId: view.executionId,
    status: view.status,
    endedAt: view.endTime?.getTime() ?? null,
    steps: view.steps.map((step) => step.step),
  }
}

function pending(answer: PendingAnswer): AuditAnswer {
  return { kind: 'pending', answer }
}

function statusUrlOf(domain: string, executionId: string): string {
  return `/api/v1/sites/${domain}/audit/status/${executionId}`
}
