/** What the routes read, shared by all who ask for the same at the same time. */
import type { DataThresholds } from '../plan.ts'
import type { DurationHistory, ExecutionView } from '../progress.ts'
import { type DataReading, type DocumentSources, readDataStatus, readDocumentSources } from '../store.ts'
import { AUDIT_WORKFLOW } from '../workflow-name.ts'
import type { AuditRouteDeps } from './deps.ts'

/** Any execution by its id in lower case, of whatever domain and workflow. */
export function readExecution(deps: AuditRouteDeps, executionId: string): Promise<ExecutionView | null> {
  return deps.share(nameOf('execution', executionId), () => deps.readExecution(executionId))
}

/** The newest audit of a domain, ended or not. */
export function readLatest(deps: AuditRouteDeps, domain: string): Promise<ExecutionView | null> {
  return deps.share(nameOf('latest', domain), () => deps.findLatestExecution(AUDIT_WORKFLOW, domain))
}

/** What a domain's audit has to work with, judged by the thresholds. */
export function readData(
  deps: AuditRouteDeps,
  domain: string,
  thresholds: DataThresholds,
): Promise<DataReading> {
  const { minClientArticles, minCompetitorArticles, maxAgeHours } = thresholds
  const name = nameOf('data', domain, minClientArticles, minCompetitorArticles, maxAgeHours)
  return deps.share(name, () => readDataStatus(deps.db, domain, thresholds))
}

/** All that the document of a domain is made from; null without a profile. */
export function readSources(deps: AuditRouteDeps, domain: string): Promise<DocumentSources | null> {
  return deps.share(nameOf('sources', domain), () => readDocumentSources(deps.db, domain))
}

/** How long these steps took before. */
export function readHistory(deps: AuditRouteDeps, steps: readonly string[]): Promise<DurationHistory> {
  return deps.share(nameOf('history', ...steps), () => deps.readDurations(steps))
}

function nameOf(...parts: readonly (string | number | null)[]): string {
  return JSON.stringify(parts)
}
