/** What is said about an audit beside its summary. Pure. */
import type { AuditStatusResponse, SiteAuditResponse } from '../workflows/audit/schema.ts'
import { Failure } from './faults.ts'
import { clean } from './layout.ts'

/** How to go on with a run that was left. */
export function interruptedLines(domain: string, executionId: string | null, command: string): string[] {
  if (executionId === null) return ['Stopped before the audit was asked for.']
  return [
    `Stopped. The audit of ${domain} stays in the database as execution ${executionId}; nothing that was done is lost.`,
    `"${command}" or "npm start" goes on with it; with npm start its status is at /api/v1/sites/${domain}/audit/status/${executionId}.`,
  ]
}

/** The {@link Failure} for a run that failed or was cancelled, with what can be done about it. */
export function endedBadly(status: AuditStatusResponse): Failure {
  const first = status.failed_workflow_details[0]
  const how = status.overall_status === 'cancelled' ? 'was cancelled' : status.overall_status
  const why = clean(first?.error ?? status.error_message ?? 'no reason was recorded').replace(/\.$/, '')
  const advice = first === undefined ? '' : ` ${clean(first.suggested_action)}`
  return new Failure(`the audit of ${status.domain} ${how}: ${why}.${advice}`)
}

/** What to know about an audit beside its document. */
export function warnings(document: SiteAuditResponse, audited: boolean, command: string): string[] {
  const stored = audited ? [] : [`This audit was stored before; "${command} --refresh" audits again.`]
  return document.partial
    ? [
        ...stored,
        'Warning: the audit is partial. What is missing, and why, is said in the issues of the document.',
      ]
    : stored
}
