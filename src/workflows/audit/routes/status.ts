/** The status of one audit, and whether the caller has it already. */
import { createHash } from 'node:crypto'
import { assembleStatus, type ExecutionView, pollAfterSeconds } from '../progress.ts'
import type { AuditStatusResponse } from '../schema.ts'
import { AUDIT_WORKFLOW } from '../workflow-name.ts'
import type { AuditRouteDeps } from './deps.ts'
import { readData, readExecution, readHistory, readLatest } from './reads.ts'
import { thresholdsOf } from './start.ts'

export type StatusAnswer =
  | { readonly kind: 'unchanged'; readonly headers: Readonly<Record<string, string>> }
  | {
      readonly kind: 'status'
      readonly headers: Readonly<Record<string, string>>
      readonly body: AuditStatusResponse
    }

/** Seconds that the status of an ended audit may be kept by its reader. */
const ENDED_MAX_AGE_SECONDS = 60

/**
 * Reads a status in at most three statements; `unchanged` when `ifNoneMatch` names what would be shown, the clock
 * included. Throws the 404 when there is no such audit of this domain.
 */
export async function answerStatus(
  deps: AuditRouteDeps,
  domain: string,
  executionId: string,
  ifNoneMatch: string | undefined,
): Promise<StatusAnswer> {
  const view = await findAudit(deps, domain, executionId)
  if (view === null) throw deps.problem('NOT_FOUND', `There is no audit "${executionId}" of ${domain}.`)
  const live = view.endTime === null
  const [reading, history] = await Promise.all([
    readData(deps, domain, thresholdsOf({}, deps.settings)),
    live
      ? readHistory(
          deps,
          view.steps.map((step) => step.step),
        )
      : new Map<string, never>(),
  ])
  const body = assembleStatus(view, history, reading.status)
  const headers = {
    ETag: etagOf(view, body),
    'Cache-Control':
      live || executionId === 'latest' ? 'private, no-cache' : `private, max-age=${ENDED_MAX_AGE_SECONDS}`,
    ...(live ? { 'Retry-After': String(pollAfterSeconds(body, view)) } : {}),
  }
  return matchesEtag(ifNoneMatch, headers.ETag)
    ? { kind: 'unchanged', headers }
    : { kind: 'status', headers, body }
}

/** Of all that is shown: progress and estimates go on while the execution's version stays, and so does its data. */
function etagOf(view: ExecutionView, body: AuditStatusResponse): string {
  const shown = createHash('sha256').update(JSON.stringify(body)).digest('base64url').slice(0, 16)
  return `W/"${view.executionId}-${view.version}-${shown}"`
}

async function findAudit(
  deps: AuditRouteDeps,
  domain: string,
  executionId: string,
): Promise<ExecutionView | null> {
  if (executionId === 'latest') return readLatest(deps, domain)
  const view = await readExecution(deps, executionId.toLowerCase())
  // An execution of another domain or workflow is none of this address.
  return view?.subject === domain && view.workflowType === AUDIT_WORKFLOW ? view : null
}

/** Weak comparison of RFC 9110 §8.8.3.2 against a list of tags or `*`. */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  if (header.trim() === '*') return true
  const bare = (tag: string): string => tag.trim().replace(/^W\//, '')
  return header
    .slice(0, 4000)
    .split(',')
    .some((tag) => bare(tag) === bare(etag))
}
